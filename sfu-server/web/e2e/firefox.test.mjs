// Two engines in one call: Chromium and Firefox ESR see and hear each other, with VP8 and Opus.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CallPage } from './support/call_page.mjs';
import { launchChromium } from './support/chromium.mjs';
import { launchFirefox, openInFirefox } from './support/firefox.mjs';
import { Nat } from './support/nat.mjs';
import { addressOfHost, enterOwnNetwork } from './support/own_network.mjs';
import { artifact } from './support/paths.mjs';
import { eventually } from './support/poll.mjs';
import { startServer } from './support/server.mjs';

enterOwnNetwork(import.meta.url);

const ROOM = 'two-engines';
/** Two browsers start on what may be a busy machine. */
const FIRST_MEDIA_MS = 60_000;

/** @type {import('./support/server.mjs').Server} */
let server;
/** @type {import('playwright-core').Browser} */
let chromium;
/** @type {import('puppeteer-core').Browser} */
let firefox;
/** @type {CallPage} */
let chloe;
/** @type {CallPage} */
let finn;
/** @type {{ chloe: string, finn: string }} */
let identities;

before(async () => {
  server = await startServer('firefox');
  [chromium, firefox] = await Promise.all([launchChromium(), launchFirefox()]);
});

after(async () => {
  await Promise.all([chromium?.close(), firefox?.close()]);
  await server?.stop();
});

test('Chromium and Firefox receive the video and the sound of each other', {
  timeout: 180_000,
}, async () => {
  [chloe, finn] = await Promise.all([
    CallPage.open(chromium, server.http, { room: ROOM, name: 'Chloe' }),
    openInFirefox(firefox, server.http, { room: ROOM, name: 'Finn' }),
  ]);
  await Promise.all([chloe.view('call', FIRST_MEDIA_MS), finn.view('call', FIRST_MEDIA_MS)]);
  const [ofChloe, ofFinn] = await Promise.all([chloe.identity(), finn.identity()]);
  identities = { chloe: ofChloe, finn: ofFinn };
  await Promise.all([
    chloe.receivesFrom([identities.finn], { withinMs: FIRST_MEDIA_MS }),
    finn.receivesFrom([identities.chloe], { withinMs: FIRST_MEDIA_MS }),
  ]);
  await Promise.all([
    chloe.showsExactly([identities.chloe, identities.finn]),
    finn.showsExactly([identities.chloe, identities.finn]),
  ]);
});

test('it is VP8 that they see, in a picture on the page, and Opus that they hear', {
  timeout: 90_000,
}, async () => {
  for (const [page, other] of /** @type {[CallPage, string][]} */ ([
    [chloe, identities.finn],
    [finn, identities.chloe],
  ])) {
    const tracks = (await page.stats()).participants[other]?.tracks ?? [];
    const video = tracks.find(({ kind }) => kind === 'video');
    const audio = tracks.find(({ kind }) => kind === 'audio');
    assert.equal(video?.codec, 'video/VP8');
    // With redundancy (RFC 2198) or without: the primary is Opus.
    assert.match(audio?.codec ?? '', /^audio\/(opus|red)$/);
    await eventually(
      `${page.name} shows the other's picture`,
      () => pictureOf(page, other),
      ({ width, height }) => width >= 160 && Math.abs(width / height - 16 / 9) < 0.1,
      FIRST_MEDIA_MS,
    );
  }
  await chloe.screenshot(artifact('two-engines-chromium.png'));
  await finn.screenshot(artifact('two-engines-firefox.png'));
});

test('a Firefox whose signalling is interrupted goes on in the same session', {
  timeout: 120_000,
}, async () => {
  const sid = () => finn.page.evaluate(() => window.sfuDemo.room?.localParticipant.sid);
  const before = await sid();
  const states = (await finn.history()).length;
  await finn.page.evaluate(() => window.sfuDemo.room?.simulateScenario('signal-reconnect'));
  await eventually(
    'Finn is connected again',
    async () => (await finn.history()).slice(states),
    (seen) => seen.includes('signalReconnecting') && seen.at(-1) === 'connected',
    FIRST_MEDIA_MS,
  );
  assert.equal(await sid(), before);
  assert.ok(!(await finn.history()).includes('reconnecting'), 'it did not have to join anew');
  await Promise.all([
    chloe.receivesFrom([identities.finn], { withinMs: FIRST_MEDIA_MS }),
    finn.receivesFrom([identities.chloe], { withinMs: FIRST_MEDIA_MS }),
  ]);
});

test('a Firefox is followed when a NAT gives it another address', { timeout: 120_000 }, async () => {
  const nat = await Nat.open(server.media[0] ?? 0, addressOfHost());
  const behind = await openInFirefox(firefox, server.http, { room: 'nat', name: 'Faye', nat });
  const other = await CallPage.open(chromium, server.http, { room: 'nat', name: 'Carl' });
  try {
    await Promise.all([behind.view('call', FIRST_MEDIA_MS), other.view('call', FIRST_MEDIA_MS)]);
    const [faye, carl] = await Promise.all([behind.identity(), other.identity()]);
    const bothGoOn = () =>
      Promise.all([
        behind.receivesFrom([carl], { withinMs: FIRST_MEDIA_MS }),
        other.receivesFrom([faye], { withinMs: FIRST_MEDIA_MS }),
      ]);
    await bothGoOn();
    for (let round = 0; round < 2; round += 1) {
      nat.rebind();
      const began = Date.now();
      await eventually('media is sent to the new address', () => nat.mediaInward, (count) => count > 0, FIRST_MEDIA_MS);
      console.log(`after a NAT rebinding media was away for ${Date.now() - began} ms`);
      await bothGoOn();
    }
    assert.deepEqual(await behind.history(), ['connecting', 'connected']);
  } finally {
    await Promise.all([behind.page.close(), other.close()]);
    nat.close();
  }
});

/** The size of the picture in a participant's tile. @param {CallPage} page @param {string} identity */
function pictureOf(page, identity) {
  return page.page.evaluate((identity) => {
    const tiles = Array.from(document.querySelectorAll('.tile'));
    const tile = tiles.find((one) => /** @type {HTMLElement} */ (one).dataset.identity === identity);
    const video = tile?.querySelector('video');
    return { width: video?.videoWidth ?? 0, height: video?.videoHeight ?? 0 };
  }, identity);
}
