// A service watches a call between two pages, and changes it: what it is told is what happened.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CallPage } from './support/call_page.mjs';
import { launchChromium } from './support/chromium.mjs';
import { Control } from './support/control.mjs';
import { counter } from './support/metrics.mjs';
import { eventually } from './support/poll.mjs';
import { startServer } from './support/server.mjs';

const ROOM = 'control';
const WITHIN_MS = 60_000;
const OK = 0;

/** @type {import('./support/server.mjs').Server} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;
/** @type {Control} */
let control;
/** @type {ReturnType<Control['watch']>} */
let watch;
/** @type {CallPage} */
let ada;
/** @type {CallPage} */
let ben;
/** @type {string} */
let adas;
/** @type {string} */
let bens;

before(async () => {
  server = await startServer('control');
  browser = await launchChromium();
  control = await Control.of(server.grpc, ROOM);
  await control.call('CreateRoom', { name: ROOM });
  watch = control.watch();
});

after(async () => {
  control?.close();
  await browser?.close();
  await server?.stop();
});

test('a watcher is told of two people who come in and publish', { timeout: 120_000 }, async () => {
  ada = await CallPage.open(browser, server.http, { room: ROOM, name: 'Ada' });
  await ada.joined();
  ben = await CallPage.open(browser, server.http, { room: ROOM, name: 'Ben' });
  await ben.joined();
  [adas, bens] = await Promise.all([ada.identity(), ben.identity()]);
  for (const identity of [adas, bens]) {
    await told(`${identity} has come in and published`, identity, [
      'participant_joined',
      'participant_active',
      'track_published',
      'track_published',
    ]);
  }
  const [first] = watch.told;
  assert.equal(first?.event, 'snapshot');
  assert.deepEqual([first.sequence, first.snapshot.complete], [0, true]);
  const kinds = ofParticipant(adas)
    .filter(({ event }) => event === 'track_published')
    .map(({ track_published: { track } }) => track.source);
  assert.deepEqual(kinds.sort(), ['TRACK_SOURCE_CAMERA', 'TRACK_SOURCE_MICROPHONE']);
});

test('the server says why a subscriber is sent what it is sent', { timeout: 120_000 }, async () => {
  /** @param {string[]} reasons */
  const told = (reasons) =>
    eventually(
      `Ben is told of for Ada's two tracks: ${reasons}`,
      async () => (await control.call('ExplainSubscriptions', { identity: bens })).subscriptions,
      (all) => `${all.map((/** @type {any} */ one) => one.reason).sort()}` === `${reasons}`,
      WITHIN_MS,
    );
  const asAsked = 'SUBSCRIPTION_REASON_AS_ASKED';
  const paused = 'SUBSCRIPTION_REASON_PAUSED_BY_SUBSCRIBER';
  for (const { publisher_identity, enabled, target, current } of await told([asAsked, asAsked])) {
    assert.deepEqual([publisher_identity, enabled], [adas, true]);
    assert.equal(current.quality, target.quality);
  }
  /** @param {boolean} enabled */
  const setSound = (enabled) =>
    ben.page.evaluate((on) => {
      for (const remote of window.sfuDemo.room?.remoteParticipants.values() ?? []) {
        for (const publication of remote.audioTrackPublications.values()) {
          /** @type {any} */ (publication).setEnabled(on);
        }
      }
    }, enabled);
  await setSound(false);
  const silenced = (await told([asAsked, paused])).find(
    (/** @type {any} */ one) => one.reason === paused,
  );
  assert.deepEqual([silenced.enabled, silenced.current], [false, null]);
  await setSound(true);
  await told([asAsked, asAsked]);
});

