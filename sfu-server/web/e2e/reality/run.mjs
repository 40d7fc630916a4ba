// Runs one scenario of the laboratory with the real server and real browsers, over networks that are
// joined by impairment links, and writes the same log as the simulation.
//
// `REALITY_SCENARIO` is the scenario's name or its file, `REALITY_LOG` the log's file; `SFU_SERVER_BIN`,
// `IMPAIRMENT_LINK_BIN` and `SFU_LAB_BIN` are the binaries. `REALITY_WAY=direct` runs the reference: the
// one who sends and the one who watches without a server between them. `REALITY_SECONDS` ends a longer
// scenario after so many, and `REALITY_BUILD` is noted in the log.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { launchChromium } from '../support/chromium.mjs';
import { Control } from '../support/control.mjs';
import { ImpairedLink } from '../support/impaired_link.mjs';
import { enterOwnNetwork, isInOwnNetwork } from '../support/own_network.mjs';
import { artifact } from '../support/paths.mjs';
import { startServer } from '../support/server.mjs';
import { joinToken } from '../support/token.mjs';
import { FLAGS } from '../support/video_page.mjs';
import { assemble } from './assemble.mjs';
import { connect, estimates } from './direct.mjs';
import { Person } from './person.mjs';

enterOwnNetwork(import.meta.url);

/** Between two questions to the server. */
const ASK_MS = 200;
const IS_DIRECT = process.env.REALITY_WAY === 'direct';

/** @typedef {import('./person.mjs').Publishes} Publishes */

/**
 * @typedef {object} Participant
 * @property {string} name
 * @property {number} joins
 * @property {number | null} leaves
 * @property {string | null} up
 * @property {string | null} down
 * @property {number} delay_ms
 * @property {Publishes[]} publishes
 * @property {boolean} subscribes
 * @property {[number, number][]} looks_away
 */

/**
 * @typedef {object} Scenario
 * @property {string} name
 * @property {number} seconds
 * @property {Participant[]} participants
 */

/** A network at the far end of a link, or the test's own: one browser is in it. */
class Place {
  /** @param {string} key @param {ImpairedLink} [link] @param {string} [log] */
  constructor(key, link, log) {
    this.key = key;
    this.link = link;
    this.log = log;
    this.origin = '';
    /** @type {import('playwright-core').Browser | undefined} */
    this.browser = undefined;
  }

  /** @param {string} port   the server's */
  async enter(port) {
    const { link } = this;
    this.origin = `http://${link?.nearAddress ?? '127.0.0.1'}:${port}`;
    const flags = [...FLAGS, `--unsafely-treat-insecure-origin-as-secure=${this.origin}`];
    const within = (/** @type {string} */ program) => link?.within(program) ?? program;
    this.browser = await launchChromium({ flags, within });
  }

  /** @returns {any[]} what the bottlenecks did */
  logs() {
    return this.log === undefined ? [] : JSON.parse(readFileSync(this.log, 'utf8'));
  }
}

/** Which links it has. @param {Participant} one */
function linksOf({ up, down }) {
  return up || down ? `${up ?? ''} ${down ?? ''}` : '';
}

/** Where it is: who is further away than others on its links is so alone. @param {Participant} one */
function placeOf(one) {
  return one.delay_ms > 0 ? `${linksOf(one)} ${one.name}` : linksOf(one);
}

/** What this cannot do. @param {Scenario} scenario */
function refuse({ participants }) {
  const keys = new Set(participants.map(linksOf));
  const used = [...keys].flatMap((key) => key.split(' ').filter((name) => name !== ''));
  if (new Set(used).size !== used.length) {
    throw new Error('participants who share one link must share both');
  }
}

/** @param {string} name @param {Scenario} scenario */
async function places(name, { participants }) {
  /** @type {Map<string, Place>} */
  const all = new Map();
  for (const one of participants) {
    const key = linksOf(one);
    if (!all.has(key)) {
      all.set(key, key === '' ? new Place(key) : await placeAt(key, name, one, all.size));
    }
  }
  for (const one of participants.filter(({ delay_ms }) => delay_ms > 0)) {
    const [key, place] = [placeOf(one), all.size];
    const eachWay = [`delay=${one.delay_ms}ms`];
    const behind = all.get(linksOf(one))?.link;
    all.set(key, new Place(key, await ImpairedLink.open({ eachWay, place, behind })));
  }
  return all;
}

/**
 * The far end of a scenario's links.
 *
 * @param {string} key @param {string} scenario @param {Participant} one @param {number} place
 */
async function placeAt(key, scenario, { up, down }, place) {
  const log = artifact(`reality-link-${place}.json`);
  const [toNear, toFar] = [up ?? undefined, down ?? undefined];
  const course = { scenario, toFar, toNear, log };
  return new Place(key, await ImpairedLink.open({ course, place }), log);
}

