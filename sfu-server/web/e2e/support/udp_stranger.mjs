// Somebody who sends datagrams to the media port from an address of his own.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

export class UdpStranger {
  /** @param {import('node:dgram').Socket} socket @param {number} port */
  constructor(socket, port) {
    this.socket = socket;
    this.port = port;
    /** @type {Buffer[]} what came back */
    this.received = [];
    socket.on('message', (message) => this.received.push(message));
  }

  /** @param {number} port   the server's media port on loopback */
  static async open(port) {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new UdpStranger(socket, port);
  }

  /** @param {Uint8Array} datagram */
  async send(datagram) {
    await new Promise((resolve, reject) => {
      this.socket.send(datagram, this.port, '127.0.0.1', (error) =>
        error === null ? resolve(undefined) : reject(error),
      );
    });
  }

  close() {
    this.socket.close();
  }
}

/** An RTP packet (RFC 3550 section 5.1) of 100 payload bytes. @param {number} sequence */
export function rtp(sequence) {
  const packet = Buffer.alloc(112, 0x5a);
  packet[0] = 0x80;
  packet[1] = 96;
  packet.writeUInt16BE(sequence & 0xffff, 2);
  packet.writeUInt32BE(sequence * 3000, 4);
  packet.writeUInt32BE(0xdecafbad, 8);
  return packet;
}

/** An empty receiver report (RFC 3550 section 6.4.2) with room for an SRTCP trailer. */
export function rtcp() {
  const packet = Buffer.alloc(36);
  packet[0] = 0x80;
  packet[1] = 201;
  packet.writeUInt16BE(1, 2);
  packet.writeUInt32BE(0xdecafbad, 4);
  return packet;
}

/** What begins like a DTLS 1.2 handshake record (RFC 6347 section 4.1) and is none. */
export function dtls() {
  const record = Buffer.alloc(60, 0xff);
  Buffer.from([22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 47]).copy(record);
  return record;
}
