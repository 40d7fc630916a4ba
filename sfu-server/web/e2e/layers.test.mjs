// A video's layers, switched while it plays and sent over a link that loses packets: what a person
// sees of it. Beside it the control: the same between two browsers without a server.
//
// The normal run is short and asks for facts. `LAYERS=full` measures every codec for a minute over a
// good link and over a bad one, holds the figures against their limits, and prints them; it wants a
// quiet machine. `LAYERS_CODECS=vp8,av1` measures those alone, `LAYERS_SECONDS=20` for less long.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { launchChromium } from './support/chromium.mjs';
import { ImpairedLink, NEAR_ADDRESS } from './support/impaired_link.mjs';
import { measure } from './support/layer_run.mjs';
import { share, table } from './support/layer_table.mjs';
import { enterOwnNetwork, isInOwnNetwork } from './support/own_network.mjs';
import { artifact } from './support/paths.mjs';
import { startServer } from './support/server.mjs';
import { FLAGS } from './support/video_page.mjs';

enterOwnNetwork(import.meta.url);

/** @typedef {import('./support/layer_run.mjs').Plan} Plan */
/** @typedef {import('./support/layer_run.mjs').Outcome} Outcome */

const SKIP = isInOwnNetwork() ? false : 'no network namespaces here: there is no link to measure';
const IS_FULL = process.env.LAYERS === 'full';
const SECONDS = Number(process.env.LAYERS_SECONDS ?? 60);
const CODECS = /** @type {import('./support/video_page.mjs').Codec[]} */ (
  process.env.LAYERS_CODECS?.split(',') ?? ['vp8', 'h264', 'vp9', 'av1']
);

/** What a person may notice in a minute. */
const MOST_FREEZES_A_MINUTE = 1;
const LONGEST_FROZEN_MS_A_MINUTE = 500;
/** Of what is sent over the bad link. */
const LEAST_DECODED = 0.99;

/** @typedef {{ name: string, eachWay: string[], plans: Plan[] }} Link */

/** @type {Link[]} */
const LINKS = [
  { name: 'clean', eachWay: [], plans: plans(false) },
  { name: '2% 50 ms', eachWay: ['loss=2%', 'delay=50ms'], plans: plans(true) },
];

/** @type {{ link: string, outcome: Outcome }[]} */
const rows = [];

after(() => {
  if (rows.length > 0) {
    console.log(table(rows));
  }
});

for (const link of LINKS) {
  describe(`over the link "${link.name}"`, { skip: SKIP }, () => over(link));
}

/** @param {Link} link */
function over({ name, eachWay, plans }) {
  /** @type {ImpairedLink} */
  let link;
  /** @type {import('./support/server.mjs').Server} */
  let server;
  /** @type {import('./support/layer_run.mjs').Ends} */
  let ends;

  before(async () => {
    link = await ImpairedLink.open({ eachWay });
    server = await startServer(`layers-${eachWay.length}`, ['--bind', '0.0.0.0', '--dev-allow-remote']);
    const port = new URL(server.http).port;
    const [home, abroad] = [`http://127.0.0.1:${port}`, `http://${NEAR_ADDRESS}:${port}`];
    const flags = [...FLAGS, `--unsafely-treat-insecure-origin-as-secure=${abroad}`];
    const within = (/** @type {string} */ program) => link.within(program);
    const [near, far] = await Promise.all([
      launchChromium({ flags }),
      launchChromium({ flags, within }),
    ]);
    ends = { near, far, home, abroad };
  });

  after(async () => {
    await Promise.all([ends?.near.close(), ends?.far.close()]);
    await server?.stop();
    if (link !== undefined) {
      console.log(`the link "${name}":`, JSON.stringify(await link.close()));
    }
  });

  for (const plan of plans) {
    const { codec, way, switching, seconds } = plan;
    const doing = switching ? 'with switches' : 'without switches';
    const timeout = (seconds + 120) * 1_000;
    test(`${codec}, ${way}, ${doing}, for ${seconds} s`, { timeout }, async () => {
      const outcome = await measure(ends, plan);
      rows.push({ link: name, outcome });
      writeFileSync(artifact('layers.json'), JSON.stringify(rows, null, 2));
      if (way === 'direct') {
        return;
      }
      isHealthy(outcome);
      if (IS_FULL) {
        isUnnoticed(outcome);
      }
    });
  }
}

/** What holds on any machine, however busy it is. @param {Outcome} outcome */
function isHealthy(outcome) {
  const { plan, decoded, keyframeRequests, switches, widths } = outcome;
  const told = JSON.stringify(outcome);
  assert.ok(decoded > plan.seconds, `pictures come: ${told}`);
  if (!plan.switching) {
    return;
  }
  assert.ok(widths.includes(640) && widths.some((width) => width <= 320), `it is switched: ${told}`);
  assert.ok(switches.seen >= switches.asked / 2, `it is switched as asked: ${told}`);
  assert.equal(keyframeRequests, 0, `no decoder error: ${told}`);
}

/** The limits of a measurement. @param {Outcome} outcome */
function isUnnoticed(outcome) {
  const { plan, freezes, freezeMs, switches } = outcome;
  const told = JSON.stringify(outcome);
  const minutes = Math.max(1, plan.seconds / 60);
  assert.ok(freezes <= MOST_FREEZES_A_MINUTE * minutes, `few freezes: ${told}`);
  assert.ok(freezeMs <= LONGEST_FROZEN_MS_A_MINUTE * minutes, `short freezes: ${told}`);
  assert.equal(switches.seen, switches.asked, `every switch is seen: ${told}`);
  if (plan.isBad) {
    assert.ok(share(outcome) >= LEAST_DECODED, `nearly everything is decoded: ${told}`);
  }
}

/**
 * Over the good link layers are switched; over the bad one a video plays.
 *
 * @param {boolean} isBad @returns {Plan[]}
 */
function plans(isBad) {
  /** @type {[Plan['codec'], Plan['way'], number][]} */
  const full = CODECS.flatMap((codec) => [
    [codec, 'server', SECONDS],
    [codec, 'direct', SECONDS],
  ]);
  /** @type {[Plan['codec'], Plan['way'], number][]} */
  const short = isBad
    ? [['vp8', 'server', 8], ['vp8', 'direct', 8]]
    : [['vp8', 'server', 12], ['vp9', 'server', 12]];
  return (IS_FULL ? full : short).map(([codec, way, seconds]) => ({
    codec, way, isBad, switching: !isBad, seconds,
  }));
}
