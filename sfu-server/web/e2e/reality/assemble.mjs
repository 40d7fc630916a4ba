// Puts together what links, browsers and the server have written down to the laboratory's log: the
// same that its simulation writes.

/** As in the laboratory's log. */
const BIN_MS = 100;
/** UDP and IP headers of a packet. */
const HEADERS = 28;
/** As in the simulation: a picture that stands for longer is a freeze, and silence that is heard. */
const FREEZE_MS = 200;
const SILENCE_MS = 120;
/** What libvpx gives each of three temporal layers of its rate: statistics do not tell them apart. */
const TEMPORAL = [0.4, 0.2, 0.4];

/** @typedef {import('./person.mjs').Seen} Seen */
/** @typedef {import('./person.mjs').Sample} Sample */
/** @typedef {{ spatial: number, temporal: number } | undefined} Layers */

/**
 * @typedef {object} Explained   what the server says of one subscriber
 * @property {number} at         by `Date.now`
 * @property {number} estimate   in bits a second, 0: none
 * @property {number} allotted   in bits a second
 * @property {Record<string, { spatial: number, temporal: number }>} layers   sent, by the sids of tracks
 * @property {unknown[]} [why]   the rest of its answer, for people who look into the raw notes
 */

/**
 * @typedef {object} Run
 * @property {{ name: string, seconds: number, participants: { name: string, up?: string, down?: string,
 *   subscribes: boolean, publishes: string[], looks_away?: [number, number][] }[] }} scenario
 * @property {string} column      whose estimator decided
 * @property {string} [build]     of the server
 * @property {number} start      by `Date.now`
 * @property {any[]} links       as the impairment links wrote them
 * @property {Record<string, Seen>} seen           by participant
 * @property {Record<string, Explained[]>} explained
 */

/** @param {Run} run */
export function assemble(run) {
  const { scenario, links } = run;
  const count = scenario.seconds * (1000 / BIN_MS);
  const narrow = new Set(links.map(({ name }) => name));
  const named = (/** @type {string | undefined | null} */ link) =>
    link !== undefined && link !== null && narrow.has(link) ? link : '';
  const people = scenario.participants;
  return {
    scenario: scenario.name,
    seed: 0,
    column: run.column,
    build: run.build ?? '',
    links: links.map((link) => ({ ...link, bins: link.bins.slice(0, count) })),
    subscribers: people
      .filter(({ subscribes }) => subscribes)
      .map(({ name, down }) => subscriber(run, name, named(down), count)),
    publishers: people
      .filter(({ publishes }) => publishes.length > 0)
      .map(({ name, up, publishes }) => publisher(run, name, named(up), publishes, count)),
  };
}

/**
 * What the server sends to a subscriber: what comes to its link, and of a shared one as much as it gets
 * of all that is received; where there is none, what is received.
 *
 * @param {Run} run @param {string} name @param {string} link @param {number} count
 */
function sentTo({ scenario, links, seen, start }, name, link, count) {
  const received = (/** @type {string} */ who) =>
    rates(seen[who]?.samples ?? [], start, count, ({ bytes, packets }) => bytes + packets * HEADERS);
  const mine = received(name);
  const bins = links.find((one) => one.name === link)?.bins;
  if (bins === undefined) {
    return mine;
  }
  const sharing = scenario.participants.filter(({ down }) => down === link);
  const all = sharing.map((one) => received(one.name));
  return mine.map((rate, at) => {
    const sum = all.reduce((sum, rates) => sum + (rates[at] ?? 0), 0);
    return (bins[at]?.came_kbps ?? 0) * (sum > 0 ? rate / sum : 1 / sharing.length);
  });
}

