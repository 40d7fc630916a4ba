// A demo page in a browser window of its own, and the questions the tests ask it.
import { eventually } from './poll.mjs';

/** @typedef {import('../../src/stats.js').CallStats} CallStats */

/**
 * @typedef {object} Options
 * @property {string} room
 * @property {string} name
 * @property {string} [token]     the token that the page is given instead of the demo's own
 * @property {{ address: string, port: number }} [nat]   where media goes instead of to the server
 * @property {Record<string, string>} [query]   further words of the page's address
 * @property {() => void} [before]   runs in the page before its own scripts
 */

/**
 * Runs in the page before anything else: keeps the connections that the page opens, so that a test
 * can misbehave on one of them, and sends media to the NAT if there is one.
 *
 * @param {{ nat?: { address: string, port: number } }} with
 */
export function instrument({ nat }) {
  /** @type {WebSocket[]} */
  const sockets = [];
  /** @type {RTCPeerConnection[]} */
  const connections = [];
  Object.assign(window, { openedSockets: sockets, openedConnections: connections });
  window.RTCPeerConnection = class extends RTCPeerConnection {
    /** @param {RTCConfiguration} [configuration] */
    constructor(configuration) {
      super(configuration);
      connections.push(this);
    }

    /** @override @param {RTCSessionDescriptionInit} description */
    async setRemoteDescription(description) {
      let { sdp, type } = description;
      if (nat) {
        const line = `a=candidate:1 1 udp 2130706431 ${nat.address} ${nat.port} typ host`;
        sdp = sdp?.replace(/^a=candidate:.*$/gm, line);
      }
      await super.setRemoteDescription({ type, sdp: sdp ?? '' });
    }
  };
  window.WebSocket = class extends WebSocket {
    /** @param {string | URL} url @param {string | string[]} [protocols] */
    constructor(url, protocols) {
      super(url, protocols);
      sockets.push(this);
    }
  };
}

export class CallPage {
  /** @param {import('playwright-core').Page} page @param {string} name */
  constructor(page, name) {
    this.page = page;
    this.name = name;
    /** The signalling connections that have been closed, by either side. */
    this.closedSockets = 0;
    page.on('websocket', (socket) => socket.on('close', () => (this.closedSockets += 1)));
  }

  /**
   * Opens the page in a context of its own (two tabs of one window would hide each other) and
   * joins by itself.
   *
   * @param {import('playwright-core').Browser} browser
   * @param {string} origin
   * @param {Options} options
   */
  static async open(browser, origin, { room, name, token, nat, query, before }) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    await page.addInitScript(instrument, { nat: nat && { address: nat.address, port: nat.port } });
    if (token !== undefined) {
      await page.route('**/demo/token', (route) => route.fulfill({ json: { token } }));
    }
    if (before !== undefined) {
      await page.addInitScript(before);
    }
    const call = new CallPage(page, name);
    await page.goto(CallPage.address(origin, { room, name, query }));
    return call;
  }

  /**
   * The page's address, which joins by itself.
   *
   * @param {string} origin
   * @param {Options} options
   */
  static address(origin, { room, name, query }) {
    const words = new URLSearchParams({
      autojoin: '1',
      room,
      name,
      fps: '15',
      width: '640',
      height: '360',
      ...query,
    });
    return `${origin}/?${words}`;
  }

  /** Waits until the page is in the call. */
  async joined() {
    await this.view('call');
    return this;
  }

  /** @param {'join' | 'call' | 'ended'} view */
  async view(view, withinMs = 15_000) {
    await eventually(
      `${this.name} shows the ${view} view`,
      () => this.visibleText(),
      (seen) => seen.view === view,
      withinMs,
    );
  }

  /** Which view is shown, and the words on it. */
  visibleText() {
    return this.page.evaluate(() => {
      const shown = ['join', 'call', 'ended'].find(
        (name) => document.getElementById(`${name}-view`)?.hidden === false,
      );
      return { view: shown, text: shown && document.getElementById(`${shown}-view`)?.innerText };
    });
  }

  /** Waits for words that a person can read on the page. @param {RegExp} pattern */
  async says(pattern, withinMs = 15_000) {
    await eventually(
      `${this.name}'s page says ${pattern}`,
      () => this.visibleText(),
      ({ text }) => pattern.test(text ?? ''),
      withinMs,
    );
  }

  /** @returns {Promise<string>} */
  identity() {
    return this.page.evaluate(() => window.sfuDemo.room?.localParticipant.identity ?? '');
  }

  /** @returns {Promise<string[]>} the states the connection went through */
  history() {
    return this.page.evaluate(() => window.sfuDemo.history);
  }

  /** @returns {Promise<CallStats>} */
  stats() {
    return this.page.evaluate(() => window.sfuDemo.stats());
  }

  /** What one sees of the tiles, sorted by identity. */
  tiles() {
    return this.page.evaluate(() =>
      Array.from(document.querySelectorAll('.tile'), (element) => {
        const tile = /** @type {HTMLElement} */ (element);
        const mark = /** @type {HTMLElement} */ (tile.querySelector('.muted-mark'));
        return {
          identity: tile.dataset.identity ?? '',
          name: tile.querySelector('.tile-name')?.textContent ?? '',
          camera: tile.dataset.camera ?? '',
          markedMuted: mark.offsetParent !== null,
        };
      }).sort((a, b) => a.identity.localeCompare(b.identity)),
    );
  }

  /** @param {string} identity */
  async tile(identity) {
    return (await this.tiles()).find((tile) => tile.identity === identity);
  }

  /**
   * Waits until the page shows exactly these participants' tiles.
   *
   * @param {string[]} identities
   */
  async showsExactly(identities, withinMs = 15_000) {
    const wanted = JSON.stringify([...identities].sort((a, b) => a.localeCompare(b)));
    await eventually(
      `${this.name} shows exactly ${wanted}`,
      async () => (await this.tiles()).map((tile) => tile.identity),
      (seen) => JSON.stringify(seen) === wanted,
      withinMs,
    );
  }

  /**
   * Waits until this page has decoded more video of each of `identities` than when it was asked,
   * and, with `sound`, has received more sound.
   *
   * @param {string[]} identities
   * @param {{ withinMs?: number, sound?: boolean }} [more]
   */
  async receivesFrom(identities, { withinMs = 10_000, sound = true } = {}) {
    const before = await this.stats();
    await eventually(
      `${this.name} receives ${sound ? 'video and sound' : 'video'} from ${identities}`,
      async () => {
        const { participants } = await this.stats();
        return identities.map((identity) => {
          const earlier = before.participants[identity];
          const now = participants[identity];
          return {
            identity,
            frames: (now?.framesDecoded ?? 0) - (earlier?.framesDecoded ?? 0),
            energy: (now?.audioEnergy ?? 0) - (earlier?.audioEnergy ?? 0),
          };
        });
      },
      (seen) => seen.every(({ frames, energy }) => frames > 0 && (!sound || energy > 0)),
      withinMs,
    );
  }

  /** Presses one of the page's buttons, as a person would. @param {string} label */
  async press(label) {
    await this.page.getByRole('button', { name: label, exact: true }).click();
  }

  /** @param {string} path */
  async screenshot(path) {
    await this.page.screenshot({ path });
  }

  async close() {
    await this.page.context().close();
  }
}
