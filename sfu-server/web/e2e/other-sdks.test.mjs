// Clients of the Python and the Node SDK in one call with a browser: each sees the colours and hears
// the tone that another publishes, and they exchange data.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CallPage } from './support/call_page.mjs';
import { launchChromium } from './support/chromium.mjs';
import { COLOURS, shows, sounds } from './support/facts.mjs';
import { colours, hasData, hasText, listen, sendData, sendText, tone } from './support/page_senses.mjs';
import { digestOf } from './support/pattern.mjs';
import { eventually } from './support/poll.mjs';
import { SdkClient } from './support/sdk_client.mjs';
import { startServer } from './support/server.mjs';
import { joinToken } from './support/token.mjs';

const ROOM = 'other-sdks';
const PATIENCE_MS = 60_000;
const LARGE = 60_000;

/** What the two publish: the same colours in another order, and another tone. */
const PYTHON = { do: 'publish', colours: COLOURS, hertz: 440 };
const NODE = { do: 'publish', colours: [...COLOURS].reverse(), hertz: 1_000 };

/** @type {import('./support/server.mjs').Server} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;
/** @type {CallPage} */
let page;
/** @type {string} */
let pageId;
/** @type {SdkClient} */
let python;
/** @type {SdkClient} */
let watcher;
/** @type {SdkClient} */
let node;

before(async () => {
  server = await startServer('other-sdks');
  browser = await launchChromium();
  page = await CallPage.open(browser, server.http, { room: ROOM, name: 'Ada' });
  await page.joined();
  await listen(page);
  pageId = await page.identity();
  const where = (/** @type {string} */ who) => ({ origin: server.http, token: joinToken(ROOM, who) });
  python = SdkClient.python('python', where('python'));
  watcher = SdkClient.python('watcher', where('watcher'));
  node = SdkClient.node('node', where('node'));
});

after(async () => {
  await Promise.all([python, watcher, node].map((client) => client?.close()));
  await browser?.close();
  await server?.stop();
});

test('the Python and the Node SDK join and publish', { timeout: 180_000 }, async () => {
  const clients = [python, watcher, node];
  await Promise.all(clients.map((client) => client.tells('joined')));
  python.order(PYTHON);
  node.order(NODE);
  await Promise.all([python.tells('published'), node.tells('published')]);
  await page.showsExactly([pageId, 'python', 'watcher', 'node'], PATIENCE_MS);
});

test('each sees the colours that another publishes', { timeout: 180_000 }, async () => {
  for (const [client, sender, published] of /** @type {const} */ ([
    [watcher, 'python', PYTHON],
    [node, 'python', PYTHON],
    [python, 'node', NODE],
    [watcher, 'node', NODE],
  ])) {
    await eventually(
      `${client.name} sees the colours of ${sender}`,
      () => client.newest('video', sender)?.colours,
      (seen) => shows(seen, published.colours),
      PATIENCE_MS,
    );
  }
  for (const [sender, published] of /** @type {const} */ ([['python', PYTHON], ['node', NODE]])) {
    await eventually(
      `the page sees the colours of ${sender}`,
      () => colours(page, sender),
      (seen) => shows(seen, published.colours),
      PATIENCE_MS,
    );
  }
});

test('each hears the tone that another publishes', { timeout: 180_000 }, async () => {
  for (const [client, sender, { hertz }] of /** @type {const} */ ([
    [watcher, 'python', PYTHON],
    [node, 'python', PYTHON],
    [python, 'node', NODE],
    [watcher, 'node', NODE],
  ])) {
    await eventually(
      `${client.name} hears ${hertz} Hz of ${sender}`,
      () => /** @type {any} */ (client.newest('audio', sender)),
      (heard) => sounds(heard, hertz),
      PATIENCE_MS,
    );
  }
  for (const [sender, { hertz }] of /** @type {const} */ ([['python', PYTHON], ['node', NODE]])) {
    await eventually(
      `the page hears ${hertz} Hz of ${sender}`,
      () => tone(page, sender),
      (heard) => sounds(heard, hertz),
      PATIENCE_MS,
    );
  }
});

test('both receive the camera and the microphone of the page', { timeout: 180_000 }, async () => {
  for (const client of [python, watcher, node]) {
    for (const sense of /** @type {const} */ (['video', 'audio'])) {
      await eventually(
        `${client.name} gets ${sense} of the page`,
        () => client.newest(sense, pageId),
        (newest) => newest !== undefined,
        PATIENCE_MS,
      );
    }
  }
});

test('data is whole in every direction, and words too', { timeout: 180_000 }, async () => {
  const everybody = [python, watcher, node];
  const whole = { size: LARGE, digest: digestOf(LARGE), reliable: true };
  await sendData(page, { size: LARGE, topic: 'from the page' });
  await sendText(page, 'Good morning');
  for (const client of everybody) {
    const data = await client.tells('data', ({ topic }) => topic === 'from the page');
    const { sender, size, digest, reliable } = data;
    assert.deepEqual({ sender, size, digest, reliable }, { sender: pageId, ...whole });
    const text = await client.tells('text', ({ topic }) => topic === 'chat');
    assert.deepEqual([text.sender, text.text], [pageId, 'Good morning']);
  }
  for (const client of [python, node]) {
    const topic = `from ${client.name}`;
    client.order({ do: 'send', size: LARGE, topic });
    client.order({ do: 'text', text: `${client.name} greets`, topic: 'chat' });
    await hasData(page, { sender: client.name, topic, ...whole });
    await hasText(page, { sender: client.name, text: `${client.name} greets` });
    const other = await watcher.tells('data', (data) => data.topic === topic);
    assert.deepEqual([other.sender, other.digest], [client.name, whole.digest]);
  }
});

test('a message for one reaches that one', { timeout: 180_000 }, async () => {
  python.order({ do: 'send', size: 10, topic: 'secret', to: ['node'] });
  python.order({ do: 'send', size: 10, topic: 'open' });
  await node.tells('data', ({ topic }) => topic === 'secret');
  await watcher.tells('data', ({ topic }) => topic === 'open');
  await hasData(page, { topic: 'open', sender: 'python' });
  // They come in their order, so the first would have come before.
  assert.ok(!watcher.facts.some(({ topic }) => topic === 'secret'));
});
