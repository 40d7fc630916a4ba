import type { Room } from 'livekit-client';
import { type Line, ChatLog } from './chat_log';
import { byId } from './dom';
import { announce } from './notices';
import type { Panels } from './panels';
import { displayName } from './tile';
import { label } from './toolbar';

/** The topic under which the client SDKs' own components chat, too. */
const TOPIC = 'lk.chat';

/** Longest message, in characters. Whatever is longer is cut: a stranger may send anything. */
const MAX_LENGTH = 2_000;

/** Highest number on the badge. */
const MOST_UNREAD = 99;

/** The chat of a call: what is written here, and what the others write. */
export class Chat {
  private readonly button = byId('toggle-chat', HTMLButtonElement);
  private readonly form = byId('chat-form', HTMLFormElement);
  private readonly input = byId('chat-input', HTMLTextAreaElement);
  private readonly log = new ChatLog((line) => void this.send(line));
  private readonly panels: Panels;
  private room: Room | undefined;
  private roomName = '';
  private unread = 0;

  constructor(panels: Panels) {
    this.panels = panels;
    this.input.maxLength = MAX_LENGTH;
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.submit();
    });
    this.input.addEventListener('keydown', (event) => {
      // An Enter that ends the composition of a character is not meant for the message.
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.submit();
      }
    });
    this.update();
  }

  /** From now on the chat belongs to `room`, or to none. Another room's chat begins empty. */
  serve(room: Room | undefined): void {
    this.room = room;
    if (room !== undefined && room.name !== this.roomName) {
      this.roomName = room.name;
      this.log.clear();
      this.input.value = '';
    }
    this.markRead();
  }

  /** Listens before the call begins, so that nothing of it is missed. */
  listen(room: Room): void {
    room.registerTextStreamHandler(TOPIC, (reader, { identity }) => {
      const participant = room.remoteParticipants.get(identity);
      const author = participant === undefined ? identity : displayName(participant);
      // A message that breaks off on its way has nothing to show.
      void readBounded(reader).then((text) => this.receive(author, text), () => undefined);
    });
  }

  markRead(): void {
    this.unread = 0;
    this.update();
  }

  private receive(author: string, text: string): void {
    if (text === '') {
      return;
    }
    this.log.add({ author, text, own: false });
    if (!this.panels.isOpen('chat')) {
      this.unread += 1;
      this.update();
      announce(`Message from ${author}: ${text}`);
    }
  }

  private submit(): void {
    const text = this.input.value.trim();
    if (text === '' || this.room === undefined) {
      return;
    }
    this.input.value = '';
    const author = displayName(this.room.localParticipant);
    void this.send(this.log.add({ author, text, own: true }));
  }

  /** Sends a line that the log already shows. */
  private async send(line: Line): Promise<void> {
    this.log.setState(line, 'sending');
    try {
      if (this.room === undefined) {
        throw new Error('the call is over');
      }
      await this.room.localParticipant.sendText(line.text, { topic: TOPIC });
      this.log.setState(line, 'sent');
    } catch (error) {
      console.warn('a message was not sent', error);
      this.log.setState(line, 'failed');
    }
  }

  private update(): void {
    const count = Math.min(this.unread, MOST_UNREAD);
    const news = count === 1 ? '1 unread message' : `${count} unread messages`;
    label(this.button, 'chat', { long: 'Chat', short: 'Chat' });
    this.button.dataset['unread'] = count === 0 ? '' : String(count);
    this.button.setAttribute('aria-label', count === 0 ? 'Chat' : `Chat, ${news}`);
  }
}

/** The text of a message, up to what is shown of one. */
async function readBounded(reader: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const part of reader) {
    text += part;
    if (text.length > MAX_LENGTH) {
      return `${text.slice(0, MAX_LENGTH)}…`;
    }
  }
  return text.trim();
}