/** @param {Scenario} scenario @param {Map<string, Person>} people @param {Control} control @param {number} start */
async function play({ seconds, participants }, people, control, start) {
  /** @type {Record<string, import('./assemble.mjs').Explained[]>} */
  const explained = {};
  const end = start + seconds * 1000;
  // What would happen after the end happens at it.
  const until = (/** @type {number} */ second) =>
    delay(Math.max(0, start + Math.min(second, seconds) * 1000 - Date.now()));
  const acts = participants.map(async (one) => {
    const person = people.get(one.name);
    if (person === undefined) {
      return;
    }
    await until(one.joins);
    await person.join(joinToken(control.room, one.name), one.subscribes, one.publishes);
    const aways = one.looks_away.map(async ([from, to]) => {
      await until(from);
      await person.look(false);
      await until(to);
      await person.look(true);
    });
    await Promise.all(aways);
    if (one.leaves !== null) {
      await until(one.leaves);
      await person.leave();
    }
  });
  const asks = participants.filter(({ subscribes }) => subscribes).map(async ({ name }) => {
    const answers = (explained[name] = /** @type {import('./assemble.mjs').Explained[]} */ ([]));
    for (; Date.now() < end; await delay(ASK_MS)) {
      const answer = await control.call('ExplainSubscriptions', { identity: name }).catch(() => null);
      if (answer !== null) {
        answers.push(read(answer));
      }
    }
  });
  await Promise.all([...acts, ...asks, delay(end - Date.now())]);
  return explained;
}

/** @param {any} answer @returns {import('./assemble.mjs').Explained} */
function read({ link, subscriptions }) {
  /** @type {Record<string, { spatial: number, temporal: number }>} */
  const layers = {};
  for (const { track_sid, current } of subscriptions) {
    if (current !== null && current !== undefined) {
      // Of simulcast the one is 0, of layers in one stream the other.
      const spatial = Math.max(current.quality, current.max_spatial_layer ?? 0);
      layers[track_sid] = { spatial, temporal: current.max_temporal_layer ?? 0 };
    }
  }
  return {
    at: Date.now(),
    estimate: Number(link?.estimate_bps ?? 0),
    allotted: Number(link?.allotted_bps ?? 0),
    layers,
    why: subscriptions.map((/** @type {any} */ { track_sid, target, wanted, reason, target_bps, wanted_bps }) => ({
      track_sid, target, wanted, reason, target_bps, wanted_bps,
    })),
  };
}

/** The reference. @param {Scenario} scenario @param {Map<string, Person>} people @param {number} start */
async function playDirectly({ seconds, participants }, people, start) {
  const [from, ...others] = participants.filter(({ publishes }) => publishes.includes('camera'));
  const [to, ...more] = participants.filter(({ name }) => name !== from?.name);
  const [sender, receiver] = [people.get(from?.name ?? ''), people.get(to?.name ?? '')];
  if (sender === undefined || receiver === undefined || others.length + more.length > 0) {
    throw new Error('without a server one sends and one watches');
  }
  await delay(Math.max(0, start + Math.max(from?.joins ?? 0, to?.joins ?? 0) * 1000 - Date.now()));
  await connect(sender, receiver);
  await delay(start + seconds * 1000 - Date.now());
  return { [receiver.name]: estimates(await sender.seen()) };
}

/** @param {string} name @param {Scenario} scenario */
async function run(name, scenario) {
  refuse(scenario);
  const networks = await places(name, scenario);
  const server = await startServer('reality', ['--bind', '0.0.0.0', '--dev-allow-remote']);
  try {
    const port = new URL(server.http).port;
    const lived = new Set(scenario.participants.map(placeOf));
    const entered = [...networks.values()].filter(({ key }) => lived.has(key));
    await Promise.all(entered.map((place) => place.enter(port)));
    /** @type {Map<string, Person>} */
    const people = new Map();
    for (const one of scenario.participants) {
      const place = networks.get(placeOf(one));
      if (place?.browser !== undefined) {
        people.set(one.name, await Person.open(place.browser, place.origin, one.name));
      }
    }
    const control = await Control.of(server.grpc, `reality-${Date.now()}`);
    const links = [...networks.values()].flatMap(({ link }) => (link === undefined ? [] : [link]));
    const starts = await Promise.all(links.map((link) => link.start()));
    const start = Math.min(Date.now(), ...starts);
    const explained = await (IS_DIRECT
      ? playDirectly(scenario, people, start)
      : play(scenario, people, control, start));
    /** @type {Record<string, import('./person.mjs').Seen>} */
    const seen = {};
    for (const [who, person] of people) {
      seen[who] = await person.seen();
    }
    control.close();
    const figures = await Promise.all(links.map((link) => link.close()));
    console.error('links:', JSON.stringify(figures));
    const logs = [...networks.values()].flatMap((place) => place.logs());
    const column = IS_DIRECT ? 'chromium' : 'ours, real';
    const build = process.env.REALITY_BUILD ?? '';
    return { scenario, column, build, start, links: logs, seen, explained };
  } finally {
    await Promise.all([...networks.values()].map(({ browser }) => browser?.close()));
    await server.stop();
  }
}

const [name, out, lab] = ['REALITY_SCENARIO', 'REALITY_LOG', 'SFU_LAB_BIN'].map((variable) => {
  const value = process.env[variable];
  if (value === undefined) {
    throw new Error(`${variable} is not set`);
  }
  return value;
});
if (name === undefined || out === undefined || lab === undefined || !isInOwnNetwork()) {
  throw new Error('a real run needs network namespaces');
}
/** @type {Scenario} */
const scenario = JSON.parse(execFileSync(lab, ['scenario', name], { encoding: 'utf8' }));
scenario.seconds = Math.min(scenario.seconds, Number(process.env.REALITY_SECONDS ?? Infinity));
const raw = await run(name, scenario);
writeFileSync(`${out}.raw`, JSON.stringify(raw));
writeFileSync(out, JSON.stringify(assemble(/** @type {any} */ (raw))));
process.exit(0);