/** @param {Run} run @param {string} name @param {string} link @param {number} count */
function subscriber(run, name, link, count) {
  const { seen, explained, start } = run;
  const { samples, frames, names } = seen[name] ?? { samples: [], frames: {}, names: {} };
  const told = explained[name] ?? [];
  const sent = sentTo(run, name, link, count);
  const repaired = rates(samples, start, count, ({ inbound }) =>
    inbound.reduce((sum, { repairBytes }) => sum + repairBytes, 0),
  );
  const bins = sent.map((sent_kbps, at) => {
    const last = latest(told, start + (at + 1) * BIN_MS);
    return {
      estimate_kbps: (last?.estimate ?? 0) / 1000,
      sent_kbps,
      repair_kbps: repaired[at] ?? 0,
      padding_kbps: 0,
      allotted_kbps: (last?.allotted ?? 0) / 1000,
      paced_ms_max: 0,
    };
  });
  const sids = Object.entries(names);
  const away = run.scenario.participants.find((one) => one.name === name)?.looks_away ?? [];
  const tracks = sids.map(([sid, track]) => {
    const isAudio = track.endsWith('/microphone');
    const layers = (/** @type {number} */ at) => latest(told, at)?.layers[sid];
    const inbound = samples.map(({ at, inbound }) => ({
      at,
      one: without(inbound.find((one) => one.track === track), away, (at - start) / 1000),
    }));
    return isAudio
      ? sound(track, inbound, start, count)
      : pictures(track, frames[track] ?? [], inbound, layers, start, count);
  });
  return { name, link, bins, tracks };
}

/** @typedef {{ at: number, one?: import('./person.mjs').Inbound }[]} Looks */

/**
 * What is seen of a track: who looks away knows of a pause, as in the simulation.
 *
 * @param {import('./person.mjs').Inbound | undefined} one @param {[number, number][]} away
 * @param {number} second
 */
function without(one, away, second) {
  const isAway = away.some(([from, to]) => second >= from && second < to);
  return one === undefined || !isAway ? one : { ...one, paused: true };
}

/**
 * @param {string} name @param {[number, number][]} frames @param {Looks} looks
 * @param {(at: number) => Layers} layers @param {number} start @param {number} count
 */
function pictures(name, frames, looks, layers, start, count) {
  const bins = Array.from({ length: count }, (_, at) => {
    const end = start + (at + 1) * BIN_MS;
    const { spatial = 0, temporal = 0 } = layers(end) ?? {};
    const paused = latest(looks, end)?.one?.paused ?? false;
    return { frames: 0, height: 0, spatial, temporal, paused };
  });
  for (const [at, height] of frames) {
    const bin = bins[Math.floor((at - start) / BIN_MS)];
    if (bin !== undefined) {
      bin.frames += 1;
      bin.height = height;
    }
  }
  let height = 0;
  for (const bin of bins) {
    height = bin.height = bin.height || height;
  }
  const times = frames.map(([at]) => at);
  // Nothing at all is a freeze too, from the first look on.
  const since = times.length > 0 ? times : looks.slice(0, 1).map(({ at }) => at);
  const freezes = gaps(since, FREEZE_MS, start, count).flatMap((gap) => unpaused(gap, looks, start));
  const last = looks.at(-1)?.one;
  return {
    name,
    is_audio: false,
    bins,
    freezes,
    lost_packets: Math.max(0, last?.lost ?? 0),
    packets: last?.packets ?? 0,
  };
}

/**
 * What is left of a time without pictures when the times in which the client knows of a pause are taken
 * out of it.
 *
 * @param {[number, number]} gap @param {Looks} looks @param {number} start @returns {[number, number][]}
 */
function unpaused([from, to], looks, start) {
  /** @type {[number, number][]} */
  const left = [];
  let since = from;
  let paused = false;
  for (const { at, one } of looks) {
    const now = Math.min(to, Math.max(from, at - start));
    if (one?.paused && !paused) {
      left.push([since, now]);
    } else if (!one?.paused && paused) {
      since = now;
    }
    paused = one?.paused ?? false;
  }
  if (!paused) {
    left.push([since, to]);
  }
  return left.filter(([from, to]) => to - from > FREEZE_MS);
}

/** @param {string} name @param {Looks} looks @param {number} start @param {number} count */
function sound(name, looks, start, count) {
  const bins = Array.from({ length: count }, () => ({
    frames: 0, height: 0, spatial: 0, temporal: 0, paused: false,
  }));
  const packets = cumulated(
    looks.map(({ at, one }) => ({ at, value: one?.packets ?? 0 })),
    start,
    count,
  );
  bins.forEach((bin, at) => {
    bin.frames = Math.round(packets[at + 1] ?? 0) - Math.round(packets[at] ?? 0);
  });
  // Of packets only their number is known: silence is a time between two looks in which none came.
  const came = looks.filter(({ one }, at) => (one?.packets ?? 0) > (looks[at - 1]?.one?.packets ?? 0));
  const step = 1.5 * ((looks.at(-1)?.at ?? 0) - (looks[0]?.at ?? 0)) / Math.max(1, looks.length - 1);
  const silences = gaps(came.map(({ at }) => at), SILENCE_MS + step, start, count);
  const last = looks.at(-1)?.one;
  return {
    name,
    is_audio: true,
    bins,
    freezes: silences,
    lost_packets: Math.max(0, last?.lost ?? 0),
    packets: last?.packets ?? 0,
  };
}

