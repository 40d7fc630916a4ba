// What a page does not show costs it nothing, and what nobody shows costs its publisher nothing:
// adaptive stream and dynacast of livekit-client through the real server.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { CallPage } from './support/call_page.mjs';
import { launchChromium } from './support/chromium.mjs';
import { eventually } from './support/poll.mjs';
import { startServer } from './support/server.mjs';

/** The server holds for 3 s, and looks once a second. */
const WITHIN_MS = 30_000;
/** How long what is paused is watched. */
const WATCHED_MS = 3_000;

/** @type {import('./support/server.mjs').Server} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;

before(async () => {
  server = await startServer('layers-wanted');
  browser = await launchChromium({ fps: 15 });
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test('what nobody sees is not sent, and is back at once', { timeout: 180_000 }, async (t) => {
  const { ann, bob, from } = await twoPages('hidden');
  try {
    for (const round of [1, 2]) {
      await show(bob, from, 'none');
      await eventually('no layer is active', () => active(ann), (seen) => seen === '', WITHIN_MS);
      await costsNothing(bob, from, ann);
      const back = await show(bob, from, 'large');
      t.diagnostic(`round ${round}: shown again, ${back.first.toFixed(0)} ms to the first picture, ` +
        `${back.large.toFixed(0)} ms to a large one`);
    }
    // What is hidden for a moment only is not paused at its publisher.
    const frames = await encoded(ann);
    await show(bob, from, 'none');
    await eventually('it is paused for Bob', () => stands(bob, from), (seen) => seen, WITHIN_MS);
    const back = await show(bob, from, 'large');
    assert.ok((await encoded(ann)) > frames);
    t.diagnostic(`hidden for a moment: ${back.first.toFixed(0)} ms to the first picture, ` +
      `${back.large.toFixed(0)} ms to a large one`);
  } finally {
    await Promise.all([ann.close(), bob.close()]);
  }
});

test('what is shown small is sent small', { timeout: 180_000 }, async (t) => {
  const { ann, bob, from } = await twoPages('small');
  try {
    const small = await show(bob, from, 'small');
    t.diagnostic(`${small.first.toFixed(0)} ms to the first small picture`);
    await eventually('the large layer is paused', () => active(ann), (seen) => seen === 'q', WITHIN_MS);
    const back = await show(bob, from, 'large');
    t.diagnostic(`${back.large.toFixed(0)} ms to the first large picture`);
    assert.equal(await active(ann), 'h,q');
    const freezes = (await picture(bob, from))?.freezeCount;
    t.diagnostic(`${freezes} freezes`);
  } finally {
    await Promise.all([ann.close(), bob.close()]);
  }
});

test('what is asked for by hand holds, even before the subscription', { timeout: 180_000 }, async () => {
  const { ann, bob, from } = await twoPages('by-hand');
  try {
    await publication(bob, from, 'disable');
    await eventually('it is paused for Bob', () => stands(bob, from), (seen) => seen, WITHIN_MS);
    await publication(bob, from, 'unsubscribe');
    await eventually('it is no longer subscribed', () => picture(bob, from), (seen) => seen === undefined, WITHIN_MS);
    await publication(bob, from, 'subscribe');
    await eventually('it is subscribed', () => isSubscribed(bob, from), (seen) => seen, WITHIN_MS);
    await delay(WATCHED_MS);
    assert.equal((await picture(bob, from))?.bytesReceived ?? 0, 0);
    await publication(bob, from, 'enable');
    await eventually('it goes on', () => picture(bob, from), (seen) => (seen?.framesDecoded ?? 0) > 5, WITHIN_MS);
  } finally {
    await Promise.all([ann.close(), bob.close()]);
  }
});

test('what its publisher mutes costs nobody anything', { timeout: 180_000 }, async () => {
  const { ann, bob, from } = await twoPages('muted');
  try {
    await ann.press('Stop camera');
    await costsNothing(bob, from, ann);
    await ann.press('Start camera');
    await bob.receivesFrom([from], { withinMs: WITHIN_MS });
  } finally {
    await Promise.all([ann.close(), bob.close()]);
  }
});

/** Ann and Bob in a room, and Bob sees all of Ann. @param {string} room */
async function twoPages(room) {
  const open = async (/** @type {string} */ name) => {
    const page = await CallPage.open(browser, server.http, { room: `wanted-${room}`, name });
    return page.joined();
  };
  const [ann, bob] = await Promise.all([open('Ann'), open('Bob')]);
  const from = await ann.identity();
  await bob.receivesFrom([from], { withinMs: WITHIN_MS });
  await eventually(
    'Bob sees Ann 640 wide',
    () => picture(bob, from),
    (seen) => seen?.frameWidth === 640,
    WITHIN_MS,
  );
  return { ann, bob, from };
}

/**
 * Shows the tile of `identity` large, small or not at all. Gives after how many milliseconds the
 * next picture was on the screen, and the next large one, if there was to be any.
 *
 * @param {CallPage} page
 * @param {string} identity
 * @param {'large' | 'small' | 'none'} size
 */
