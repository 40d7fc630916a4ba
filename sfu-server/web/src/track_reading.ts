import { type TrackPublication, VideoQuality } from 'livekit-client';

/** What the browser counts of one track, between two looks at it. */
export interface Reading {
  /** In pixels; 0 for sound, or as long as no picture has come. */
  width: number;
  height: number;
  framesPerSecond: number;
  bitsPerSecond: number;
  /** From 0 to 1. */
  loss: number;
  /** As in the MIME type, without `video/`. */
  codec: string;
  /** Which encodings are sent, or which one is received; empty where there is only one. */
  layer: string;
}

/** Counters of the last look; all of them only grow. */
export interface Counters {
  /** In milliseconds, of the browser's own clock. */
  at: number;
  bytes: number;
  packets: number;
  lost: number;
}

export interface Look {
  reading: Reading;
  counters: Counters;
}

type Entry = Record<string, unknown> & { id: string; type: string };

/** Reads a track's report; `former` are the counters of the last look, if there was one. */
export function readTrack(
  report: RTCStatsReport,
  publication: TrackPublication,
  former: Counters | undefined,
): Look | undefined {
  const entries: Entry[] = [];
  report.forEach((entry: Entry) => entries.push(entry));
  const inbound = entries.filter((entry) => entry.type === 'inbound-rtp');
  const outbound = entries.filter((entry) => entry.type === 'outbound-rtp');
  const streams = inbound.length > 0 ? inbound : outbound;
  const sending = streams.filter((entry) => numberOf(entry, 'framesPerSecond') > 0);
  const largest = widest(sending.length > 0 ? sending : streams);
  if (largest === undefined) {
    return undefined;
  }

  const received = inbound.length > 0;
  const counters = {
    at: numberOf(largest, 'timestamp'),
    bytes: sum(streams, received ? 'bytesReceived' : 'bytesSent'),
    packets: sum(streams, received ? 'packetsReceived' : 'packetsSent'),
    // What the far side has missed of what is sent comes back in its receiver reports.
    lost: sum(received ? inbound : entries.filter(isRemoteInbound), 'packetsLost'),
  };
  const codec = entries.find((entry) => entry.id === largest['codecId']);
  const reading = {
    width: numberOf(largest, 'frameWidth'),
    height: numberOf(largest, 'frameHeight'),
    framesPerSecond: numberOf(largest, 'framesPerSecond'),
    ...rates(counters, former, received),
    codec: textOf(codec, 'mimeType').replace(/^\w+\//, ''),
    layer: received ? receivedLayer(largest, publication) : sentLayers(sending),
  };
  return { reading, counters };
}

function rates(now: Counters, former: Counters | undefined, received: boolean) {
  const since = former ?? now;
  const seconds = (now.at - since.at) / 1000;
  const bits = (now.bytes - since.bytes) * 8;
  const lost = Math.max(0, now.lost - since.lost);
  const packets = Math.max(0, now.packets - since.packets);
  // A receiver counts what came, a sender what was sent, the lost ones included.
  const all = received ? packets + lost : packets;
  return {
    bitsPerSecond: seconds > 0 ? Math.max(0, bits / seconds) : 0,
    loss: all > 0 ? Math.min(1, lost / all) : 0,
  };
}

function sentLayers(sending: Entry[]): string {
  const rids = [...sending]
    .sort((a, b) => numberOf(a, 'frameWidth') - numberOf(b, 'frameWidth'))
    .map((entry) => textOf(entry, 'rid'))
    .filter((rid) => rid !== '');
  const mode = textOf(widest(sending), 'scalabilityMode');
  return [rids.join('+'), mode].filter((part) => part !== '').join(' ');
}

/** A receiver is not told which encoding it gets: the publisher's announcement of sizes tells. */
function receivedLayer(stream: Entry, publication: TrackPublication): string {
  const layers = publication.trackInfo?.layers ?? [];
  const width = numberOf(stream, 'frameWidth');
  if (layers.length < 2 || width === 0) {
    return '';
  }
  const distance = (layer: { width: number }) => Math.abs(layer.width - width);
  const nearest = layers.reduce((best, layer) => (distance(layer) < distance(best) ? layer : best));
  const names = { [VideoQuality.LOW]: 'low', [VideoQuality.MEDIUM]: 'medium' } as const;
  const quality = names[nearest.quality as keyof typeof names] ?? 'high';
  return nearest.rid === '' ? quality : `${nearest.rid} (${quality})`;
}

function isRemoteInbound(entry: Entry): boolean {
  return entry.type === 'remote-inbound-rtp';
}

function widest(entries: Entry[]): Entry | undefined {
  return entries.reduce<Entry | undefined>(
    (best, entry) =>
      best === undefined || numberOf(entry, 'frameWidth') > numberOf(best, 'frameWidth')
        ? entry
        : best,
    undefined,
  );
}

function sum(entries: Entry[], key: string): number {
  return entries.reduce((total, entry) => total + numberOf(entry, key), 0);
}

function numberOf(entry: Entry, key: string): number {
  const value = entry[key];
  return typeof value === 'number' ? value : 0;
}

function textOf(entry: Entry | undefined, key: string): string {
  const value = entry?.[key];
  return typeof value === 'string' ? value : '';
}
