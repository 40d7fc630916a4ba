// A network for a page alone, joined to the test's own by a cable: its address can change while the
// page is in a call.
import { execFileSync } from 'node:child_process';
import { Namespace } from './namespace.mjs';

/** Both ends of the cable have one address of each of these networks, at first the page of one. */
const NETWORKS = ['10.98.1', '10.98.2'];

export class PageNetwork {
  /** @param {Namespace} namespace */
  constructor(namespace) {
    this.namespace = namespace;
    this.at = 0;
  }

  /** Needs a network that the test may change: see `enterOwnNetwork`. */
  static async open() {
    const namespace = await Namespace.open();
    const network = new PageNetwork(namespace);
    ip('link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far', 'netns', namespace.id);
    for (const prefix of NETWORKS) {
      ip('address', 'add', `${prefix}.1/24`, 'dev', 'near');
    }
    ip('link', 'set', 'near', 'up');
    namespace.ip('link', 'set', 'far', 'up');
    network.plug();
    return network;
  }

  /** The page's present address. */
  get address() {
    return `${NETWORKS[this.at]}.2`;
  }

  /** The page's address becomes another one; the one it had is gone. */
  change() {
    this.namespace.ip('address', 'flush', 'dev', 'far');
    this.at = (this.at + 1) % NETWORKS.length;
    this.plug();
  }

  /** The path of a program that starts `program` in this network. @param {string} program */
  within(program) {
    return this.namespace.within(program);
  }

  close() {
    this.namespace.close();
  }

  plug() {
    this.namespace.ip('address', 'add', `${this.address}/24`, 'dev', 'far');
    this.namespace.ip('route', 'replace', 'default', 'via', `${NETWORKS[this.at]}.1`);
  }
}

/** @param {string[]} args */
function ip(...args) {
  execFileSync('ip', args);
}
