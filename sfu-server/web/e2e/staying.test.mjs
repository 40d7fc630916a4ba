// Connections come and go, people stay: interrupted signalling, restarted ICE, addresses that
// change, a server that dies.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { CallPage } from './support/call_page.mjs';
import { launchChromium } from './support/chromium.mjs';
import { Nat } from './support/nat.mjs';
import { eventually } from './support/poll.mjs';
import { startServer } from './support/server.mjs';
import { comings, sessionOf, watchComings } from './support/session.mjs';
import { SignallingLink } from './support/signalling_link.mjs';

const ROOM = 'staying';
/** Pages may come back slowly on a busy machine. */
const PATIENCE_MS = 60_000;

/** @type {import('./support/server.mjs').Server} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;
/** @type {{ ann: SignallingLink, bob: SignallingLink }} */
let links;
/** @type {Nat} */
let nat;
/** @type {CallPage} */
let ann;
/** @type {CallPage} */
let bob;
/** @type {{ ann: string, bob: string }} */
let identities;

before(async () => {
  server = await startServer('staying');
  browser = await launchChromium();
  links = { ann: await SignallingLink.open(server), bob: await SignallingLink.open(server) };
  nat = await Nat.open(server.media[0] ?? 0);
  [ann, bob] = await Promise.all([
    CallPage.open(browser, links.ann.origin, { room: ROOM, name: 'Ann', nat }),
    CallPage.open(browser, links.bob.origin, { room: ROOM, name: 'Bob' }),
  ]);
  await Promise.all([ann.view('call', PATIENCE_MS), bob.view('call', PATIENCE_MS)]);
  identities = { ann: await ann.identity(), bob: await bob.identity() };
  await bothGoOn();
});

after(async () => {
  await browser?.close();
  await Promise.all([links?.ann.close(), links?.bob.close()]);
  nat?.close();
  await server?.stop();
});

test('signalling that is cut resumes in the same session, and media does not notice', {
  timeout: 180_000,
}, async () => {
  await publishBoard(bob);
  await eventually('Ann knows the board', () => tracksOf(ann, identities.bob), (sids) => sids.length === 3, PATIENCE_MS);
  await watchComings(bob);
  const session = await sessionOf(ann);
  const others = await sessionOf(bob);
  const states = (await ann.history()).length;
  const began = Date.now();
  await links.ann.cut();
  await reconnecting(ann, states);

  // What Ann cannot be told of now.
  await bob.press('Mute');
  await unpublishBoard(bob);
  const cleo = await CallPage.open(browser, server.http, { room: ROOM, name: 'Cleo' });
  await cleo.view('call', PATIENCE_MS);
  const third = await cleo.identity();
  await bob.receivesFrom([third], { withinMs: PATIENCE_MS });
  await Promise.all([
    ann.receivesFrom([identities.bob], { withinMs: PATIENCE_MS, sound: false }),
    bob.receivesFrom([identities.ann], { withinMs: PATIENCE_MS }),
    cleo.receivesFrom([identities.ann], { withinMs: PATIENCE_MS }),
  ]);
  assert.deepEqual(Object.keys((await sessionOf(ann)).others), [identities.bob]);
  await links.ann.restore();
  await connectedAgain(ann, states);
  console.log(`signalling was away for ${Date.now() - began} ms`);

  await ann.showsExactly([identities.ann, identities.bob, third], PATIENCE_MS);
  await ann.receivesFrom([third], { withinMs: PATIENCE_MS });
  await eventually('Ann sees Bob muted', () => ann.tile(identities.bob), (tile) => tile?.markedMuted === true, PATIENCE_MS);
  await eventually('Ann forgets the board', () => tracksOf(ann, identities.bob), (sids) => sids.length === 2, PATIENCE_MS);
  assert.ok(!(await ann.history()).includes('reconnecting'), 'she did not have to join anew');
  const resumed = await sessionOf(ann);
  assert.deepEqual(
    { sid: resumed.sid, published: resumed.published, connections: resumed.connections },
    { sid: session.sid, published: session.published, connections: session.connections },
  );
  assert.notEqual(resumed.ufrag, session.ufrag, 'ICE was restarted');
  const seen = await comings(bob);
  assert.deepEqual(seen.filter((coming) => coming.startsWith(identities.ann)), []);
  assert.equal((await sessionOf(bob)).others[identities.ann], others.others[identities.ann]);

  await bob.press('Unmute');
  await cleo.close();
  await ann.showsExactly([identities.ann, identities.bob], PATIENCE_MS);
  await bothGoOn();
});

