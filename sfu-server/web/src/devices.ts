import { DeviceUnsupportedError, LivekitError, type LocalParticipant, type Room } from 'livekit-client';
import { byId } from './dom';
import { notify, withdraw } from './notices';
import { label } from './toolbar';
import { deviceFailure, notAllowedToPublish, publishFailure } from './words';

export type Device = 'camera' | 'microphone';

const LABELS = {
  camera: {
    on: { long: 'Stop camera', short: 'Camera' },
    off: { long: 'Start camera', short: 'Camera' },
  },
  microphone: { on: { long: 'Mute', short: 'Mute' }, off: { long: 'Unmute', short: 'Unmute' } },
} as const;

/** The two buttons of the toolbar that switch one's own camera and microphone. */
export class Devices {
  private room: Room | undefined;
  private readonly busy = new Set<Device>();
  /** The last choice made in a call: who had muted does not come back with an open microphone. */
  readonly wished: Partial<Record<Device, boolean>> = {};

  constructor() {
    for (const device of ['camera', 'microphone'] as const) {
      button(device).addEventListener('click', () => {
        if (this.room !== undefined) {
          void this.set(device, !isOn(this.room.localParticipant, device));
        }
      });
    }
  }

  /** From now on the buttons belong to `room`, or to none. */
  serve(room: Room | undefined): void {
    this.room = room;
    this.busy.clear();
    this.update();
  }

  /** Switches a device. A failure is told in a notice, and the call goes on without the device. */
  async set(device: Device, on: boolean): Promise<void> {
    const room = this.room;
    if (room === undefined || this.busy.has(device)) {
      return;
    }
    this.wished[device] = on;
    if (on && room.localParticipant.permissions?.canPublish === false) {
      notify(device, notAllowedToPublish());
      return;
    }
    this.busy.add(device);
    this.update();
    try {
      const own = room.localParticipant;
      await (device === 'camera' ? own.setCameraEnabled(on) : own.setMicrophoneEnabled(on));
      withdraw(device);
    } catch (error) {
      // A call that has ended meanwhile has more important words to say.
      if (this.room === room) {
        notify(device, wordsFor(device, error));
      }
    }
    if (this.room === room) {
      this.busy.delete(device);
      this.update();
    }
  }

  update(): void {
    for (const device of ['camera', 'microphone'] as const) {
      const on = this.room !== undefined && isOn(this.room.localParticipant, device);
      const element = button(device);
      element.dataset['on'] = String(on);
      element.setAttribute('aria-busy', String(this.busy.has(device)));
      label(element, on ? device : `${device}Off`, LABELS[device][on ? 'on' : 'off']);
    }
  }
}

function button(device: Device): HTMLButtonElement {
  return byId(`toggle-${device}`, HTMLButtonElement);
}

function isOn(own: LocalParticipant, device: Device): boolean {
  return device === 'camera' ? own.isCameraEnabled : own.isMicrophoneEnabled;
}

function wordsFor(device: Device, error: unknown) {
  const refusedByRoom = error instanceof LivekitError && !(error instanceof DeviceUnsupportedError);
  return refusedByRoom ? publishFailure(device, error) : deviceFailure(device, error);
}
