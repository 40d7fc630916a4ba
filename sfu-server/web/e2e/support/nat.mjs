// A NAT between pages and the server's media port: it gives each of a page's sockets an address of
// its own, and forgets it when a test says so.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

const LOOPBACK = '127.0.0.1';
/** The NAT's own addresses beside that: all of 127/8 is there. */
const MORE_LOOPBACK = ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5'];

export class Nat {
  /** @param {string} address @param {number} mediaPort */
  constructor(address, mediaPort) {
    this.address = address;
    this.mediaPort = mediaPort;
    this.port = 0;
    this.rebound = 0;
    this.blocked = false;
    /** Media packets from the server since the mappings were forgotten last. */
    this.mediaInward = 0;
    this.inside = createSocket('udp4');
    /** @type {Map<string, import('node:dgram').Socket>} by the inner address */
    this.mappings = new Map();
  }

  /**
   * @param {number} mediaPort   the server's
   * @param {string} [address]   where pages reach the NAT, and it the server: where that is not
   *   loopback, mappings differ in their ports only
   */
  static async open(mediaPort, address = LOOPBACK) {
    const nat = new Nat(address, mediaPort);
    nat.inside.on('message', (datagram, from) => nat.outward(datagram, from));
    nat.inside.bind(0, address);
    await once(nat.inside, 'listening');
    nat.port = nat.inside.address().port;
    return nat;
  }

  /** Forgets every mapping: the next datagram of each socket gets a new address and a new port. */
  rebind() {
    for (const outside of this.mappings.values()) {
      outside.close();
    }
    this.mappings.clear();
    this.rebound += 1;
    this.mediaInward = 0;
  }

  /** @param {boolean} blocked   whether nothing passes, in either direction */
  block(blocked) {
    this.blocked = blocked;
  }

  /** What passes from now on goes to another server. @param {number} mediaPort */
  lead(mediaPort) {
    this.rebind();
    this.mediaPort = mediaPort;
  }

  close() {
    this.rebind();
    this.inside.close();
  }

  /** @param {Buffer} datagram @param {import('node:dgram').RemoteInfo} from */
  outward(datagram, from) {
    if (this.blocked) {
      return;
    }
    const key = `${from.address}:${from.port}`;
    const outside = this.mappings.get(key) ?? this.map(key, from);
    outside.send(datagram, this.mediaPort, this.address);
  }

  /** @param {string} key @param {import('node:dgram').RemoteInfo} to */
  map(key, to) {
    const outside = createSocket('udp4');
    const addresses = this.address === LOOPBACK ? [LOOPBACK, ...MORE_LOOPBACK] : [this.address];
    outside.bind(0, addresses[this.rebound % addresses.length]);
    outside.on('message', (datagram) => {
      if (!this.blocked) {
        this.mediaInward += Number(isMedia(datagram));
        this.inside.send(datagram, to.port, to.address);
      }
    });
    this.mappings.set(key, outside);
    return outside;
  }
}

/** RTP or RTCP (RFC 7983 section 7). @param {Buffer} datagram */
function isMedia(datagram) {
  const first = datagram[0] ?? 0;
  return first >= 128 && first < 192;
}
