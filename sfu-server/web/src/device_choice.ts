import { Room, RoomEvent, supportsAudioOutputSelection } from 'livekit-client';
import { byId, make } from './dom';
import { keep, recall } from './memory';
import { notify, withdraw } from './notices';
import { choiceFailure } from './words';

const KINDS = ['videoinput', 'audioinput', 'audiooutput'] as const;
type Kind = (typeof KINDS)[number];

const NAMES: Record<Kind, string> = {
  videoinput: 'camera',
  audioinput: 'microphone',
  audiooutput: 'speaker',
};

/** The device that the person chose last time, which may be gone by now. */
function rememberedDevice(kind: Kind): string | undefined {
  return recall(() => localStorage, `call.device.${kind}`) ?? undefined;
}

/** The lists of cameras, microphones and speakers in the settings. */
export class DeviceChoice {
  private room: Room | undefined;
  private known = new Set<string>();
  /** Settled once the present room knows which devices to begin with. */
  ready: Promise<void> = Promise.resolve();

  constructor() {
    byId('speaker-field', HTMLElement).hidden = !supportsAudioOutputSelection();
    for (const kind of KINDS) {
      const list = listOf(kind);
      list.addEventListener('change', () => void this.choose(kind, list.value, true));
    }
    // Absent on plain http pages of other hosts than localhost.
    navigator.mediaDevices?.addEventListener('devicechange', () => void this.refresh());
  }

  /** From now on the choice is for `room`, or for the next one. */
  serve(room: Room | undefined): void {
    this.room = room;
    this.known.clear();
    // Names of devices come with the permission, which the first track asks for.
    room
      ?.on(RoomEvent.LocalTrackPublished, () => void this.refresh())
      .on(RoomEvent.ActiveDeviceChanged, () => void this.refresh());
    this.ready = this.refresh();
  }

  /** Lists what is plugged in; a remembered device that has just come back is taken again. */
  async refresh(): Promise<void> {
    const room = this.room;
    const devices = await Room.getLocalDevices(undefined, false).catch(() => []);
    if (this.room !== room) {
      return;
    }
    const former = this.known;
    this.known = new Set(devices.map(({ kind, deviceId }) => `${kind} ${deviceId}`));
    for (const kind of KINDS) {
      const wanted = rememberedDevice(kind);
      const name = `${kind} ${wanted}`;
      const isNew = this.known.has(name) && !former.has(name);
      if (wanted !== undefined && isNew && room !== undefined && room.getActiveDevice(kind) !== wanted) {
        await this.choose(kind, wanted, false);
      }
      fill(kind, devices.filter((device) => device.kind === kind), room?.getActiveDevice(kind));
    }
  }

  private async choose(kind: Kind, device: string, byPerson: boolean): Promise<void> {
    if (byPerson) {
      keep(() => localStorage, `call.device.${kind}`, device);
    }
    try {
      await this.room?.switchActiveDevice(kind, device);
      withdraw('choice');
    } catch (error) {
      notify('choice', choiceFailure(NAMES[kind], error));
      const active = this.room?.getActiveDevice(kind);
      if (active !== undefined) {
        listOf(kind).value = active;
      }
    }
  }
}

function fill(kind: Kind, devices: MediaDeviceInfo[], active: string | undefined): void {
  const list = listOf(kind);
  // Before the permission a browser says only that there is something.
  const usable = devices.filter(({ deviceId }) => deviceId !== '');
  const options = usable.map(({ deviceId, label }, index) => {
    const option = make('option', '', label || `${capital(NAMES[kind])} ${index + 1}`);
    option.value = deviceId;
    return option;
  });
  if (options.length === 0) {
    options.push(make('option', '', devices.length === 0 ? 'None found' : 'Listed once it is on'));
  }
  list.disabled = usable.length === 0;
  list.replaceChildren(...options);
  const selected = [active, rememberedDevice(kind)].find(
    (id) => id !== undefined && usable.some(({ deviceId }) => deviceId === id),
  );
  if (selected !== undefined) {
    list.value = selected;
  }
}

function listOf(kind: Kind): HTMLSelectElement {
  return byId(`choose-${NAMES[kind]}`, HTMLSelectElement);
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
