import {
  ConnectionError,
  ConnectionErrorReason,
  DisconnectReason,
  MediaDeviceFailure,
} from 'livekit-client';

/** What a person is told when something goes wrong, or has come to its end. */
export interface Words {
  title: string;
  text: string;
}

/** A failure whose words are already found. */
export class Refusal extends Error {
  readonly words: Words;

  constructor(words: Words) {
    super(`${words.title}: ${words.text}`);
    this.words = words;
  }
}

/** What the client library puts before the server's own text. */
const CLIENT_PREFIX = /^could not establish signal connection: /;

/** Why the attempt to join has failed. */
export function joinFailure(error: unknown): Words {
  if (error instanceof Refusal) {
    return error.words;
  }
  if (!(error instanceof ConnectionError)) {
    return { title: 'The call could not be joined', text: messageOf(error) };
  }
  switch (error.reason) {
    case ConnectionErrorReason.NotAllowed:
      return refusedByServer(error.message.replace(CLIENT_PREFIX, ''));
    case ConnectionErrorReason.LeaveRequest:
      return ended(error.context as DisconnectReason);
    case ConnectionErrorReason.ServerUnreachable:
      return unreachable();
    case ConnectionErrorReason.Timeout:
      return {
        title: 'The server does not answer',
        text: 'It accepted the connection and then stayed silent. Try again in a moment.',
      };
    default:
      return {
        title: 'The call could not be set up',
        text:
          `${sentence(error.message.replace(CLIENT_PREFIX, ''))} If this goes on, a firewall may be holding back the ` +
          'sound and the pictures (UDP).',
      };
  }
}

/** The server said no, in its own words: an error of its JSON shape, or plain text. */
export function refusedByServer(body: string): Words {
  const title = 'The server refused to let you in';
  try {
    const parsed: unknown = JSON.parse(body);
    const message = (parsed as { error?: { message?: unknown } } | null)?.error?.message;
    if (typeof message === 'string' && message !== '') {
      return { title, text: sentence(message) };
    }
  } catch {
    // Plain text, then.
  }
  return { title, text: sentence(body.trim() || 'It gave no reason') };
}

export function unreachable(): Words {
  return {
    title: 'The server cannot be reached',
    text: 'Check your network connection, then try again.',
  };
}

/** Why the call is over. */
export function ended(reason: DisconnectReason | undefined): Words {
  switch (reason) {
    case DisconnectReason.CLIENT_INITIATED:
      return { title: 'You left the call', text: 'You can come back at any time.' };
    case DisconnectReason.PARTICIPANT_REMOVED:
      return { title: 'You were removed', text: 'The host removed you from the call.' };
    case DisconnectReason.ROOM_DELETED:
    case DisconnectReason.ROOM_CLOSED:
      return { title: 'The room was closed', text: 'The call has ended for everyone.' };
    case DisconnectReason.DUPLICATE_IDENTITY:
      return {
        title: 'You joined somewhere else',
        text: 'The same participant joined from another tab or device, so this one has left.',
      };
    case DisconnectReason.SERVER_SHUTDOWN:
      return {
        title: 'The server is shutting down',
        text: 'It ended the call. Joining again works as soon as it is back.',
      };
    default:
      return {
        title: 'The connection was lost',
        text: 'The page tried to reconnect, without success. Check your network, then join again.',
      };
  }
}

/** Why a camera or a microphone did not start, and what helps. */
export function deviceFailure(device: 'camera' | 'microphone', error: unknown): Words {
  const instead =
    device === 'camera'
      ? 'The others see your initials instead.'
      : 'You hear the others, and they do not hear you.';
  if (navigator.mediaDevices === undefined) {
    return {
      title: `The ${device} cannot be used on this address`,
      text: 'Browsers allow it only on https:// pages and on localhost.',
    };
  }
  switch (MediaDeviceFailure.getFailure(error)) {
    case MediaDeviceFailure.NotFound:
      return { title: `No ${device} was found`, text: `${instead} Plug one in and switch it on below.` };
    case MediaDeviceFailure.PermissionDenied:
      return {
        title: `The ${device} is not allowed`,
        text: `${instead} Allow it for this page in the browser, then switch it on below.`,
      };
    case MediaDeviceFailure.DeviceInUse:
      return {
        title: `The ${device} is busy`,
        text: `Another program is using it. ${instead} Close that program, then switch it on below.`,
      };
    default:
      return { title: `The ${device} did not start`, text: `${sentence(messageOf(error))} ${instead}` };
  }
}

/** The camera or microphone works, yet the server did not take it. */
export function publishFailure(device: 'camera' | 'microphone', error: unknown): Words {
  return {
    title: `Your ${device} is not being sent`,
    text: sentence(messageOf(error)),
  };
}

/** Why another device was not taken. */
export function choiceFailure(device: string, error: unknown): Words {
  return {
    title: `This ${device} cannot be used`,
    text: `${sentence(messageOf(error))} The one before stays in use.`,
  };
}

/** Why one's own screen is not shared. */
export function shareFailure(error: unknown): Words {
  const refused = error instanceof DOMException && error.name === 'NotAllowedError';
  return {
    title: 'Your screen is not being shared',
    text: refused
      ? 'The system does not let the browser record the screen. Allow it in the system’s settings.'
      : sentence(messageOf(error)),
  };
}

export function notAllowedToPublish(): Words {
  return {
    title: 'You are here to watch and listen',
    text: 'Your invitation does not allow sending a camera, a microphone or a screen.',
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error && error.message !== '' ? error.message : 'No reason was given';
}

/** Begins with a capital and ends with a full stop, whatever the server's style is. */
function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
