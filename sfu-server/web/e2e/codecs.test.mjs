// Every codec that this Chromium encodes, through the real server: everybody decodes everybody.
//
// The encoders are software, and the machine may have two cores: the camera is slow, and the bounds
// are generous.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { CallPage } from './support/call_page.mjs';
import { launchChromium } from './support/chromium.mjs';
import { eventually } from './support/poll.mjs';
import { startServer } from './support/server.mjs';

/** For a codec's first pictures, and for what follows. */
const WITHIN_MS = 60_000;
/** The camera gives 10 pictures a second; the bitrate is one for 30, so that all layers are sent. */
const CAMERA = { fps: '30' };

/** @type {import('./support/server.mjs').Server} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;

before(async () => {
  server = await startServer('codecs');
  browser = await launchChromium({ fps: 10 });
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

for (const { codec, mimeType, count } of [
  { codec: 'h264', mimeType: 'video/H264', count: 3 },
  { codec: 'vp9', mimeType: 'video/VP9', count: 2 },
  { codec: 'av1', mimeType: 'video/AV1', count: 2 },
]) {
  test(`${count} pages see each other in ${mimeType}`, { timeout: 180_000 }, async () => {
    const pages = await openPages(codec, Array(count).fill({ query: { codec } }));
    const identities = await Promise.all(pages.map((page) => page.identity()));
    try {
      for (const [own, page] of pages.entries()) {
        const others = identities.filter((_, other) => other !== own);
        for (const other of others) {
          await sees(page, other, mimeType);
        }
        // And the pictures go on.
        await page.receivesFrom(others, { withinMs: WITHIN_MS });
        const sent = (await page.stats()).outbound.filter(({ kind }) => kind === 'video');
        assert.deepEqual(new Set(sent.map((layer) => layer.codec)), new Set([mimeType]));
      }
    } finally {
      await Promise.all(pages.map((page) => page.close()));
    }
  });
}

test('redundant sound is heard by who knows it and who does not', { timeout: 240_000 }, async () => {
  const [redundant, plain] = await openPages('red', [{}, { before: forgetRed }]);
  const third = await CallPage.open(browser, server.http, {
    room: 'codecs-red',
    name: 'Third',
    query: CAMERA,
  });
  try {
    await third.joined();
    const [withRed, withoutRed] = [await redundant.identity(), await plain.identity()];
    // A browser's statistics call both of them Opus: what they are published as is the server's
    // word, and what comes twice is twice as long.
    for (const [identity, mimeType] of /** @type {[string, string][]} */ ([
      [withRed, 'audio/red'],
      [withoutRed, 'audio/opus'],
    ])) {
      await eventually(
        `${identity} publishes ${mimeType}`,
        () => publishedAs(third, identity),
        (seen) => seen === mimeType,
        WITHIN_MS,
      );
    }
    const [kept, stripped] = await Promise.all([
      hears(third, withRed, 'audio/opus'),
      hears(plain, withRed, 'audio/opus'),
    ]);
    assert.ok(kept > 1.5 * stripped, `${kept} bytes a packet with redundancy, ${stripped} without`);
    await hears(third, withoutRed, 'audio/opus');
    await hears(redundant, withoutRed, 'audio/opus');
  } finally {
    await Promise.all([redundant, plain, third].map((page) => page.close()));
  }
});

test('PCMU is heard', { timeout: 240_000 }, async () => {
  const [narrow, wide] = await openPages('pcmu', [{ before: preferPcmu }, {}]);
  try {
    await hears(wide, await narrow.identity(), 'audio/PCMU');
    await hears(narrow, await wide.identity(), 'audio/opus');
  } finally {
    await Promise.all([narrow.close(), wide.close()]);
  }
});

