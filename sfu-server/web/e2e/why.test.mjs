// Why a picture is bad: the page says it, of a real browser behind a link that carries little; and
// what the server decides by is recorded through the control plane.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { CallPage } from './support/call_page.mjs';
import { launchChromium } from './support/chromium.mjs';
import { Control } from './support/control.mjs';
import { ImpairedLink, NEAR_ADDRESS } from './support/impaired_link.mjs';
import { counter } from './support/metrics.mjs';
import { enterOwnNetwork, isInOwnNetwork } from './support/own_network.mjs';
import { artifact } from './support/paths.mjs';
import { eventually } from './support/poll.mjs';
import { startServer } from './support/server.mjs';

enterOwnNetwork(import.meta.url);

const SKIP = isInOwnNetwork() ? false : 'no network namespaces here: there is no link to limit';
/** The page shows Ann at a size for which 317 kbit/s are sent, beside 76 of her sound. */
const KBIT = 300;
const WITHIN_MS = 60_000;
const ROOM = 'why';

describe(`a page behind ${KBIT} kbit/s`, { skip: SKIP }, () => {
  /** @type {ImpairedLink} */
  let link;
  /** @type {import('./support/server.mjs').Server} */
  let server;
  /** @type {import('playwright-core').Browser} */
  let near;
  /** @type {import('playwright-core').Browser} */
  let far;

  before(async () => {
    link = await ImpairedLink.open({ eachWay: ['delay=20ms', `rate=${KBIT}kbit`] });
    server = await startServer('why', ['--bind', '0.0.0.0', '--dev-allow-remote']);
    near = await launchChromium({ fps: 15 });
    const flags = [`--unsafely-treat-insecure-origin-as-secure=${origin()}`];
    far = await launchChromium({ fps: 15, flags, within: (program) => link.within(program) });
  });

  after(async () => {
    await Promise.all([near?.close(), far?.close()]);
    await server?.stop();
    await link?.close();
  });

  test('says that its network carries no more, and the control plane says the same', { timeout: 180_000 }, async (t) => {
    const query = { width: '1280', height: '720' };
    const [ann, bob] = await Promise.all([
      CallPage.open(near, `http://127.0.0.1:${port()}`, { room: ROOM, name: 'Ann', query }).then((page) => page.joined()),
      CallPage.open(far, origin(), { room: ROOM, name: 'Bob' }).then((page) => page.joined()),
    ]);
    try {
      const [from, own] = [await ann.identity(), await bob.identity()];
      await bob.receivesFrom([from], { withinMs: WITHIN_MS });
      await bob.press('Stop camera');
      await bob.press('Settings');
      await bob.page.getByLabel('Show figures on every picture').check();
      await bob.page.keyboard.press('Escape');
      const said = await eventually(
        'Bob’s page says what limits Ann’s picture',
        () => words(bob, from),
        (text) => text.includes('Your network carries no more') && /Quality \d of 2(, fewer frames)?, \d+ of \d+ kbit/.test(text),
        WITHIN_MS,
      );
      const network = await eventually(
        'and what his network carries',
        () => words(bob, own),
        (text) => /Your network: about \d+ kbit\/s, \d+ ms round trip/.test(text),
        WITHIN_MS,
      );
      t.diagnostic(`${said.replaceAll('\n', ' | ')} || ${network.replaceAll('\n', ' | ')}`);
      await bob.screenshot(artifact('why-wide.png'));
      await bob.page.setViewportSize({ width: 390, height: 844 });
      await bob.screenshot(artifact('why-narrow.png'));
      await bob.page.setViewportSize({ width: 1280, height: 800 });

      const control = await Control.of(server.grpc, ROOM);
      const bytes = await record(control, own, 8);
      writeFileSync(artifact('why.recording'), bytes);
      assert.equal(bytes.subarray(0, 7).toString(), 'SFUADPT');
      assert.ok(bytes.length > 5_000, `${bytes.length} bytes`);
      const told = await control.call('ExplainSubscriptions', { identity: own });
      const estimate = told.link.estimate_bps / 1_000;
      t.diagnostic(JSON.stringify(told));
      assert.ok(estimate > KBIT / 4 && estimate < 1.5 * KBIT, `${estimate} kbit/s of ${KBIT}`);
      const byCost = told.subscriptions.toSorted((/** @type {any} */ a, /** @type {any} */ b) => b.wanted_bps - a.wanted_bps);
      const video = byCost[0];
      assert.equal(video.limit, 'SUBSCRIPTION_LIMIT_BANDWIDTH', JSON.stringify(told.subscriptions));
      assert.ok(video.wanted_bps > video.target_bps, JSON.stringify(video));
      const limited = () => counter(server, 'sfu_subscriptions_by_limit', { limit: 'bandwidth' });
      await eventually('it is counted', limited, (count) => count === 1, WITHIN_MS);
    } finally {
      await Promise.all([ann.close(), bob.close()]);
    }
  });

  function port() {
    return new URL(server.http).port;
  }

  function origin() {
    return `http://${NEAR_ADDRESS}:${port()}`;
  }
});

/** All that the overlay of a tile says. @param {CallPage} page @param {string} identity */
function words(page, identity) {
  const overlay = page.page.locator(`.tile[data-identity="${identity}"] .overlay`);
  return overlay.innerText({ timeout: 5_000 }).catch(() => '');
}

/** The file of a recording of so many seconds. @param {Control} control @param {string} identity @param {number} seconds @returns {Promise<Buffer>} */
function record(control, identity, seconds) {
  const request = { room: ROOM, identity, duration: { seconds, nanos: 0 } };
  return new Promise((resolve, reject) => {
    /** @type {Buffer[]} */
    const pieces = [];
    const stream = control.client.RecordAdaptation(request, control.metadata());
    stream.on('data', (/** @type {any} */ piece) => pieces.push(piece.recording));
    stream.on('error', reject);
    stream.on('end', () => resolve(Buffer.concat(pieces)));
  });
}
