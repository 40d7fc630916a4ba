// When a frame was captured, as far as a receiver of it can know: the header extension goes through.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CallPage } from './support/call_page.mjs';
import { launchChromium } from './support/chromium.mjs';
import { eventually } from './support/poll.mjs';
import { startServer } from './support/server.mjs';

/** From the epoch of NTP to that of JavaScript. */
const NTP_EPOCH_MS = 2_208_988_800_000;

/** @type {import('./support/server.mjs').Server} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;

before(async () => {
  server = await startServer('capture-time');
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Runs in the page: has it offer the capture time, which Chromium does only when asked to. */
function offerCaptureTime() {
  const createOffer = RTCPeerConnection.prototype.createOffer;
  RTCPeerConnection.prototype.createOffer = /** @type {any} */ (
    /** @this {RTCPeerConnection} @param {any[]} options */
    function (...options) {
      for (const transceiver of /** @type {any[]} */ (this.getTransceivers())) {
        const extensions = transceiver.getHeaderExtensionsToNegotiate();
        for (const extension of extensions) {
          if (extension.uri.endsWith('/abs-capture-time')) {
            extension.direction = 'sendrecv';
          }
        }
        transceiver.setHeaderExtensionsToNegotiate(extensions);
      }
      return createOffer.apply(this, /** @type {any} */ (options));
    }
  );
}

test('a subscriber learns when its publisher captured', { timeout: 90_000 }, async () => {
  const options = { room: 'capture-time', before: offerCaptureTime };
  const [ada, ben] = await Promise.all([
    CallPage.open(browser, server.http, { ...options, name: 'Ada' }),
    CallPage.open(browser, server.http, { ...options, name: 'Ben' }),
  ]);
  await Promise.all([ada.joined(), ben.joined()]);
  await ben.receivesFrom([await ada.identity()], { withinMs: 15_000 });
  const sources = await eventually(
    'a capture time for sound and pictures',
    () =>
      ben.page.evaluate(() => {
        /** @type {RTCPeerConnection[]} */
        const connections = /** @type {any} */ (window).openedConnections;
        const receivers = connections.flatMap((connection) => connection.getReceivers());
        return receivers.flatMap((receiver) =>
          receiver.getSynchronizationSources().map((source) => ({
            kind: receiver.track.kind,
            captured: /** @type {number | undefined} */ (/** @type {any} */ (source).captureTimestamp),
            offset: /** @type {number | undefined} */ (
              /** @type {any} */ (source).senderCaptureTimeOffset
            ),
            now: Date.now(),
          })),
        );
      }),
    (seen) =>
      ['audio', 'video'].every((kind) =>
        seen.some((source) => source.kind === kind && source.captured !== undefined),
      ),
    20_000,
  );
  console.log(JSON.stringify(sources));
  for (const { kind, captured, now } of sources) {
    if (captured !== undefined) {
      // Both pages have one clock: what is shown now was captured a moment ago.
      const ago = now - (captured - NTP_EPOCH_MS);
      assert.ok(ago > -100 && ago < 3000, `${kind} was captured ${ago} ms ago`);
    }
  }
});
