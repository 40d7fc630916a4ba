// Bytes whose wholeness the far end can prove by their length and their digest alone.
import { createHash } from 'node:crypto';

/** The bytes that every client of the tests sends for a message of that size. @param {number} size */
export function pattern(size) {
  return Uint8Array.from({ length: size }, (_, at) => at % 251);
}

/** What a receiver tells of such a message. @param {number} size */
export function digestOf(size) {
  return createHash('sha256').update(pattern(size)).digest('hex');
}
