import { type Room } from 'livekit-client';
import { byId } from './dom';
import { announce, notify, withdraw } from './notices';
import { label } from './toolbar';
import { notAllowedToPublish, shareFailure } from './words';

/** The button that shares one's own screen, and stops that. */
export class ScreenShare {
  private readonly button = byId('toggle-share', HTMLButtonElement);
  private room: Room | undefined;
  private busy = false;

  constructor() {
    // Phones have no screens to share.
    this.button.hidden = navigator.mediaDevices?.getDisplayMedia === undefined;
    this.button.addEventListener('click', () => void this.toggle());
  }

  /** From now on the button belongs to `room`, or to none. */
  serve(room: Room | undefined): void {
    this.room = room;
    this.busy = false;
    this.update();
  }

  update(): void {
    const on = this.room?.localParticipant.isScreenShareEnabled === true;
    this.button.dataset['sharing'] = String(on);
    this.button.setAttribute('aria-busy', String(this.busy));
    label(
      this.button,
      on ? 'screenOff' : 'screen',
      on ? { long: 'Stop sharing', short: 'Stop' } : { long: 'Share screen', short: 'Share' },
    );
  }

  private async toggle(): Promise<void> {
    const room = this.room;
    if (room === undefined || this.busy) {
      return;
    }
    const own = room.localParticipant;
    const on = !own.isScreenShareEnabled;
    if (on && own.permissions?.canPublish === false) {
      notify('share', notAllowedToPublish());
      return;
    }
    this.busy = true;
    this.update();
    try {
      await own.setScreenShareEnabled(on, { audio: true, contentHint: 'detail' });
      withdraw('share');
      announce(on ? 'You share your screen' : 'Your screen is no longer shared');
    } catch (error) {
      // Who closes the browser's own question has changed their mind.
      if (this.room === room && !isChangedMind(error)) {
        notify('share', shareFailure(error));
      }
    }
    if (this.room === room) {
      this.busy = false;
      this.update();
    }
  }
}

function isChangedMind(error: unknown): boolean {
  return (
    error instanceof DOMException &&
    error.name === 'NotAllowedError' &&
    !/system|policy/i.test(error.message)
  );
}
