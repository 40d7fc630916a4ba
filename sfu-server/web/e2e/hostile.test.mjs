// Hostile offers, datagrams, connections and a fault of our own: each is refused or contained, and
// a call beside them goes on undisturbed.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { CallPage } from './support/call_page.mjs';
import { launchChromium } from './support/chromium.mjs';
import { HealthyCall } from './support/healthy_call.mjs';
import { joinRequest } from './support/join_request.mjs';
import { counter, dropped } from './support/metrics.mjs';
import { eventually } from './support/poll.mjs';
import { RawClient, attributeOf } from './support/raw_client.mjs';
import { startServer } from './support/server.mjs';
import { bindingRequest, isSuccessFor } from './support/stun.mjs';
import { joinToken } from './support/token.mjs';
import { UdpStranger, dtls, rtcp, rtp } from './support/udp_stranger.mjs';

const ROOM = 'healthy';
const OTHER_ROOM = 'doomed';

/** @type {import('./support/server.mjs').Server} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;
/** @type {HealthyCall} */
let healthy;
/** @type {{ close: () => unknown }[]} what the test at hand opened */
const opened = [];

before(async () => {
  server = await startServer('hostile', ['--fault-injection']);
  browser = await launchChromium();
  healthy = await HealthyCall.open(browser, server.http, ROOM);
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test('an offer without BUNDLE is refused, naming it', { timeout: 120_000 }, async () => {
  const client = await rawClient('unbundled');
  const offer = await client.createOffer();
  await client.sendOffer(offer.replace(/a=group:BUNDLE.*\r\n/, ''));
  await client.isRefused(/^offer: a=group:BUNDLE must name every section/);
  // Without a first answer there is nothing to stay for: the client is told to leave.
  await eventually('told to leave', () => client.told(), (told) =>
    told.some(({ leave }) => leave?.reason === 'JOIN_FAILURE'),
  );
  await eventually('the socket is closed', () => client.closed(), (closed) => closed?.code === 1000);
  await healthy.goesOn();
});

test('a join with an offer without BUNDLE is refused', { timeout: 120_000 }, async () => {
  const client = await rawClient();
  const offer = (await client.createOffer()).replace(/a=group:BUNDLE.*\r\n/, '');
  const join_request = joinRequest(offer);
  const query = { access_token: joinToken(ROOM, 'unbundled'), join_request };
  const answer = await validate(query);
  assert.equal(answer.status, 400);
  assert.match(answer.text, /a=group:BUNDLE must name every section/);
  await healthy.goesOn();
});

test('another fingerprint in a running session is refused', { timeout: 120_000 }, async () => {
  const client = await rawClient('changeling');
  await client.connect();
  const offer = await client.createOffer();
  const digest = attributeOf(offer, 'fingerprint');
  const other = digest.replace(/..$/, (last) => (last === '00' ? '01' : '00'));
  await client.sendOffer(offer.replaceAll(digest, other));
  await client.isRefused(/^offer: a=fingerprint differs from the session's/);
  // The session itself goes on: its media lives, and an honest offer is answered.
  await client.answer(await client.sendOffer(offer));
  assert.equal(await client.connectionState(), 'connected');
  assert.equal(await client.closed(), undefined);
  await healthy.goesOn();
});

test('an offer that sends without the right to is refused', { timeout: 120_000 }, async () => {
  const client = await rawClient('smuggler', { canPublish: false });
  await client.sendOffer(await client.createOffer());
  await client.isRefused(/^offer: .*publish/);
  await healthy.goesOn();
});

test('a STUN check with bad integrity is dropped', { timeout: 120_000 }, async () => {
  const stranger = await udpStranger();
  const { local, remote } = await healthy.first.page.evaluate(() => {
    const { openedConnections } = /** @type {{ openedConnections: RTCPeerConnection[] }} */ (
      /** @type {unknown} */ (window)
    );
    const connected = openedConnections.find((pc) => pc.connectionState === 'connected');
    return {
      local: connected?.localDescription?.sdp ?? '',
      remote: connected?.remoteDescription?.sdp ?? '',
    };
  });
  const username = `${attributeOf(remote, 'ice-ufrag')}:${attributeOf(local, 'ice-ufrag')}`;
  const password = attributeOf(remote, 'ice-pwd');
  await isDropped('stun_bad_integrity', stranger, () => bindingRequest(username, `${password}x`));
  assert.equal(stranger.received.length, 0, 'nobody is answered who has proved nothing');
  await healthy.goesOn();
});

test('what strangers send is dropped and never answered', { timeout: 120_000 }, async () => {
  const stranger = await udpStranger();
  await isDropped('media_unknown_path', stranger, rtp);
  await isDropped('media_unknown_path', stranger, rtcp);
  await isDropped('dtls_unknown_path', stranger, dtls);
  await isDropped('not_demultiplexed', stranger, () => Buffer.alloc(1200, 0xff));
  await isDropped('not_demultiplexed', stranger, () => Buffer.alloc(0));
  await isDropped('stun_malformed', stranger, () => bindingRequest('nocolon', 'x'));
  await isDropped('stun_unknown_ufrag', stranger, () => bindingRequest('no:body', 'x'));
  assert.equal(stranger.received.length, 0, 'nobody is answered who has proved nothing');
  await healthy.goesOn();
});

test('RTP before DTLS is dropped', { timeout: 120_000 }, async () => {
  const client = await rawClient('hasty');
  const offer = await client.createOffer();
  const answer = await client.answer(await client.sendOffer(offer));
  const username = `${attributeOf(answer, 'ice-ufrag')}:${attributeOf(offer, 'ice-ufrag')}`;
  const stranger = await udpStranger();
  const check = bindingRequest(username, attributeOf(answer, 'ice-pwd'));
  await stranger.send(check);
  await eventually(
    'the check is answered',
    () => stranger.received.some((datagram) => isSuccessFor(datagram, check)),
    (answered) => answered,
  );
  await isDropped('media_before_keys', stranger, rtp);
  await isDropped('media_before_keys', stranger, rtcp);
  await healthy.goesOn();
});

test('a panic in another room ends that room only', { timeout: 180_000 }, async () => {
  const page = await CallPage.open(browser, server.http, { room: OTHER_ROOM, name: 'Dora' });
  opened.push(page);
  await page.joined();
  const peer = await CallPage.open(browser, server.http, { room: OTHER_ROOM, name: 'Dirk' });
  opened.push(peer);
  await peer.joined();
  await page.receivesFrom([await peer.identity()]);
  const failed = await counter(server, 'sfu_rooms_failed_total');
  const former = await page.page.evaluate(() => window.sfuDemo.room?.localParticipant.sid);

  const told = page.says(/Reconnecting/);
  const asked = await fetch(`${server.http}/demo/fault/panic?room=${OTHER_ROOM}`, { method: 'POST' });
  assert.equal(asked.status, 202);
  await told;
  await eventually(
    'the failed room is counted',
    () => counter(server, 'sfu_rooms_failed_total'),
    (count) => count === failed + 1,
  );
  await healthy.goesOn();

  // Both are in a new room of that name without anybody pressing a button.
  await eventually(
    'a new session',
    () => page.page.evaluate(() => window.sfuDemo.room?.localParticipant.sid),
    (sid) => sid !== undefined && sid !== '' && sid !== former,
    30_000,
  );
  await page.receivesFrom([await peer.identity()], { withinMs: 30_000 });
  await peer.receivesFrom([await page.identity()], { withinMs: 30_000 });
  await healthy.goesOn();
});

test('a panic in a room that is not there is refused', async () => {
  const answer = await fetch(`${server.http}/demo/fault/panic?room=nowhere`, { method: 'POST' });
  assert.equal(answer.status, 404);
  assert.match(await answer.text(), /room does not exist/);
});

/**
 * A client in the healthy room, already joined if it has an identity.
 *
 * @param {string} [identity]
 * @param {{ canPublish?: boolean }} [more]
 */
async function rawClient(identity, { canPublish = true } = {}) {
  const client = await RawClient.open(browser, server.http, { sends: !canPublish });
  opened.push(client);
  if (identity !== undefined) {
    await client.join(joinToken(ROOM, identity, { canPublish }));
  }
  return client;
}

async function udpStranger() {
  const stranger = await UdpStranger.open(/** @type {number} */ (server.media[0]));
  opened.push(stranger);
  return stranger;
}

/**
 * Sends until the server has counted one more drop for `reason`: a datagram may be lost.
 *
 * @param {string} reason
 * @param {UdpStranger} stranger
 * @param {(attempt: number) => Buffer} datagram
 */
async function isDropped(reason, stranger, datagram) {
  const before = await dropped(server, reason);
  let attempt = 0;
  await eventually(
    `a drop is counted as ${reason}`,
    async () => {
      attempt += 1;
      await stranger.send(datagram(attempt));
      return dropped(server, reason);
    },
    (count) => count > before,
  );
}

/** Asks whether a join would be let in. @param {Record<string, string>} query */
async function validate(query) {
  const answer = await fetch(`${server.http}/rtc/v1/validate?${new URLSearchParams(query)}`);
  return { status: answer.status, text: await answer.text() };
}