/**
 * @param {Run} run @param {string} name @param {string} link @param {string[]} publishes
 * @param {number} count
 */
function publisher({ seen, start }, name, link, publishes, count) {
  const samples = seen[name]?.samples ?? [];
  const estimate_kbps = Array.from({ length: count }, (_, at) => {
    return (latest(samples, start + (at + 1) * BIN_MS)?.available ?? 0) / 1000;
  });
  const tracks = publishes.map((what) => {
    const track = `${name}/${what === 'layered-camera' ? 'camera' : what}`;
    const is_audio = what === 'microphone';
    const layers = what === 'camera' ? [0, 1, 2] : [0];
    return {
      name: track,
      is_audio,
      stacked: what === 'layered-camera',
      layers: layers.flatMap((spatial) => layer(samples, track, spatial, is_audio, start, count)),
    };
  });
  return { name, link, estimate_kbps, tracks };
}

/**
 * @param {Sample[]} samples @param {string} track @param {number} spatial @param {boolean} isAudio
 * @param {number} start @param {number} count
 */
function layer(samples, track, spatial, isAudio, start, count) {
  const find = (/** @type {Sample} */ { outbound }) =>
    outbound.find((one) => one.track === track && one.layer === spatial);
  const kbps = rates(samples, start, count, (sample) => {
    const one = find(sample);
    return (one?.bytes ?? 0) + (one?.packets ?? 0) * HEADERS;
  });
  const height = Math.max(0, ...samples.map((sample) => find(sample)?.height ?? 0));
  const parts = isAudio ? [1] : TEMPORAL;
  return parts.map((part, temporal) => ({
    spatial, temporal, height, kbps: kbps.map((rate) => rate * part),
  }));
}

/**
 * Times without anything, each from and to in milliseconds from the start; the last may last to the
 * end.
 *
 * @param {number[]} times @param {number} least @param {number} start @param {number} count
 * @returns {[number, number][]}
 */
function gaps(times, least, start, count) {
  const end = start + count * BIN_MS;
  const within = times.filter((at) => at <= end);
  const ends = [...within.slice(1), end];
  /** @type {[number, number][]} */
  const found = within.map((at, number) => [at - start, (ends[number] ?? end) - start]);
  return found.filter(([from, to]) => to - from > least).map(([from, to]) => [
    Math.max(0, Math.round(from)), Math.max(0, Math.round(to)),
  ]);
}

/**
 * Kilobits a second in each bin, of bytes that are counted up.
 *
 * @param {Sample[]} samples @param {number} start @param {number} count
 * @param {(sample: Sample) => number} bytes
 */
function rates(samples, start, count, bytes) {
  const counted = samples.map((sample) => ({ at: sample.at, value: bytes(sample) }));
  const edges = cumulated(counted, start, count);
  return edges.slice(1).map((value, at) => Math.max(0, ((value - (edges[at] ?? 0)) * 8) / BIN_MS));
}

/**
 * A counter's value at the edges of the bins, with a straight line from look to look.
 *
 * @param {{ at: number, value: number }[]} looks @param {number} start @param {number} count
 */
function cumulated(looks, start, count) {
  let next = 0;
  return Array.from({ length: count + 1 }, (_, edge) => {
    const at = start + edge * BIN_MS;
    while (next < looks.length && (looks[next]?.at ?? 0) < at) {
      next += 1;
    }
    const [before, after] = [looks[next - 1], looks[next]];
    if (before === undefined || after === undefined) {
      return (before ?? { value: 0 }).value;
    }
    const part = (at - before.at) / (after.at - before.at);
    return before.value + part * (after.value - before.value);
  });
}

/**
 * The last that was written down by `at`.
 *
 * @template {{ at: number }} T
 * @param {T[]} all @param {number} at @returns {T | undefined}
 */
function latest(all, at) {
  const after = all.findIndex((one) => one.at > at);
  return after === -1 ? all.at(-1) : all[after - 1];
}
