// A network at the far end of a link that delays and loses packets: the program `impairment_link`
// between two TUN devices.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Namespace } from './namespace.mjs';
import { eventually } from './poll.mjs';

/** The test's own address on the link, and that of the far end. */
export const NEAR_ADDRESS = '10.97.0.1';
export const FAR_ADDRESS = '10.97.0.2';

/**
 * @typedef {{ came: number, left: number, refused: number, late: number, latest_us: number }} Figures
 *   packets; `late` those that left a millisecond after their time or more
 */

export class ImpairedLink {
  /** @param {Namespace} far @param {import('node:child_process').ChildProcess} program */
  constructor(far, program) {
    this.far = far;
    this.program = program;
    /** @type {string[]} what the program has printed */
    this.lines = [];
  }

  /**
   * Needs a network that the test may change: see `enterOwnNetwork`.
   *
   * @param {{ eachWay?: string[], seed?: number }} [more]
   *   elements as the program takes them: `['loss=2%', 'delay=50ms']`
   */
  static async open({ eachWay = [], seed = 1 } = {}) {
    const binary = process.env.IMPAIRMENT_LINK_BIN;
    if (binary === undefined || !existsSync(binary)) {
      throw new Error(
        `IMPAIRMENT_LINK_BIN must name the impairment_link binary (it is ${binary ?? 'not set'}); ` +
          'build one with `cargo build -p loadtest`',
      );
    }
    const far = await Namespace.open();
    const elements = eachWay.length === 0 ? [] : [eachWay.join(',')];
    const args = ['--seed', String(seed)];
    for (const list of elements) {
      args.push('--to-far', list, '--to-near', list);
    }
    // Ahead of everything else on the machine, where that is allowed: it sleeps nearly always, and
    // what it sends late would count as the link's jitter.
    const first = ['chrt', '--fifo', '10'];
    const command = [...(succeeds([...first, 'true']) ? first : []), binary, ...args];
    const program = spawn(command[0] ?? '', command.slice(1), {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const link = new ImpairedLink(far, program);
    createInterface({ input: program.stdout }).on('line', (line) => link.lines.push(line));
    await eventually('the link is ready', () => link.lines[0], (line) => line === 'ready');
    link.plug();
    return link;
  }

  /** The path of a program that starts `program` at the far end. @param {string} program */
  within(program) {
    return this.far.within(program);
  }

  /**
   * Makes what leaves the far end wait for a bottleneck, with a queue of 300 ms. The kernel does it:
   * needs its token bucket filter.
   *
   * @param {number} kbit   a second
   */
  narrowFromFar(kbit) {
    const bucket = ['rate', `${kbit}kbit`, 'burst', '3000', 'latency', '300ms'];
    const tc = ['tc', 'qdisc', 'add', 'dev', 'far', 'root', 'tbf', ...bucket];
    execFileSync('nsenter', ['-t', this.far.id, '-n', ...tc]);
  }

  /** Takes the link away, and says what became of the packets of each way. */
  async close() {
    this.program.stdin?.end();
    await eventually('the link has ended', () => this.lines.length, (count) => count >= 3);
    this.far.close();
    return { toFar: figures(this.lines[1]), toNear: figures(this.lines[2]) };
  }

  plug() {
    execFileSync('ip', ['link', 'set', 'far', 'netns', this.far.id]);
    const ways = [
      { ip: own, device: 'near', address: NEAR_ADDRESS, peer: FAR_ADDRESS },
      { ip: this.far.ip.bind(this.far), device: 'far', address: FAR_ADDRESS, peer: NEAR_ADDRESS },
    ];
    for (const { ip, device, address, peer } of ways) {
      ip('address', 'add', address, 'peer', peer, 'dev', device);
      ip('link', 'set', device, 'up');
    }
    this.far.ip('route', 'replace', 'default', 'dev', 'far');
  }
}

/** @param {string[]} args */
function own(...args) {
  execFileSync('ip', args);
}

/** @param {string[]} command */
function succeeds([program = '', ...args]) {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

/** @param {string} [line]   `to-far came=1 left=1 ...` @returns {Figures} */
function figures(line = '') {
  const words = line.split(' ').slice(1);
  const pairs = words.map((word) => word.split('='));
  const read = Object.fromEntries(pairs.map(([name, value]) => [name, Number(value)]));
  return /** @type {Figures} */ (read);
}
