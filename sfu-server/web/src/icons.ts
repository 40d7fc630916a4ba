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
  screen: 'M4 5h16a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1zM8 20h8M12 13V8M9.5 10.5L12 8l2.5 2.5',
  screenOff:
    'M4 5h16a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1zM8 20h8M9.5 8l5 5M14.5 8l-5 5',
  chat: 'M5 4h14a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2h-7l-5 4v-4H5a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2zM8 9h8M8 12h5',
  settings:
    'M4 7h9M17 7h3M4 12h3M11 12h9M4 17h7M15 17h5M15 5v4M9 10v4M13 15v4',
  close: 'M6 6l12 12M18 6L6 18',
  send: 'M4 12l16-7-6 15-3-6zM11 14l9-9',
  fullScreen: 'M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5',
  signal3: 'M5 19v-4M12 19V10M19 19V5',
  signal2: 'M5 19v-4M12 19V10M19 19v-.5',
  signal1: 'M5 19v-4M12 19v-.5M19 19v-.5',
  signalLost: 'M5 19v-4M12 19V10M19 19V5M4 4l16 16',
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
