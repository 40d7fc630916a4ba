// A network of the test's own, the same on every machine: `lo`, one address that is not loopback,
// and a default route. Firefox gathers no candidates without a route, and connects to no peer that
// has loopback addresses only.
import { spawnSync } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { fileURLToPath } from 'node:url';

/** The host's address in its own network. */
export const OWN_ADDRESS = '10.99.0.1';

const MARK = 'SFU_TEST_NETWORK';

/**
 * Runs the test file again in a network namespace of its own, and ends with its exit code. Where
 * namespaces are not allowed, the file goes on where it is, provided that the host has an address.
 *
 * Call it before anything else is done: what came before is done in both.
 *
 * @param {string} url   the test file's `import.meta.url`
 */
export function enterOwnNetwork(url) {
  if (process.env[MARK] === 'own') {
    return;
  }
  const enter = waysIn().find((way) => run([...way, 'true']) === 0);
  if (enter === undefined) {
    addressOfHost();
    console.error('no network namespaces here: the test runs in the network of the host');
    return;
  }
  const script = [
    'set -e',
    'ip link set lo up',
    `ip address add ${OWN_ADDRESS}/32 dev lo`,
    `ip route add default dev lo src ${OWN_ADDRESS}`,
    'exec "$@"',
  ].join('\n');
  const again = [process.execPath, ...process.execArgv, fileURLToPath(url)];
  // Everything is inherited: what the inner run reports is the report of this one.
  const ended = spawnSync(enter[0] ?? '', [...enter.slice(1), 'sh', '-c', script, 'sh', ...again], {
    stdio: 'inherit',
    env: { ...process.env, [MARK]: 'own' },
  });
  process.exit(ended.status ?? 1);
}

/** Whether the test has a network of its own, and may change it. */
export function isInOwnNetwork() {
  return process.env[MARK] === 'own';
}

/** As root, or else as root of a user namespace. */
function waysIn() {
  return [
    ['unshare', '--net'],
    ['unshare', '--user', '--map-root-user', '--net'],
  ];
}

/** @param {string[]} command */
function run([program = '', ...args]) {
  return spawnSync(program, args, { stdio: 'ignore' }).status;
}

/** An address that is not loopback's. */
export function addressOfHost() {
  const addresses = Object.values(networkInterfaces()).flat();
  const found = isInOwnNetwork()
    ? OWN_ADDRESS
    : addresses.find((one) => one?.internal === false && one.family === 'IPv4')?.address;
  if (found === undefined) {
    throw new Error('this test needs a network namespace (root), or an address beside loopback');
  }
  return found;
}
