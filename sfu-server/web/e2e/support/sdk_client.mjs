// A client of another SDK in a process of its own: it takes orders and tells facts, see
// ../clients/client.py.
import { spawn } from 'node:child_process';
import { createWriteStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { artifact } from './paths.mjs';
import { eventually } from './poll.mjs';

/** An SDK's start, handshake included, on a busy machine. */
const PATIENCE_MS = 60_000;

/** @typedef {{ fact: string, sender?: string, [more: string]: any }} Fact */

export class SdkClient {
  /**
   * @param {string} program @param {string} script @param {string} name
   * @param {{ origin: string, token: string }} where
   */
  constructor(program, script, name, { origin, token }) {
    this.name = name;
    /** @type {Fact[]} all but the newest of each picture and sound, which are kept apart */
    this.facts = [];
    /** @type {Map<string, Fact>} the newest picture and sound of each sender */
    this.senses = new Map();
    const path = fileURLToPath(new URL(`../clients/${script}`, import.meta.url));
    const url = origin.replace(/^http/, 'ws');
    this.child = spawn(program, [path, url, token], { stdio: ['pipe', 'pipe', 'pipe'] });
    // Whatever happens to the test, its clients do not outlive it.
    this.endWithTest = () => this.child.kill('SIGKILL');
    process.once('exit', this.endWithTest);
    /** @type {Promise<number | null>} */
    this.exited = new Promise((resolve) => {
      this.child.once('exit', resolve);
      this.child.once('error', () => resolve(null));
    });
    this.child.stdin.on('error', () => {});
    this.child.stderr.pipe(createWriteStream(artifact(`${name}.client.log`)));
    createInterface({ input: this.child.stdout }).on('line', (line) => this.hear(line));
  }

  /**
   * The Python SDK, of the environment that `cargo xtask test` makes.
   *
   * @param {string} name @param {{ origin: string, token: string }} where
   */
  static python(name, where) {
    const program = process.env.PYTHON;
    if (program === undefined || !existsSync(program)) {
      throw new Error(
        `PYTHON must name a Python with the packages of xtask/requirements.txt (it is ${program ?? 'not set'})`,
      );
    }
    return new SdkClient(program, 'client.py', name, where);
  }

  /** The Node SDK. @param {string} name @param {{ origin: string, token: string }} where */
  static node(name, where) {
    return new SdkClient(process.execPath, 'client.mjs', name, where);
  }

  /** @param {string} line */
  hear(line) {
    if (!line.startsWith('{')) {
      // The SDKs log on the same pipe.
      return;
    }
    /** @type {Fact} */
    const fact = JSON.parse(line);
    if (fact.fact === 'video' || fact.fact === 'audio') {
      this.senses.set(`${fact.fact} of ${fact.sender}`, fact);
    } else {
      this.facts.push(fact);
    }
  }

  /** @param {object} order */
  order(order) {
    this.child.stdin.write(`${JSON.stringify(order)}\n`);
  }

  /** Waits until it tells such a fact, and returns it. @param {string} fact @param {(fact: Fact) => boolean} [fits] */
  async tells(fact, fits = () => true) {
    const read = () => {
      const failed = this.facts.find((told) => told.fact === 'failed');
      if (failed !== undefined) {
        throw new Error(`${this.name} failed: ${failed.error}`);
      }
      if (this.child.exitCode !== null) {
        throw new Error(`${this.name} ended with ${this.child.exitCode}; see its log in artifacts/`);
      }
      return this.facts.filter((told) => told.fact === fact);
    };
    const what = `${this.name} tells: ${fact}`;
    const told = await eventually(what, read, (seen) => seen.some(fits), PATIENCE_MS);
    return /** @type {Fact} */ (told.find(fits));
  }

  /** The newest picture or sound of a sender. @param {'video' | 'audio'} sense @param {string} sender */
  newest(sense, sender) {
    return this.senses.get(`${sense} of ${sender}`);
  }

  /** Leaves, and waits for its end. */
  async close() {
    this.order({ do: 'leave' });
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 10_000);
    await this.exited;
    clearTimeout(timer);
    process.removeListener('exit', this.endWithTest);
  }
}
