// A network for a page alone, joined to the test's own by a cable: its address can change while the
// page is in a call.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './poll.mjs';

/** Both ends of the cable have one address of each of these networks, at first the page of one. */
const NETWORKS = ['10.98.1', '10.98.2'];

export class PageNetwork {
  /** @param {import('node:child_process').ChildProcess} holder */
  constructor(holder) {
    this.holder = holder;
    this.at = 0;
    this.programs = mkdtempSync(join(tmpdir(), 'page-network-'));
  }

  /** Needs a network that the test may change: see `enterOwnNetwork`. */
  static async open() {
    // A namespace lives for as long as a process is in it.
    const holder = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' });
    process.once('exit', () => holder.kill('SIGKILL'));
    const network = new PageNetwork(holder);
    const own = namespaceOf('self');
    await eventually(
      'the page has a network of its own',
      () => namespaceOf(String(holder.pid)),
      (namespace) => namespace !== undefined && namespace !== own,
    );
    ip('link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far', 'netns', String(holder.pid));
    for (const prefix of NETWORKS) {
      ip('address', 'add', `${prefix}.1/24`, 'dev', 'near');
    }
    ip('link', 'set', 'near', 'up');
    network.inside('link', 'set', 'lo', 'up');
    network.inside('link', 'set', 'far', 'up');
    network.plug();
    return network;
  }

  /** The page's present address. */
  get address() {
    return `${NETWORKS[this.at]}.2`;
  }

  /** The page's address becomes another one; the one it had is gone. */
  change() {
    this.inside('address', 'flush', 'dev', 'far');
    this.at = (this.at + 1) % NETWORKS.length;
    this.plug();
  }

  /** The path of a program that starts `program` in this network. @param {string} program */
  within(program) {
    const path = join(this.programs, 'program');
    writeFileSync(path, `#!/bin/sh\nexec nsenter -t ${this.holder.pid} -n '${program}' "$@"\n`);
    chmodSync(path, 0o755);
    return path;
  }

  close() {
    this.holder.kill('SIGKILL');
    rmSync(this.programs, { recursive: true });
  }

  plug() {
    this.inside('address', 'add', `${this.address}/24`, 'dev', 'far');
    this.inside('route', 'replace', 'default', 'via', `${NETWORKS[this.at]}.1`);
  }

  /** @param {string[]} args   of `ip`, for the page's end */
  inside(...args) {
    execFileSync('nsenter', ['-t', String(this.holder.pid), '-n', 'ip', ...args]);
  }
}

/** @param {string[]} args */
function ip(...args) {
  execFileSync('ip', args);
}

/** @param {string} pid */
function namespaceOf(pid) {
  try {
    return execFileSync('readlink', [`/proc/${pid}/ns/net`], { encoding: 'utf8' });
  } catch {
    return undefined;
  }
}
