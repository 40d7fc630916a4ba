// What is refused is refused in words, and a call beside it goes on undisturbed.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { CallPage } from './support/call_page.mjs';
import { launchChromium } from './support/chromium.mjs';
import { eventually } from './support/poll.mjs';
import { startServer } from './support/server.mjs';
import { joinToken } from './support/token.mjs';

const ROOM = 'healthy';
const OTHER_ROOM = 'elsewhere';

/** @type {import('./support/server.mjs').Server} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;
/** @type {CallPage[]} */
let healthy;
/** @type {string[]} */
let identities;
/** @type {CallPage[]} the pages that the test at hand opened */
const visitors = [];

/**
 * 401 to who is not known, 403 to who is known and may not.
 * @type {{ what: string, status: number, token: () => string }[]}
 */
const REFUSED = [
  {
    what: 'an expired token',
    status: 401,
    token: () => joinToken(ROOM, 'late', { expiresIn: -600 }),
  },
  {
    what: 'a token of a wrong secret',
    status: 401,
    token: () => joinToken(ROOM, 'forger', { secret: 'guess' }),
  },
  {
    what: 'a token of an unknown key',
    status: 401,
    token: () => joinToken(ROOM, 'stranger', { key: 'nokey' }),
  },
  {
    what: 'a token for another room',
    status: 403,
    token: () => joinToken(OTHER_ROOM, 'astray'),
  },
];

before(async () => {
  server = await startServer('refusals');
  browser = await launchChromium();
  healthy = await Promise.all(
    ['Hana', 'Hugo'].map((name) => CallPage.open(browser, server.http, { room: ROOM, name })),
  );
  await Promise.all(healthy.map((page) => page.joined()));
  identities = await Promise.all(healthy.map((page) => page.identity()));
  await callGoesOn();
});

afterEach(async () => {
  await Promise.all(visitors.splice(0).map((page) => page.close()));
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

for (const { what, status, token } of REFUSED) {
  test(`${what} is refused, in words`, { timeout: 60_000 }, async () => {
    const query = new URLSearchParams({ access_token: token(), room: ROOM });
    const answer = await fetch(`${server.http}/rtc/v1/validate?${query}`);
    assert.equal(answer.status, status);
    const reason = (await answer.text()).trim();
    assert.match(reason, /[a-z]{3,} [a-z]{2,}/i, 'the refusal gives its reason in words');

    const page = await visit('Visitor', token());
    await page.says(/The server refused to let you in/);
    const { text } = await page.visibleText();
    assert.match(text ?? '', new RegExp(lettersOf(reason), 'i'), 'the page gives the reason');
    await callGoesOn();
  });
}

test('a valid token is not among the refused', async () => {
  const query = new URLSearchParams({ access_token: joinToken(ROOM, 'welcome'), room: ROOM });
  const answer = await fetch(`${server.http}/rtc/v1/validate?${query}`);
  // A server may still miss the join request here; that is no refusal of the token.
  assert.ok(![401, 403].includes(answer.status), `status ${answer.status}`);
});

test('who may not publish is told so, and publishes nothing', { timeout: 60_000 }, async () => {
  const page = await visit('Mute', joinToken(ROOM, 'onlooker', { canPublish: false }));
  await page.joined();
  await page.says(/does not allow sending/);
  await page.receivesFrom(identities);

  // A client that does not hold itself back, either.
  const error = await page.page.evaluate(async () => {
    const own = window.sfuDemo.room?.localParticipant;
    if (own?.permissions === undefined) {
      return 'the server told no permissions';
    }
    own.permissions.canPublish = true;
    return own.setCameraEnabled(true).then(
      () => 'published',
      (/** @type {Error} */ refused) => `refused: ${refused.message}`,
    );
  });
  assert.match(error, /^refused: /);
  for (const watcher of healthy) {
    assert.equal((await watcher.tile('onlooker'))?.camera, 'off');
    const tracks = await watcher.page.evaluate(
      () => window.sfuDemo.room?.getParticipantByIdentity('onlooker')?.trackPublications.size,
    );
    assert.equal(tracks, 0);
  }
  await callGoesOn();
});

test('junk on a signalling socket closes that socket only', { timeout: 60_000 }, async () => {
  const page = await visit('Junk', joinToken(ROOM, 'vandal'));
  await page.joined();
  const before = page.closedSockets;
  await page.page.evaluate(() => {
    const { openedSockets } = /** @type {{ openedSockets: WebSocket[] }} */ (
      /** @type {unknown} */ (window)
    );
    const junk = new Uint8Array(1_000_000);
    // Not valid as protobuf at any place: a field of the number zero.
    junk.fill(0x07);
    openedSockets.at(-1)?.send(junk);
  });
  await eventually(
    'the socket of the junk is closed',
    () => page.closedSockets,
    (count) => count > before,
  );
  await callGoesOn();
});

/** Opens a page that has been given `token`. @param {string} name @param {string} token */
async function visit(name, token) {
  const page = await CallPage.open(browser, server.http, { room: ROOM, name, token });
  visitors.push(page);
  return page;
}

/** The healthy pages go on decoding each other, on the connections they began with. */
async function callGoesOn() {
  const [hana, hugo] = /** @type {[CallPage, CallPage]} */ (healthy);
  const [hanaId, hugoId] = /** @type {[string, string]} */ (identities);
  await Promise.all([hana.receivesFrom([hugoId]), hugo.receivesFrom([hanaId])]);
  for (const page of healthy) {
    assert.deepEqual(await page.history(), ['connecting', 'connected']);
    assert.equal(page.closedSockets, 0);
  }
}

/** The reason as a pattern that overlooks how the page begins and ends a sentence. @param {string} reason */
function lettersOf(reason) {
  /** @type {string} */
  let words = reason;
  try {
    words = JSON.parse(reason).error?.message ?? reason;
  } catch {
    // Plain text, as it should be.
  }
  return words.replace(/[.!?]$/, '').replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