for (const { first, forget } of [
  { first: 'vp9', forget: forgetVp9 },
  { first: 'av1', forget: forgetAv1 },
]) {
  const mimeType = `video/${first.toUpperCase()}`;
  test(`a page without ${mimeType} sees the backup`, { timeout: 240_000 }, async (t) => {
    const [sender, capable] = await openPages(`backup-${first}`, [{ query: { codec: first } }, {}]);
    const identity = await sender.identity();
    await sees(capable, identity, mimeType);
    const since = Date.now();
    const [without] = await openPages(`backup-${first}`, [{ before: forget }]);
    try {
      // The backup is published for it, while the other goes on with the first codec.
      await sees(without, identity, 'video/VP8');
      t.diagnostic(`${Date.now() - since} ms from the page's opening to large pictures of the backup`);
      await capable.receivesFrom([identity], { withinMs: WITHIN_MS });
      await sees(capable, identity, mimeType);
      assert.deepEqual(await sentCodecs(sender), [mimeType, 'video/VP8'].sort());
      assert.deepEqual(await without.page.evaluate(() => window.sfuDemo.subscriptionErrors), []);
      // Nobody sees the backup any more.
      await without.close();
      await eventually(
        'the first codec alone is sent',
        () => sentCodecs(sender),
        (seen) => seen.join() === mimeType,
        WITHIN_MS,
      );
      // Who comes later has it soon, and both end together.
      const [later] = await openPages(`backup-${first}`, [{ before: forget }]);
      await sees(later, identity, 'video/VP8');
      await sender.press('Stop camera');
      await eventually('nothing is sent', () => sentCodecs(sender), (seen) => seen.length === 0, WITHIN_MS);
      await sender.press('Start camera');
      await later.receivesFrom([identity], { withinMs: WITHIN_MS });
      await capable.receivesFrom([identity], { withinMs: WITHIN_MS });
      await later.close();
    } finally {
      await Promise.all([sender.close(), capable.close()]);
    }
  });
}

test('a page that cannot decode what is published is told so', { timeout: 180_000 }, async () => {
  const [sender, blind] = await openPages('blind', [
    { query: { codec: 'vp9' } },
    { query: { codec: 'h264' }, before: forgetVp8AndVp9 },
  ]);
  try {
    const identity = await sender.identity();
    await sees(sender, await blind.identity(), 'video/H264');
    // SE_CODEC_UNSUPPORTED
    await eventually(
      'the page is told which subscription failed',
      () => blind.page.evaluate(() => window.sfuDemo.subscriptionErrors),
      (seen) => seen.length === 1 && seen[0] === 1,
      WITHIN_MS,
    );
    await hears(blind, identity, 'audio/opus');
  } finally {
    await Promise.all([sender.close(), blind.close()]);
  }
});

/** @typedef {Pick<import('./support/call_page.mjs').Options, 'query' | 'before'>} Kind */

/**
 * Opens a page of each kind in one room of that name, and waits until all are in the call.
 *
 * @template {Kind[]} Kinds
 * @param {string} room
 * @param {[...Kinds]} kinds
 * @returns {Promise<{ [K in keyof Kinds]: CallPage }>}
 */
async function openPages(room, kinds) {
  const opened = kinds.map(async (kind, at) => {
    const options = { room: `codecs-${room}`, name: `Page ${at}`, before: kind.before };
    const query = { ...CAMERA, ...kind.query };
    const page = await CallPage.open(browser, server.http, { ...options, query });
    return page.joined();
  });
  return /** @type {{ [K in keyof Kinds]: CallPage }} */ (await Promise.all(opened));
}

/**
 * Waits until `page` decodes full pictures of `identity` in this codec.
 *
 * @param {CallPage} page
 * @param {string} identity
 * @param {string} mimeType
 */
async function sees(page, identity, mimeType) {
  await eventually(
    `${page.name} decodes ${mimeType} of ${identity}, 640 wide`,
    () => tracks(page, identity, 'video'),
    (seen) =>
      seen.some((one) => one.codec === mimeType && one.frameWidth === 640 && one.framesDecoded > 5),
    WITHIN_MS,
  );
}

/**
 * Waits until `page` hears more of `identity` in this codec: for two seconds, so that the length of
 * its packets means something. Gives that, in bytes of payload.
 *
 * @param {CallPage} page
 * @param {string} identity
 * @param {string} mimeType
 */
async function hears(page, identity, mimeType) {
  const sound = async () => (await tracks(page, identity, 'audio'))[0];
  const before = await sound();
  const packets = before?.packetsReceived ?? 0;
  const heard = await eventually(
    `${page.name} hears ${identity} in ${mimeType}`,
    sound,
    (seen) =>
      seen?.codec === mimeType &&
      seen.totalAudioEnergy > (before?.totalAudioEnergy ?? 0) &&
      seen.packetsReceived > packets + 100,
    WITHIN_MS,
  );
  const bytes = (heard?.bytesReceived ?? 0) - (before?.bytesReceived ?? 0);
  return bytes / ((heard?.packetsReceived ?? 0) - packets);
}

