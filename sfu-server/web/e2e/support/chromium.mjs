// The browser of the tests: the system's Chromium, headless, with its fake camera and microphone.
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required',
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
  // A machine may have no other interface than `lo`.
  '--allow-loopback-in-peer-connection',
];

/**
 * Starts Chromium on an empty profile, which it forgets when it closes.
 *
 * @param {{ cameras?: number, fps?: number, within?: (program: string) => string, flags?: string[] }} [more]
 *   how many fake cameras there are and how fast, and `within`, which gives the path of a program
 *   that starts the one named elsewhere
 */
export function launchChromium(more = {}) {
  const { cameras = 1, fps = 30, within = (program) => program, flags = [] } = more;
  // The fake device runs at 20 frames per second unless told otherwise.
  const devices = `--use-fake-device-for-media-stream=fps=${fps},device-count=${cameras}`;
  const args = [...FLAGS, devices, ...flags];
  return chromium.launch({ executablePath: within(chromiumPath()), headless: true, args });
}

function chromiumPath() {
  const named = process.env.CHROMIUM;
  if (named !== undefined && named !== '') {
    return named;
  }
  const found = ['/usr/lib/chromium/chromium', '/usr/bin/chromium'].find((path) =>
    existsSync(path),
  );
  if (found === undefined) {
    throw new Error('no Chromium found: install the package `chromium`, or set CHROMIUM to its path');
  }
  return found;
}
