import { type Participant, Track, type TrackPublication } from 'livekit-client';
import { make } from './dom';
import { icon } from './icons';

/**
 * One participant's tile: the picture or the initials, the name, the mark of a muted microphone,
 * and, for a remote participant, the sound.
 */
export class Tile {
  readonly element = make('section', 'tile');
  private readonly initials = make('div', 'initials');
  private readonly nameLabel = make('span', 'tile-name');
  private readonly mutedMark = make('span', 'muted-mark');
  private readonly participant: Participant;
  private video: { track: Track; element: HTMLMediaElement } | undefined;
  private audio: { track: Track; element: HTMLMediaElement } | undefined;

  constructor(participant: Participant) {
    this.participant = participant;
    this.element.dataset['identity'] = participant.identity;
    this.element.classList.toggle('own', participant.isLocal);
    this.initials.setAttribute('aria-hidden', 'true');
    this.mutedMark.append(icon('microphoneOff'), make('span', 'visually-hidden', 'muted'));
    const caption = make('div', 'caption');
    caption.append(this.mutedMark, this.nameLabel);
    this.element.append(this.initials, caption);
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
    this.initials.textContent = initialsOf(name);
    this.element.setAttribute('aria-label', name);

    this.video = exchange(this.video, this.pictureToShow(), (element) => {
      element.setAttribute('aria-hidden', 'true');
      this.element.prepend(element);
    });
    const microphone = this.publicationOf(Track.Kind.Audio, Track.Source.Microphone);
    // One's own voice is not played back.
    this.audio = this.participant.isLocal
      ? undefined
      : exchange(this.audio, microphone?.track, (element) => this.element.append(element));

    const muted = microphone === undefined || microphone.isMuted;
    this.mutedMark.hidden = !muted;
    this.element.dataset['microphone'] = muted ? 'off' : 'on';
    this.element.dataset['camera'] = this.video === undefined ? 'off' : 'on';
  }

  setSpeaking(speaking: boolean): void {
    this.element.classList.toggle('speaking', speaking);
  }

  /** Lets go of the picture and the sound. */
  detach(): void {
    this.video = exchange(this.video, undefined, () => undefined);
    this.audio = exchange(this.audio, undefined, () => undefined);
  }

  private pictureToShow(): Track | undefined {
    const camera = this.publicationOf(Track.Kind.Video, Track.Source.Camera);
    return camera === undefined || camera.isMuted ? undefined : camera.track;
  }

  /** Programs that publish without naming a source are shown as well. */
  private publicationOf(kind: Track.Kind, source: Track.Source): TrackPublication | undefined {
    const ofKind = [...this.participant.trackPublications.values()].filter((p) => p.kind === kind);
    return ofKind.find((p) => p.source === source) ?? ofKind[0];
  }
}

type Attached = { track: Track; element: HTMLMediaElement } | undefined;

function exchange(
  former: Attached,
  track: Track | undefined,
  place: (element: HTMLMediaElement) => void,
): Attached {
  if (former !== undefined && former.track === track) {
    return former;
  }
  if (former !== undefined) {
    former.track.detach(former.element);
    former.element.remove();
  }
  if (track === undefined) {
    return undefined;
  }
  const element = track.attach();
  place(element);
  return { track, element };
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