/** The codecs in which a page sends pictures now, in order. @param {CallPage} page */
async function sentCodecs(page) {
  const layers = async () => (await page.stats()).outbound.filter(({ kind }) => kind === 'video');
  const earlier = new Map((await layers()).map((layer) => [layer.codec + layer.rid, layer.bytesSent]));
  await delay(1_000);
  const sent = (await layers()).filter(
    ({ codec, rid, bytesSent }) => bytesSent > (earlier.get(codec + rid) ?? 0),
  );
  return [...new Set(sent.map(({ codec }) => codec))].sort();
}

/** What the server says that a participant's sound comes in. @param {CallPage} page @param {string} identity */
function publishedAs(page, identity) {
  return page.page.evaluate((identity) => {
    const participant = window.sfuDemo.room?.remoteParticipants.get(identity);
    const sounds = Array.from(participant?.audioTrackPublications.values() ?? []);
    return sounds[0]?.mimeType;
  }, identity);
}

/** @param {CallPage} page @param {string} identity @param {string} kind */
async function tracks(page, identity, kind) {
  const { participants } = await page.stats();
  return (participants[identity]?.tracks ?? []).filter((track) => track.kind === kind);
}

// What follows runs in the page, before its own scripts.

/** A browser that knows no redundant audio, as Firefox. */
function forgetRed() {
  const add = RTCPeerConnection.prototype.addTransceiver;
  RTCPeerConnection.prototype.addTransceiver = function (track, init) {
    const transceiver = add.call(this, track, init);
    const codecs = RTCRtpReceiver.getCapabilities('audio')?.codecs ?? [];
    if (transceiver.receiver.track.kind === 'audio') {
      transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => mimeType !== 'audio/red'));
    }
    return transceiver;
  };
}

/** A browser that sends PCMU if it may: at its one bitrate, which no preset of the library allows. */
function preferPcmu() {
  const add = RTCPeerConnection.prototype.addTransceiver;
  RTCPeerConnection.prototype.addTransceiver = function (track, init) {
    const isAudio = track === 'audio' || (typeof track !== 'string' && track.kind === 'audio');
    const transceiver = add.call(this, track, isAudio ? { ...init, sendEncodings: [] } : init);
    const codecs = RTCRtpReceiver.getCapabilities('audio')?.codecs ?? [];
    if (isAudio) {
      const first = codecs.filter(({ mimeType }) => mimeType === 'audio/PCMU');
      transceiver.setCodecPreferences([...first, ...codecs.filter((one) => !first.includes(one))]);
    }
    return transceiver;
  };
}

/** A browser without VP9. */
function forgetVp9() {
  const add = RTCPeerConnection.prototype.addTransceiver;
  RTCPeerConnection.prototype.addTransceiver = function (track, init) {
    const transceiver = add.call(this, track, init);
    const codecs = RTCRtpReceiver.getCapabilities('video')?.codecs ?? [];
    if (transceiver.receiver.track.kind === 'video') {
      transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => mimeType !== 'video/VP9'));
    }
    return transceiver;
  };
}

/** A browser without AV1. */
function forgetAv1() {
  const add = RTCPeerConnection.prototype.addTransceiver;
  RTCPeerConnection.prototype.addTransceiver = function (track, init) {
    const transceiver = add.call(this, track, init);
    const codecs = RTCRtpReceiver.getCapabilities('video')?.codecs ?? [];
    if (transceiver.receiver.track.kind === 'video') {
      transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => mimeType !== 'video/AV1'));
    }
    return transceiver;
  };
}

/** A browser without VP8 and VP9. */
function forgetVp8AndVp9() {
  const add = RTCPeerConnection.prototype.addTransceiver;
  RTCPeerConnection.prototype.addTransceiver = function (track, init) {
    const transceiver = add.call(this, track, init);
    const codecs = RTCRtpReceiver.getCapabilities('video')?.codecs ?? [];
    if (transceiver.receiver.track.kind === 'video') {
      transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => !/VP[89]$/.test(mimeType)));
    }
    return transceiver;
  };
}
