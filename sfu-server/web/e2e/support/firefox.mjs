// Firefox ESR, headless, with its fake camera and microphone, driven over WebDriver BiDi.
import { existsSync } from 'node:fs';
import puppeteer from 'puppeteer-core';
import { CallPage, instrument } from './call_page.mjs';

const PREFERENCES = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  // Names of mDNS would have to be resolved, which no test machine does.
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.autoplay.default': 0,
  'datareporting.policy.dataSubmissionEnabled': false,
  'app.update.disabledForTesting': true,
};

/** Starts Firefox on an empty profile, which it forgets when it closes. */
export function launchFirefox() {
  return puppeteer.launch({
    browser: 'firefox',
    executablePath: firefoxPath(),
    headless: true,
    extraPrefsFirefox: PREFERENCES,
    timeout: 60_000,
  });
}

/**
 * As `CallPage.open`, in Firefox. What needs Playwright's own page (buttons by their role, the
 * count of closed sockets) is not there.
 *
 * @param {import('puppeteer-core').Browser} browser
 * @param {string} origin
 * @param {import('./call_page.mjs').Options} options
 */
export async function openInFirefox(browser, origin, options) {
  const page = await browser.newPage();
  await page.setViewport({ width: 1280, height: 800 });
  const { nat } = options;
  await page.evaluateOnNewDocument(instrument, {
    nat: nat && { address: nat.address, port: nat.port },
  });
  const asked = /** @type {import('playwright-core').Page} */ (/** @type {unknown} */ (page));
  const call = new CallPage(asked, options.name);
  await page.goto(CallPage.address(origin, options), { waitUntil: 'load' });
  return call;
}

function firefoxPath() {
  const named = process.env.FIREFOX;
  if (named !== undefined && named !== '') {
    return named;
  }
  const found = ['/usr/bin/firefox-esr', '/usr/bin/firefox'].find((path) => existsSync(path));
  if (found === undefined) {
    throw new Error(
      'no Firefox found: install the package `firefox-esr`, or set FIREFOX to its path',
    );
  }
  return found;
}
