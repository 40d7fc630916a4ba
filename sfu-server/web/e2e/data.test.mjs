// Data between pages: whole, in both directions, to whom it is for, by its sender's true name; and
// who does not read hurts nobody.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DataPacket, UserPacket } from '@livekit/protocol';
import { CallPage } from './support/call_page.mjs';
import { launchChromium } from './support/chromium.mjs';
import { peakMemory } from './support/memory.mjs';
import { counter, dropped } from './support/metrics.mjs';
import { hasData, hasText, heard, listen, sendData, sendRaw, sendText } from './support/page_senses.mjs';
import { digestOf } from './support/pattern.mjs';
import { eventually } from './support/poll.mjs';
import { SdkClient } from './support/sdk_client.mjs';
import { startServer } from './support/server.mjs';
import { joinToken } from './support/token.mjs';

const ROOM = 'data';
/** What the SDKs send at most in one message is 64,000 bytes with all that wraps it. */
const LARGE = 60_000;
/** Messages of that size that fit the queue of one reader, of 1 MiB, with room to spare. */
const ROUND = 8;

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
  server = await startServer('data');
  browser = await launchChromium();
  const open = (/** @type {string} */ name) => CallPage.open(browser, server.http, { room: ROOM, name });
  [ada, ben, cleo] = await Promise.all([open('Ada'), open('Ben'), open('Cleo')]);
  const pages = [ada, ben, cleo];
  await Promise.all(pages.map((page) => page.joined()));
  identities = await Promise.all(pages.map((page) => page.identity()));
  await Promise.all(pages.map((page) => page.showsExactly(identities)));
  await Promise.all(pages.map(listen));
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test('what one page says the others read, both ways', { timeout: 90_000 }, async () => {
  const [adaId, benId] = identities;
  await sendText(ada, 'How do you do?');
  await hasText(ben, { sender: adaId, text: 'How do you do?' });
  await hasText(cleo, { sender: adaId, text: 'How do you do?' });
  await sendText(ben, 'Fine, thank you — and you?');
  await hasText(ada, { sender: benId, text: 'Fine, thank you — and you?' });
  // Nobody hears itself.
  assert.deepEqual((await heard(ben)).texts.map(({ sender }) => sender), [adaId]);
});

test('60 kB arrive whole in both directions at once', { timeout: 90_000 }, async () => {
  const [adaId, benId] = identities;
  const large = { size: LARGE, topic: 'large' };
  await Promise.all([sendData(ada, large), sendData(ben, large)]);
  const whole = { ...large, digest: digestOf(LARGE), reliable: true };
  await Promise.all([
    hasData(ben, { ...whole, sender: adaId }),
    hasData(ada, { ...whole, sender: benId }),
    hasData(cleo, { ...whole, sender: adaId }),
    hasData(cleo, { ...whole, sender: benId }),
  ]);
});

test('what is sent once arrives as such', { timeout: 90_000 }, async () => {
  await sendData(ada, { size: 100, topic: 'once', reliable: false, times: 20 });
  await hasData(ben, { topic: 'once', size: 100, digest: digestOf(100), reliable: false });
});

test('only those who are named get a message', { timeout: 90_000 }, async () => {
  const [adaId, benId] = identities;
  await sendData(ada, { size: 10, topic: 'secret', to: [String(benId)] });
  await sendData(ada, { size: 10, topic: 'open' });
  await hasData(ben, { topic: 'secret', sender: adaId });
  await hasData(cleo, { topic: 'open', sender: adaId });
  // They come in their order, so the first would have come before.
  const topics = (await heard(cleo)).data.map(({ topic }) => topic);
  assert.ok(!topics.includes('secret'), `Cleo heard ${topics}`);
});

test('nobody speaks by the name of another', { timeout: 90_000 }, async () => {
  const [adaId, benId] = identities;
  const benSid = await ben.page.evaluate(() => window.sfuDemo.room?.localParticipant.sid ?? '');
  const forged = new DataPacket({
    participantIdentity: benId,
    participantSid: benSid,
    value: {
      case: 'user',
      value: new UserPacket({
        participantIdentity: benId,
        participantSid: benSid,
        payload: new Uint8Array(3),
        topic: 'forged',
      }),
    },
  });
  await sendRaw(ada, forged.toBinary());
  await hasData(cleo, { topic: 'forged', sender: adaId });
});

test('bytes that are no packet are dropped, and the next is not', { timeout: 90_000 }, async () => {
  const [adaId] = identities;
  const undecodable = { reason: 'undecodable' };
  const before = await counter(server, 'sfu_dropped_data_messages_total', undecodable);
  for (const junk of [Uint8Array.of(0), new Uint8Array(60_000).fill(0xff), Uint8Array.of(0x12, 0xff)]) {
    await sendRaw(ada, junk);
  }
  await sendData(ada, { size: 5, topic: 'after' });
  await hasData(ben, { topic: 'after', sender: adaId });
  const now = await counter(server, 'sfu_dropped_data_messages_total', undecodable);
  assert.equal(now - before, 3);
});

test('who does not read costs bounded memory and hurts nobody', { timeout: 240_000 }, async () => {
  const [adaId] = identities;
  const token = joinToken(ROOM, 'sleeper');
  const sleeper = SdkClient.node('sleeper', { origin: server.http, token });
  try {
    await sleeper.tells('joined');
    await sendData(ada, { size: 1, topic: 'awake' });
    await sleeper.tells('data', ({ topic }) => topic === 'awake');
    const before = { memory: peakMemory(server.pid), full: await dropped(server, 'data_queue_full') };
    sleeper.child.kill('SIGSTOP');
    const flood = (/** @type {import('./support/facts.mjs').Data} */ { topic, digest }) =>
      topic === 'flood' && digest === digestOf(LARGE);
    // Several times what waits for one reader, in rounds that who reads can follow.
    for (let sent = ROUND; sent <= 12 * ROUND; sent += ROUND) {
      await sendData(ada, { size: LARGE, topic: 'flood', times: ROUND });
      for (const page of [ben, cleo]) {
        await eventually(
          `${page.name} hears all of the flood`,
          async () => (await heard(page)).data.filter(flood).length,
          (count) => count === sent,
          60_000,
        );
      }
    }
    assert.ok((await dropped(server, 'data_queue_full')) > before.full, 'the sleeper missed some');
    const grown = (peakMemory(server.pid) - before.memory) / (1024 * 1024);
    assert.ok(grown < 16, `the server's memory has grown by ${grown.toFixed(1)} MiB`);
    await ben.receivesFrom([String(adaId)]);
  } finally {
    sleeper.child.kill('SIGCONT');
    await sleeper.close();
  }
});
