// One voice of a room forwarded at a time: who speaks is heard, and what is withheld meanwhile is no
// loss to who listens. Every page is a real one; whose microphone speaks is decided by the test.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CallPage } from './support/call_page.mjs';
import { launchChromium } from './support/chromium.mjs';
import { sounds } from './support/facts.mjs';
import { dropped } from './support/metrics.mjs';
import { listen, tone } from './support/page_senses.mjs';
import { eventually } from './support/poll.mjs';
import { startServer } from './support/server.mjs';
import { joinToken } from './support/token.mjs';

const ROOM = 'voices';
/** For facts on a machine that has much else to do. */
const PATIENCE_MS = 60_000;
/** What each says, in hertz. */
const TONES = { ada: 440, ben: 700 };
const TURNS = 4;

/** @type {import('./support/server.mjs').Server} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;

before(async () => {
  server = await startServer('voices', ['--forwarded-voices', '1']);
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test('who speaks is heard, by turns, and nothing is lost between', { timeout: 240_000 }, async () => {
  const [ada, ben, cleo] = await Promise.all(['ada', 'ben', 'cleo'].map(open));
  assert.ok(ada && ben && cleo);
  await cleo.page.evaluate(() =>
    window.sfuDemo.room?.localParticipant.setMicrophoneEnabled(false),
  );
  const voices = /** @type {const} */ ([
    [ada, 'ada'],
    [ben, 'ben'],
  ]);
  await listen(cleo);
  for (const [page, name] of voices) {
    await holdTone(page, TONES[name]);
  }
  for (let turn = 0; turn < TURNS; turn += 1) {
    for (const [page, name] of voices) {
      await speaks(page, true);
      await eventually(
        `Cleo hears ${name}`,
        () => tone(cleo, name),
        (heard) => sounds(heard, TONES[name]),
        PATIENCE_MS,
      );
      await eventually(
        `Cleo sees ${name} speak`,
        () => speakers(cleo),
        (list) => list[0] === name,
        PATIENCE_MS,
      );
      await speaks(page, false);
      await eventually(
        'Cleo sees nobody speak',
        () => speakers(cleo),
        (list) => list.length === 0,
        PATIENCE_MS,
      );
    }
  }
  assert.ok((await dropped(server, 'voice_withheld')) > 0, 'only one was forwarded at a time');
  const heard = await received(cleo);
  assert.equal(heard.length, 2);
  for (const { packets, lost } of heard) {
    assert.ok(packets > 0 && lost === 0, JSON.stringify(heard));
  }
});

/** Joins. @param {string} name */
async function open(name) {
  const token = joinToken(ROOM, name, {});
  const page = await CallPage.open(browser, server.http, { room: ROOM, name, token });
  return page.joined();
}

/** Lets the page's microphone hold a tone, silent at first. @param {CallPage} page @param {number} hertz */
async function holdTone(page, hertz) {
  await eventually(
    `${page.name} publishes a microphone`,
    () => page.page.evaluate(() => window.sfuDemo.room?.localParticipant.audioTrackPublications.size),
    (count) => count === 1,
    PATIENCE_MS,
  );
  await page.page.evaluate(async (hertz) => {
    const context = new AudioContext();
    const tone = new OscillatorNode(context, { frequency: hertz });
    const volume = new GainNode(context, { gain: 0 });
    const voice = context.createMediaStreamDestination();
    tone.connect(volume).connect(voice);
    tone.start();
    const [track] = voice.stream.getAudioTracks();
    const me = window.sfuDemo.room?.localParticipant;
    const microphone = Array.from(me?.audioTrackPublications.values() ?? [])[0]?.audioTrack;
    const local = /** @type {import('livekit-client').LocalAudioTrack | undefined} */ (microphone);
    await local?.replaceTrack(/** @type {MediaStreamTrack} */ (track), true);
    Object.assign(window, { volume });
  }, hertz);
}

/** @param {CallPage} page @param {boolean} loud */
function speaks(page, loud) {
  return page.page.evaluate((loud) => {
    const { volume } = /** @type {{ volume: GainNode }} */ (/** @type {unknown} */ (window));
    volume.gain.value = loud ? 0.4 : 0;
  }, loud);
}

/** Who speaks, the first in front. @param {CallPage} page */
function speakers(page) {
  return page.page.evaluate(() =>
    (window.sfuDemo.room?.activeSpeakers ?? []).map(({ identity }) => identity),
  );
}

/** What the page got of each sound that it subscribes to. @param {CallPage} page */
function received(page) {
  return page.page.evaluate(async () => {
    const people = Array.from(window.sfuDemo.room?.remoteParticipants.values() ?? []);
    const sounds = people.flatMap((one) => Array.from(one.audioTrackPublications.values()));
    const each = sounds.map(async ({ track }) => {
      let [packets, lost] = [0, 0];
      for (const stats of (await track?.getRTCStatsReport())?.values() ?? []) {
        if (stats.type === 'inbound-rtp') {
          packets += stats.packetsReceived;
          lost += stats.packetsLost;
        }
      }
      return { packets, lost };
    });
    return Promise.all(each);
  });
}
