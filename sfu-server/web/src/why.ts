/** Layers as the server tells them: an encoding by its quality, and up to which of its own layers. */
export interface Layers {
  quality: number;
  spatial?: number;
  temporal?: number;
}

/** Why one track is sent as it is. */
export interface TrackReason {
  sid: string;
  limit: string;
  wanted?: Layers;
  allotted?: Layers;
  current?: Layers;
  allotted_kbps?: number;
  wanted_kbps?: number;
  keyframe_asked_ms?: number;
}

/** What one's own network is thought to carry, and what others of the same line leave of it. */
export interface LinkReason {
  estimate_kbps?: number;
  lent_kbps: number;
  allotted_kbps: number;
  wanted_kbps: number;
  rtt_ms?: number;
}

export interface Reasons {
  link: LinkReason;
  tracks: Map<string, TrackReason>;
}

const ASK_EVERY_MS = 2_000;

let asking: ReturnType<typeof setInterval> | undefined;
let token: string | undefined;
let wanted = false;
let latest: Reasons | undefined;

/** From now on the reasons are those of the bearer of this token; `undefined` ends it. */
export function explainTo(bearer: string | undefined): void {
  token = bearer;
  latest = undefined;
  settle();
}

/** Whether anybody looks at the reasons: nothing is asked while nobody does. */
export function wantReasons(want: boolean): void {
  wanted = want;
  settle();
}

/** What the server said last; `undefined` before it has, and where it does not say. */
export function reasons(): Reasons | undefined {
  return latest;
}

function settle(): void {
  const asks = wanted && token !== undefined;
  if (asks && asking === undefined) {
    void ask();
    asking = setInterval(() => void ask(), ASK_EVERY_MS);
  } else if (!asks && asking !== undefined) {
    clearInterval(asking);
    asking = undefined;
    latest = undefined;
  }
}

async function ask(): Promise<void> {
  const bearer = token;
  if (bearer === undefined) {
    return;
  }
  try {
    const response = await fetch('/demo/why', { headers: { authorization: `Bearer ${bearer}` } });
    const told = response.ok ? read(await response.json()) : undefined;
    // The call may have ended, and another one begun, while the server answered.
    if (token === bearer) {
      latest = told;
    }
  } catch {
    latest = undefined;
  }
}

function read(body: { link: LinkReason; tracks: TrackReason[] }): Reasons {
  return { link: body.link, tracks: new Map(body.tracks.map((track) => [track.sid, track])) };
}

/** What keeps a picture from being better, for people; `undefined`: nothing does. */
export function limitInWords(why: TrackReason): string | undefined {
  switch (why.limit) {
    case 'viewport':
      return 'Small here: no more is asked for';
    case 'bandwidth':
      return 'Your network carries no more';
    case 'paused_for_bandwidth':
      return 'Paused: your network is too slow';
    case 'paused_by_subscriber':
      return 'Paused: out of sight';
    case 'publisher':
      return 'The sender sends no better';
    case 'keyframe':
      return 'Waiting for a full picture';
    case 'permission':
      return 'The sender does not allow it';
    case 'connection':
      return 'Still connecting';
    case 'format':
      return 'This browser cannot decode it';
    case 'speakers':
      return 'Others speak';
    default:
      return undefined;
  }
}

/** What is sent of what is wanted, as `2 of 3` and so on; empty where there is nothing to choose. */
export function qualityInWords(why: TrackReason): string {
  const { current, wanted: most, allotted_kbps: now, wanted_kbps: all } = why;
  const thinned = current !== undefined && why.allotted?.temporal !== undefined;
  if (most === undefined) {
    return '';
  }
  const step = current === undefined ? 'Nothing' : `Quality ${current.quality + 1}`;
  const rate = now === undefined || all === undefined || all === 0 ? '' : `, ${now} of ${all} kbit/s`;
  return `${step} of ${most.quality + 1}${thinned ? ', fewer frames' : ''}${rate}`;
}

/** One's own network, for people. */
export function linkInWords(link: LinkReason): string[] {
  const { estimate_kbps: estimate, lent_kbps, allotted_kbps: used, wanted_kbps: all, rtt_ms: rtt } = link;
  const lent = lent_kbps > 0 ? `, and ${lent_kbps} kbit/s that others leave` : '';
  const trip = rtt === undefined ? '' : `, ${rtt} ms round trip`;
  return estimate === undefined
    ? [`Your network: not known yet${trip}`]
    : [`Your network: about ${estimate} kbit/s${trip}${lent}`, `Pictures and sound: ${used} of ${all} kbit/s`];
}
