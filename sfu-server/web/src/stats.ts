import type { Room } from 'livekit-client';

/** What one received track amounts to. */
export interface ReceivedTrack {
  sid: string;
  kind: string;
  codec: string;
  packetsReceived: number;
  packetsLost: number;
  framesDecoded: number;
  frameWidth: number;
  frameHeight: number;
  freezeCount: number;
  totalAudioEnergy: number;
  /** Of payload. */
  bytesReceived: number;
}

/** The sums over one remote participant's tracks; `packetsLost` also by codec (`video/VP8`). */
export interface ReceivedParticipant {
  framesDecoded: number;
  audioEnergy: number;
  packetsLost: number;
  packetsLostByCodec: Record<string, number>;
  tracks: ReceivedTrack[];
}

export interface CandidatePair {
  local: string;
  remote: string;
  protocol: string;
  roundTripSeconds: number | undefined;
  availableOutgoingBitrate: number | undefined;
}

export interface OutboundLayer {
  kind: string;
  rid: string;
  codec: string;
  active: boolean | undefined;
  frameWidth: number;
  frameHeight: number;
  framesPerSecond: number;
  framesEncoded: number;
  packetsSent: number;
  bytesSent: number;
  nackCount: number;
  pliCount: number;
  scalabilityMode: string;
}

/** One ICE + DTLS transport: normally there is one. */
export interface TransportFacts {
  dtlsState: string;
  tlsVersion: string;
  dtlsCipher: string;
  srtpCipher: string;
  candidatePair: CandidatePair | undefined;
}

export interface CallStats {
  connection: TransportFacts & { state: string; transports: TransportFacts[] };
  outbound: OutboundLayer[];
  participants: Record<string, ReceivedParticipant>;
}

type Entry = Record<string, unknown> & { id: string; type: string };

/** Reads every peer connection beneath `room` and sums up per remote participant. */
export async function readStats(room: Room): Promise<CallStats> {
  const pair = room.engine?.pcManager;
  const reports = await Promise.all([pair?.publisher.getStats(), pair?.subscriber?.getStats()]);
  const entries = reports.flatMap((report) => entriesOf(report));
  const byId = new Map(entries.map((entry) => [entry.id, entry]));

  const transports = entries
    .filter((entry) => entry.type === 'transport')
    .map((entry) => transportFacts(entry, byId));
  const first = transports[0] ?? transportFacts({ id: '', type: 'transport' }, byId);
  return {
    connection: { ...first, state: room.state, transports },
    outbound: entries
      .filter((entry) => entry.type === 'outbound-rtp')
      .map((entry) => outboundLayer(entry, byId)),
    participants: received(room, entries, byId),
  };
}

// Ids are unique within a report only: the place of the report keeps two of them apart.
let reportNumber = 0;

function entriesOf(report: RTCStatsReport | undefined): Entry[] {
  const entries: Entry[] = [];
  const prefix = `${(reportNumber += 1)}:`;
  report?.forEach((raw: Entry) => {
    const entry: Entry = { ...raw, id: prefix + raw.id };
    for (const key of ['codecId', 'selectedCandidatePairId', 'localCandidateId', 'remoteCandidateId']) {
      if (typeof raw[key] === 'string') {
        entry[key] = prefix + String(raw[key]);
      }
    }
    entries.push(entry);
  });
  return entries;
}

function received(
  room: Room,
  entries: Entry[],
  byId: Map<string, Entry>,
): Record<string, ReceivedParticipant> {
  const inbound = new Map(
    entries
      .filter((entry) => entry.type === 'inbound-rtp')
      .map((entry) => [text(entry, 'trackIdentifier'), entry]),
  );
  const participants: Record<string, ReceivedParticipant> = {};
  for (const participant of room.remoteParticipants.values()) {
    const sum: ReceivedParticipant = {
      framesDecoded: 0,
      audioEnergy: 0,
      packetsLost: 0,
      packetsLostByCodec: {},
      tracks: [],
    };
    for (const publication of participant.trackPublications.values()) {
      const entry = inbound.get(publication.track?.mediaStreamTrack.id ?? '');
      if (entry !== undefined) {
        addTrack(sum, receivedTrack(publication.trackSid, entry, byId));
      }
    }
    participants[participant.identity] = sum;
  }
  return participants;
}

