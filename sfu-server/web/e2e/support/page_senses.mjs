// What reaches a page's SDK: data, and the colours and the tone of others. And what it sends.
import { eventually } from './poll.mjs';

/** @typedef {import('./call_page.mjs').CallPage} CallPage */
/** @typedef {import('./facts.mjs').Data} Data */
/** @typedef {import('./facts.mjs').Text} Text */

/**
 * @typedef {{ heard: { data: Data[], texts: Text[] },
 *   ears: Map<string, { analyser: AnalyserNode, rate: number }> }} Senses
 */

/** Keeps what reaches the page from now on. @param {CallPage} call */
export async function listen(call) {
  await call.page.evaluate(() => {
    const { room } = window.sfuDemo;
    if (room === undefined) {
      throw new Error('no call yet');
    }
    /** @type {Senses['heard']} */
    const heard = { data: [], texts: [] };
    Object.assign(window, { heard, ears: new Map() });
    // The word of the event, as the SDK's `RoomEvent` has it.
    room.on(/** @type {import('livekit-client').RoomEvent.DataReceived} */ ('dataReceived'), (
      payload, participant, kind, topic,
    ) => {
      const at = heard.data.length;
      const sender = participant?.identity ?? '';
      heard.data.push({
        sender, topic: topic ?? '', size: payload.length, digest: '', reliable: kind === 0,
      });
      void crypto.subtle.digest('SHA-256', new Uint8Array(payload)).then((digest) => {
        const bytes = Array.from(new Uint8Array(digest));
        const told = heard.data[at];
        if (told !== undefined) {
          told.digest = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
        }
      });
    });
    room.registerTextStreamHandler('chat', async (reader, { identity }) => {
      const { topic } = reader.info;
      heard.texts.push({ sender: identity, topic, text: await reader.readAll() });
    });
  });
}

/** What has reached the page since [listen]. @param {CallPage} call @returns {Promise<Senses['heard']>} */
export function heard(call) {
  return call.page.evaluate(
    () => /** @type {Senses} */ (/** @type {unknown} */ (window)).heard,
  );
}

/**
 * Waits until such a message has reached the page.
 *
 * @param {CallPage} call @param {Partial<Data>} wanted @param {number} [withinMs]
 */
export async function hasData(call, wanted, withinMs = 60_000) {
  const fits = (/** @type {Data} */ data) =>
    Object.entries(wanted).every(([key, value]) => data[/** @type {keyof Data} */ (key)] === value);
  await eventually(
    `${call.name} hears ${JSON.stringify(wanted)}`,
    async () => (await heard(call)).data,
    (data) => data.some(fits),
    withinMs,
  );
}

/** Waits until such a text has reached the page. @param {CallPage} call @param {Partial<Text>} wanted */
export async function hasText(call, wanted) {
  const fits = (/** @type {Text} */ text) =>
    Object.entries(wanted).every(([key, value]) => text[/** @type {keyof Text} */ (key)] === value);
  await eventually(
    `${call.name} reads ${JSON.stringify(wanted)}`,
    async () => (await heard(call)).texts,
    (texts) => texts.some(fits),
    60_000,
  );
}

/**
 * Sends the [pattern] of that size, `times` times.
 *
 * @param {CallPage} call
 * @param {{ size: number, topic: string, to?: string[], reliable?: boolean, times?: number }} message
 */
export async function sendData(call, { size, topic, to = [], reliable = true, times = 1 }) {
  await call.page.evaluate(
    async ({ size, topic, to, reliable, times }) => {
      const payload = Uint8Array.from({ length: size }, (_, at) => at % 251);
      for (let sent = 0; sent < times; sent += 1) {
        await window.sfuDemo.room?.localParticipant.publishData(payload, {
          reliable, topic, destinationIdentities: to,
        });
      }
    },
    { size, topic, to, reliable, times },
  );
}

/** @param {CallPage} call @param {string} text @param {string[]} [to] */
export async function sendText(call, text, to = []) {
  await call.page.evaluate(
    async ({ text, to }) => {
      const options = { topic: 'chat', destinationIdentities: to };
      await window.sfuDemo.room?.localParticipant.sendText(text, options);
    },
    { text, to },
  );
}

/** Bytes straight into the page's reliable channel, past its SDK. @param {CallPage} call @param {Uint8Array} bytes */
export async function sendRaw(call, bytes) {
  await call.page.evaluate((bytes) => {
    const channels = [0, 1, 2].map((kind) => window.sfuDemo.room?.engine.dataChannelForKind(kind));
    const reliable = channels.find((channel) => channel?.label === '_reliable');
    if (reliable === undefined) {
      throw new Error('no reliable channel');
    }
    reliable.send(Uint8Array.from(bytes));
  }, Array.from(bytes));
}

/**
 * The colours in the middles of the four quarters of somebody's camera; none while there is no
 * picture.
 *
 * @param {CallPage} call @param {string} identity
 * @returns {Promise<number[][]>}
 */
export function colours(call, identity) {
  return call.page.evaluate(async (identity) => {
    const person = window.sfuDemo.room?.remoteParticipants.get(identity);
    const publications = Array.from(person?.videoTrackPublications.values() ?? []);
    const track = publications[0]?.track?.mediaStreamTrack;
    if (track === undefined) {
      return [];
    }
    const video = document.createElement('video');
    video.muted = true;
    video.srcObject = new MediaStream([track]);
    await video.play();
    const { videoWidth: width, videoHeight: height } = video;
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext('2d');
    context?.drawImage(video, 0, 0);
    video.srcObject = null;
    return [1, 3].flatMap((down) =>
      [1, 3].map((across) => {
        const [x, y] = [(width * across) >> 2, (height * down) >> 2];
        const pixels = context?.getImageData(x - 8, y - 8, 16, 16).data ?? new Uint8ClampedArray();
        return [0, 1, 2].map((channel) => {
          const values = pixels.filter((_, at) => at % 4 === channel);
          return Math.round(values.reduce((sum, value) => sum + value, 0) / values.length);
        });
      }),
    );
  }, identity);
}

/**
 * The loudest tone of somebody's microphone and its share of the sound; none while there is none.
 *
 * @param {CallPage} call @param {string} identity
 * @returns {Promise<{ hertz: number, share: number } | undefined>}
 */
export function tone(call, identity) {
  return call.page.evaluate(async (identity) => {
    const { ears } = /** @type {Senses} */ (/** @type {unknown} */ (window));
    const person = window.sfuDemo.room?.remoteParticipants.get(identity);
    const publications = Array.from(person?.audioTrackPublications.values() ?? []);
    const track = publications[0]?.track?.mediaStreamTrack;
    if (track === undefined) {
      return undefined;
    }
    let ear = ears.get(track.id);
    if (ear === undefined) {
      const context = new AudioContext();
      await context.resume();
      const analyser = new AnalyserNode(context, { fftSize: 8192, smoothingTimeConstant: 0 });
      context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
      ear = { analyser, rate: context.sampleRate };
      ears.set(track.id, ear);
    }
    const { analyser, rate } = ear;
    const decibels = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(decibels);
    const powers = decibels.map((value) => 10 ** (value / 10));
    const whole = powers.reduce((sum, power) => sum + power, 0);
    const loudest = powers.indexOf(Math.max(...powers));
    const near = powers.slice(Math.max(0, loudest - 3), loudest + 4);
    return {
      hertz: (loudest * rate) / analyser.fftSize,
      share: whole > 0 ? near.reduce((sum, power) => sum + power, 0) / whole : 0,
    };
  }, identity);
}
