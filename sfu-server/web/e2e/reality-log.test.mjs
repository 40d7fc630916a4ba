// The log of a real run, from what a link, two pages and the server have written down.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assemble } from './reality/assemble.mjs';

const START = 1_000_000;

/** @typedef {import('./reality/assemble.mjs').Run} Run */

/** Ben watches anna for two seconds over a link that loses half of what comes. @returns {Run} */
function run() {
  const inbound = (/** @type {string} */ track, /** @type {number} */ packets) => ({
    track, paused: false, packets, lost: 3, repairBytes: 0, freezes: 0, freezeMs: 0,
  });
  /** @param {number} at @returns {import('./reality/person.mjs').Sample} */
  const ben = (at) => ({
    at: START + at,
    bytes: at * 10,
    packets: 0,
    available: 0,
    inbound: [inbound('anna/camera', at), inbound('anna/microphone', at < 1_000 ? at / 20 : 50)],
    outbound: [],
  });
  /** @param {number} at @returns {import('./reality/person.mjs').Sample} */
  const anna = (at) => ({
    at: START + at,
    bytes: 0,
    packets: 0,
    available: 3_000_000,
    inbound: [],
    outbound: [{ track: 'anna/camera', layer: 2, height: 720, bytes: at * 100, packets: 0 }],
  });
  const times = Array.from({ length: 11 }, (_, at) => at * 200);
  /** @type {[number, number][]} */
  const frames = [];
  for (let at = 0; at < 2_000; at += 50) {
    if (at < 500 || at >= 900) {
      frames.push([START + at, at < 900 ? 720 : 360]);
    }
  }
  const bins = Array.from({ length: 30 }, () => ({ came_kbps: 160, carried_kbps: 80 }));
  const who = { subscribes: true, publishes: [] };
  return {
    scenario: {
      name: 'tried',
      seconds: 2,
      participants: [
        { ...who, name: 'anna', subscribes: false, publishes: ['camera'] },
        { ...who, name: 'ben', down: 'down' },
      ],
    },
    column: 'ours, real',
    start: START,
    links: [{ name: 'down', bins }],
    seen: {
      anna: { samples: times.map(anna), frames: {}, names: {} },
      ben: {
        samples: times.map(ben),
        frames: { 'anna/camera': frames },
        names: { TR_1: 'anna/camera', TR_2: 'anna/microphone' },
      },
    },
    explained: {
      ben: [
        {
          at: START + 950,
          estimate: 500_000,
          allotted: 400_000,
          layers: { TR_1: { spatial: 1, temporal: 2 } },
        },
      ],
    },
  };
}

/** Ben, his camera and his microphone of anna. @param {Run} of */
function subscriber(of) {
  const [ben] = assemble(of).subscribers;
  const [camera, microphone] = ben?.tracks ?? [];
  assert.ok(ben !== undefined && camera !== undefined && microphone !== undefined);
  return { ben, camera, microphone };
}

test('there are as many bins as the scenario is long', () => {
  const log = assemble(run());
  assert.equal(log.links[0].bins.length, 20);
  assert.equal(log.subscribers[0]?.bins.length, 20);
  assert.equal(log.publishers[0]?.estimate_kbps.length, 20);
});

test('what is sent is what comes to the link, lost or not', () => {
  const { ben } = subscriber(run());
  assert.equal(ben.link, 'down');
  assert.ok(ben.bins.slice(1).every(({ sent_kbps }) => sent_kbps === 160));
});

test('without a bottleneck it is what is received', () => {
  const { ben } = subscriber({ ...run(), links: [] });
  assert.equal(ben.link, '');
  // 10 bytes a millisecond.
  assert.ok(ben.bins.every(({ sent_kbps }) => Math.abs(sent_kbps - 80) < 0.001));
});

test('a time without pictures is a freeze, but for what the client was told of', () => {
  assert.deepEqual(subscriber(run()).camera.freezes, [[450, 900]]);
  const paused = run();
  // Told between 600 and 800 ms: what is left is no freeze, before it or after.
  const one = paused.seen['ben']?.samples[3]?.inbound[0];
  assert.ok(one !== undefined);
  one.paused = true;
  const { camera } = subscriber(paused);
  assert.deepEqual(camera.freezes, []);
  assert.equal(camera.bins[6]?.paused, true);
});

test('who looks away misses nothing', () => {
  const away = run();
  const ben = away.scenario.participants[1];
  assert.ok(ben !== undefined);
  ben.looks_away = [[0.5, 0.9]];
  const { camera, microphone } = subscriber(away);
  assert.deepEqual(camera.freezes, []);
  assert.deepEqual(microphone.freezes, [[1_000, 2_000]]);
});

test('no picture at all is a freeze', () => {
  const none = run();
  const seen = none.seen['ben'];
  assert.ok(seen !== undefined);
  seen.frames = {};
  assert.deepEqual(subscriber(none).camera.freezes, [[0, 2_000]]);
});

test('pictures count where they come, and the last height stays', () => {
  const { bins } = subscriber(run()).camera;
  assert.deepEqual([bins[0]?.frames, bins[0]?.height], [2, 720]);
  assert.deepEqual([bins[7]?.frames, bins[7]?.height], [0, 720]);
  assert.deepEqual([bins[9]?.frames, bins[9]?.height], [2, 360]);
});

test('sound that stops is a silence', () => {
  const [silence] = subscriber(run()).microphone.freezes;
  assert.deepEqual(silence, [1_000, 2_000]);
});

test('what the server says holds from then on', () => {
  const { ben, camera } = subscriber(run());
  assert.deepEqual([ben.bins[8]?.estimate_kbps, ben.bins[9]?.estimate_kbps], [0, 500]);
  assert.deepEqual([camera.bins[8]?.spatial, camera.bins[9]?.spatial], [0, 1]);
});

test('an encoding is offered in three temporal layers', () => {
  const [anna] = assemble(run()).publishers;
  const full = anna?.tracks[0]?.layers.filter(({ spatial }) => spatial === 2) ?? [];
  // 100 bytes a millisecond.
  assert.deepEqual(full.map(({ kbps }) => Math.round(kbps[5] ?? 0)), [320, 160, 320]);
});
