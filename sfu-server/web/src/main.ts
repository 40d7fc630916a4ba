import { Call, type Controls } from './call';
import { Chat } from './chat';
import { DeviceChoice } from './device_choice';
import { Devices } from './devices';
import { byId, showView } from './dom';
import { drawNamedIcons } from './icons';
import { rememberName, rememberedName, tabIdentity } from './identity';
import { wireInvite } from './invite';
import { JoinForm, type JoinRequest } from './join_form';
import { detailsShown, showDetails } from './overlay';
import { Panels } from './panels';
import { People } from './people';
import { ScreenShare } from './screen_share';
import { readSettings } from './settings';
import { exposeToTests } from './test_hook';
import { requestToken } from './token';
import { label } from './toolbar';
import { type Words, joinFailure } from './words';

const settings = readSettings(location.search);
const people = new People(
  byId('people', HTMLElement),
  byId('grid', HTMLElement),
  byId('stage', HTMLElement),
);
const panels = new Panels();
const devices = new Devices();
const choice = new DeviceChoice();
const share = new ScreenShare();
const chat = new Chat(panels);
const controls: Controls = {
  serve: (room) => {
    for (const part of [devices, choice, share, chat]) {
      part.serve(room);
    }
  },
  update: () => {
    devices.update();
    share.update();
  },
};
const form = new JoinForm(
  { name: settings.name || rememberedName(), room: settings.room },
  (request) => void join(request),
);
let current: { call: Call; request: JoinRequest } | undefined;
let joining = false;

async function join(request: JoinRequest): Promise<void> {
  if (joining) {
    return;
  }
  joining = true;
  showView('join');
  form.setBusy(true);
  const call = new Call(people, controls, settings, showEnded);
  chat.listen(call.room);
  exposeToTests(call.room);
  try {
    const admission = await requestToken(request.room, request.name, tabIdentity(request.name));
    await call.join(request.room, admission);
    current = { call, request };
    enter(request);
  } catch (error) {
    console.warn('could not join', error);
    showStart();
    form.showProblem(joinFailure(error));
  } finally {
    joining = false;
    form.setBusy(false);
  }
}

function enter(request: JoinRequest): void {
  rememberName(request.name);
  rememberRoomInAddress(request.room);
  byId('room-name', HTMLElement).textContent = request.room;
  document.title = `${request.room} – Call`;
  showView('call');
  byId('invite-fallback', HTMLElement).hidden = true;
  void choice.ready.then(() => {
    for (const device of ['microphone', 'camera'] as const) {
      if (request[device]) {
        void devices.set(device, true);
      }
    }
  });
}

/** A reload, or the address sent to a friend, leads to the same room. */
function rememberRoomInAddress(room: string): void {
  const url = new URL(location.href);
  url.searchParams.set('room', room);
  history.replaceState(null, '', url);
}

function showEnded(words: Words): void {
  byId('ended-title', HTMLElement).textContent = words.title;
  byId('ended-text', HTMLElement).textContent = words.text;
  document.title = 'Call';
  showView('ended');
  byId('join-again', HTMLButtonElement).focus();
}

function showStart(): void {
  document.title = 'Call';
  showView('join');
  form.focus();
}

function wireSettings(): void {
  const details = byId('show-details', HTMLInputElement);
  details.checked = detailsShown();
  details.addEventListener('change', () => showDetails(details.checked));
  panels.onOpened = (name) => {
    if (name === 'chat') {
      chat.markRead();
    } else {
      void choice.refresh();
    }
  };
}

drawNamedIcons();
controls.update();
label(byId('toggle-settings', HTMLButtonElement), 'settings', { long: 'Settings', short: 'Settings' });
label(byId('leave', HTMLButtonElement), 'leave', { long: 'Leave', short: 'Leave' });
wireSettings();
wireInvite(() => current?.request.room ?? settings.room);
byId('leave', HTMLButtonElement).addEventListener('click', () => void current?.call.leave());
byId('to-start', HTMLButtonElement).addEventListener('click', showStart);
byId('join-again', HTMLButtonElement).addEventListener('click', () => {
  if (current !== undefined) {
    void join({ ...current.request, ...devices.wished });
  }
});

showStart();
if (settings.autojoin) {
  const request = form.read();
  if (request !== undefined) {
    void join(request);
  }
}
