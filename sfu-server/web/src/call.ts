import {
  type DisconnectReason,
  type Participant,
  Room,
  RoomEvent,
  type RoomOptions,
} from 'livekit-client';
import type { Devices } from './devices';
import { byId } from './dom';
import { Grid } from './grid';
import { announce, notify, withdraw, withdrawAll } from './notices';
import type { Settings } from './settings';
import { Tile, displayName } from './tile';
import type { Admission } from './token';
import { Refusal, type Words, ended } from './words';

/** Bits spent on a pixel of the largest encoding: plain talking heads in VP8. */
const BITS_PER_PIXEL = 0.09;

/**
 * How often the tiles are compared with the room. After a reconnection the library holds back what
 * happens while its own attempt is still being wound up, and never tells it (livekit-client 2.23:
 * `emitWhenConnected` keeps filling its buffer after the buffer was emptied): without a look of our
 * own, somebody stays unseen and unheard.
 */
const LOOK_AGAIN_MS = 1_000;

/** One stay in one room, from the connection to its end. */
export class Call {
  readonly room: Room;
  private readonly tiles = new Map<string, Tile>();
  private readonly grid: Grid;
  private readonly devices: Devices;
  private readonly onEnded: (words: Words) => void;
  private joined = false;
  private lookingAgain: ReturnType<typeof setInterval> | undefined;

  constructor(grid: Grid, devices: Devices, settings: Settings, onEnded: (words: Words) => void) {
    this.grid = grid;
    this.devices = devices;
    this.onEnded = onEnded;
    this.room = new Room(roomOptions(settings));
    this.listen();
  }

  /** Joins `name`; throws what `words.joinFailure` can put into words. */
  async join(name: string, admission: Admission): Promise<void> {
    // Naming the room lets the server refuse a token that is for another one.
    const url = new URL(admission.url);
    url.searchParams.set('room', name);
    await this.room.connect(url.toString(), admission.token);
    if (this.room.name !== name) {
      const other = this.room.name;
      await this.room.disconnect();
      throw new Refusal({
        title: 'The invitation is for another room',
        text: `It admits to “${other}”, not to “${name}”.`,
      });
    }
    this.joined = true;
    this.showEverybody();
    this.lookingAgain = setInterval(() => this.showEverybody(), LOOK_AGAIN_MS);
    this.devices.serve(this.room);
    this.showHeadCount();
    this.offerSound();
  }

  async leave(): Promise<void> {
    await this.room.disconnect();
  }

  private listen(): void {
    const room = this.room;
    const updateOf = (participant: Participant) => this.show(participant);
    const update = (_: unknown, participant: Participant) => updateOf(participant);
    const updateRemote = (_: unknown, __: unknown, participant: Participant) =>
      updateOf(participant);

    room
      .on(RoomEvent.ParticipantConnected, (participant) => {
        this.show(participant);
        this.showHeadCount();
        announce(`${displayName(participant)} joined`);
      })
      .on(RoomEvent.ParticipantDisconnected, (participant) => {
        if (this.tiles.get(participant.identity)?.isOf(participant) === true) {
          this.removeTile(participant.identity);
        }
        this.showHeadCount();
        announce(`${displayName(participant)} left`);
      })
      .on(RoomEvent.ParticipantNameChanged, update)
      .on(RoomEvent.TrackPublished, update)
      .on(RoomEvent.TrackUnpublished, update)
      .on(RoomEvent.TrackSubscribed, updateRemote)
      .on(RoomEvent.TrackUnsubscribed, updateRemote)
      .on(RoomEvent.ActiveSpeakersChanged, (speakers) => this.showSpeakers(speakers))
      .on(RoomEvent.AudioPlaybackStatusChanged, () => this.offerSound());

    for (const event of [RoomEvent.TrackMuted, RoomEvent.TrackUnmuted] as const) {
      room.on(event, (publication, participant) => {
        update(publication, participant);
        this.devices.update();
      });
    }
    for (const event of [RoomEvent.LocalTrackPublished, RoomEvent.LocalTrackUnpublished] as const) {
      room.on(event, (publication, participant) => {
        update(publication, participant);
        this.devices.update();
      });
    }
    for (const event of [RoomEvent.SignalReconnecting, RoomEvent.Reconnecting] as const) {
      room.on(event, () =>
        notify('connection', {
          title: 'Reconnecting…',
          text: 'The connection to the server was lost. The page is trying to get it back.',
        }),
      );
    }
    room.on(RoomEvent.Reconnected, () => {
      withdraw('connection');
      this.showEverybody();
    });
    room.on(RoomEvent.Disconnected, (reason) => this.end(reason));
  }

