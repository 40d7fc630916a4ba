// Three people in a call: they see and hear each other, mute, leave and come back.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CallPage } from './support/call_page.mjs';
import { launchChromium } from './support/chromium.mjs';
import { counter } from './support/metrics.mjs';
import { artifact } from './support/paths.mjs';
import { eventually } from './support/poll.mjs';
import { startServer } from './support/server.mjs';

const ROOM = 'three-pages';
/** The promise of the call: everyone receives everyone within ten seconds. */
const FIRST_MEDIA_MS = 10_000;

/** @type {import('./support/server.mjs').Server} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;
/** @type {CallPage} */
let ada;
/** @type {CallPage} */
let ben;
/** @type {CallPage} */
let cleo;
/** @type {string[]} */
let identities;

before(async () => {
  server = await startServer('three-pages');
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test('each page receives the video and the sound of both others', { timeout: 90_000 }, async () => {
  [ada, ben, cleo] = await Promise.all([
    CallPage.open(browser, server.http, { room: ROOM, name: 'Ada Lovelace' }),
    CallPage.open(browser, server.http, { room: ROOM, name: 'Ben' }),
    CallPage.open(browser, server.http, { room: ROOM, name: 'Cleo' }),
  ]);
  const pages = [ada, ben, cleo];
  await Promise.all(pages.map((page) => page.joined()));
  identities = await Promise.all(pages.map((page) => page.identity()));
  await Promise.all(
    pages.map((page, own) =>
      page.receivesFrom(identities.filter((_, other) => other !== own), {
        withinMs: FIRST_MEDIA_MS,
      }),
    ),
  );
  await Promise.all(pages.map((page) => page.showsExactly(identities)));
});

test('every connection is encrypted with an AEAD cipher, over DTLS', async () => {
  for (const page of [ada, ben, cleo]) {
    const { connection } = await page.stats();
    assert.notEqual(connection.transports.length, 0);
    for (const transport of connection.transports) {
      assert.equal(transport.dtlsState, 'connected');
      assert.match(transport.srtpCipher, /AEAD|GCM/);
    }
  }
});

test('the server is told when what it sent has arrived', async () => {
  await eventually(
    'feedback on arrivals',
    () => counter(server, 'sfu_arrival_feedback_total'),
    (count) => count > 0,
  );
});

test('each page publishes its camera as VP8 simulcast', async () => {
  for (const page of [ada, ben, cleo]) {
    const layers = await eventually(
      `${page.name} sends the packets of a video encoding`,
      async () => (await page.stats()).outbound.filter(({ kind }) => kind === 'video'),
      (seen) => seen.some(({ packetsSent, codec }) => packetsSent > 0 && codec === 'video/VP8'),
    );
    assert.deepEqual(layers.map(({ rid }) => rid).sort(), ['h', 'q']);
  }
});

test('the call looks right, wide and narrow', async () => {
  await ada.page.setViewportSize({ width: 1280, height: 800 });
  await eventually('the pictures have arrived', () => shownPictures(ada), (count) => count === 3);
  await ada.screenshot(artifact('three-pages-wide.png'));
  await ada.page.setViewportSize({ width: 375, height: 812 });
  await eventually('the tiles fit the narrow page', () => overflow(ada), (pixels) => pixels <= 0);
  await ada.screenshot(artifact('three-pages-narrow.png'));
  await ada.page.setViewportSize({ width: 1280, height: 800 });
});

test('a muted microphone is marked on the others’ pages, and unmarked again', async () => {
  const [, muted] = identities;
  for (const [button, expected] of /** @type {[string, boolean][]} */ ([
    ['Mute', true],
    ['Unmute', false],
  ])) {
    await ben.press(button);
    for (const page of [ada, cleo]) {
      await eventually(
        `${page.name} sees Ben ${expected ? 'muted' : 'unmuted'}`,
        () => page.tile(muted ?? ''),
        (tile) => tile?.markedMuted === expected,
      );
    }
  }
});

test('a stopped camera leaves the initials, and comes back', { timeout: 60_000 }, async () => {
  const [stopped] = identities;
  for (const [button, expected] of /** @type {[string, string][]} */ ([
    ['Stop camera', 'off'],
    ['Start camera', 'on'],
  ])) {
    await ada.press(button);
    for (const page of [ben, cleo]) {
      await eventually(
        `${page.name} sees Ada's camera ${expected}`,
        () => page.tile(stopped ?? ''),
        (tile) => tile?.camera === expected,
      );
    }
  }
  await ben.receivesFrom([stopped ?? ''], { sound: false });
});

test('a reloaded page comes back as itself, and leaves no ghost', { timeout: 60_000 }, async () => {
  await ben.page.reload();
  await ben.joined();
  assert.equal(await ben.identity(), identities[1]);
  for (const page of [ada, ben, cleo]) {
    await page.showsExactly(identities);
  }
  await ben.receivesFrom([identities[0] ?? '', identities[2] ?? '']);
  await ada.receivesFrom([identities[1] ?? '', identities[2] ?? '']);
});

test('a page that leaves is gone from the others', async () => {
  await cleo.press('Leave');
  await cleo.says(/You left the call/);
  for (const page of [ada, ben]) {
    await page.showsExactly(identities.slice(0, 2));
  }
  await ada.receivesFrom(identities.slice(1, 2));
});

/** @param {CallPage} page */
function shownPictures(page) {
  return page.page.evaluate(
    () =>
      Array.from(document.querySelectorAll('video')).filter((video) => video.videoWidth > 0).length,
  );
}

/** By how many pixels the page is wider than its window. @param {CallPage} page */
function overflow(page) {
  return page.page.evaluate(() => {
    const edges = Array.from(document.querySelectorAll('.tile, header, footer'), (element) =>
      Math.ceil(element.getBoundingClientRect().right),
    );
    return Math.max(document.documentElement.scrollWidth, ...edges) - window.innerWidth;
  });
}
