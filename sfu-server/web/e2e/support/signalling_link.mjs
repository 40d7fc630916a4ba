// The way that a page's HTTP and signalling take to the server, which a test can cut.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

const HOST = '127.0.0.1';

export class SignallingLink {
  /** @param {import('./server.mjs').Server} server */
  constructor(server) {
    this.target = portOf(server);
    this.port = 0;
    this.silent = false;
    /** @type {Set<import('node:net').Socket>} both ends of every connection */
    this.sockets = new Set();
    /** @type {(() => void)[]} what happened while nothing passed */
    this.held = [];
    this.listener = createServer((near) => this.carry(near));
  }

  /** @param {import('./server.mjs').Server} server */
  static async open(server) {
    const link = new SignallingLink(server);
    await link.listen();
    return link;
  }

  /** What pages take for the server. */
  get origin() {
    return `http://${HOST}:${this.port}`;
  }

  /** Resets every connection and refuses new ones. */
  async cut() {
    this.listener.close();
    for (const socket of this.sockets) {
      socket.resetAndDestroy();
    }
    await once(this.listener, 'close');
  }

  /** Lets nothing pass any more, and tells nobody: as a cable that is pulled out. */
  silence() {
    this.silent = true;
    for (const socket of this.sockets) {
      socket.pause();
    }
  }

  /** Lets everything pass again. */
  async restore() {
    this.silent = false;
    for (const socket of this.sockets) {
      socket.resume();
    }
    for (const event of this.held.splice(0)) {
      event();
    }
    if (!this.listener.listening) {
      await this.listen();
    }
  }

  /** New connections lead to another server. @param {import('./server.mjs').Server} server */
  lead(server) {
    this.target = portOf(server);
  }

  async close() {
    this.silent = false;
    if (this.listener.listening) {
      await this.cut();
    }
  }

  async listen() {
    this.listener.listen(this.port, HOST);
    await once(this.listener, 'listening');
    const address = /** @type {import('node:net').AddressInfo} */ (this.listener.address());
    this.port = address.port;
  }

  /** @param {import('node:net').Socket} near */
  carry(near) {
    const far = connect(this.target, HOST);
    for (const [from, to] of /** @type {[typeof near, typeof near][]} */ ([
      [near, far],
      [far, near],
    ])) {
      this.sockets.add(from);
      from.setNoDelay(true);
      from.on('data', (bytes) => to.write(bytes));
      from.on('error', () => from.destroy());
      from.on('close', () => {
        this.sockets.delete(from);
        this.pass(() => to.destroy());
      });
      if (this.silent) {
        from.pause();
      }
    }
  }

  /** @param {() => void} event */
  pass(event) {
    if (this.silent) {
      this.held.push(event);
    } else {
      event();
    }
  }
}

/** @param {import('./server.mjs').Server} server */
function portOf(server) {
  return Number(new URL(server.http).port);
}