  private end(reason: DisconnectReason | undefined): void {
    clearInterval(this.lookingAgain);
    for (const identity of [...this.tiles.keys()]) {
      this.removeTile(identity);
    }
    withdrawAll();
    // Until the join has succeeded, `join` itself throws what went wrong.
    if (this.joined) {
      this.devices.serve(undefined);
      this.onEnded(ended(reason));
    }
  }

  /** Brings the tiles to who is in the room. */
  private showEverybody(): void {
    const { localParticipant, remoteParticipants } = this.room;
    for (const participant of [localParticipant, ...remoteParticipants.values()]) {
      this.show(participant);
    }
    for (const identity of [...this.tiles.keys()]) {
      if (identity !== localParticipant.identity && !remoteParticipants.has(identity)) {
        this.removeTile(identity);
      }
    }
    this.showHeadCount();
  }

  /** Brings the participant's tile to its present state. */
  private show(participant: Participant): void {
    const { localParticipant, remoteParticipants } = this.room;
    // The library still tells of the participants of a session that a reconnection has replaced.
    if (participant === localParticipant || remoteParticipants.get(participant.identity) === participant) {
      this.tileOf(participant).update();
    }
  }

  private tileOf(participant: Participant): Tile {
    const present = this.tiles.get(participant.identity);
    if (present?.isOf(participant) === true) {
      return present;
    }
    // The same person in a new session, after a reconnection, is another participant.
    this.removeTile(participant.identity);
    const tile = new Tile(participant);
    this.tiles.set(participant.identity, tile);
    this.grid.add(tile.element, participant.isLocal);
    return tile;
  }

  private removeTile(identity: string): void {
    const tile = this.tiles.get(identity);
    if (tile !== undefined) {
      tile.detach();
      this.grid.remove(tile.element);
      this.tiles.delete(identity);
    }
  }

  private showHeadCount(): void {
    const count = this.room.remoteParticipants.size + 1;
    byId('head-count', HTMLElement).textContent = count === 1 ? 'Only you' : `${count} people`;
  }

  private showSpeakers(speakers: Participant[]): void {
    const speaking = new Set(speakers.map((participant) => participant.identity));
    for (const [identity, tile] of this.tiles) {
      tile.setSpeaking(speaking.has(identity));
    }
  }

  /** A browser may hold back all sound until the page is clicked. */
  private offerSound(): void {
    if (!this.joined || this.room.canPlaybackAudio) {
      withdraw('sound');
      return;
    }
    notify(
      'sound',
      { title: 'The sound is off', text: 'The browser waits for a click before it plays sound.' },
      { label: 'Turn on sound', run: () => void this.room.startAudio() },
    );
  }
}

function roomOptions({ width, height, fps, codec }: Settings): RoomOptions {
  return {
    adaptiveStream: true,
    dynacast: true,
    singlePeerConnection: true,
    videoCaptureDefaults: { resolution: { width, height, frameRate: fps } },
    publishDefaults: {
      // Voices need no second channel, and with one the library turns off RED and DTX.
      forceStereo: false,
      simulcast: true,
      videoCodec: codec,
      videoEncoding: {
        maxBitrate: Math.round(width * height * fps * BITS_PER_PIXEL),
        maxFramerate: fps,
      },
    },
  };
}
