/** The outlines of the page's few icons, drawn on a 24 x 24 grid. */
const PATHS = {
  microphone:
    'M12 3a3 3 0 0 0-3 3v6a3 3 0 0 0 6 0V6a3 3 0 0 0-3-3zM6 11v1a6 6 0 0 0 12 0v-1M12 18v3',
  microphoneOff:
    'M9 9v3a3 3 0 0 0 4.6 2.5M15 11.5V6a3 3 0 0 0-5.8-1M6 11v1a6 6 0 0 0 9.5 4.9M18 11v1c0 .6-.1 1.2-.3 1.7M12 18v3M4 4l16 16',
  camera: 'M4 7h9a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2H4a1 1 0 0 1-1-1V8a1 1 0 0 1 1-1zM15 11l6-3.5v9L15 13',
  cameraOff:
    'M10 7h3a2 2 0 0 1 2 2v3M14.5 16.3A2 2 0 0 1 13 17H4a1 1 0 0 1-1-1V8a1 1 0 0 1 1-1h1M15 11l6-3.5v9L17.5 14.5M4 4l16 16',
  leave:
    'M3.5 14.5c-.7-1.8.2-3.6 2-4.4 4-1.8 9-1.8 13 0 1.8.8 2.7 2.6 2 4.4l-.4 1-4.3-1.2v-2.6c-2.4-.7-5.2-.7-7.6 0v2.6L3.9 15.5z',
  link: 'M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1',
  done: 'M5 12.5l4.5 4.5L19 7.5',
} as const;

export type IconName = keyof typeof PATHS;

/** Draws an icon. It is decoration: the words beside it, or the label, carry the meaning. */
export function icon(name: IconName): SVGSVGElement {
  const namespace = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(namespace, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  svg.classList.add('icon');
  const path = document.createElementNS(namespace, 'path');
  path.setAttribute('d', PATHS[name]);
  svg.append(path);
  return svg;
}

/** Puts the icons into the buttons that name one in `data-icon`. */
export function drawNamedIcons(): void {
  for (const element of document.querySelectorAll<HTMLElement>('[data-icon]')) {
    element.prepend(icon(element.dataset['icon'] as IconName));
  }
}
