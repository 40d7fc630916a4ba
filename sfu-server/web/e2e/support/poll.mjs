// Waiting for facts: a bounded poll, never a sleep for luck.
import { setTimeout as delay } from 'node:timers/promises';

const STEP_MS = 100;

/**
 * Calls `read` until `holds` accepts what it gives, and returns that. After `withinMs` it fails,
 * naming `fact` and what was read last.
 *
 * @template T
 * @param {string} fact
 * @param {() => Promise<T> | T} read
 * @param {(value: T) => boolean} holds
 * @param {number} [withinMs]
 * @returns {Promise<T>}
 */
export async function eventually(fact, read, holds, withinMs = 10_000) {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const value = await read();
    if (holds(value)) {
      return value;
    }
    if (Date.now() >= deadline) {
      throw new Error(`not within ${withinMs} ms: ${fact}; last seen: ${JSON.stringify(value)}`);
    }
    await delay(STEP_MS);
  }
}