test('resuming asks for no sections that are there already', { timeout: 120_000 }, async () => {
  const { sections } = await sessionOf(ann);
  for (let round = 0; round < 2; round += 1) {
    const states = (await ann.history()).length;
    await links.ann.cut();
    await reconnecting(ann, states);
    await links.ann.restore();
    await connectedAgain(ann, states);
  }
  await bothGoOn();
  assert.equal((await sessionOf(ann)).sections, sections);
});

test('what was said into a dead connection is said again', { timeout: 120_000 }, async () => {
  const states = (await ann.history()).length;
  links.ann.silence();
  await ann.press('Mute');
  await links.ann.cut();
  await reconnecting(ann, states);
  assert.equal((await bob.tile(identities.ann))?.markedMuted, false);
  await links.ann.restore();
  await connectedAgain(ann, states);
  await eventually('Bob sees Ann muted', () => bob.tile(identities.ann), (tile) => tile?.markedMuted === true, PATIENCE_MS);
  await ann.press('Unmute');
  await bothGoOn();
});

test('a connection that dies unheard is found dead, and media outlives it', {
  timeout: 180_000,
}, async () => {
  await watchComings(bob);
  const session = await sessionOf(ann);
  const states = (await ann.history()).length;
  links.ann.silence();
  // The page finds it by its pings, the server by its silence: neither is told.
  await reconnecting(ann, states);
  await bothGoOn();
  await links.ann.restore();
  await connectedAgain(ann, states);
  assert.equal((await sessionOf(ann)).sid, session.sid);
  await bothGoOn();
  assert.deepEqual(await comings(bob), []);
});

for (const { scenario, keeps } of /** @type {{ scenario: Scenario, keeps: boolean }[]} */ ([
  { scenario: 'signal-reconnect', keeps: true },
  { scenario: 'resume-reconnect', keeps: false },
  { scenario: 'full-reconnect', keeps: false },
  { scenario: 'force-tcp', keeps: false },
  { scenario: 'node-failure', keeps: false },
  { scenario: 'migration', keeps: false },
  { scenario: 'leave-full-reconnect', keeps: false },
])) {
  const outcome = keeps ? 'goes on in its session' : 'comes back by itself in a new session';
  test(`after the scenario ${scenario} a page ${outcome}`, { timeout: 180_000 }, async () => {
    const session = await sessionOf(ann);
    const states = (await ann.history()).length;
    const began = Date.now();
    // What it returns is of no matter: some scenarios never settle.
    await ann.page.evaluate((scenario) => {
      void window.sfuDemo.room?.simulateScenario(scenario);
    }, scenario);
    await reconnecting(ann, states);
    await connectedAgain(ann, states);
    await bothGoOn();
    console.log(`${scenario}: media goes on after ${Date.now() - began} ms`);
    const now = await sessionOf(ann);
    assert.equal(now.sid === session.sid, keeps);
    assert.equal(now.published.length, session.published.length);
    await onlyThese();
  });
}

test('media follows a NAT that gives the page another address', { timeout: 120_000 }, async () => {
  const session = await sessionOf(ann);
  const states = (await ann.history()).length;
  for (let round = 0; round < 3; round += 1) {
    nat.rebind();
    const began = Date.now();
    await eventually('media is sent to the new address', () => nat.mediaInward, (count) => count > 0, PATIENCE_MS);
    console.log(`after a NAT rebinding media was away for ${Date.now() - began} ms`);
    await bothGoOn();
  }
  assert.equal((await ann.history()).length, states, 'it never felt like a reconnection');
  assert.deepEqual(await sessionOf(ann), session);
});

test('media that is cut for ten seconds comes back by itself', { timeout: 120_000 }, async () => {
  const session = await sessionOf(ann);
  nat.block(true);
  await delay(10_000);
  nat.block(false);
  nat.rebind();
  await eventually('media is sent again', () => nat.mediaInward, (count) => count > 0, PATIENCE_MS);
  await bothGoOn();
  assert.equal((await sessionOf(ann)).sid, session.sid);
});

