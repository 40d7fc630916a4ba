// A network at the far end of a link that delays and loses packets: the program `impairment_link`
// between two TUN devices.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Namespace } from './namespace.mjs';
import { eventually } from './poll.mjs';

/** The test's own address on the first link, and that of its far end. */
export const NEAR_ADDRESS = '10.97.0.1';
export const FAR_ADDRESS = '10.97.0.2';

/**
 * @typedef {{ came: number, left: number, refused: number, late: number, latest_us: number }} Figures
 *   packets; `late` those that left a millisecond after their time or more
 */

/**
 * @typedef {object} Course   what a scenario of the laboratory does to a link
 * @property {string} scenario   its name or its file
 * @property {string} [toFar]    the name of the scenario's link to the far end
 * @property {string} [toNear]   and to the near one
 * @property {string} log        the file for what the bottlenecks did
 */

export class ImpairedLink {
  /**
   * @param {Namespace} far @param {import('node:child_process').ChildProcess} program
   * @param {number} place   which of several links it is
   * @param {ImpairedLink} [behind]   at whose far end this one begins
   */
  constructor(far, program, place, behind) {
    this.far = far;
    this.program = program;
    this.place = place;
    this.behind = behind;
    /** @type {string[]} what the program has printed */
    this.lines = [];
  }

  /**
   * Needs a network that the test may change: see `enterOwnNetwork`.
   *
   * @param {{ eachWay?: string[], toNear?: string[], course?: Course, seed?: number, place?: number, behind?: ImpairedLink }} [more]
   *   elements as the program takes them: `['loss=2%', 'delay=50ms']`, `toNear` those that only what
   *   leaves the far end meets, behind the others; or a scenario, whose time begins with `start`.
   *   `place` counts several links; `behind` is a link at whose far end this one begins, so that its
   *   packets pass both, and come from that one's address.
   */
  static async open({ eachWay = [], toNear = [], course, seed = 1, place = 0, behind } = {}) {
    const binary = process.env.IMPAIRMENT_LINK_BIN;
    if (binary === undefined || !existsSync(binary)) {
      throw new Error(
        `IMPAIRMENT_LINK_BIN must name the impairment_link binary (it is ${binary ?? 'not set'}); ` +
          'build one with `cargo build -p loadtest`',
      );
    }
    const far = await Namespace.open();
    const args = ['--seed', String(seed), '--near', deviceOf('near', place)];
    args.push('--far', deviceOf('far', place));
    const ways = [
      { way: '--to-far', elements: eachWay },
      { way: '--to-near', elements: [...eachWay, ...toNear] },
    ];
    for (const { way, elements } of ways.filter(({ elements }) => elements.length > 0)) {
      args.push(way, elements.join(','));
    }
    if (course !== undefined) {
      args.push('--scenario', course.scenario, '--log', course.log);
      args.push(...(course.toFar === undefined ? [] : ['--to-far-link', course.toFar]));
      args.push(...(course.toNear === undefined ? [] : ['--to-near-link', course.toNear]));
    }
    // Ahead of everything else on the machine, where that is allowed: it sleeps nearly always, and
    // what it sends late would count as the link's jitter.
    const first = ['chrt', '--fifo', '10'];
    const there = behind === undefined ? [] : ['nsenter', '-t', behind.far.id, '-n'];
    const command = [...(succeeds([...first, 'true']) ? first : []), ...there, binary, ...args];
    const program = spawn(command[0] ?? '', command.slice(1), {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const link = new ImpairedLink(far, program, place, behind);
    createInterface({ input: program.stdout }).on('line', (line) => link.lines.push(line));
    await eventually('the link is ready', () => link.lines[0], (line) => line === 'ready');
    link.plug();
    return link;
  }

  /** The path of a program that starts `program` at the far end. @param {string} program */
  within(program) {
    return this.far.within(program);
  }

  /** The test's own address on this link, or on the one that it is behind. @returns {string} */
  get nearAddress() {
    return this.behind?.nearAddress ?? `10.97.${this.place}.1`;
  }

  /** Begins with the scenario; `Date.now` of it. */
  async start() {
    this.program.stdin?.write('start\n');
    await eventually('the scenario has begun', () => this.lines[1], (line) => line === 'started');
    return Date.now();
  }

  /** Takes the link away, and says what became of the packets of each way. */
  async close() {
    this.program.stdin?.end();
    const told = () => this.lines.filter((line) => line.startsWith('to-'));
    await eventually('the link has ended', () => told().length, (count) => count >= 2);
    this.far.close();
    return { toFar: figures(told()[0]), toNear: figures(told()[1]) };
  }

  plug() {
    const [near, far] = [deviceOf('near', this.place), deviceOf('far', this.place)];
    const [nearAddress, farAddress] = [`10.97.${this.place}.1`, `10.97.${this.place}.2`];
    const here = this.behind?.far.ip.bind(this.behind.far) ?? own;
    here('link', 'set', far, 'netns', this.far.id);
    const ways = [
      { ip: here, device: near, address: nearAddress, peer: farAddress },
      { ip: this.far.ip.bind(this.far), device: far, address: farAddress, peer: nearAddress },
    ];
    for (const { ip, device, address, peer } of ways) {
      ip('address', 'add', address, 'peer', peer, 'dev', device);
      ip('link', 'set', device, 'up');
    }
    this.far.ip('route', 'replace', 'default', 'dev', far);
    // Who shares a line is behind one address.
    this.behind?.far.translateTo(deviceOf('far', this.behind.place));
  }
}

/** The name of a link's device. @param {'near' | 'far'} end @param {number} place */
function deviceOf(end, place) {
  return place === 0 ? end : `${end}${place}`;
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
