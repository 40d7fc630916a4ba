// What the page offers in a call: other devices, a shared screen, figures, chat, reconnecting.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CallPage } from './support/call_page.mjs';
import { launchChromium } from './support/chromium.mjs';
import { artifact } from './support/paths.mjs';
import { eventually } from './support/poll.mjs';
import { startServer } from './support/server.mjs';

const ROOM = 'page';
const PATIENCE_MS = 60_000;
const LIMIT = { timeout: 120_000 };

/** @type {import('./support/server.mjs').Server} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;
/** @type {CallPage} */
let ada;
/** @type {CallPage} */
let ben;
/** @type {string} */
let adaIdentity;
/** @type {string} */
let benIdentity;

before(async () => {
  server = await startServer('page');
  // The second fake camera gives depths, which no browser encodes; the third one gives pictures.
  browser = await launchChromium({ cameras: 3 });
  [ada, ben] = await Promise.all([
    CallPage.open(browser, server.http, { room: ROOM, name: 'Ada Lovelace' }),
    CallPage.open(browser, server.http, { room: ROOM, name: 'Ben' }),
  ]);
  await Promise.all([ada.joined(), ben.joined()]);
  [adaIdentity, benIdentity] = await Promise.all([ada.identity(), ben.identity()]);
  await Promise.all([
    ada.receivesFrom([benIdentity], { withinMs: PATIENCE_MS }),
    ben.receivesFrom([adaIdentity], { withinMs: PATIENCE_MS }),
  ]);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test('another camera is sent as soon as it is chosen, and after a reload', LIMIT, async () => {
  const former = await cameraInUse(ada);
  await ada.press('Settings');
  const list = ada.page.getByRole('combobox', { name: 'Camera' });
  await eventually(
    'the list names the cameras',
    () => list.locator('option').allInnerTexts(),
    (names) => names.length === 3 && new Set(names).size === 3,
  );
  assert.equal(await list.inputValue(), former);
  await list.selectOption({ index: 2 });
  const chosen = await list.inputValue();
  assert.notEqual(chosen, former);
  await eventually('the camera in use changes', () => cameraInUse(ada), (used) => used === chosen);
  await ada.screenshot(artifact('page-settings-wide.png'));
  await ben.receivesFrom([adaIdentity], { withinMs: PATIENCE_MS, sound: false });

  await ada.page.reload();
  await ada.joined();
  await eventually('the choice is remembered', () => cameraInUse(ada), (used) => used === chosen);
  await ben.receivesFrom([adaIdentity], { withinMs: PATIENCE_MS, sound: false });
});

test('a panel closes by the Escape key and gives the focus back', async () => {
  await ada.press('Settings');
  await ada.page.keyboard.press('Escape');
  assert.equal(await ada.page.locator('#settings-panel').isVisible(), false);
  const focused = () => ada.page.evaluate(() => document.activeElement?.id);
  assert.equal(await focused(), 'toggle-settings');
});

test('a shared screen is shown large to the others until it ends', LIMIT, async () => {
  await ada.press('Share screen');
  const screen = ben.page.locator('#stage .screen');
  await eventually(
    'Ben’s page shows the picture of Ada’s screen',
    () => pictureWidths(screen.locator('video')),
    ([width]) => width !== undefined && width > 640,
    PATIENCE_MS,
  );
  assert.equal(await screen.getAttribute('aria-label'), 'Screen of Ada Lovelace');
  const [shared, person] = await Promise.all([
    screen.boundingBox(),
    ben.page.locator('.tile').first().boundingBox(),
  ]);
  assert.ok((shared?.width ?? 0) > 2 * (person?.width ?? 0), 'the screen is larger than a person');
  await ben.screenshot(artifact('page-screen-wide.png'));
  await ben.page.setViewportSize({ width: 390, height: 844 });
  await ben.screenshot(artifact('page-screen-narrow.png'));
  await ben.page.setViewportSize({ width: 1280, height: 800 });
  // The camera is still Ada's camera.
  await ben.receivesFrom([adaIdentity], { withinMs: PATIENCE_MS, sound: false });
  assert.equal(await ada.page.locator('#grid .screen').count(), 1, 'a small one for Ada');

  await ada.press('Stop sharing');
  await eventually('the screen is gone', () => screen.count(), (count) => count === 0, PATIENCE_MS);
  assert.equal(await ada.page.locator('.screen').count(), 0);
});

test('the figures on a picture are those that the browser counts', LIMIT, async () => {
  await ben.press('Settings');
  await ben.page.getByLabel('Show figures on every picture').check();
  await ben.page.keyboard.press('Escape');
  await eventually(
    'the figures of Ada’s tile agree with the browser’s',
    async () => ({ shown: await overlay(ben, adaIdentity), counted: await rateFrom(ben, adaIdentity) }),
    ({ shown, counted }) =>
      shown !== undefined &&
      counted.bitsPerSecond > 0 &&
      shown.size === counted.size &&
      shown.codec === counted.codec &&
      // The two look at different seconds of a picture that moves.
      shown.bitsPerSecond > counted.bitsPerSecond / 3 &&
      shown.bitsPerSecond < counted.bitsPerSecond * 3,
    PATIENCE_MS,
  );
  const own = await eventually(
    'the figures of Ben’s own tile name the encodings that he sends',
    () => overlay(ben, benIdentity),
    (shown) => shown !== undefined && /^VP8, [qh+]+/.test(shown.text[2] ?? ''),
    PATIENCE_MS,
  );
  assert.equal(own?.size, '640×360');
  await ben.screenshot(artifact('page-figures-wide.png'));
  await ben.press('Settings');
  await ben.page.getByLabel('Show figures on every picture').uncheck();
  await ben.page.keyboard.press('Escape');
  await eventually('the figures are gone', () => overlay(ben, adaIdentity), (shown) => !shown);
});

test('while the signalling is cut the page says so and keeps everybody’s picture', LIMIT, async () => {
  // From now on new signalling connections lead nowhere.
  await ben.page.evaluate(() => {
    const Real = window.WebSocket;
    const restore = () => (window.WebSocket = Real);
    window.WebSocket = class extends Real {
      /** @param {string | URL} url @param {string | string[]} [protocols] */
      constructor(url, protocols) {
        super(String(url).replace('/rtc', '/nowhere'), protocols);
      }
    };
    Object.assign(window, { restoreSockets: restore });
    const { openedSockets } = /** @type {{ openedSockets: WebSocket[] }} */ (
      /** @type {unknown} */ (window)
    );
    for (const socket of openedSockets) {
      socket.close();
    }
  });
  await ben.says(/Reconnecting…/, PATIENCE_MS);
  assert.deepEqual((await ben.tiles()).map(({ identity }) => identity), [adaIdentity, benIdentity].sort());
  const pictures = ben.page.locator('.tile video');
  assert.deepEqual(await pictureWidths(pictures), [640, 640]);
  await ben.screenshot(artifact('page-reconnecting-wide.png'));

  await ben.page.evaluate(() =>
    /** @type {{ restoreSockets: () => void }} */ (/** @type {unknown} */ (window)).restoreSockets(),
  );
  await eventually(
    'the notice is gone',
    () => ben.page.locator('.notice[data-key="connection"]').count(),
    (count) => count === 0,
    PATIENCE_MS,
  );
  await ben.showsExactly([adaIdentity, benIdentity], PATIENCE_MS);
  await ben.receivesFrom([adaIdentity], { withinMs: PATIENCE_MS });
});

test('a connection that is made anew keeps the pictures of the former one until then', LIMIT, async () => {
  const identity = adaIdentity;
  const worst = await ben.page.evaluate(async (identity) => {
    const { room } = window.sfuDemo;
    let over = false;
    room?.once('reconnected', () => (over = true));
    void room?.simulateScenario('full-reconnect');
    // An element that holds a picture: the live one, or a still of the former one.
    const seen = () => {
      const tile = document.querySelector(`.tile[data-identity="${identity}"]`);
      const video = tile?.querySelector('video');
      return Math.max(tile?.querySelector('canvas')?.width ?? 0, video?.videoWidth ?? 0);
    };
    let least = Infinity;
    let looks = 0;
    while (!over || looks < 3) {
      looks += room?.state === 'reconnecting' || over ? 1 : 0;
      least = Math.min(least, seen());
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return least;
  }, identity);
  assert.ok(worst >= 160, `the narrowest picture of Ada meanwhile: ${worst}`);
  await ben.receivesFrom([adaIdentity], { withinMs: PATIENCE_MS });
  await ben.showsExactly([adaIdentity, benIdentity], PATIENCE_MS);
  const stills = ben.page.locator('.still');
  await eventually('the stills give way', () => stills.count(), (count) => count === 0, PATIENCE_MS);
});

test('a chat message reaches the others, as the text that it is', LIMIT, async () => {
  const written = 'Hello <b>Ben</b> & everyone';
  await ada.press('Chat');
  // The first attempt goes wrong, on the way out of the page.
  await ada.page.evaluate(() => {
    const own = window.sfuDemo.room?.localParticipant;
    const real = own?.sendText;
    if (own !== undefined && real !== undefined) {
      own.sendText = () => {
        own.sendText = real;
        return Promise.reject(new Error('the way out is closed'));
      };
    }
  });
  await ada.page.getByLabel('Message', { exact: true }).fill(written);
  await ada.page.keyboard.press('Enter');
  const own = ada.page.locator('.message.own');
  await eventually('Ada is told that it was not sent', () => own.innerText(), (text) => /Not sent/.test(text));
  await ada.screenshot(artifact('page-chat-wide.png'));
  await ada.press('Send again');
  await eventually(
    'it was sent',
    () => own.getAttribute('data-state'),
    (state) => state === 'sent',
    PATIENCE_MS,
  );

  await ben.page.getByRole('button', { name: 'Chat, 1 unread message' }).click({ timeout: PATIENCE_MS });
  const received = ben.page.locator('.message');
  assert.equal(await received.locator('.message-text').textContent(), written);
  assert.equal(await received.locator('.message-author').textContent(), 'Ada Lovelace');
  assert.equal(await received.locator('b').count(), 0);
  assert.equal(await ben.page.getByRole('button', { name: 'Chat', exact: true }).count(), 1);
  await ben.screenshot(artifact('page-chat-received-wide.png'));
});

test('who speaks is ringed, and connections are marked', LIMIT, async () => {
  // The beeps of the fake microphone are too short to be speech.
  await ada.page.evaluate(async () => {
    const own = window.sfuDemo.room?.localParticipant;
    const [microphone] = own?.audioTrackPublications.values() ?? [];
    const context = new AudioContext();
    const tone = context.createOscillator();
    const out = context.createMediaStreamDestination();
    tone.connect(out);
    tone.start();
    const [track] = out.stream.getAudioTracks();
    if (track !== undefined) {
      await microphone?.audioTrack?.replaceTrack(track);
    }
  });
  for (const page of [ada, ben]) {
    await page.page.locator(`.tile.speaking[data-identity="${adaIdentity}"]`).waitFor();
    for (const identity of [adaIdentity, benIdentity]) {
      const mark = page.page.locator(`.tile[data-identity="${identity}"] .quality-mark`);
      await mark.waitFor({ timeout: PATIENCE_MS });
      assert.match((await mark.textContent()) ?? '', /^Connection: (excellent|good|poor)$/);
    }
  }
  assert.equal(await ben.page.locator('.tile.speaking').count(), 1);
  await ben.screenshot(artifact('page-speaking-wide.png'));
  await ada.press('Mute');
  await eventually(
    'who is muted has no ring',
    () => ben.page.locator('.tile.speaking').count(),
    (count) => count === 0,
    PATIENCE_MS,
  );
});

/** The id of the camera whose picture is published. @param {CallPage} page */
function cameraInUse(page) {
  return page.page.evaluate(() => {
    const own = window.sfuDemo.room?.localParticipant;
    const camera = [...(own?.videoTrackPublications.values() ?? [])].find(
      ({ source }) => source === 'camera',
    );
    return camera?.track?.mediaStreamTrack.getSettings().deviceId;
  });
}

/** In pixels, 0 as long as there is no picture. @param {import('playwright-core').Locator} videos */
function pictureWidths(videos) {
  return videos.evaluateAll((found) =>
    found.map((video) => /** @type {HTMLVideoElement} */ (video).videoWidth),
  );
}

/** What the overlay of a tile says. @param {CallPage} page @param {string} identity */
async function overlay(page, identity) {
  const element = page.page.locator(`.tile[data-identity="${identity}"] .overlay`);
  if (!(await element.isVisible())) {
    return undefined;
  }
  const text = await element.locator('div').allInnerTexts();
  return {
    text,
    size: (text[0] ?? '').split(',')[0],
    bitsPerSecond: Number.parseInt(text[1] ?? '', 10) * 1000,
    codec: (text[2] ?? '').split(',')[0],
  };
}

/** What the browser counts of somebody's picture in a second. @param {CallPage} page @param {string} identity */
async function rateFrom(page, identity) {
  const look = async () => {
    const { participants } = await page.stats();
    const video = participants[identity]?.tracks.find(({ kind }) => kind === 'video');
    return { at: Date.now(), video };
  };
  const first = await look();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const second = await look();
  const bytes = (second.video?.bytesReceived ?? 0) - (first.video?.bytesReceived ?? 0);
  return {
    size: `${second.video?.frameWidth}×${second.video?.frameHeight}`,
    codec: second.video?.codec.replace('video/', ''),
    bitsPerSecond: (bytes * 8_000) / (second.at - first.at),
  };
}
