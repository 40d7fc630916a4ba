// One measurement of a video between two pages: what was sent in a minute, what was decoded of it,
// and what a person would have noticed. Through the server, or straight from page to page.
import { loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { joinToken } from './token.mjs';
import { VideoPage } from './video_page.mjs';

/** For estimates of the bandwidth to settle, before anything is counted. */
const SETTLED_MS = 5_000;
/** And for the delays of repairs. */
const REPAIRING_MS = 5_000;
/** How long a layer is asked for. */
const SWITCH_MS = 2_000;
/** Each layer from each other one, and back. @type {(0 | 1 | 2)[]} */
const ROUND = [0, 2, 1, 0, 1, 2];

/** @typedef {import('./video_page.mjs').Codec} Codec */

/**
 * @typedef {object} Ends
 * @property {import('playwright-core').Browser} near   of the sender, beside the server
 * @property {import('playwright-core').Browser} far    of the receiver, behind the link
 * @property {string} home      the server's origin for the one
 * @property {string} abroad    and for the other
 */

/**
 * @typedef {object} Plan
 * @property {Codec} codec
 * @property {'server' | 'direct'} way
 *   `direct` is the control: where layers are switched, its sender scales its one encoding
 * @property {boolean} isBad       the link
 * @property {boolean} switching   every two seconds, or not at all
 * @property {number} seconds
 */

/**
 * @typedef {object} Outcome   of the measured time alone
 * @property {Plan} plan
 * @property {string} mimeType
 * @property {string[]} sent      the encodings: width and scalability mode
 * @property {number} pictures    sent: of the encoding that sent most; where layers share a stream
 *   (statistics count each layer's frame there) those that the camera gave
 * @property {number} decoded
 * @property {number} dropped
 * @property {number} keyFrames
 * @property {number} keyframeRequests   the receiver's: libwebrtc makes one for each decoder error
 * @property {number} freezes
 * @property {number} freezeMs
 * @property {number} packets
 * @property {number} lost
 * @property {number} repaired
 * @property {number[]} widths    seen
 * @property {{ asked: number, seen: number, medianMs: number, longestMs: number }} switches
 *   `seen` those after which the picture has the size that was asked for, or the nearest that is sent
 * @property {number} load        of the machine, as a mean over the minute around
 */

/** @param {Ends} ends @param {Plan} plan @returns {Promise<Outcome>} */
export async function measure(ends, plan) {
  const [sender, receiver] = await Promise.all([
    VideoPage.open(ends.near, ends.home),
    VideoPage.open(ends.far, ends.abroad),
  ]);
  try {
    await connect(sender, receiver, ends, plan);
    await receiver.showsAll();
    await delay(SETTLED_MS + (plan.isBad ? REPAIRING_MS : 0));
    return await watch(sender, receiver, plan);
  } finally {
    await Promise.all([sender.close(), receiver.close()]);
  }
}

/** @param {VideoPage} sender @param {VideoPage} receiver @param {Ends} ends @param {Plan} plan */
async function connect(sender, receiver, ends, { codec, way }) {
  if (way === 'direct') {
    await sender.sendDirectly(receiver, codec);
    return;
  }
  const room = `layers-${codec}-${Date.now()}`;
  await Promise.all([
    sender.join(ends.home, joinToken(room, 'sender')),
    receiver.join(ends.abroad, joinToken(room, 'receiver')),
  ]);
  // Who watches also speaks, as in a call: a receiver that sends nothing knows no round-trip time,
  // and libwebrtc then does not wait for the repair of a frame that others do not build on.
  await receiver.speak();
  await sender.publish(codec);
}

/** @param {VideoPage} sender @param {VideoPage} receiver @param {Plan} plan @returns {Promise<Outcome>} */
async function watch(sender, receiver, plan) {
  const before = await readings(sender, receiver);
  const asks = await askOrWait(sender, receiver, plan);
  const after = await readings(sender, receiver);
  const { received: was } = before;
  const { received: is } = after;
  const layered = after.sent.length === 1 && !/^(L1.*)?$/.test(after.sent[0]?.mode ?? '');
  const shared = layered || (plan.way === 'direct' && ['vp9', 'av1'].includes(plan.codec));
  const all = await receiver.sizes();
  const began = asks[0]?.at ?? 0;
  // What it was at the beginning, and what it became.
  const sizes = [...all.filter(({ at }) => at < began).slice(-1), ...all.filter(({ at }) => at >= began)];
  return {
    plan,
    mimeType: is.mimeType,
    sent: after.sent.map(({ width, mode }) => `${width} ${mode}`.trim()),
    pictures: shared ? after.filmed - before.filmed : most(after.sent) - most(before.sent),
    decoded: is.decoded - was.decoded,
    dropped: is.dropped - was.dropped,
    keyFrames: is.keyFrames - was.keyFrames,
    keyframeRequests: is.keyframeRequests - was.keyframeRequests,
    freezes: is.freezes - was.freezes,
    freezeMs: Math.round(is.freezeMs - was.freezeMs),
    packets: is.packets - was.packets,
    lost: is.lost - was.lost,
    repaired: is.repaired - was.repaired,
    widths: [...new Set(sizes.map(({ width }) => width))].sort((a, b) => a - b),
    switches: switches(asks, sizes),
    load: loadavg()[0] ?? 0,
  };
}

/** @param {VideoPage} sender @param {VideoPage} receiver */
async function readings(sender, receiver) {
  const [received, sent, filmed] = await Promise.all([
    receiver.received(),
    sender.sent(),
    sender.filmed(),
  ]);
  if (received === undefined) {
    throw new Error('nothing is received');
  }
  return { received, sent, filmed };
}

/** @typedef {{ at: number, quality: 0 | 1 | 2 }} Ask */

/**
 * Lets the time pass, with switches or without.
 *
 * @param {VideoPage} sender @param {VideoPage} receiver @param {Plan} plan @returns {Promise<Ask[]>}
 */
async function askOrWait(sender, receiver, { way, switching, seconds }) {
  if (!switching) {
    await delay(seconds * 1_000);
    return [];
  }
  const began = Date.now();
  /** @type {Ask[]} */
  const asks = [];
  for (let count = 0; count * SWITCH_MS < seconds * 1_000; count += 1) {
    const quality = /** @type {0 | 1 | 2} */ (ROUND[count % ROUND.length]);
    asks.push({ at: Date.now(), quality });
    await (way === 'direct' ? sender.scale(quality) : receiver.ask(quality));
    await delay(Math.max(0, began + (count + 1) * SWITCH_MS - Date.now()));
  }
  return asks;
}

/** @param {Ask[]} asks @param {import('./video_page.mjs').Size[]} sizes @returns {Outcome['switches']} */
function switches(asks, sizes) {
  const widths = sizes.map(({ width }) => width);
  const [least, largest] = [Math.min(...widths), Math.max(...widths)];
  /** @type {number[]} */
  const times = [];
  let seen = 0;
  for (const [number, { at, quality }] of asks.entries()) {
    const end = asks[number + 1]?.at ?? at + SWITCH_MS;
    const until = sizes.filter((size) => size.at < end);
    const width = until.at(-1)?.width ?? 0;
    const wanted = Math.max(least, largest / 2 ** (2 - quality));
    // With two layers there is no middle: either of them will do.
    const is = width === wanted || (quality === 1 && new Set(widths).size === 2);
    seen += Number(is);
    const changes = until.filter((size) => size.at >= at);
    if (is && changes.length > 0) {
      times.push((changes.at(-1)?.at ?? at) - at);
    }
  }
  times.sort((a, b) => a - b);
  const medianMs = times[times.length >> 1] ?? 0;
  return { asked: asks.length, seen, medianMs, longestMs: times.at(-1) ?? 0 };
}

/** @param {import('./video_page.mjs').Sent[]} sent */
function most(sent) {
  return Math.max(...sent.map(({ frames }) => frames));
}
