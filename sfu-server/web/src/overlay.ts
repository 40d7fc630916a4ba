import { LocalTrack, RemoteTrack, type TrackPublication } from 'livekit-client';
import { make } from './dom';
import { keep, recall } from './memory';
import { type Counters, type Reading, readTrack } from './track_reading';
import { limitInWords, linkInWords, qualityInWords, reasons, wantReasons } from './why';

const KEY = 'call.details';
const LOOK_MS = 1_000;

/** The overlays on the page: they look at their tracks while they are shown. */
const followed = new Set<Overlay>();
let shown = recall(() => localStorage, KEY) === 'on';

/** Whether the details are shown. */
export function detailsShown(): boolean {
  return shown;
}

/** Shows or hides the details of every picture, and remembers that. */
export function showDetails(show: boolean): void {
  shown = show;
  keep(() => localStorage, KEY, show ? 'on' : 'off');
  wantReasons(show);
  for (const overlay of followed) {
    void overlay.look();
  }
}

wantReasons(shown);

setInterval(() => {
  if (shown) {
    for (const overlay of followed) {
      void overlay.look();
    }
  }
}, LOOK_MS);

/**
 * The figures on one picture: its size, rate, loss, codec and layer, and those of its sound; and, as
 * the server tells it, what keeps it from being better.
 */
export class Overlay {
  readonly element = make('div', 'overlay');
  private readonly isOwn: boolean;
  private readonly counters = new Map<string, Counters>();
  private picture: TrackPublication | undefined;
  private sound: TrackPublication | undefined;

  /** `isOwn`: it is on one's own tile, and tells of one's own network. */
  constructor(isOwn = false) {
    this.isOwn = isOwn;
    this.element.hidden = true;
  }

  /** It is about nothing any more. */
  end(): void {
    this.picture = undefined;
    this.sound = undefined;
    followed.delete(this);
    this.element.hidden = true;
  }

  /** From now on it is about these two; `undefined` for both ends it, but for one's own. */
  follow(picture: TrackPublication | undefined, sound: TrackPublication | undefined): void {
    const same = picture === this.picture && sound === this.sound;
    this.picture = picture;
    this.sound = sound;
    if (picture === undefined && sound === undefined && !this.isOwn) {
      followed.delete(this);
    } else {
      followed.add(this);
    }
    if (!same) {
      void this.look();
    }
  }

  /** Looks at the tracks, and writes what they are. */
  async look(): Promise<void> {
    if (!shown) {
      this.element.hidden = true;
      this.counters.clear();
      return;
    }
    const [picture, sound] = await Promise.all([this.read(this.picture), this.read(this.sound)]);
    const lines = [
      ...(picture === undefined ? [] : pictureLines(picture)),
      ...(sound === undefined ? [] : soundLine(sound)),
    ];
    this.element.replaceChildren(
      ...lines.map((line) => make('div', '', line)),
      ...this.whys().map(({ name, text }) => make('div', name, text)),
    );
    this.element.hidden = !shown || this.element.childElementCount === 0;
  }

  /** Why the picture is as it is, and on one's own what the network carries. */
  private whys(): { name: string; text: string }[] {
    const told = reasons();
    if (told === undefined) {
      return [];
    }
    if (this.isOwn) {
      return linkInWords(told.link).map((text) => ({ name: 'why-link', text }));
    }
    const why = told.tracks.get(this.picture?.trackSid ?? '');
    if (why === undefined) {
      return [];
    }
    const limit = limitInWords(why);
    const quality = qualityInWords(why);
    return [
      ...(quality === '' ? [] : [{ name: 'why-quality', text: quality }]),
      ...(limit === undefined ? [] : [{ name: `why why-${why.limit}`, text: limit }]),
    ];
  }

  private async read(publication: TrackPublication | undefined): Promise<Reading | undefined> {
    const track = publication?.track;
    if (publication === undefined || !(track instanceof LocalTrack || track instanceof RemoteTrack)) {
      return undefined;
    }
    const report = await track.getRTCStatsReport().catch(() => undefined);
    const key = track.mediaStreamTrack.id;
    const look = report && readTrack(report, publication, this.counters.get(key));
    if (look === undefined) {
      return undefined;
    }
    const { at } = this.counters.get(key) ?? {};
    // Two looks at once would leave the second one without time between them.
    if (at === undefined || look.counters.at - at >= LOOK_MS / 2) {
      this.counters.set(key, look.counters);
    }
    return look.reading;
  }
}

function pictureLines(reading: Reading): string[] {
  const { width, height, framesPerSecond, layer, codec } = reading;
  return [
    `${width}×${height}, ${Math.round(framesPerSecond)} fps`,
    rateAndLoss(reading),
    layer === '' ? codec : `${codec}, ${layer}`,
  ];
}

function soundLine(reading: Reading): string[] {
  return [`${reading.codec}, ${rateAndLoss(reading)}`];
}

function rateAndLoss({ bitsPerSecond, loss }: Reading): string {
  return `${Math.round(bitsPerSecond / 1000)} kbit/s, ${(loss * 100).toFixed(1)} % lost`;
}
