// A network namespace beside the test's own, for programs that are started in it.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './poll.mjs';

export class Namespace {
  /** @param {import('node:child_process').ChildProcess} holder */
  constructor(holder) {
    this.holder = holder;
    this.programs = mkdtempSync(join(tmpdir(), 'namespace-'));
  }

  /** Needs a network that the test may change: see `enterOwnNetwork`. */
  static async open() {
    // A namespace lives for as long as a process is in it.
    const holder = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' });
    process.once('exit', () => holder.kill('SIGKILL'));
    const namespace = new Namespace(holder);
    const own = nameOf('self');
    await eventually(
      'there is a second network',
      () => nameOf(namespace.id),
      (name) => name !== undefined && name !== own,
    );
    namespace.ip('link', 'set', 'lo', 'up');
    return namespace;
  }

  /** What `ip ... netns` takes for it. */
  get id() {
    return String(this.holder.pid);
  }

  /** The path of a program that starts `program` in this network. @param {string} program */
  within(program) {
    const path = join(this.programs, 'program');
    writeFileSync(path, `#!/bin/sh\nexec nsenter -t ${this.id} -n '${program}' "$@"\n`);
    chmodSync(path, 0o755);
    return path;
  }

  /** @param {string[]} args   of `ip`, inside */
  ip(...args) {
    execFileSync('nsenter', ['-t', this.id, '-n', 'ip', ...args]);
  }

  /**
   * Lets packets pass from its other links to one, all from its own address there, as the router of a
   * household or an office does (RFC 3022 section 2.2).
   *
   * @param {string} device   the link that leads on
   */
  translateTo(device) {
    const rules = [
      'add table ip home',
      'add chain ip home leaves { type nat hook postrouting priority srcnat; }',
      'flush chain ip home leaves',
      `add rule ip home leaves oifname "${device}" masquerade`,
    ];
    const inside = ['-t', this.id, '-n'];
    execFileSync('nsenter', [...inside, 'nft', '-f', '-'], { input: rules.join('\n') });
    const command = 'echo 1 > /proc/sys/net/ipv4/ip_forward';
    execFileSync('nsenter', [...inside, 'sh', '-c', command]);
  }

  close() {
    this.holder.kill('SIGKILL');
    rmSync(this.programs, { recursive: true });
  }
}

/** @param {string} pid */
function nameOf(pid) {
  try {
    return execFileSync('readlink', [`/proc/${pid}/ns/net`], { encoding: 'utf8' });
  } catch {
    return undefined;
  }
}
