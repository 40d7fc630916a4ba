import { byId } from './dom';
import type { Words } from './words';

export interface JoinRequest {
  name: string;
  room: string;
  camera: boolean;
  microphone: boolean;
}

/** The form in front of the call. */
export class JoinForm {
  private readonly form = byId('join-form', HTMLFormElement);
  private readonly name = byId('name', HTMLInputElement);
  private readonly room = byId('room', HTMLInputElement);
  private readonly camera = byId('start-camera', HTMLInputElement);
  private readonly microphone = byId('start-microphone', HTMLInputElement);
  private readonly submit = byId('join', HTMLButtonElement);
  private readonly problem = byId('join-problem', HTMLElement);

  constructor(initial: { name: string; room: string }, onJoin: (request: JoinRequest) => void) {
    this.name.value = initial.name;
    this.room.value = initial.room;
    this.form.addEventListener('submit', (event) => {
      event.preventDefault();
      const request = this.read();
      if (request !== undefined) {
        onJoin(request);
      }
    });
    for (const input of [this.name, this.room]) {
      input.addEventListener('input', () => mark(input, false));
    }
  }

  /** The request as it stands, or `undefined` with the missing field marked and focused. */
  read(): JoinRequest | undefined {
    const name = this.name.value.trim();
    const room = this.room.value.trim();
    mark(this.name, name === '');
    mark(this.room, room === '');
    if (name === '' || room === '') {
      (name === '' ? this.name : this.room).focus();
      return undefined;
    }
    return {
      name,
      room,
      camera: this.camera.checked,
      microphone: this.microphone.checked,
    };
  }

  focus(): void {
    (this.name.value === '' ? this.name : this.room.value === '' ? this.room : this.submit).focus();
  }

  /** While joining, the form shows so and takes no second request. */
  setBusy(busy: boolean): void {
    this.submit.disabled = busy;
    this.submit.textContent = busy ? 'Joining…' : 'Join';
    if (busy) {
      this.problem.hidden = true;
    }
  }

  showProblem(words: Words): void {
    const title = document.createElement('strong');
    title.textContent = words.title;
    const text = document.createElement('span');
    text.textContent = words.text;
    this.problem.replaceChildren(title, text);
    this.problem.hidden = false;
    this.problem.focus();
  }
}

function mark(input: HTMLInputElement, missing: boolean): void {
  input.setAttribute('aria-invalid', String(missing));
  byId(`${input.id}-hint`, HTMLElement).hidden = !missing;
}
