// A client of the Node SDK that a test drives, as client.py is one of the Python SDK: orders in,
// facts out, one JSON object a line; what they are is written there.
//
//     node client.mjs URL TOKEN
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import {
  AudioFrame,
  AudioSource,
  AudioStream,
  DataPacketKind,
  LocalAudioTrack,
  LocalVideoTrack,
  Room,
  RoomEvent,
  TrackKind,
  TrackPublishOptions,
  TrackSource,
  VideoBufferType,
  VideoFrame,
  VideoSource,
  VideoStream,
  dispose,
} from '@livekit/rtc-node';

const WIDTH = 640;
const HEIGHT = 360;
const FPS = 15;
const RATE = 48_000;
/** Sound is given in pieces of 10 ms, as WebRTC takes it. */
const PIECE = RATE / 100;
/** A tenth of a second: its spectrum is exact to 10 Hz. */
const WINDOW = RATE / 10;
/** The highest tone that is looked for. */
const HIGHEST_HERTZ = 2_000;

/** @typedef {[number, number, number]} Colour */
/**
 * @typedef {{ do: string, colours: Colour[], hertz: number, size: number, topic: string,
 *   text: string, to?: string[], reliable?: boolean }} Order
 */

/** @param {string} fact @param {object} [more] */
function tell(fact, more = {}) {
  process.stdout.write(`${JSON.stringify({ fact, ...more })}\n`);
}

/** A test must not wait in vain. @param {unknown} error */
function fail(error) {
  tell('failed', { error: String(error) });
}

/**
 * Tells the colours in the middles of the four quarters of a picture, twice a second.
 *
 * @param {import('@livekit/rtc-node').RemoteTrack} track @param {string} sender
 */
async function readVideo(track, sender) {
  let frames = 0;
  for await (const { frame } of new VideoStream(track)) {
    frames += 1;
    if (frames % Math.floor(FPS / 2) !== 0) {
      continue;
    }
    const { data, width, height } = frame.convert(VideoBufferType.RGB24);
    const colours = [1, 3].flatMap((down) =>
      [1, 3].map((across) => middle(data, width, (width * across) >> 2, (height * down) >> 2)),
    );
    tell('video', { sender, colours, width, height });
  }
}

/**
 * The mean colour of 16 x 16 pixels.
 *
 * @param {Uint8Array} rgb @param {number} width @param {number} x @param {number} y
 */
function middle(rgb, width, x, y) {
  const sum = [0, 0, 0];
  for (let at = 0; at < 256; at += 1) {
    const pixel = 3 * ((y - 8 + (at >> 4)) * width + x - 8 + (at & 15));
    sum.forEach((value, channel) => (sum[channel] = value + (rgb[pixel + channel] ?? 0)));
  }
  return sum.map((value) => Math.round(value / 256));
}

/**
 * Tells the loudest tone and its share of all sound, a few times a second.
 *
 * @param {import('@livekit/rtc-node').RemoteTrack} track @param {string} sender
 */
async function readAudio(track, sender) {
  /** @type {number[]} */
  let heard = [];
  for await (const { data } of new AudioStream(track, RATE, 1)) {
    heard.push(...data);
    if (heard.length >= 3 * WINDOW) {
      tell('audio', { sender, ...loudest(heard.slice(0, WINDOW)) });
      heard = [];
    }
  }
}

/** @param {number[]} samples */
function loudest(samples) {
  const whole = samples.reduce((sum, sample) => sum + sample * sample, 0);
  let best = { hertz: 0, share: 0 };
  for (let hertz = RATE / WINDOW; hertz <= HIGHEST_HERTZ; hertz += RATE / WINDOW) {
    let [real, imaginary] = [0, 0];
    samples.forEach((sample, at) => {
      const angle = (2 * Math.PI * hertz * at) / RATE;
      real += sample * Math.cos(angle);
      imaginary += sample * Math.sin(angle);
    });
    const power = (2 * (real * real + imaginary * imaginary)) / samples.length;
    const share = whole > 0 ? power / whole : 0;
    if (share > best.share) {
      best = { hertz, share };
    }
  }
  return best;
}

