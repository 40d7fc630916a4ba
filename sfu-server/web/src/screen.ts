import { type Participant, Track, type TrackPublication } from 'livekit-client';
import { type Attached, exchange } from './attached';
import { make } from './dom';
import { icon } from './icons';
import { Overlay } from './overlay';
import { displayName } from './tile';

/** One shared screen: its picture, uncropped, its sound, and whose it is. */
export class Screen {
  readonly element = make('section', 'screen');
  private readonly caption = make('span', 'tile-name');
  private readonly overlay = new Overlay();
  private readonly participant: Participant;
  private video: Attached;
  private audio: Attached;

  constructor(participant: Participant) {
    this.participant = participant;
    this.element.dataset['identity'] = participant.identity;
    const caption = make('div', 'caption');
    caption.append(this.caption);
    this.element.append(this.overlay.element, caption);
    if (!participant.isLocal && document.fullscreenEnabled) {
      this.element.append(fullScreenButton(this.element));
    }
    this.update();
  }

  isOf(participant: Participant): boolean {
    return this.participant === participant;
  }

  /** Brings the screen to the participant's present state. */
  update(): void {
    const whose = this.participant.isLocal
      ? 'Your screen'
      : `Screen of ${displayName(this.participant)}`;
    this.caption.textContent = whose;
    this.caption.title = whose;
    this.element.setAttribute('aria-label', whose);
    const picture = sharedPicture(this.participant);
    this.video = exchange(this.video, picture?.track, (element) => {
      element.setAttribute('aria-hidden', 'true');
      this.element.prepend(element);
    });
    const sound = this.participant.getTrackPublication(Track.Source.ScreenShareAudio);
    this.audio = this.participant.isLocal
      ? undefined
      : exchange(this.audio, sound?.track, (element) => this.element.append(element));
    this.overlay.follow(picture, sound);
  }

  /** Lets go of the picture and the sound. */
  detach(): void {
    this.video = exchange(this.video, undefined, () => undefined);
    this.audio = exchange(this.audio, undefined, () => undefined);
    this.overlay.end();
  }
}

/** The screen that `participant` shares now, if any. */
export function sharedPicture(participant: Participant): TrackPublication | undefined {
  const screen = participant.getTrackPublication(Track.Source.ScreenShare);
  return screen === undefined || screen.isMuted ? undefined : screen;
}

function fullScreenButton(element: HTMLElement): HTMLButtonElement {
  const button = make('button', 'full-screen');
  button.type = 'button';
  button.title = 'Full screen';
  button.setAttribute('aria-label', 'Full screen');
  button.append(icon('fullScreen'));
  button.addEventListener('click', () => {
    const change =
      document.fullscreenElement === null ? element.requestFullscreen() : document.exitFullscreen();
    // A browser that refuses leaves the screen as it is.
    change.catch(() => undefined);
  });
  return button;
}
