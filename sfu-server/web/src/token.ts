import { Refusal, refusedByServer, unreachable } from './words';

export interface Admission {
  token: string;
  /** Where the signalling is: the page's own origin unless the server names another. */
  url: string;
}

/** Asks the server for a token that admits `identity` to `room`; throws a `Refusal`. */
export async function requestToken(room: string, name: string, identity: string): Promise<Admission> {
  let status: number;
  let body: string;
  try {
    const response = await fetch('/demo/token', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ room, name, identity }),
    });
    status = response.status;
    body = await response.text();
  } catch {
    throw new Refusal(unreachable());
  }
  if (status === 404) {
    throw new Refusal({
      title: 'This server does not hand out invitations',
      text: 'It runs without its demo mode, so this page cannot join its calls.',
    });
  }
  if (status >= 500) {
    throw new Refusal({
      title: 'The server has a problem',
      text: `It answered with the status ${status}. Try again in a moment.`,
    });
  }
  if (status !== 200) {
    throw new Refusal(refusedByServer(body));
  }
  return readAdmission(body);
}

function readAdmission(body: string): Admission {
  try {
    const { token, url } = JSON.parse(body) as { token?: unknown; url?: unknown };
    if (typeof token === 'string' && token !== '') {
      return { token, url: typeof url === 'string' && url !== '' ? url : ownOrigin() };
    }
  } catch {
    // Told below.
  }
  throw new Refusal({
    title: 'The server gave an answer that this page does not understand',
    text: 'The page and the server may be of different versions. Reload the page.',
  });
}

function ownOrigin(): string {
  return location.origin.replace(/^http/, 'ws');
}
