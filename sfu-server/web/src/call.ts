import {
  ConnectionState,
  type DisconnectReason,
  EngineEvent,
  type Participant,
  Room,
  RoomEvent,
} from 'livekit-client';
import { byId } from './dom';
import { announce, notify, withdraw, withdrawAll } from './notices';
import type { People } from './people';
import { roomOptions } from './room_options';
import type { Settings } from './settings';
import { displayName } from './tile';
import type { Admission } from './token';
import { explainTo } from './why';
import { Refusal, type Words, ended } from './words';

/**
 * How often the tiles are compared with the room. After a reconnection the library holds back what
 * happens while its own attempt is still being wound up, and never tells it (livekit-client 2.23:
 * `emitWhenConnected` keeps filling its buffer after the buffer was emptied): without a look of our
 * own, somebody stays unseen and unheard.
 */
const LOOK_AGAIN_MS = 1_000;

/** What of the page belongs to the call that is running. */
export interface Controls {
  /** From now on the controls belong to `room`, or to none. */
  serve(room: Room | undefined): void;
  /** Brings the controls to the room's present state. */
  update(): void;
}

/** One stay in one room, from the connection to its end. */
export class Call {
  readonly room: Room;
  private readonly people: People;
  private readonly controls: Controls;
  private readonly onEnded: (words: Words) => void;
  private joined = false;
  private lookingAgain: ReturnType<typeof setInterval> | undefined;

  constructor(
    people: People,
    controls: Controls,
    settings: Settings,
    onEnded: (words: Words) => void,
  ) {
    this.people = people;
    this.controls = controls;
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
    explainTo(admission.token);
    // The room answers to this event by taking everybody's picture away: it must be held before.
    this.room.engine.prependListener(EngineEvent.Restarting, () => this.people.freeze());
    this.showEverybody();
    this.lookingAgain = setInterval(() => this.showEverybody(), LOOK_AGAIN_MS);
    this.controls.serve(this.room);
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
        this.unlessReconnecting(() => {
          this.showEverybody();
          announce(`${displayName(participant)} left`);
        });
      })
      .on(RoomEvent.ParticipantNameChanged, update)
      .on(RoomEvent.TrackPublished, update)
      .on(RoomEvent.TrackUnpublished, (_, participant) =>
        this.unlessReconnecting(() => this.show(participant)),
      )
      .on(RoomEvent.TrackSubscribed, updateRemote)
      .on(RoomEvent.TrackUnsubscribed, (_, __, participant) =>
        this.unlessReconnecting(() => this.show(participant)),
      )
      .on(RoomEvent.ActiveSpeakersChanged, (speakers) =>
        this.people.setSpeaking(new Set(speakers.map(({ identity }) => identity))),
      )
      .on(RoomEvent.ConnectionQualityChanged, update)
      .on(RoomEvent.TrackStreamStateChanged, (_, __, participant) => updateOf(participant))
      .on(RoomEvent.AudioPlaybackStatusChanged, () => this.offerSound());

    for (const event of [RoomEvent.TrackMuted, RoomEvent.TrackUnmuted] as const) {
      room.on(event, (publication, participant) => {
        update(publication, participant);
        this.controls.update();
      });
    }
    for (const event of [RoomEvent.LocalTrackPublished, RoomEvent.LocalTrackUnpublished] as const) {
      room.on(event, (publication, participant) => {
        update(publication, participant);
        this.controls.update();
      });
    }
    for (const event of [RoomEvent.SignalReconnecting, RoomEvent.Reconnecting] as const) {
      room.on(event, () =>
        notify('connection', {
          title: 'Reconnecting…',
          text: 'The connection to the server was lost. The page is getting it back.',
        }),
      );
    }
    room.on(RoomEvent.Reconnected, () => {
      withdraw('connection');
      this.showEverybody();
    });
    room.on(RoomEvent.Disconnected, (reason) => this.end(reason));
  }

  /**
   * A reconnection begins by telling that everybody has left, and then that it is one. Until it is
   * over the tiles stay as they were.
   */
  private unlessReconnecting(change: () => void): void {
    queueMicrotask(() => {
      if (this.room.state === ConnectionState.Connected) {
        change();
      }
    });
  }

  private end(reason: DisconnectReason | undefined): void {
    clearInterval(this.lookingAgain);
    explainTo(undefined);
    this.people.keepOnly(new Set());
    withdrawAll();
    // Until the join has succeeded, `join` itself throws what went wrong.
    if (this.joined) {
      this.controls.serve(undefined);
      this.onEnded(ended(reason));
    }
  }

  /** Brings the tiles to who is in the room. */
  private showEverybody(): void {
    if (this.room.state !== ConnectionState.Connected) {
      return;
    }
    const { localParticipant, remoteParticipants } = this.room;
    for (const participant of [localParticipant, ...remoteParticipants.values()]) {
      this.people.show(participant);
    }
    this.people.keepOnly(new Set([localParticipant.identity, ...remoteParticipants.keys()]));
    this.showHeadCount();
  }

  /** Brings the participant's tile to its present state. */
  private show(participant: Participant): void {
    const { localParticipant, remoteParticipants, state } = this.room;
    const isOwn = participant === localParticipant && state !== ConnectionState.Reconnecting;
    // The library still tells of the participants of a session that a reconnection has replaced,
    // and of their successors before those have pictures.
    const isPresent =
      state === ConnectionState.Connected &&
      remoteParticipants.get(participant.identity) === participant;
    if (isOwn || isPresent) {
      this.people.show(participant);
    }
  }

  private showHeadCount(): void {
    const count = this.room.remoteParticipants.size + 1;
    byId('head-count', HTMLElement).textContent = count === 1 ? 'Only you' : `${count} people`;
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