test('a watcher is told who speaks', { timeout: 90_000 }, async () => {
  // The fake microphone's beeps are too short for speech: Ada sounds on and on instead.
  await ada.page.evaluate(async () => {
    const context = new AudioContext();
    const [tone, out] = [context.createOscillator(), context.createMediaStreamDestination()];
    tone.connect(out);
    tone.start();
    const me = window.sfuDemo.room?.localParticipant;
    const microphone = [...(me?.audioTrackPublications.values() ?? [])][0]?.audioTrack;
    const [sound] = out.stream.getAudioTracks();
    if (microphone !== undefined && sound !== undefined) {
      await /** @type {any} */ (microphone).replaceTrack(sound, true);
    }
  });
  const speakers = await eventually(
    'Ada was told of as a speaker',
    () => {
      const lists = watch.told.filter(({ event }) => event === 'speakers_changed');
      return lists.flatMap((one) => one.speakers_changed.speakers);
    },
    (seen) => seen.length > 0,
    WITHIN_MS,
  );
  for (const { participant, level } of speakers) {
    assert.equal(participant.identity, adas);
    assert.ok(level > 0 && level <= 1, `${level}`);
  }
});

test('what is counted of the call is exported', { timeout: 90_000 }, async () => {
  const kinds = ['audio', 'video', 'rtcp', 'dtls', 'stun'];
  const sides = kinds.flatMap((kind) => ['in', 'out'].map((direction) => ({ direction, kind })));
  await eventually(
    'both have come in, and what they send is counted',
    async () => ({
      joins: await counter(server, 'sfu_join_seconds_count'),
      open: await counter(server, 'sfu_signalling_upgrades_total', { outcome: 'accepted' }),
      watchers: await counter(server, 'sfu_room_watchers'),
      busy: await counter(server, 'sfu_worker_busy_seconds_total'),
      packets: await Promise.all(sides.map((side) => counter(server, 'sfu_packets_total', side))),
      bytes: await Promise.all(sides.map((side) => counter(server, 'sfu_packet_bytes_total', side))),
    }),
    ({ joins, open, watchers, busy, packets, bytes }) =>
      `${[joins, open, watchers]}` === '2,2,1' && Math.min(busy, ...packets, ...bytes) > 0,
    WITHIN_MS,
  );
});

test('a watcher is told who mutes, unmutes, unpublishes and leaves', { timeout: 120_000 }, async () => {
  const before = ofParticipant(adas).length;
  for (const enabled of [false, true]) {
    await ada.page.evaluate(
      (on) => window.sfuDemo.room?.localParticipant.setMicrophoneEnabled(on),
      enabled,
    );
  }
  await ada.page.evaluate(async () => {
    const me = window.sfuDemo.room?.localParticipant;
    const camera = [...(me?.videoTrackPublications.values() ?? [])][0]?.track;
    if (camera !== undefined) {
      await me?.unpublishTrack(camera);
    }
  });
  await eventually(
    'the camera is unpublished',
    () => eventsOf(adas).slice(before),
    (events) => events.includes('track_unpublished'),
    WITHIN_MS,
  );
  await ada.page.evaluate(() => window.sfuDemo.room?.disconnect());
  await eventually('Ada has left', () => eventsOf(adas), (e) => e.includes('participant_left'), WITHIN_MS);
  // Whether the end of the media is seen before the leave, which is an update, is a race.
  const events = ofParticipant(adas)
    .slice(before)
    .filter(({ event }) => event !== 'participant_updated');
  assert.deepEqual(
    events.map(({ event }) => event),
    ['track_muted', 'track_unmuted', 'track_unpublished', 'track_unpublished', 'participant_left'],
  );
  const sources = events.slice(0, 4).map((one) => one[one.event].track.source.slice(13));
  assert.deepEqual(sources, ['MICROPHONE', 'MICROPHONE', 'CAMERA', 'MICROPHONE']);
  assert.equal(events.at(-1)?.participant_left.reason, 'LEAVE_REASON_CLIENT_INITIATED');
});