test('who is gone for too long is removed, and comes back by itself', {
  timeout: 240_000,
}, async () => {
  await watchComings(bob);
  const session = await sessionOf(ann);
  const states = (await ann.history()).length;
  links.ann.silence();
  nat.block(true);
  await bob.showsExactly([identities.bob], PATIENCE_MS);
  nat.block(false);
  await links.ann.restore();
  await reconnecting(ann, states);
  await connectedAgain(ann, states);
  assert.ok((await ann.history()).slice(states).includes('reconnecting'), 'it joined anew');
  await bothGoOn();
  assert.notEqual((await sessionOf(ann)).sid, session.sid);
  await onlyThese();
  const seen = (await comings(bob)).filter((coming) => !coming.includes('published'));
  assert.deepEqual(seen, [`${identities.ann} left`, `${identities.ann} joined`]);
});

test('a server that is killed and started again has everybody back', {
  timeout: 240_000,
}, async () => {
  const states = [(await ann.history()).length, (await bob.history()).length];
  const began = Date.now();
  await server.kill();
  await Promise.all([reconnecting(ann, states[0] ?? 0), reconnecting(bob, states[1] ?? 0)]);
  server = await startServer('staying-again');
  links.ann.lead(server);
  links.bob.lead(server);
  nat.lead(server.media[0] ?? 0);
  await Promise.all([connectedAgain(ann, states[0] ?? 0), connectedAgain(bob, states[1] ?? 0)]);
  await bothGoOn();
  console.log(`the server was killed; media goes on after ${Date.now() - began} ms`);
  await onlyThese();
});

test('a server that leaves ends the call', { timeout: 60_000 }, async () => {
  await ann.page.evaluate(() => {
    void window.sfuDemo.room?.simulateScenario('server-leave');
  });
  await ann.view('ended', PATIENCE_MS);
  await bob.showsExactly([identities.bob], PATIENCE_MS);
});

/** @typedef {Parameters<import('livekit-client').Room['simulateScenario']>[0]} Scenario */

/** Each receives more of the other than now. */
async function bothGoOn() {
  await Promise.all([
    ann.receivesFrom([identities.bob], { withinMs: PATIENCE_MS }),
    bob.receivesFrom([identities.ann], { withinMs: PATIENCE_MS }),
  ]);
}

/** Each sees the other once, with its two tracks, and nobody else. */
async function onlyThese() {
  for (const [page, other] of /** @type {[CallPage, string][]} */ ([
    [ann, identities.bob],
    [bob, identities.ann],
  ])) {
    await page.showsExactly([identities.ann, identities.bob], PATIENCE_MS);
    await eventually(
      `${page.name} knows two tracks of the other`,
      () => tracksOf(page, other),
      (sids) => sids.length === 2,
      PATIENCE_MS,
    );
  }
}

/** @param {CallPage} page @param {number} since   how many states it had been in */
async function reconnecting(page, since) {
  await eventually(
    `${page.name} notices`,
    async () => (await page.history()).slice(since),
    (states) => states.some((state) => state === 'signalReconnecting' || state === 'reconnecting'),
    PATIENCE_MS,
  );
}

/** @param {CallPage} page @param {number} since */
async function connectedAgain(page, since) {
  await eventually(
    `${page.name} is connected again`,
    async () => (await page.history()).slice(since),
    (states) => states.at(-1) === 'connected',
    PATIENCE_MS,
  );
}

/** @param {CallPage} page @param {string} identity @returns {Promise<string[]>} */
function tracksOf(page, identity) {
  return page.page.evaluate((identity) => {
    const participant = window.sfuDemo.room?.remoteParticipants.get(identity);
    return Array.from(participant?.trackPublications.keys() ?? []);
  }, identity);
}

/** Shares a picture that is nobody's camera. @param {CallPage} page */
async function publishBoard(page) {
  await page.page.evaluate(async () => {
    const canvas = document.createElement('canvas');
    canvas.getContext('2d')?.fillRect(0, 0, 10, 10);
    const [track] = canvas.captureStream(5).getVideoTracks();
    const local = window.sfuDemo.room?.localParticipant;
    Object.assign(window, { board: track });
    await local?.publishTrack(/** @type {MediaStreamTrack} */ (track), { name: 'board', simulcast: false });
  });
}

/** @param {CallPage} page */
async function unpublishBoard(page) {
  await page.page.evaluate(async () => {
    const { board } = /** @type {{ board: MediaStreamTrack }} */ (/** @type {unknown} */ (window));
    await window.sfuDemo.room?.localParticipant.unpublishTrack(board);
  });
}