/** @param {VideoSource} source @param {Colour[]} colours */
async function show(source, colours) {
  const picture = new Uint8Array(WIDTH * HEIGHT * 4);
  for (let at = 0; at < WIDTH * HEIGHT; at += 1) {
    const right = at % WIDTH >= WIDTH / 2 ? 1 : 0;
    const below = at >= (WIDTH * HEIGHT) / 2 ? 2 : 0;
    picture.set([...(colours[below + right] ?? []), 255], at * 4);
  }
  const frame = new VideoFrame(picture, WIDTH, HEIGHT, VideoBufferType.RGBA);
  for (;;) {
    source.captureFrame(frame);
    await delay(1_000 / FPS);
  }
}

/** @param {AudioSource} source @param {number} hertz */
async function hum(source, hertz) {
  for (let from = 0; ; from += PIECE) {
    const samples = Int16Array.from({ length: PIECE }, (_, at) =>
      Math.round(8_000 * Math.sin((2 * Math.PI * hertz * ((from + at) % RATE)) / RATE)),
    );
    // Waits while enough of it is queued.
    await source.captureFrame(new AudioFrame(samples, RATE, 1, PIECE));
  }
}

/** @param {Room} room @param {Order} order */
async function publish(room, { colours, hertz }) {
  const video = new VideoSource(WIDTH, HEIGHT);
  show(video, colours).catch(fail);
  const audio = new AudioSource(RATE, 1);
  hum(audio, hertz).catch(fail);
  for (const [track, source] of /** @type {const} */ ([
    [LocalVideoTrack.createVideoTrack('colours', video), TrackSource.SOURCE_CAMERA],
    [LocalAudioTrack.createAudioTrack('tone', audio), TrackSource.SOURCE_MICROPHONE],
  ])) {
    await room.localParticipant?.publishTrack(track, new TrackPublishOptions({ source }));
  }
  tell('published');
}

/** @param {Room} room @param {Order} order */
async function obey(room, order) {
  const { topic, to = [], reliable = true } = order;
  switch (order.do) {
    case 'publish':
      await publish(room, order);
      break;
    case 'send': {
      const payload = Uint8Array.from({ length: order.size }, (_, at) => at % 251);
      const options = { reliable, topic, destination_identities: to };
      await room.localParticipant?.publishData(payload, options);
      tell('sent', { topic });
      break;
    }
    case 'text':
      await room.localParticipant?.sendText(order.text, { topic, destinationIdentities: to });
      tell('sent', { topic });
      break;
    case 'leave':
      return false;
  }
  return true;
}

/** @param {Room} room */
function listen(room) {
  room.on(RoomEvent.DataReceived, (payload, participant, kind, topic) => {
    const digest = createHash('sha256').update(payload).digest('hex');
    const reliable = kind === DataPacketKind.KIND_RELIABLE;
    const sender = participant?.identity ?? '';
    tell('data', { sender, topic, size: payload.length, digest, reliable });
  });
  room.on(RoomEvent.TrackSubscribed, (track, _publication, { identity }) => {
    const read = track.kind === TrackKind.KIND_VIDEO ? readVideo : readAudio;
    read(track, identity).catch(fail);
  });
  room.on(RoomEvent.Disconnected, (reason) => tell('left', { reason: String(reason) }));
  room.registerTextStreamHandler('chat', async (reader, { identity }) => {
    tell('text', { sender: identity, topic: reader.info.topic, text: await reader.readAll() });
  });
}

const [url = '', token = ''] = process.argv.slice(2);
const room = new Room();
listen(room);
await room.connect(url, token, { autoSubscribe: true, dynacast: false });
tell('joined', { identity: room.localParticipant?.identity });
for await (const line of createInterface({ input: process.stdin })) {
  if (!(await obey(room, JSON.parse(line)))) {
    break;
  }
}
await room.disconnect();
await dispose();
process.exit(0);
