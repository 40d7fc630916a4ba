// Starts the real server on free ports and ends it again.
import { spawn } from 'node:child_process';
import { createWriteStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { artifact } from './paths.mjs';

const READY_MS = 20_000;
const END_MS = 10_000;

/**
 * @typedef {object} Server
 * @property {string} http       the origin of the page and the signalling, `http://127.0.0.1:PORT`
 * @property {string} grpc       `127.0.0.1:PORT`
 * @property {string} metrics    `127.0.0.1:PORT`
 * @property {number[]} media    the UDP ports
 * @property {number} pid
 * @property {() => Promise<number | null>} stop   SIGTERM, then the exit code
 * @property {() => Promise<void>} kill            SIGKILL: the server is simply gone
 */

/**
 * @param {string} name   of the test: the server's log becomes `artifacts/<name>.server.log`
 * @param {string[]} [more]   further arguments
 * @returns {Promise<Server>}
 */
export async function startServer(name, more = []) {
  const binary = process.env.SFU_SERVER_BIN;
  if (binary === undefined || !existsSync(binary)) {
    throw new Error(
      `SFU_SERVER_BIN must name the sfu-server binary (it is ${binary ?? 'not set'}); ` +
        'build one with `cargo build -p sfu-server`',
    );
  }
  const child = spawn(
    binary,
    [
      '--dev',
      ...['--http-port', '0'],
      ...['--udp-port', '0'],
      ...['--grpc-port', '0'],
      ...['--metrics-port', '0'],
      ...['--workers', '1'],
      ...more,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  // Whatever happens to the test, its server does not outlive it.
  const endWithTest = () => child.kill('SIGKILL');
  process.once('exit', endWithTest);
  /** @type {Promise<number | null>} */
  const exited = new Promise((resolve) => child.once('exit', (code) => resolve(code)));
  void exited.then(() => process.removeListener('exit', endWithTest));

  const log = createWriteStream(artifact(`${name}.server.log`));
  child.stderr.pipe(log, { end: false });
  const addresses = await readyLine(child, log);
  return {
    ...addresses,
    pid: child.pid ?? 0,
    stop: async () => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
      const code = await exited;
      clearTimeout(timer);
      return code;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/**
 * @param {import('node:child_process').ChildProcessByStdio<null, import('node:stream').Readable, import('node:stream').Readable>} child
 * @param {import('node:fs').WriteStream} log
 * @returns {Promise<Pick<Server, 'http' | 'grpc' | 'metrics' | 'media'>>}
 */
function readyLine(child, log) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`the server printed no \`listening\` line within ${READY_MS} ms`));
    }, READY_MS);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`the server ended before it was ready (${code ?? signal})`));
    });
    // Reading goes on after the line: a full pipe would stop the server.
    createInterface({ input: child.stdout }).on('line', (line) => {
      log.write(`${line}\n`);
      if (line.startsWith('listening ')) {
        clearTimeout(timer);
        resolve(parseListening(line));
      }
    });
  });
}

/**
 * @param {string} line   `listening http=http://127.0.0.1:1 grpc=127.0.0.1:2 metrics=... media=3,4`
 */
export function parseListening(line) {
  const fields = new Map(
    line
      .split(' ')
      .slice(1)
      .map((field) => {
        const at = field.indexOf('=');
        return /** @type {[string, string]} */ ([field.slice(0, at), field.slice(at + 1)]);
      }),
  );
  /** @param {string} name */
  const need = (name) => {
    const value = fields.get(name);
    if (value === undefined || value === '') {
      throw new Error(`the server's line names no ${name}: ${line}`);
    }
    return value;
  };
  return {
    http: need('http').replace(/\/$/, ''),
    grpc: need('grpc'),
    metrics: need('metrics'),
    media: need('media').split(',').map(Number),
  };
}