function show(page, identity, size) {
  return page.page.evaluate(
    async ({ identity, size }) => {
      const tile = /** @type {HTMLElement} */ (
        document.querySelector(`.tile[data-identity="${identity}"]`)
      );
      const video = /** @type {HTMLVideoElement} */ (tile.querySelector('video'));
      const since = performance.now();
      tile.style.display = size === 'none' ? 'none' : '';
      video.style.maxHeight = size === 'small' ? '90px' : '';
      const shown = { first: NaN, large: NaN };
      if (size === 'none') {
        return shown;
      }
      const wanted = size === 'large' ? 640 : 320;
      while (Number.isNaN(shown.large)) {
        const width = await new Promise((resolve, reject) => {
          setTimeout(() => reject(new Error('no picture for 30 s')), 30_000);
          video.requestVideoFrameCallback((_, frame) => resolve(frame.width));
        });
        const after = performance.now() - since;
        if (size === 'large' || width === wanted) {
          shown.first = Number.isNaN(shown.first) ? after : shown.first;
        }
        if (width === wanted) {
          shown.large = after;
        }
        if (after > 30_000) {
          throw new Error(`pictures are ${width} wide`);
        }
      }
      return shown;
    },
    { identity, size },
  );
}

/**
 * Does that by the library's own words.
 *
 * @param {CallPage} page @param {string} identity
 * @param {'enable' | 'disable' | 'subscribe' | 'unsubscribe'} what
 */
async function publication(page, identity, what) {
  await page.page.evaluate(
    ({ identity, what }) => {
      const participant = window.sfuDemo.room?.remoteParticipants.get(identity);
      for (const publication of participant?.videoTrackPublications.values() ?? []) {
        ({
          enable: () => publication.setEnabled(true),
          disable: () => publication.setEnabled(false),
          subscribe: () => publication.setSubscribed(true),
          unsubscribe: () => publication.setSubscribed(false),
        })[what]();
      }
    },
    { identity, what },
  );
}

/** Whether the pictures have a section. @param {CallPage} page @param {string} identity */
function isSubscribed(page, identity) {
  return page.page.evaluate((identity) => {
    const participant = window.sfuDemo.room?.remoteParticipants.get(identity);
    return Array.from(participant?.videoTrackPublications.values() ?? []).some(
      (publication) => publication.isSubscribed,
    );
  }, identity);
}

/**
 * Not a byte of pictures comes or is sent; sound goes on. Its publisher's browser goes on for two
 * seconds after its last picture: it repeats packets to measure its uplink, and counts their bytes.
 *
 * @param {CallPage} page @param {string} identity @param {CallPage} publisher
 */
async function costsNothing(page, identity, publisher) {
  await eventually('nothing comes any more', () => stands(page, identity), (seen) => seen, WITHIN_MS);
  await eventually('nothing is sent any more', () => isSilent(publisher), (seen) => seen, WITHIN_MS);
  const [received, sent] = [await picture(page, identity), await sentBytes(publisher)];
  const heard = await sound(page, identity);
  await delay(WATCHED_MS);
  assert.equal((await picture(page, identity))?.bytesReceived, received?.bytesReceived);
  assert.equal(await sentBytes(publisher), sent, 'sent by the publisher');
  assert.ok((await sound(page, identity)) > heard, 'sound goes on');
}

/** Whether no picture came for most of a second. @param {CallPage} page @param {string} identity */
async function stands(page, identity) {
  const earlier = await picture(page, identity);
  await delay(700);
  return (await picture(page, identity))?.bytesReceived === earlier?.bytesReceived;
}

/** Whether a page sent no picture for most of a second. @param {CallPage} page */
async function isSilent(page) {
  const earlier = await sentBytes(page);
  await delay(700);
  return (await sentBytes(page)) === earlier;
}

/** @param {CallPage} page @param {string} identity */
async function picture(page, identity) {
  const { participants } = await page.stats();
  return participants[identity]?.tracks.find(({ kind }) => kind === 'video');
}

/** @param {CallPage} page @param {string} identity */
async function sound(page, identity) {
  const { participants } = await page.stats();
  return participants[identity]?.tracks.find(({ kind }) => kind === 'audio')?.packetsReceived ?? 0;
}

/** @param {CallPage} page */
async function layers(page) {
  return (await page.stats()).outbound.filter(({ kind }) => kind === 'video');
}

/** The layers that a page sends, by their names. @param {CallPage} page */
async function active(page) {
  const sent = (await layers(page)).filter(({ active }) => active);
  return sent.map(({ rid }) => rid).sort((a, b) => a.localeCompare(b)).join(',');
}

/** @param {CallPage} page */
async function sentBytes(page) {
  return (await layers(page)).reduce((sum, layer) => sum + layer.bytesSent, 0);
}

/** @param {CallPage} page */
async function encoded(page) {
  return (await layers(page)).reduce((sum, layer) => sum + layer.framesEncoded, 0);
}
