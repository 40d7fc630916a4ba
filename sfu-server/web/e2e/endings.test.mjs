// How a call ends for somebody who did not end it: the page says why, and has left.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { CallPage } from './support/call_page.mjs';
import { launchChromium } from './support/chromium.mjs';
import { removeParticipant } from './support/control.mjs';
import { startServer } from './support/server.mjs';
import { joinToken } from './support/token.mjs';

const ROOM = 'endings';

/** @type {import('./support/server.mjs').Server} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;
/** @type {CallPage} */
let host;
/** @type {string} */
let hostIdentity;
/** @type {CallPage[]} the pages that the test at hand opened */
const visitors = [];

before(async () => {
  server = await startServer('endings');
  browser = await launchChromium();
  host = await CallPage.open(browser, server.http, { room: ROOM, name: 'Host' });
  await host.joined();
  hostIdentity = await host.identity();
});

afterEach(async () => {
  await Promise.all(visitors.splice(0).map((page) => page.close()));
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test('a removed participant is told so and has left', { timeout: 60_000 }, async () => {
  const guest = await visit({ room: ROOM, name: 'Guest' });
  const identity = await guest.identity();
  await host.showsExactly([hostIdentity, identity]);

  await removeParticipant(server.grpc, ROOM, identity);
  await guest.view('ended');
  await guest.says(/You were removed/);
  await host.showsExactly([hostIdentity]);
  assert.equal(await guest.page.evaluate(() => window.sfuDemo.room?.state), 'disconnected');
});

test('removing nobody is refused with NOT_FOUND', async () => {
  await assert.rejects(removeParticipant(server.grpc, ROOM, 'nobody'), { code: 5 });
});

test('the same identity joining again ends the former one', { timeout: 60_000 }, async () => {
  const twin = { room: ROOM, name: 'Twin', token: joinToken(ROOM, 'twin') };
  await host.showsExactly([hostIdentity]);
  const first = await visit(twin);
  const second = await visit(twin);
  await first.view('ended');
  await first.says(/You joined somewhere else/);
  await host.showsExactly([hostIdentity, 'twin']);
  assert.equal(await second.page.evaluate(() => window.sfuDemo.room?.state), 'connected');
});

test('a server that shuts down says good-bye', { timeout: 60_000 }, async () => {
  const code = await server.stop();
  assert.equal(code, 0);
  await host.view('ended');
  await host.says(/The server is shutting down/);
  await host.press('Join again');
  await host.says(/The server cannot be reached/);
});

/** Opens a page and waits until it is in the call. @param {import('./support/call_page.mjs').Options} options */
async function visit(options) {
  const page = await CallPage.open(browser, server.http, options);
  visitors.push(page);
  return page.joined();
}
