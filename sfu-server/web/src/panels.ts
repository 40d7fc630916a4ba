import { byId } from './dom';

type Name = 'chat' | 'settings';

const NAMES = ['chat', 'settings'] as const;

/** The panels beside the tiles, of which one at most is open; each has a button in the toolbar. */
export class Panels {
  private open: Name | undefined;
  /** Called when a panel has been opened. */
  onOpened: (name: Name) => void = () => undefined;

  constructor() {
    for (const name of NAMES) {
      button(name).addEventListener('click', () => this.toggle(name));
      byId(`${name}-close`, HTMLButtonElement).addEventListener('click', () => this.close());
      panel(name).addEventListener('keydown', (event) => {
        if (event.key === 'Escape') {
          this.close();
        }
      });
    }
    this.draw();
  }

  isOpen(name: Name): boolean {
    return this.open === name;
  }

  close(): void {
    const former = this.open;
    this.open = undefined;
    this.draw();
    if (former !== undefined) {
      button(former).focus();
    }
  }

  private toggle(name: Name): void {
    if (this.open === name) {
      this.close();
      return;
    }
    this.open = name;
    this.draw();
    const first = panel(name).querySelector<HTMLElement>('[data-first]');
    first?.focus();
    this.onOpened(name);
  }

  private draw(): void {
    for (const name of NAMES) {
      panel(name).hidden = this.open !== name;
      button(name).setAttribute('aria-expanded', String(this.open === name));
    }
  }
}

function panel(name: Name): HTMLElement {
  return byId(`${name}-panel`, HTMLElement);
}

function button(name: Name): HTMLButtonElement {
  return byId(`toggle-${name}`, HTMLButtonElement);
}
