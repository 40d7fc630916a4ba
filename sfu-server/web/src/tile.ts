import { type Participant, Track, type TrackPublication } from 'livekit-client';
import { type Attached, exchange } from './attached';
import { make } from './dom';
import { icon } from './icons';
import { Overlay } from './overlay';
import { QualityMark } from './quality_mark';

/**
 * One participant's tile: the picture or the initials, the name, the marks of a muted microphone
 * and of the connection, and, for a remote participant, the sound.
 */
export class Tile {
  readonly element = make('section', 'tile');
  private readonly initials = make('div', 'initials');
  private readonly nameLabel = make('span', 'tile-name');
  private readonly mutedMark = make('span', 'muted-mark');
  private readonly quality = new QualityMark();
  private readonly pausedMark = make('div', 'paused-mark', 'Paused: your network is too slow');
  private readonly overlay: Overlay;
  private readonly participant: Participant;
  private video: Attached;
  private audio: Attached;
  /** The last picture before a reconnection, until there is a new one. */
  private still: HTMLCanvasElement | undefined;

  /** `former` is the tile of the same person in the session before, if there was one. */
  constructor(participant: Participant, former: Tile | undefined) {
    this.participant = participant;
    this.overlay = new Overlay(participant.isLocal);
    this.still = former?.still;
    this.element.dataset['identity'] = participant.identity;
    this.element.classList.toggle('own', participant.isLocal);
    this.initials.setAttribute('aria-hidden', 'true');
    this.mutedMark.append(icon('microphoneOff'), make('span', 'visually-hidden', 'muted'));
    const caption = make('div', 'caption');
    caption.append(this.mutedMark, this.nameLabel, this.quality.element);
    this.element.append(this.initials, this.pausedMark, this.overlay.element, caption);
    if (this.still !== undefined) {
      this.initials.after(this.still);
    }
    this.update();
  }

  /** Whether this is the tile of that very participant, not of a former session of the same person. */
  isOf(participant: Participant): boolean {
    return this.participant === participant;
  }

  /** Brings the tile to the participant's present state. */
  update(): void {
    const name = displayName(this.participant);
    this.nameLabel.textContent = this.participant.isLocal ? `${name} (you)` : name;
    this.nameLabel.title = name;
    this.initials.textContent = initialsOf(name);
    this.element.setAttribute('aria-label', name);

    this.video = exchange(this.video, this.pictureToShow()?.track, (element) => {
      element.setAttribute('aria-hidden', 'true');
      element.addEventListener('loadeddata', () => this.thaw());
      this.element.prepend(element);
    });
    if (this.pictureToShow() === undefined || shows(this.video)) {
      this.thaw();
    }
    const microphone = this.publicationOf(Track.Kind.Audio, Track.Source.Microphone);
    // One's own voice is not played back.
    this.audio = this.participant.isLocal
      ? undefined
      : exchange(this.audio, microphone?.track, (element) => this.element.append(element));

    const muted = microphone === undefined || microphone.isMuted;
    this.mutedMark.hidden = !muted;
    this.element.dataset['microphone'] = muted ? 'off' : 'on';
    this.element.dataset['camera'] = this.video === undefined ? 'off' : 'on';
    this.pausedMark.hidden = this.pictureToShow()?.track?.streamState !== Track.StreamState.Paused;
    this.setSpeaking(this.participant.isSpeaking);
    this.quality.show(this.participant.connectionQuality);
    this.overlay.follow(this.pictureToShow(), muted ? undefined : microphone);
  }

  setSpeaking(speaking: boolean): void {
    this.element.classList.toggle('speaking', speaking);
  }

  /** Holds the present picture: the library is about to take it away. */
  freeze(): void {
    const video = this.video?.element;
    if (!(video instanceof HTMLVideoElement) || !shows(this.video)) {
      return;
    }
    this.thaw();
    this.still = make('canvas', 'still');
    this.still.setAttribute('aria-hidden', 'true');
    this.still.width = video.videoWidth;
    this.still.height = video.videoHeight;
    this.still.getContext('2d')?.drawImage(video, 0, 0);
    this.initials.after(this.still);
  }

  private thaw(): void {
    this.still?.remove();
    this.still = undefined;
  }

  /** Lets go of the picture and the sound. */
  detach(): void {
    this.video = exchange(this.video, undefined, () => undefined);
    this.audio = exchange(this.audio, undefined, () => undefined);
    this.overlay.end();
  }

  private pictureToShow(): TrackPublication | undefined {
    const camera = this.publicationOf(Track.Kind.Video, Track.Source.Camera);
    return camera === undefined || camera.isMuted ? undefined : camera;
  }

  /** Programs that publish without naming a source are shown as well. */
  private publicationOf(kind: Track.Kind, source: Track.Source): TrackPublication | undefined {
    const ofKind = [...this.participant.trackPublications.values()].filter((p) => p.kind === kind);
    return (
      ofKind.find((p) => p.source === source) ??
      ofKind.find((p) => p.source === Track.Source.Unknown)
    );
  }
}

/** Whether there is a picture to be seen, and not only an element for one. */
function shows(video: Attached): boolean {
  return video !== undefined && video.element.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
}

export function displayName(participant: Participant): string {
  return participant.name || participant.identity;
}

function initialsOf(name: string): string {
  const words = name.split(/\s+/).filter((word) => word !== '');
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  // By code point, so that an emoji or a rare letter is not cut in half.
  return letters.map((word) => [...(word ?? '')][0] ?? '').join('').toUpperCase();
}
