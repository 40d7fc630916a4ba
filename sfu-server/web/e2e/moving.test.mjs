// A page moves to another network while it is in a call: its address is another one, and the old
// one is gone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CallPage } from './support/call_page.mjs';
import { launchChromium } from './support/chromium.mjs';
import { OWN_ADDRESS, enterOwnNetwork, isInOwnNetwork } from './support/own_network.mjs';
import { PageNetwork } from './support/page_network.mjs';
import { eventually } from './support/poll.mjs';
import { startServer } from './support/server.mjs';
import { comings, sessionOf, watchComings } from './support/session.mjs';

enterOwnNetwork(import.meta.url);

const ROOM = 'moving';
const PATIENCE_MS = 60_000;
const SKIP = isInOwnNetwork() ? false : 'no network namespaces here: nobody can move';

/** @type {PageNetwork} */
let network;
/** @type {import('./support/server.mjs').Server} */
let server;
/** @type {import('playwright-core').Browser[]} */
let browsers = [];

before(async () => {
  if (SKIP !== false) {
    return;
  }
  network = await PageNetwork.open();
  server = await startServer('moving', ['--bind', '0.0.0.0', '--dev-allow-remote']);
});

after(async () => {
  await Promise.all(browsers.map((browser) => browser.close()));
  await server?.stop();
  network?.close();
});

test('a page that moves to another network stays in the call', {
  timeout: 240_000,
  skip: SKIP,
}, async () => {
  const port = new URL(server.http).port;
  const abroad = `http://${OWN_ADDRESS}:${port}`;
  const flags = [`--unsafely-treat-insecure-origin-as-secure=${abroad}`];
  const within = (/** @type {string} */ program) => network.within(program);
  browsers = await Promise.all([launchChromium({ within, flags }), launchChromium()]);
  const [away, home] = /** @type {[typeof browsers[0], typeof browsers[0]]} */ (browsers);
  const [mia, hal] = await Promise.all([
    CallPage.open(away, abroad, { room: ROOM, name: 'Mia' }),
    CallPage.open(home, `http://127.0.0.1:${port}`, { room: ROOM, name: 'Hal' }),
  ]);
  await Promise.all([mia.view('call', PATIENCE_MS), hal.view('call', PATIENCE_MS)]);
  const [ofMia, ofHal] = await Promise.all([mia.identity(), hal.identity()]);
  const bothGoOn = () =>
    Promise.all([
      mia.receivesFrom([ofHal], { withinMs: PATIENCE_MS }),
      hal.receivesFrom([ofMia], { withinMs: PATIENCE_MS }),
    ]);
  await bothGoOn();
  await watchComings(hal);
  const session = await sessionOf(mia);

  for (let round = 0; round < 2; round += 1) {
    const states = (await mia.history()).length;
    network.change();
    const began = Date.now();
    await eventually(
      'media goes by the new address',
      async () => (await mia.stats()).connection.candidatePair?.local,
      (local) => local?.includes(network.address) === true,
      PATIENCE_MS,
    );
    await bothGoOn();
    console.log(`after a change of network media was away for at most ${Date.now() - began} ms`);
    // The old connection for signalling is dead, and nobody is told.
    await eventually(
      'Mia resumes',
      async () => (await mia.history()).slice(states),
      (seen) => seen.includes('signalReconnecting') && seen.at(-1) === 'connected',
      PATIENCE_MS,
    );
    await bothGoOn();
  }
  assert.equal((await sessionOf(mia)).sid, session.sid);
  assert.deepEqual((await sessionOf(mia)).published, session.published);
  assert.deepEqual(await comings(hal), []);
});
