import { announce } from './notices';
import { byId, make } from './dom';
import { icon } from './icons';

const FEEDBACK_MS = 2500;

/** The link that brings somebody else into the room. */
export function inviteUrl(room: string): string {
  const url = new URL(location.pathname, location.origin);
  url.searchParams.set('room', room);
  return url.toString();
}

/** Wires the invite button: it copies, says so, and where copying is refused shows the link. */
export function wireInvite(currentRoom: () => string): void {
  const button = byId('invite', HTMLButtonElement);
  const fallback = byId('invite-fallback', HTMLElement);
  const shown = byId('invite-url', HTMLInputElement);
  let restore: number | undefined;
  rest(button);

  button.addEventListener('click', () => {
    const url = inviteUrl(currentRoom());
    void copy(url).then((copied) => {
      if (!copied) {
        shown.value = url;
        fallback.hidden = false;
        shown.focus();
        shown.select();
        return;
      }
      fallback.hidden = true;
      announce('Invite link copied');
      window.clearTimeout(restore);
      button.classList.add('done');
      button.replaceChildren(icon('done'), make('span', '', 'Link copied'));
      restore = window.setTimeout(() => {
        button.classList.remove('done');
        rest(button);
      }, FEEDBACK_MS);
    });
  });

  byId('invite-close', HTMLButtonElement).addEventListener('click', () => {
    fallback.hidden = true;
    button.focus();
  });
}

/** The button as it is when nothing has just been copied; a narrow page has room for a word. */
function rest(button: HTMLButtonElement): void {
  button.replaceChildren(
    icon('link'),
    make('span', 'when-wide', 'Copy invite link'),
    make('span', 'when-narrow', 'Invite'),
  );
}

async function copy(text: string): Promise<boolean> {
  try {
    // Absent on plain http pages of other hosts than localhost: that throws, too.
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