test('a track that the service mutes is muted on its page', { timeout: 90_000 }, async () => {
  const { participants } = await control.call('ListParticipants');
  const { tracks } = participants.find((/** @type {any} */ one) => one.identity === bens);
  const { sid } = tracks.find((/** @type {any} */ one) => one.source === 'TRACK_SOURCE_MICROPHONE');
  const { track } = await control.call('MuteTrack', { identity: bens, track_sid: sid, muted: true });
  assert.equal(track.muted, true);
  await eventually(
    'the page has muted its microphone',
    () => ben.page.evaluate(() => window.sfuDemo.room?.localParticipant.isMicrophoneEnabled),
    (enabled) => enabled === false,
    WITHIN_MS,
  );
  await eventually('the watcher is told', () => eventsOf(bens), (e) => e.at(-1) === 'track_muted', WITHIN_MS);
  // To be heard again is the person's own decision.
  await assert.rejects(
    control.call('MuteTrack', { identity: bens, track_sid: sid, muted: false }),
    { code: 7 },
  );
});

test('what the service changes of a participant reaches its page', { timeout: 90_000 }, async () => {
  await control.call('UpdateParticipant', {
    identity: bens,
    name: 'Benjamin',
    attributes: { role: 'host' },
  });
  await eventually(
    'the page knows its new name and attributes',
    () =>
      ben.page.evaluate(() => {
        const me = window.sfuDemo.room?.localParticipant;
        return [me?.name, me?.attributes.role];
      }),
    (seen) => seen.join() === 'Benjamin,host',
    WITHIN_MS,
  );
  await eventually(
    'the watcher is told',
    () => ofParticipant(bens).at(-1),
    (last) => last?.participant_updated?.participant.attributes.role === 'host',
    WITHIN_MS,
  );
});

test('data that the service sends reaches the page', { timeout: 90_000 }, async () => {
  await ben.page.evaluate(() => {
    /** @type {string[]} */
    const received = [];
    Object.assign(window, { received });
    window.sfuDemo.room?.on('dataReceived', (payload, participant, _, topic) => {
      const text = new TextDecoder().decode(payload);
      received.push(`${participant?.identity ?? 'the server'} on ${topic}: ${text}`);
    });
  });
  await control.call('SendData', {
    payload: Buffer.from('tea is ready'),
    delivery: 'DATA_DELIVERY_RELIABLE',
    topic: 'kitchen',
    destination_identities: [bens, 'nobody'],
  });
  await eventually(
    'the page has the message',
    () => ben.page.evaluate(() => /** @type {any} */ (window).received),
    (received) => received.join() === 'the server on kitchen: tea is ready',
    WITHIN_MS,
  );
});

test('the watch ends with the room, and nothing was left out', { timeout: 90_000 }, async () => {
  await control.call('DeleteRoom');
  assert.equal(await watch.ended, OK);
  const last = watch.told.at(-1);
  assert.equal(last?.event, 'room_ended');
  assert.equal(last?.room_ended.reason, 'LEAVE_REASON_ROOM_DELETED');
  watch.told.forEach(({ sequence }, index) => assert.equal(sequence, index, 'a gap'));
  await ben.view('ended', WITHIN_MS);
});

/**
 * What was told of one participant, who speaks left out.
 *
 * @param {string} identity
 */
function ofParticipant(identity) {
  return watch.told.filter((one) => one[one.event]?.participant?.identity === identity);
}

/** @param {string} identity */
function eventsOf(identity) {
  return ofParticipant(identity).map(({ event }) => event);
}

/**
 * Waits until these events were told of a participant, and no others; coming in is the first.
 *
 * @param {string} fact
 * @param {string} identity
 * @param {string[]} events
 */
async function told(fact, identity, events) {
  const wanted = JSON.stringify([...events].sort());
  const seen = await eventually(
    fact,
    () => eventsOf(identity),
    (seen) => JSON.stringify([...seen].sort()) === wanted,
    WITHIN_MS,
  );
  assert.equal(seen[0], 'participant_joined');
}
