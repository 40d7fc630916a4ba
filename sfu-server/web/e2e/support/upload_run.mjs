// One measurement of a publisher: how fast what Chromium sends, and what it believes that its link
// carries, grow from the moment of joining.
import { setTimeout as delay } from 'node:timers/promises';
import { joinToken } from './token.mjs';
import { VideoPage } from './video_page.mjs';

/** How often the page looks. */
const STEP_MS = 100;

/**
 * @typedef {object} Look     at one moment
 * @property {number} at          milliseconds since the connection was there
 * @property {number} available   what the sender believes that it may send, in bit/s
 * @property {number} sent        what it has sent since the look before, in bit/s: all of RTP
 * @property {number} lost        the part of it that its receiver reports as lost
 * @property {number} rtt         in milliseconds
 * @property {string} widths      of the encodings that have sent a frame
 * @property {number} target      what the encoders are told to make, in bit/s
 */

/**
 * Joins, publishes a camera of 720p and a microphone as the SDK does, and looks for `seconds`.
 *
 * @param {import('playwright-core').Browser} browser
 * @param {string} origin     the server's, as the browser sees it
 * @param {{ seconds: number, maxBitrate?: number }} plan   `maxBitrate` of the largest encoding
 * @returns {Promise<Look[]>}
 */
export async function upload(browser, origin, { seconds, maxBitrate = 2_500_000 }) {
  const page = await VideoPage.open(browser, origin);
  try {
    await page.join(origin, joinToken(`upload-${Date.now()}`, 'publisher'));
    await page.page.evaluate(publishAndLook, { maxBitrate, step: STEP_MS });
    await delay(seconds * 1_000);
    return await page.page.evaluate(() => /** @type {any} */ (window).looks);
  } finally {
    await page.close();
  }
}

/** When `reads` first gave `least`, in milliseconds. @param {Look[]} looks @param {(look: Look) => number} reads @param {number} least */
export function reached(looks, reads, least) {
  return looks.find((look) => reads(look) >= least)?.at;
}

/** Runs in the page. @param {{ maxBitrate: number, step: number }} plan */
async function publishAndLook({ maxBitrate, step }) {
  const { measured } = /** @type {any} */ (window);
  /** @type {Look[]} */
  const looks = [];
  Object.assign(window, { looks });
  const room = measured.room;
  const encoding = { maxBitrate, maxFramerate: 30 };
  const resolution = { width: 1280, height: 720, frameRate: 30 };
  const published = Promise.all([
    room.localParticipant.setCameraEnabled(true, { resolution }, { videoEncoding: encoding }),
    room.localParticipant.setMicrophoneEnabled(true),
  ]);
  let [began, at, bytes] = [0, 0, 0];
  const look = async () => {
    for (const connection of measured.connections) {
      if (connection.connectionState !== 'connected') {
        continue;
      }
      const now = performance.now();
      /** @type {any[]} */
      const all = [];
      (await connection.getStats()).forEach((/** @type {any} */ entry) => all.push(entry));
      const of = (/** @type {string} */ type) => all.filter((entry) => entry.type === type);
      const pair = of('candidate-pair').find((one) => one.nominated && one.bytesSent > 0);
      const streams = of('outbound-rtp');
      const total = streams.reduce((sum, one) => sum + one.bytesSent + one.headerBytesSent, 0);
      const videos = streams.filter((one) => one.kind === 'video');
      if (pair === undefined || videos.every((one) => one.bytesSent === 0)) {
        continue;
      }
      began ||= now;
      const sent = at > 0 ? (8_000 * (total - bytes)) / (now - at) : 0;
      [at, bytes] = [now, total];
      const remote = of('remote-inbound-rtp').filter((one) => one.kind === 'video');
      looks.push({
        at: Math.round(now - began),
        available: pair.availableOutgoingBitrate ?? 0,
        sent: Math.round(sent),
        lost: Math.max(0, ...remote.map((one) => one.fractionLost ?? 0)),
        rtt: Math.round(1_000 * (pair.currentRoundTripTime ?? 0)),
        widths: videos.filter((one) => one.framesSent > 0).map((one) => one.frameWidth).join(' '),
        target: videos.reduce((sum, one) => sum + (one.targetBitrate ?? 0), 0),
      });
    }
  };
  setInterval(() => void look(), step);
  await published;
}
