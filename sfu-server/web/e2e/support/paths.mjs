import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The repository's root. */
export const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

/**
 * The path of a file that a test leaves behind for people to look at.
 *
 * @param {string} name
 */
export function artifact(name) {
  mkdirSync(`${ROOT}artifacts`, { recursive: true });
  return `${ROOT}artifacts/${name}`;
}
