import { make } from './dom';
import { type IconName, icon } from './icons';

export interface Label {
  /** What pressing does, as on a wide page and for those who do not see it. */
  long: string;
  /** One word of it, for a narrow page. */
  short: string;
}

/** Writes a button of the toolbar. */
export function label(button: HTMLButtonElement, name: IconName, { long, short }: Label): void {
  button.setAttribute('aria-label', long);
  button.replaceChildren(
    icon(name),
    make('span', 'label-long', long),
    make('span', 'label-short', short),
  );
}
