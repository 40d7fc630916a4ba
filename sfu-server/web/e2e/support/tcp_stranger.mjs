// Somebody who opens a TCP connection and writes what he likes on it.
import { connect } from 'node:net';
import { eventually } from './poll.mjs';

export class TcpStranger {
  /** @param {import('node:net').Socket} socket */
  constructor(socket) {
    this.socket = socket;
    /** What came back. */
    this.received = Buffer.alloc(0);
    this.closed = false;
    socket.on('data', (bytes) => (this.received = Buffer.concat([this.received, bytes])));
    // A reset is as good an end as any: the bytes were not wanted.
    socket.on('error', () => undefined);
    socket.on('close', () => (this.closed = true));
  }

  /** @param {string} address   `HOST:PORT`, or an origin */
  static async open(address) {
    const { hostname, port } = new URL(address.includes('//') ? address : `tcp://${address}`);
    const stranger = new TcpStranger(connect(Number(port), hostname));
    await eventually('the connection is open', () => stranger.socket.readyState, (state) =>
      state === 'open',
    );
    return stranger;
  }

  /** @param {Uint8Array | string} bytes */
  write(bytes) {
    this.socket.write(bytes);
  }

  /** Waits until the server has closed the connection. */
  async isClosed(withinMs = 10_000) {
    await eventually('the connection is closed', () => this.closed, (closed) => closed, withinMs);
  }

  /** Ends the connection from this side. */
  close() {
    this.socket.destroy();
  }
}
