// Access tokens, signed here so that the tests can also make the wrong ones.
import { createHmac } from 'node:crypto';

/** The key pair of `sfu-server --dev`. */
const KEY = 'devkey';
const SECRET = 'secret';

/**
 * @typedef {object} Grants
 * @property {boolean} [roomJoin]
 * @property {string} [room]
 * @property {boolean} [canPublish]
 * @property {boolean} [canSubscribe]
 * @property {string[]} [canPublishSources]
 * @property {boolean} [canUpdateOwnMetadata]
 * @property {boolean} [roomAdmin]
 * @property {boolean} [roomCreate]
 * @property {boolean} [roomList]
 */

/**
 * @param {Grants} video
 * @param {{ identity?: string, name?: string, key?: string, secret?: string, expiresIn?: number }} [more]
 *   `expiresIn` in seconds: a negative one makes a token of the past
 */
export function signToken(video, more = {}) {
  const { identity, name, key = KEY, secret = SECRET, expiresIn = 600 } = more;
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: key,
    sub: identity,
    name,
    nbf: now - 3600,
    exp: now + expiresIn,
    video,
  };
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/**
 * A token that admits `identity` to `room`.
 *
 * @param {string} room
 * @param {string} identity
 * @param {{ canPublish?: boolean, canPublishSources?: string[], canUpdateOwnMetadata?: boolean,
 *   secret?: string, key?: string, expiresIn?: number }} [more]
 */
export function joinToken(
  room,
  identity,
  { canPublish = true, canPublishSources, canUpdateOwnMetadata, ...more } = {},
) {
  const grants = { canPublish, canPublishSources, canUpdateOwnMetadata };
  const video = { roomJoin: true, room, canSubscribe: true, ...grants };
  return signToken(video, { identity, name: identity, ...more });
}

/** @param {object} value */
function part(value) {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
