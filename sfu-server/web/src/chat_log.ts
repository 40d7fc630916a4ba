import { byId, make } from './dom';

/** Most messages kept: the oldest go first. */
const MAX_LINES = 300;

/** How near to its end, in pixels, the list counts as being read there. */
const AT_END = 48;

export interface Message {
  author: string;
  text: string;
  own: boolean;
}

export interface Line extends Message {
  element: HTMLElement;
  note: HTMLElement;
}

export type SendState = 'sending' | 'sent' | 'failed';

const TIME = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

/** The list of messages. Whatever is written in them is text and nothing else. */
export class ChatLog {
  private readonly list = byId('chat-log', HTMLOListElement);
  private readonly empty = byId('chat-empty', HTMLElement);
  private readonly onAgain: (line: Line) => void;
  /** Whether the latest message is being read, and not an older one. */
  private atEnd = true;

  constructor(onAgain: (line: Line) => void) {
    this.onAgain = onAgain;
    this.list.addEventListener('scroll', () => {
      const { scrollHeight, scrollTop, clientHeight } = this.list;
      this.atEnd = scrollHeight - scrollTop - clientHeight < AT_END;
    });
    // Also when the panel is opened.
    new ResizeObserver(() => this.follow()).observe(this.list);
  }

  clear(): void {
    this.list.replaceChildren();
    this.empty.hidden = false;
  }

  /** Shows a message as the latest; the list follows it, unless older ones are being read. */
  add(message: Message): Line {
    const element = make('li', message.own ? 'message own' : 'message');
    const head = make('div', 'message-head');
    const author = make('span', 'message-author', message.own ? 'You' : message.author);
    head.append(author, make('time', 'message-time', TIME.format(new Date())));
    const note = make('div', 'message-note');
    note.hidden = true;
    element.append(head, make('p', 'message-text', message.text), note);
    this.list.append(element);
    while (this.list.childElementCount > MAX_LINES) {
      this.list.firstElementChild?.remove();
    }
    this.empty.hidden = true;
    this.atEnd ||= message.own;
    this.follow();
    return { ...message, element, note };
  }

  private follow(): void {
    if (this.atEnd) {
      this.list.scrollTop = this.list.scrollHeight;
    }
  }

  /** Says of one's own message where it is. */
  setState(line: Line, state: SendState): void {
    line.element.dataset['state'] = state;
    line.note.hidden = state === 'sent';
    if (state === 'failed') {
      const again = make('button', 'again', 'Send again');
      again.type = 'button';
      again.addEventListener('click', () => this.onAgain(line));
      line.note.replaceChildren(make('span', '', 'Not sent.'), ' ', again);
      line.element.scrollIntoView({ block: 'nearest' });
    } else {
      line.note.textContent = 'Sending…';
    }
  }
}
