// What people are told of each other: who speaks, whose connection is good, who is muted, who may do
// what. Every page is a real one; whose microphone speaks is decided by the test.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CallPage } from './support/call_page.mjs';
import { launchChromium } from './support/chromium.mjs';
import { muteTrack, updateParticipant } from './support/control.mjs';
import { eventually } from './support/poll.mjs';
import { RawClient } from './support/raw_client.mjs';
import { startServer } from './support/server.mjs';
import { joinToken } from './support/token.mjs';

const ROOM = 'signals';
/** For facts on a machine that has much else to do. */
const PATIENCE_MS = 60_000;
/** A refusal comes sooner than the library gives up waiting for an answer: that takes 5 s. */
const PROMPT_MS = 4_000;
/** How long connections are watched. */
const WATCH_MS = 15_000;

/** @type {import('./support/server.mjs').Server} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;
/** @type {CallPage} */
let ada;
/** @type {CallPage} */
let ben;

before(async () => {
  server = await startServer('signals');
  browser = await launchChromium();
  [ada, ben] = await Promise.all([
    open('ada', { canUpdateOwnMetadata: true }),
    open('ben', {}),
  ]);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test('a connection is excellent for both, and never lost', { timeout: 120_000 }, async () => {
  await Promise.all([ada.receivesFrom(['ben']), ben.receivesFrom(['ada'])]);
  for (const page of [ada, ben]) {
    for (const identity of ['ada', 'ben']) {
      await eventually(
        `${page.name} knows that ${identity}'s connection is excellent`,
        () => qualities(page, identity),
        (seen) => seen.includes('excellent'),
        PATIENCE_MS,
      );
    }
  }
  const until = Date.now() + WATCH_MS;
  await eventually('time has passed', () => Date.now(), (now) => now >= until, 2 * WATCH_MS);
  for (const page of [ada, ben]) {
    for (const identity of ['ada', 'ben']) {
      const seen = await qualities(page, identity);
      assert.ok(!seen.includes('lost'), `${identity} by ${page.name}: ${seen}`);
    }
  }
});

test('who speaks is an active speaker for both, and none any more when muted', async () => {
  await eventually(
    'the beeps of the fake device are no speech for three seconds on end',
    () => silence(ben),
    (ms) => ms >= 3_000,
    PATIENCE_MS,
  );
  await speak(ada);
  for (const page of [ada, ben]) {
    const list = await eventually(
      `${page.name} sees Ada speak`,
      () => speakers(page),
      (list) => list.length === 1 && list[0]?.identity === 'ada',
      PATIENCE_MS,
    );
    const level = list[0]?.level ?? 0;
    assert.ok(level > 0.05 && level <= 1, `${level}`);
  }
  await ada.page.evaluate(() => window.sfuDemo.room?.localParticipant.setMicrophoneEnabled(false));
  for (const page of [ada, ben]) {
    await eventually(
      `${page.name} sees nobody speak`,
      () => speakers(page),
      (list) => list.length === 0,
      PATIENCE_MS,
    );
  }
  await ada.page.evaluate(() => window.sfuDemo.room?.localParticipant.setMicrophoneEnabled(true));
});

test('a speaker that leaves is no active speaker', async () => {
  const cleo = await open('cleo', {});
  await speak(cleo);
  await eventually(
    'Ben sees Cleo speak',
    () => speakers(ben),
    (list) => list.some(({ identity }) => identity === 'cleo'),
    PATIENCE_MS,
  );
  await cleo.close();
  await eventually(
    'Ben sees Cleo speak no more',
    () => speakers(ben),
    (list) => list.every(({ identity }) => identity !== 'cleo'),
    PATIENCE_MS,
  );
});

test('a mute by the server is seen by both pages', async () => {
  const sid = await ada.page.evaluate(
    () =>
      Array.from(window.sfuDemo.room?.localParticipant.audioTrackPublications.values() ?? [])[0]
        ?.trackSid ?? '',
  );
  const request = { room: ROOM, identity: 'ada', track_sid: sid, muted: true };
  await muteTrack(server.grpc, request);
  for (const page of [ada, ben]) {
    await eventually(
      `${page.name} sees Ada muted`,
      () => isMuted(page, 'ada'),
      (muted) => muted === true,
      PATIENCE_MS,
    );
  }
  await assert.rejects(muteTrack(server.grpc, { ...request, muted: false }), /PERMISSION_DENIED/);
  await ada.page.evaluate(() => window.sfuDemo.room?.localParticipant.setMicrophoneEnabled(true));
  await eventually(
    'Ada unmutes herself',
    () => isMuted(ben, 'ada'),
    (muted) => muted === false,
    PATIENCE_MS,
  );
});

test('a name, a text and attributes are set and reach the other', async () => {
  await ada.page.evaluate(async () => {
    const me = window.sfuDemo.room?.localParticipant;
    await me?.setName('Ada L.');
    await me?.setMetadata('first programmer');
    await me?.setAttributes({ hand: 'raised', mood: 'fine' });
    await me?.setAttributes({ mood: '' });
  });
  await eventually(
    'Ben knows it all',
    () =>
      ben.page.evaluate(() => {
        const her = window.sfuDemo.room?.remoteParticipants.get('ada');
        return { name: her?.name, metadata: her?.metadata, attributes: her?.attributes };
      }),
    (seen) =>
      seen.name === 'Ada L.' &&
      seen.metadata === 'first programmer' &&
      JSON.stringify(seen.attributes) === '{"hand":"raised"}',
    PATIENCE_MS,
  );
});

test('who may not change itself is told so at once', async () => {
  const { kind, reason, took } = await ben.page.evaluate(async () => {
    const begun = performance.now();
    try {
      await window.sfuDemo.room?.localParticipant.setAttributes({ hand: 'raised' });
      return { kind: 'resolved', took: 0 };
    } catch (error) {
      const { name, reasonName } = /** @type {{ name: string, reasonName: string }} */ (error);
      return { kind: name, reason: reasonName, took: performance.now() - begun };
    }
  });
  assert.equal(kind, 'SignalRequestError');
  assert.equal(reason, 'NOT_ALLOWED');
  assert.ok(took < PROMPT_MS, `${took} ms`);
});

test('a publisher takes its tracks away and gives them back', { timeout: 120_000 }, async () => {
  await ben.receivesFrom(['ada'], { sound: false, withinMs: PATIENCE_MS });
  await ada.page.evaluate(() =>
    window.sfuDemo.room?.localParticipant.setTrackSubscriptionPermissions(false, [
      { participantIdentity: 'somebody else', allowAll: true },
    ]),
  );
  await eventually(
    'Ben has lost all of Ada',
    () => subscriptions(ben, 'ada'),
    (seen) =>
      seen.length === 2 &&
      seen.every(({ status, track }) => status === 'not_allowed' && !track),
    PATIENCE_MS,
  );
  await ada.page.evaluate(() =>
    window.sfuDemo.room?.localParticipant.setTrackSubscriptionPermissions(true),
  );
  await eventually(
    'Ben has all of Ada again',
    () => subscriptions(ben, 'ada'),
    (seen) => seen.length === 2 && seen.every(({ status, track }) => status === 'allowed' && track),
    PATIENCE_MS,
  );
  await ben.receivesFrom(['ada'], { sound: false, withinMs: PATIENCE_MS });
});

test('who may publish a microphone only cannot publish a camera', async () => {
  const grants = { canPublishSources: ['microphone'] };
  const dora = await open('dora', grants);
  const { kind, took } = await dora.page.evaluate(async () => {
    const [pictures] = document.createElement('canvas').captureStream(5).getVideoTracks();
    const begun = performance.now();
    try {
      const camera = /** @type {MediaStreamTrack} */ (pictures);
      const source = /** @type {any} */ ('camera');
      await window.sfuDemo.room?.localParticipant.publishTrack(camera, { source });
      return { kind: 'resolved', took: 0 };
    } catch (error) {
      const { name } = /** @type {Error} */ (error);
      return { kind: name, took: performance.now() - begun };
    }
  });
  assert.equal(kind, 'PublishTrackError');
  assert.ok(took < PROMPT_MS, `${took} ms`);
  await eventually(
    'Ben is sent her microphone',
    () => subscriptions(ben, 'dora'),
    (seen) => seen.length === 1 && seen.every(({ track }) => track),
    PATIENCE_MS,
  );
  await dora.close();

  // One that does not look at its own rights is told by the server.
  const raw = await RawClient.open(browser, server.http, { sends: true });
  await raw.join(joinToken(ROOM, 'eve', grants));
  await raw.send({ addTrack: { cid: 'cam', type: 'VIDEO', source: 'CAMERA' } });
  await raw.send({ addTrack: { cid: 'lie', type: 'VIDEO', source: 'MICROPHONE' } });
  const told = await eventually(
    'both are refused',
    () => raw.told(),
    (told) => told.filter(({ requestResponse }) => requestResponse).length === 2,
  );
  for (const { requestResponse } of told.filter(({ requestResponse }) => requestResponse)) {
    assert.equal(requestResponse?.reason, 'NOT_ALLOWED');
  }
  await raw.close();
});

test('who loses the right to publish is seen and heard no more', { timeout: 120_000 }, async () => {
  const allowed = { can_publish: false };
  await updateParticipant(server.grpc, { room: ROOM, identity: 'ada', permission: allowed });
  await eventually(
    'Ben has nothing of Ada',
    () => subscriptions(ben, 'ada'),
    (seen) => seen.length === 0,
    PATIENCE_MS,
  );
  await eventually(
    'Ada knows',
    () =>
      ada.page.evaluate(() => {
        const me = window.sfuDemo.room?.localParticipant;
        return { may: me?.permissions?.canPublish, tracks: me?.trackPublications.size };
      }),
    ({ may, tracks }) => may === false && tracks === 0,
    PATIENCE_MS,
  );
  await ada.receivesFrom(['ben'], { withinMs: PATIENCE_MS });
  await updateParticipant(server.grpc, { room: ROOM, identity: 'ada', permission: {} });
  await eventually(
    'Ada may again',
    () => ada.page.evaluate(() => window.sfuDemo.room?.localParticipant.permissions?.canPublish),
    (may) => may === true,
    PATIENCE_MS,
  );
  await ada.page.evaluate(() => window.sfuDemo.room?.localParticipant.setCameraEnabled(true));
  await ben.receivesFrom(['ada'], { sound: false, withinMs: PATIENCE_MS });
});

/**
 * Joins, and notes from then on how good connections are said to be.
 *
 * @param {string} identity
 * @param {{ canPublishSources?: string[], canUpdateOwnMetadata?: boolean }} grants
 */
async function open(identity, grants) {
  const token = joinToken(ROOM, identity, grants);
  const page = await CallPage.open(browser, server.http, { room: ROOM, name: identity, token });
  await page.joined();
  await page.page.evaluate(() => {
    const { room } = window.sfuDemo;
    /** @type {[string, string][]} */
    const seen = [];
    for (const one of [room?.localParticipant, ...(room?.remoteParticipants.values() ?? [])]) {
      seen.push([one?.identity ?? '', one?.connectionQuality ?? '']);
    }
    room?.on('connectionQualityChanged', (quality, who) => seen.push([who.identity, quality]));
    Object.assign(window, { qualities: seen });
  });
  return page;
}

/** What was said of a connection so far. @param {CallPage} page @param {string} identity */
function qualities(page, identity) {
  return page.page.evaluate((identity) => {
    const { qualities } = /** @type {{ qualities: [string, string][] }} */ (
      /** @type {unknown} */ (window)
    );
    return qualities.filter(([who]) => who === identity).map(([, quality]) => quality);
  }, identity);
}

/** Lets the page's microphone say something that goes on: a tone that swells. @param {CallPage} page */
async function speak(page) {
  await eventually(
    `${page.name} publishes a microphone`,
    () => page.page.evaluate(() => window.sfuDemo.room?.localParticipant.audioTrackPublications.size),
    (count) => count === 1,
    PATIENCE_MS,
  );
  await page.page.evaluate(async () => {
    const context = new AudioContext();
    const tone = context.createOscillator();
    const voice = context.createMediaStreamDestination();
    const volume = context.createGain();
    volume.gain.value = 0.4;
    tone.connect(volume).connect(voice);
    tone.start();
    const [track] = voice.stream.getAudioTracks();
    const me = window.sfuDemo.room?.localParticipant;
    const microphone = Array.from(me?.audioTrackPublications.values() ?? [])[0]?.audioTrack;
    const local = /** @type {import('livekit-client').LocalAudioTrack | undefined} */ (microphone);
    await local?.replaceTrack(/** @type {MediaStreamTrack} */ (track), true);
  });
}

/** @param {CallPage} page */
function speakers(page) {
  return page.page.evaluate(() =>
    (window.sfuDemo.room?.activeSpeakers ?? []).map(({ identity, audioLevel }) => ({
      identity,
      level: audioLevel,
    })),
  );
}

/** For how many milliseconds nobody has been an active speaker, from the first call on. @param {CallPage} page */
function silence(page) {
  return page.page.evaluate(() => {
    const { room } = window.sfuDemo;
    if (room === undefined) {
      throw new Error('no room');
    }
    const heard = /** @type {typeof room & { silentSince?: number }} */ (room);
    if (heard.silentSince === undefined) {
      const look = () => {
        heard.silentSince = room.activeSpeakers.length === 0 ? performance.now() : Infinity;
      };
      room.on('activeSpeakersChanged', look);
      look();
    }
    return performance.now() - (heard.silentSince ?? Infinity);
  });
}

/** Whether somebody's microphone is muted, as the page knows it. @param {CallPage} page @param {string} identity */
function isMuted(page, identity) {
  return page.page.evaluate((identity) => {
    const { room } = window.sfuDemo;
    const me = room?.localParticipant;
    const who = me?.identity === identity ? me : room?.remoteParticipants.get(identity);
    const [microphone] = [...(who?.audioTrackPublications.values() ?? [])];
    return microphone?.isMuted;
  }, identity);
}

/** What a page has of somebody's tracks. @param {CallPage} page @param {string} identity */
function subscriptions(page, identity) {
  return page.page.evaluate((identity) => {
    const who = window.sfuDemo.room?.remoteParticipants.get(identity);
    return Array.from(who?.trackPublications.values() ?? [], (publication) => ({
      status: publication.permissionStatus,
      track: publication.track !== undefined,
    }));
  }, identity);
}
