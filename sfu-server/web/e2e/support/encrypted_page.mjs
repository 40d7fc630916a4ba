// A page of livekit-client's own bundle, whose media its worker encrypts from end to end.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { eventually } from './poll.mjs';
import { joinToken } from './token.mjs';

const LIBRARY = new URL('../../node_modules/livekit-client/dist/', import.meta.url);

/**
 * @typedef {object} Pictures
 * @property {number} framesDecoded
 * @property {number} frameWidth
 * @property {number} bytesReceived
 * @property {number} packetsReceived
 * @property {string} codec   as in the MIME type
 */

/**
 * The library, of which a bundle puts all names into one.
 *
 * @typedef {{ LivekitClient: typeof import('livekit-client'),
 *   room: import('livekit-client').Room }} Inside
 */

export class EncryptedPage {
  /** @param {import('playwright-core').Page} page @param {string} name */
  constructor(page, name) {
    this.page = page;
    this.name = name;
  }

  /**
   * Joins `room`, and publishes if there is a codec.
   *
   * @param {import('playwright-core').Browser} browser
   * @param {string} origin   of the server
   * @param {{ room: string, name: string, passphrase?: string, codec?: string }} how   without a
   *   passphrase nothing is encrypted
   */
  static async open(browser, origin, { room, name, passphrase, codec }) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.route('**/e2ee/**', async (route) => {
      const file = new URL(route.request().url()).pathname.replace('/e2ee/', '');
      const body = await readFile(fileURLToPath(new URL(file, LIBRARY)));
      await route.fulfill({ body, contentType: 'text/javascript' });
    });
    // The server's own page, which waits to be asked to join: Chromium lets no page that came from
    // nowhere speak to this machine.
    await page.goto(origin);
    await page.addScriptTag({ url: '/e2ee/livekit-client.umd.js' });
    const token = joinToken(room, name);
    await page.evaluate(join, { url: origin.replace(/^http/, 'ws'), token, passphrase, codec });
    return new EncryptedPage(page, name);
  }

  /** What it receives of the pictures of `identity`. @param {string} identity */
  pictures(identity) {
    return this.page.evaluate(async (identity) => {
      const { room } = /** @type {Inside} */ (/** @type {unknown} */ (window));
      const participant = room.remoteParticipants.get(identity);
      const [publication] = participant?.videoTrackPublications.values() ?? [];
      /** @type {Pictures} */
      const seen = {
        framesDecoded: 0, frameWidth: 0, bytesReceived: 0, packetsReceived: 0, codec: '',
      };
      const report = await publication?.track?.getRTCStatsReport();
      report?.forEach((entry) => {
        if (entry.type === 'inbound-rtp') {
          const { framesDecoded, frameWidth, bytesReceived, packetsReceived } = entry;
          const { mimeType: codec } = report.get(entry.codecId) ?? {};
          Object.assign(seen, { framesDecoded, frameWidth, bytesReceived, packetsReceived, codec });
        }
      });
      return seen;
    }, identity);
  }

  /**
   * Asks for that quality of the pictures of `identity`.
   *
   * @param {string} identity @param {import('livekit-client').VideoQuality} quality
   */
  async ask(identity, quality) {
    await this.page.evaluate(
      ({ identity, quality }) => {
        const { room } = /** @type {Inside} */ (/** @type {unknown} */ (window));
        const participant = room.remoteParticipants.get(identity);
        participant?.videoTrackPublications.forEach((one) => one.setVideoQuality(quality));
      },
      { identity, quality },
    );
  }

  /** Waits until it decodes more pictures of `identity`, of this width and codec. @param {string} identity @param {number} width @param {string} codec */
  async sees(identity, width, codec, withinMs = 60_000) {
    const before = (await this.pictures(identity)).framesDecoded;
    return eventually(
      `${this.name} sees ${identity} in ${codec}, ${width} wide`,
      () => this.pictures(identity),
      (seen) =>
        seen.codec === codec && seen.frameWidth === width && seen.framesDecoded > before + 10,
      withinMs,
    );
  }

  async close() {
    await this.page.context().close();
  }
}

/**
 * Runs in the page.
 *
 * @param {{ url: string, token: string, passphrase?: string, codec?: string }} how
 */
async function join({ url, token, passphrase, codec }) {
  const { LivekitClient: library } = /** @type {Inside} */ (/** @type {unknown} */ (window));
  const keyProvider = new library.ExternalE2EEKeyProvider();
  const worker = new Worker('/e2ee/livekit-client.e2ee.worker.js');
  const room = new library.Room({
    singlePeerConnection: true,
    videoCaptureDefaults: { resolution: { width: 640, height: 360, frameRate: 15 } },
    publishDefaults: {
      simulcast: true,
      videoCodec: /** @type {import('livekit-client').VideoCodec} */ (codec ?? 'vp8'),
      videoEncoding: { maxBitrate: 700_000, maxFramerate: 15 },
    },
    ...(passphrase === undefined ? {} : { encryption: { keyProvider, worker } }),
  });
  Object.assign(window, { room });
  if (passphrase !== undefined) {
    await keyProvider.setKey(passphrase);
    await room.setE2EEEnabled(true);
  }
  await room.connect(url, token);
  if (codec !== undefined) {
    await room.localParticipant.setCameraEnabled(true);
  }
}
