// Connectivity checks, written by hand so that the tests can also make the wrong ones.
import { createHmac, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

const MAGIC_COOKIE = 0x2112a442;
const HEADER = 20;
/** Bytes that MESSAGE-INTEGRITY and FINGERPRINT add. */
const INTEGRITY = 24;
const FINGERPRINT = 8;

/**
 * A nominating binding request (RFC 8445 section 7.1) with a right FINGERPRINT.
 *
 * @param {string} username   the receiver's ufrag, a colon, the sender's
 * @param {string} password   the receiver's: with a wrong one, MESSAGE-INTEGRITY is wrong
 */
export function bindingRequest(username, password) {
  const attributes = Buffer.concat([
    attribute(0x0006, Buffer.from(username)),
    attribute(0x0024, number(0x6e0001ff)), // PRIORITY
    attribute(0x802a, randomBytes(8)), // ICE-CONTROLLING
    attribute(0x0025, Buffer.alloc(0)), // USE-CANDIDATE
  ]);
  const header = Buffer.alloc(HEADER);
  header.writeUInt16BE(0x0001, 0);
  header.writeUInt32BE(MAGIC_COOKIE, 4);
  randomBytes(12).copy(header, 8);
  let message = Buffer.concat([header, attributes]);
  // RFC 8489 sections 14.5 and 14.7: each covers a header whose length already counts it.
  message.writeUInt16BE(message.length - HEADER + INTEGRITY, 2);
  const digest = createHmac('sha1', password).update(message).digest();
  message = Buffer.concat([message, attribute(0x0008, digest)]);
  message.writeUInt16BE(message.length - HEADER + FINGERPRINT, 2);
  const checksum = (crc32(message) ^ 0x5354554e) >>> 0;
  return Buffer.concat([message, attribute(0x8028, number(checksum))]);
}

/** Whether `answer` is the success response to `request`. @param {Buffer} answer @param {Buffer} request */
export function isSuccessFor(answer, request) {
  return answer.readUInt16BE(0) === 0x0101 && answer.subarray(4, 20).equals(request.subarray(4, 20));
}

/** @param {number} type @param {Buffer} value */
function attribute(type, value) {
  const whole = Buffer.alloc(4 + Math.ceil(value.length / 4) * 4);
  whole.writeUInt16BE(type, 0);
  whole.writeUInt16BE(value.length, 2);
  value.copy(whole, 4);
  return whole;
}

/** @param {number} value */
function number(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