function addTrack(sum: ReceivedParticipant, track: ReceivedTrack): void {
  sum.tracks.push(track);
  sum.framesDecoded += track.framesDecoded;
  sum.audioEnergy += track.totalAudioEnergy;
  sum.packetsLost += track.packetsLost;
  sum.packetsLostByCodec[track.codec] =
    (sum.packetsLostByCodec[track.codec] ?? 0) + track.packetsLost;
}

function receivedTrack(sid: string, entry: Entry, byId: Map<string, Entry>): ReceivedTrack {
  return {
    sid,
    kind: text(entry, 'kind'),
    codec: codecOf(entry, byId),
    packetsReceived: number(entry, 'packetsReceived'),
    packetsLost: number(entry, 'packetsLost'),
    framesDecoded: number(entry, 'framesDecoded'),
    frameWidth: number(entry, 'frameWidth'),
    frameHeight: number(entry, 'frameHeight'),
    freezeCount: number(entry, 'freezeCount'),
    totalAudioEnergy: number(entry, 'totalAudioEnergy'),
    bytesReceived: number(entry, 'bytesReceived'),
  };
}

function outboundLayer(entry: Entry, byId: Map<string, Entry>): OutboundLayer {
  return {
    kind: text(entry, 'kind'),
    rid: text(entry, 'rid'),
    codec: codecOf(entry, byId),
    active: typeof entry['active'] === 'boolean' ? entry['active'] : undefined,
    frameWidth: number(entry, 'frameWidth'),
    frameHeight: number(entry, 'frameHeight'),
    framesPerSecond: number(entry, 'framesPerSecond'),
    framesEncoded: number(entry, 'framesEncoded'),
    packetsSent: number(entry, 'packetsSent'),
    bytesSent: number(entry, 'bytesSent'),
    nackCount: number(entry, 'nackCount'),
    pliCount: number(entry, 'pliCount'),
    scalabilityMode: text(entry, 'scalabilityMode'),
  };
}

function transportFacts(entry: Entry, byId: Map<string, Entry>): TransportFacts {
  return {
    dtlsState: text(entry, 'dtlsState'),
    tlsVersion: text(entry, 'tlsVersion'),
    dtlsCipher: text(entry, 'dtlsCipher'),
    srtpCipher: text(entry, 'srtpCipher'),
    candidatePair: candidatePair(byId.get(text(entry, 'selectedCandidatePairId')), byId),
  };
}

function candidatePair(
  pair: Entry | undefined,
  byId: Map<string, Entry>,
): CandidatePair | undefined {
  if (pair === undefined) {
    return undefined;
  }
  const local = byId.get(text(pair, 'localCandidateId'));
  const remote = byId.get(text(pair, 'remoteCandidateId'));
  return {
    local: address(local),
    remote: address(remote),
    protocol: local === undefined ? '' : text(local, 'protocol'),
    roundTripSeconds: optionalNumber(pair, 'currentRoundTripTime'),
    availableOutgoingBitrate: optionalNumber(pair, 'availableOutgoingBitrate'),
  };
}

function address(candidate: Entry | undefined): string {
  return candidate === undefined
    ? ''
    : `${text(candidate, 'candidateType')} ${text(candidate, 'address')}:${number(candidate, 'port')}`;
}

function codecOf(entry: Entry, byId: Map<string, Entry>): string {
  const codec = byId.get(text(entry, 'codecId'));
  return codec === undefined ? '' : text(codec, 'mimeType');
}

function text(entry: Entry, key: string): string {
  const value = entry[key];
  return typeof value === 'string' ? value : '';
}

function number(entry: Entry, key: string): number {
  return optionalNumber(entry, key) ?? 0;
}

function optionalNumber(entry: Entry, key: string): number | undefined {
  const value = entry[key];
  return typeof value === 'number' ? value : undefined;
}
