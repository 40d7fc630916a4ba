import { byId, make } from './dom';
import type { Words } from './words';

/** A notice is known by its key: a second one with the same key takes the first one's place. */
type Key = 'camera' | 'microphone' | 'share' | 'choice' | 'connection' | 'sound';

interface Action {
  label: string;
  run: () => void;
}

/** Shows a notice above the tiles. It stays until dismissed, answered or withdrawn. */
export function notify(key: Key, words: Words, action?: Action): void {
  const notice = make('div', 'notice');
  notice.dataset['key'] = key;
  const text = make('p', 'notice-text');
  text.append(make('strong', '', words.title), ' ', make('span', '', words.text));
  notice.append(text);

  // A lost connection is no news to be dismissed: it goes when the connection is back.
  if (key !== 'connection') {
    const button = make('button', 'quiet', action?.label ?? 'Dismiss');
    button.type = 'button';
    button.addEventListener('click', () => {
      notice.remove();
      action?.run();
    });
    notice.append(button);
  }

  const area = byId('notices', HTMLElement);
  const former = find(key);
  if (former === null) {
    area.append(notice);
  } else {
    former.replaceWith(notice);
  }
}

export function withdraw(key: Key): void {
  find(key)?.remove();
}

export function withdrawAll(): void {
  byId('notices', HTMLElement).replaceChildren();
}

/** Says something to those who cannot see the tiles change. */
export function announce(text: string): void {
  byId('announcer', HTMLElement).textContent = text;
}

function find(key: Key): Element | null {
  return document.querySelector(`.notice[data-key="${key}"]`);
}
