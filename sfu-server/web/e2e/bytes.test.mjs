// Bytes that no client would send, on every TCP port: each connection is ended or refused within a
// bound, memory stays where it was, and a call beside them goes on undisturbed.
import assert from 'node:assert/strict';
import { connect } from 'node:http2';
import { after, afterEach, before, test } from 'node:test';
import { launchChromium } from './support/chromium.mjs';
import { HealthyCall } from './support/healthy_call.mjs';
import { wrapped } from './support/join_request.mjs';
import { peakMemory } from './support/memory.mjs';
import { startServer } from './support/server.mjs';
import { TcpStranger } from './support/tcp_stranger.mjs';
import { joinToken, signToken } from './support/token.mjs';

const ROOM = 'healthy';
const MIB = 1024 * 1024;

/** How long the server may keep a connection that does not get on with its request. */
const PATIENCE_MS = 30_000;

/** What the server may hold more at its worst moment than before. */
const HEADROOM = 32 * MIB;

/** What an HTTP/2 client says first (RFC 9113 section 3.4), and its empty SETTINGS. */
const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0', 'latin1');

/** @type {import('./support/server.mjs').Server} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;
/** @type {HealthyCall} */
let healthy;
/** @type {number} */
let peakBefore;
/** @type {TcpStranger[]} */
const strangers = [];

before(async () => {
  server = await startServer('bytes');
  browser = await launchChromium();
  healthy = await HealthyCall.open(browser, server.http, ROOM);
  peakBefore = peakMemory(server.pid);
});

afterEach(async () => {
  for (const stranger of strangers.splice(0)) {
    stranger.close();
  }
  await healthy.goesOn();
  const grown = peakMemory(server.pid) - peakBefore;
  assert.ok(grown < HEADROOM, `the server's memory has grown by ${Math.round(grown / MIB)} MiB`);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test('a megabyte of junk ends its connection, on every port', { timeout: 120_000 }, async () => {
  for (const port of [server.http, server.metrics, server.grpc]) {
    const stranger = await visit(port);
    stranger.write(Buffer.alloc(MIB, 0xff));
    await stranger.isClosed();
  }
});

test('a head of a request without end is refused', { timeout: 120_000 }, async () => {
  for (const port of [server.http, server.metrics]) {
    const stranger = await visit(port);
    stranger.write(`GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'a'.repeat(4 * MIB)}`);
    await stranger.isClosed();
    // Bytes in flight may make the kernel reset the connection before the answer is read.
    const answer = stranger.received.toString('latin1');
    assert.match(answer, /^$|^HTTP\/1.1 431 /);
  }
});

test('a gRPC frame of 16 MB is refused before it arrives', { timeout: 120_000 }, async () => {
  const stranger = await visit(server.grpc);
  stranger.write(Buffer.concat([PREFACE, Buffer.from('ffffff000000000001', 'hex')]));
  await stranger.isClosed();
  // RFC 9113 section 4.2: FRAME_SIZE_ERROR, in a GOAWAY frame.
  const goaway = stranger.received.indexOf(Buffer.from('070000000000', 'hex'));
  assert.notEqual(goaway, -1, `no GOAWAY in ${stranger.received.toString('hex')}`);
  assert.equal(stranger.received.readUInt32BE(goaway + 10), 6);
});

test('a gRPC message of 4 GB is refused by its length', { timeout: 120_000 }, async () => {
  const session = connect(`http://${server.grpc}`);
  try {
    const token = signToken({ roomList: true });
    const call = session.request({
      ':method': 'POST',
      ':path': '/sfu.control.v1.RoomService/ListRooms',
      'content-type': 'application/grpc',
      authorization: `Bearer ${token}`,
      te: 'trailers',
    });
    /** @type {Promise<string>} */
    const status = new Promise((resolve, reject) => {
      call.on('response', (headers) => headers['grpc-status'] && resolve(`${headers['grpc-status']}`));
      call.on('trailers', (headers) => resolve(`${headers['grpc-status']}`));
      call.on('error', reject);
    });
    call.write(Buffer.from('00ffffffff', 'hex'));
    call.resume();
    assert.equal(await status, '8', 'RESOURCE_EXHAUSTED');
  } finally {
    session.destroy();
  }
});

test('a join request that inflates without end is refused', { timeout: 120_000 }, async () => {
  const bomb = wrapped(Buffer.alloc(40 * MIB));
  assert.ok(bomb.length < 64 * 1024, 'it fits the parameter');
  const answers = await Promise.all(Array.from({ length: 20 }, () => validate(bomb)));
  for (const { status, text } of answers) {
    assert.equal(status, 400);
    assert.match(text, /^join_request: at most \d+ bytes/);
  }
});

test('a join request that is none is refused, in words', { timeout: 120_000 }, async () => {
  for (const [join_request, words] of [
    ['!!!', /^join_request: not URL-safe base64/],
    ['_w', /^join_request: not a WrappedJoinRequest/],
    [wrapped(Buffer.alloc(9, 0xff)), /^join_request: not a JoinRequest in it/],
  ]) {
    const { status, text } = await validate(/** @type {string} */ (join_request));
    assert.equal(status, 400);
    assert.match(text, /** @type {RegExp} */ (words));
  }
  assert.equal((await validate('A'.repeat(64 * 1024))).status, 414, 'URI Too Long');
});

test('who never ends his request is not waited for', { timeout: 180_000 }, async () => {
  const slow = [
    { port: server.http, begins: 'GET / HTTP/1.1\r\nX: ', goesOn: 'a' },
    { port: server.metrics, begins: 'GET /metrics HTTP/1.1\r\nX: ', goesOn: 'a' },
    { port: server.http, begins: 'POST /demo/token HTTP/1.1\r\nHost: x\r\n' +
      'Content-Type: application/json\r\nContent-Length: 4000\r\n\r\n{', goesOn: ' ' },
    { port: server.grpc, begins: PREFACE.subarray(0, 3), goesOn: '' },
    { port: server.grpc, begins: '', goesOn: '' },
  ];
  const all = await Promise.all(slow.map(async ({ port, begins, goesOn }) => {
    const connections = await Promise.all(Array.from({ length: 20 }, () => visit(port)));
    for (const stranger of connections) {
      stranger.write(begins);
    }
    const drip = setInterval(() => connections.forEach((one) => one.write(goesOn)), 1_000);
    const ended = await Promise.allSettled(connections.map((one) => one.isClosed(PATIENCE_MS)));
    clearInterval(drip);
    return { begins: begins.toString(), kept: ended.filter((one) => one.status === 'rejected').length };
  }));
  assert.deepEqual(all.filter(({ kept }) => kept > 0), []);
});

/** @param {string} address */
async function visit(address) {
  const stranger = await TcpStranger.open(address);
  strangers.push(stranger);
  return stranger;
}

/** Asks whether a join would be let in. @param {string} join_request */
async function validate(join_request) {
  const query = new URLSearchParams({ access_token: joinToken(ROOM, 'bomber'), join_request });
  const answer = await fetch(`${server.http}/rtc/v1/validate?${query}`);
  return { status: answer.status, text: await answer.text() };
}
