// The SDK's data channels open on the one peer connection, and nothing is said of them on the console.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { CallPage } from './support/call_page.mjs';
import { launchChromium } from './support/chromium.mjs';
import { artifact } from './support/paths.mjs';
import { eventually } from './support/poll.mjs';
import { startServer } from './support/server.mjs';

/** @type {import('./support/server.mjs').Server} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;

before(async () => {
  server = await startServer('data-channels');
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test('the data channels of the SDK open', { timeout: 90_000 }, async () => {
  const ada = await CallPage.open(browser, server.http, { room: 'sdk', name: 'Ada' });
  /** @type {string[]} */
  const complaints = [];
  ada.page.on('console', (message) => {
    const warns = message.type() === 'warning' && /data ?channel/i.test(message.text());
    if (message.type() === 'error' || warns) {
      complaints.push(message.text());
    }
  });
  await ada.joined();
  await eventually(
    'the three channels of the SDK are open',
    () => ada.page.evaluate(readChannels),
    (seen) => seen.length === 3 && seen.every(({ state }) => state === 'open'),
    60_000,
  );
  const channels = await ada.page.evaluate(readChannels);
  assert.deepEqual(
    channels.map(({ label }) => label),
    ['_data_track', '_lossy', '_reliable'],
  );
  // What the answer's a=max-message-size promises.
  const largest = await ada.page.evaluate(() => {
    const [connection] = /** @type {{ openedConnections: RTCPeerConnection[] }} */ (
      /** @type {unknown} */ (window)
    ).openedConnections;
    return connection?.sctp?.maxMessageSize;
  });
  assert.equal(largest, 65_536);
  await ada.close();
  assert.deepEqual(complaints, []);
});

test('the log is free of packets, however often they come', async () => {
  await server.stop();
  const log = readFileSync(artifact('data-channels.server.log'), 'utf8');
  assert.match(log, /joined|connected/i);
  assert.doesNotMatch(log, /SCTP_PACKET/);
});

/** The channels that the SDK sends on, by label. */
function readChannels() {
  const engine = window.sfuDemo.room?.engine;
  return [0, 1, 2]
    .flatMap((kind) => engine?.dataChannelForKind(kind) ?? [])
    .map(({ label, readyState }) => ({ label, state: readyState }))
    .sort((a, b) => a.label.localeCompare(b.label));
}
