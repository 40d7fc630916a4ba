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
 * @param {{ fps?: number }} [device]   of the fake camera, which runs at 20 unless told otherwise
 */
export function launchChromium({ fps = 30 } = {}) {
  const args = [...FLAGS, `--use-fake-device-for-media-stream=fps=${fps}`];
  return chromium.launch({ executablePath: chromiumPath(), headless: true, args });
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
