// A publisher with an upload of 5 Mbit/s: Chromium must come to believe in what its link carries, by
// the feedback that the server gives, also when the server's machine is busy.
//
// `UPLOAD_RUNS=20` measures so often and prints the times.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpus } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { launchChromium } from './support/chromium.mjs';
import { ImpairedLink, NEAR_ADDRESS } from './support/impaired_link.mjs';
import { movingBlocks } from './support/moving_blocks.mjs';
import { enterOwnNetwork, isInOwnNetwork } from './support/own_network.mjs';
import { startServer } from './support/server.mjs';
import { reached, upload } from './support/upload_run.mjs';
import { FLAGS } from './support/video_page.mjs';

enterOwnNetwork(import.meta.url);

const SKIP = isInOwnNetwork() ? false : 'no network namespaces here: there is no link to measure';
const RUNS = Number(process.env.UPLOAD_RUNS ?? 1);
const UPLOAD_KBIT = 5_000;
/** Of the three encodings together. */
const WANTED = 2_500_000;
/** How long a busy machine may take for it; a quiet one takes half a second. */
const SECONDS = 12;

describe(`over an upload of ${UPLOAD_KBIT} kbit/s`, { skip: SKIP }, () => {
  /** @type {ImpairedLink} */
  let link;
  /** @type {import('./support/server.mjs').Server} */
  let server;
  /** @type {string[]} */
  let flags;
  const film = movingBlocks();

  before(async () => {
    link = await ImpairedLink.open({ eachWay: ['delay=15ms'], toNear: [`rate=${UPLOAD_KBIT}kbit`] });
    server = await startServer('upload', ['--bind', '0.0.0.0', '--dev-allow-remote']);
    flags = [...FLAGS, film.flag, `--unsafely-treat-insecure-origin-as-secure=${origin()}`];
  });

  after(async () => {
    await server?.stop();
    await link?.close();
    film.remove();
  });

  test('a publisher sends all that its encoders are allowed', { timeout: timeout() }, measure);

  test('and on a busy machine', { timeout: timeout() }, async () => {
    // Three for each processor: the server then waits for its turn most of the time.
    const spinning = cpus().flatMap(() => [1, 2, 3].map(spin));
    try {
      await measure();
    } finally {
      spinning.forEach((one) => one.kill('SIGKILL'));
    }
  });

  async function measure() {
    for (let run = 0; run < RUNS; run += 1) {
      const within = (/** @type {string} */ program) => link.within(program);
      const browser = await launchChromium({ flags, within });
      try {
        await holds(await upload(browser, origin(), { seconds: SECONDS }));
      } finally {
        await browser.close();
      }
    }
  }

  function origin() {
    return `http://${NEAR_ADDRESS}:${new URL(server.http).port}`;
  }
});

/** @param {import('./support/upload_run.mjs').Look[]} looks */
async function holds(looks) {
  const believes = reached(looks, (look) => look.available, WANTED);
  const encodes = reached(looks, (look) => look.target, WANTED);
  const last = looks.slice(-30);
  const sent = last.reduce((sum, look) => sum + look.sent, 0) / last.length;
  console.log(
    `the estimate is ${WANTED / 1e6} Mbit/s after ${believes} ms, the encoders' target after ` +
      `${encodes} ms; ${(sent / 1e6).toFixed(2)} Mbit/s are sent in the last three seconds`,
  );
  const told = JSON.stringify(looks.filter((_, at) => at % 5 === 0));
  assert.ok(believes !== undefined, `the link is believed to carry it: ${told}`);
  assert.ok(encodes !== undefined, `the encoders make it: ${told}`);
  assert.ok(sent > 0.8 * WANTED, `it is sent: ${told}`);
}

function spin() {
  return spawn('sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' });
}

function timeout() {
  return RUNS * (SECONDS + 30) * 1_000;
}
