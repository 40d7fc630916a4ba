// Pictures that the server cannot read: encrypted from end to end by livekit-client's own worker.
// Who has the key sees them, in the quality that it asks for, and nobody else.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchChromium } from './support/chromium.mjs';
import { EncryptedPage } from './support/encrypted_page.mjs';
import { eventually } from './support/poll.mjs';
import { startServer } from './support/server.mjs';

const KEY = 'correct horse battery staple';
/** `VideoQuality` of the library. */
const LOW = 0;
const HIGH = 2;

/** @type {import('./support/server.mjs').Server} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;

before(async () => {
  server = await startServer('end-to-end-encryption');
  browser = await launchChromium({ fps: 15 });
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

// The library's worker knows no AV1.
for (const codec of ['vp8', 'h264', 'vp9']) {
  test(`encrypted ${codec} is seen with the key, and switched`, { timeout: 240_000 }, async (t) => {
    const open = (/** @type {string} */ name, /** @type {object} */ how) =>
      EncryptedPage.open(browser, server.http, { room: `e2ee-${codec}`, name, ...how });
    const mimeType = `video/${codec.toUpperCase()}`;
    const pages = await Promise.all([
      open('ann', { passphrase: KEY, codec }),
      open('bob', { passphrase: KEY }),
      open('mal', { passphrase: 'another key' }),
    ]);
    const [, bob, mal] = /** @type {[EncryptedPage, EncryptedPage, EncryptedPage]} */ (
      /** @type {unknown} */ (pages)
    );
    try {
      await bob.sees('ann', 640, mimeType);
      for (const _ of [1, 2, 3]) {
        await bob.ask('ann', LOW);
        // Of 640x360, Chromium makes two layers in every codec.
        const low = await timed(() => bob.sees('ann', 320, mimeType));
        await bob.ask('ann', HIGH);
        const high = await timed(() => bob.sees('ann', 640, mimeType));
        t.diagnostic(`down in ${low} ms, up in ${high} ms, with eleven pictures each`);
      }
      const received = await eventually(
        'Mal is sent as much',
        () => mal.pictures('ann'),
        (seen) => seen.packetsReceived > 100,
        60_000,
      );
      assert.equal(received.framesDecoded, 0, 'without the key');
    } finally {
      await Promise.all(pages.map((page) => page.close()));
    }
  });
}

/** How long that takes, in milliseconds. @param {() => Promise<unknown>} wait */
async function timed(wait) {
  const since = Date.now();
  await wait();
  return Date.now() - since;
}
