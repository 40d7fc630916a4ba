// A client without an SDK: a browser's peer connection, and signalling written by the test.
import { eventually } from './poll.mjs';

/**
 * @typedef {{ requestResponse?: { reason?: string, message?: string },
 *   answer?: { sdp: string, id?: number }, leave?: { reason?: string, action?: string },
 *   [kind: string]: unknown }} Told
 * @typedef {{ pc: RTCPeerConnection, socket?: WebSocket, told: Told[],
 *   closed?: { code: number, reason: string } }} Inside
 */

export class RawClient {
  /** @param {import('playwright-core').Page} page @param {string} origin */
  constructor(page, origin) {
    this.page = page;
    this.origin = origin;
    this.offers = 0;
  }

  /**
   * A page with a peer connection that wants to receive sound and pictures, or with `sends` to
   * send sound.
   *
   * @param {import('playwright-core').Browser} browser
   * @param {string} origin
   * @param {{ sends?: boolean }} [more]
   */
  static async open(browser, origin, { sends = false } = {}) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${origin}/healthz`);
    await page.evaluate(async (sends) => {
      const pc = new RTCPeerConnection();
      if (sends) {
        const track = new AudioContext().createMediaStreamDestination().stream.getAudioTracks()[0];
        pc.addTransceiver(/** @type {MediaStreamTrack} */ (track), { direction: 'sendonly' });
      } else {
        pc.addTransceiver('audio', { direction: 'recvonly' });
        pc.addTransceiver('video', { direction: 'recvonly' });
      }
      Object.assign(window, { raw: { pc, told: [] } });
    }, sends);
    return new RawClient(page, origin);
  }

  /** Opens the socket that `token` admits to. @param {string} token */
  async join(token) {
    const query = new URLSearchParams({ access_token: token, join_request: '' });
    const url = `${this.origin.replace(/^http/, 'ws')}/rtc/v1?${query}`;
    await this.page.evaluate(async (url) => {
      const { raw } = /** @type {{ raw: Inside }} */ (/** @type {unknown} */ (window));
      const socket = new WebSocket(url);
      raw.socket = socket;
      // The first words are protobuf: the server cannot know yet that we write JSON.
      socket.onmessage = ({ data }) => {
        if (typeof data === 'string') {
          raw.told.push(JSON.parse(data));
        }
      };
      socket.onclose = ({ code, reason }) => (raw.closed = { code, reason });
      await new Promise((resolve, reject) => {
        socket.onopen = resolve;
        socket.onerror = () => reject(new Error('the socket did not open'));
      });
    }, url);
  }

  /** The text of an offer that nothing has been done with yet. */
  createOffer() {
    return this.page.evaluate(async () => {
      const { raw } = /** @type {{ raw: Inside }} */ (/** @type {unknown} */ (window));
      return (await raw.pc.createOffer()).sdp ?? '';
    });
  }

  /** Sends `sdp` as an offer and returns its number. @param {string} sdp */
  async sendOffer(sdp) {
    this.offers += 1;
    await this.send({ offer: { type: 'offer', sdp, id: this.offers } });
    return this.offers;
  }

  /** @param {object} request */
  async send(request) {
    await this.page.evaluate((text) => {
      const { raw } = /** @type {{ raw: Inside }} */ (/** @type {unknown} */ (window));
      raw.socket?.send(text);
    }, JSON.stringify(request));
  }

  /** What the server has said so far, in JSON. @returns {Promise<Told[]>} */
  told() {
    return this.page.evaluate(
      () => /** @type {{ raw: Inside }} */ (/** @type {unknown} */ (window)).raw.told,
    );
  }

  /** The answer to the offer of that number. @param {number} id */
  async answer(id) {
    const told = await eventually(
      `an answer to offer ${id}`,
      () => this.told(),
      (told) => told.some(({ answer }) => answer?.id === id),
    );
    return told.find(({ answer }) => answer?.id === id)?.answer?.sdp ?? '';
  }

  /** Waits until a request is refused in words that fit. @param {RegExp} words */
  async isRefused(words) {
    await eventually(
      `a refusal in words like ${words}`,
      () => this.told(),
      (told) =>
        told.some(
          ({ requestResponse }) =>
            requestResponse?.reason === 'INVALID_REQUEST' && words.test(requestResponse.message ?? ''),
        ),
    );
  }

  /** How the socket was closed; `undefined` while it is open. */
  closed() {
    return this.page.evaluate(
      () => /** @type {{ raw: Inside }} */ (/** @type {unknown} */ (window)).raw.closed,
    );
  }

  /** Connects the media as a browser does: an offer, its answer, ICE, DTLS. */
  async connect() {
    const offer = await this.createOffer();
    await this.page.evaluate(async (sdp) => {
      const { raw } = /** @type {{ raw: Inside }} */ (/** @type {unknown} */ (window));
      await raw.pc.setLocalDescription({ type: 'offer', sdp });
    }, offer);
    const answer = await this.answer(await this.sendOffer(offer));
    await this.page.evaluate(async (sdp) => {
      const { raw } = /** @type {{ raw: Inside }} */ (/** @type {unknown} */ (window));
      await raw.pc.setRemoteDescription({ type: 'answer', sdp });
    }, answer);
    await eventually(
      'the media is connected',
      () => this.connectionState(),
      (state) => state === 'connected',
    );
  }

  connectionState() {
    return this.page.evaluate(
      () => /** @type {{ raw: Inside }} */ (/** @type {unknown} */ (window)).raw.pc.connectionState,
    );
  }

  async close() {
    await this.page.context().close();
  }
}

/** The value of the first `a=NAME:` line. @param {string} sdp @param {string} name */
export function attributeOf(sdp, name) {
  const value = new RegExp(`^a=${name}:(.*?)\r?$`, 'm').exec(sdp)?.[1];
  if (value === undefined) {
    throw new Error(`no a=${name} in ${sdp}`);
  }
  return value;
}
