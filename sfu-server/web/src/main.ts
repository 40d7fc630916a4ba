import { Call } from './call';
import { Devices } from './devices';
import { byId, showView } from './dom';
import { Grid } from './grid';
import { drawNamedIcons } from './icons';
import { rememberName, rememberedName, tabIdentity } from './identity';
import { wireInvite } from './invite';
import { JoinForm, type JoinRequest } from './join_form';
import { readSettings } from './settings';
import { exposeToTests } from './test_hook';
import { requestToken } from './token';
import { type Words, joinFailure } from './words';

const settings = readSettings(location.search);
const grid = new Grid(byId('grid', HTMLElement));
const devices = new Devices();
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
  const call = new Call(grid, devices, settings, showEnded);
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
  for (const device of ['microphone', 'camera'] as const) {
    if (request[device]) {
      void devices.set(device, true);
    }
  }
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

drawNamedIcons();
devices.update();
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
