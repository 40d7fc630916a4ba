/** Finds an element that the page's own markup promises. */
export function byId<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) {
    throw new Error(`the page has no ${type.name} with the id ${id}`);
  }
  return found;
}

/** Makes an element with a class and, where given, a text. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  text?: string,
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  element.className = className;
  if (text !== undefined) {
    element.textContent = text;
  }
  return element;
}

export type View = 'join' | 'call' | 'ended';

/** Shows one of the three views and hides the others. */
export function showView(view: View): void {
  for (const name of ['join', 'call', 'ended'] as const) {
    byId(`${name}-view`, HTMLElement).hidden = name !== view;
  }
}
