// A page with nothing on it but one video, sent or received: through the server by `livekit-client`,
// or straight to another page. It tells what the browser's statistics say, and every size seen.
import { fileURLToPath } from 'node:url';
import { eventually } from './poll.mjs';

/** What every page sends, through the server and without it. */
export const PICTURE = { width: 640, height: 360, fps: 30 };
const SDK = fileURLToPath(
  new URL('../../node_modules/livekit-client/dist/livekit-client.umd.js', import.meta.url),
);
/** For the first pictures, on what may be a busy machine. */
const PATIENCE_MS = 60_000;

/** @typedef {'vp8' | 'h264' | 'vp9' | 'av1'} Codec */

/** Bits a second of the largest picture, of all its layers together where they build on each other. */
const BITRATES = { vp8: 800_000, h264: 800_000, vp9: 800_000, av1: 600_000 };
/** Whose layers build on each other, inside one stream. */
const SVC = ['vp9', 'av1'];

/** What every Chromium of these pages needs beside its usual flags. */
export const FLAGS = [
  // The pages are answered by the test; and their addresses are no secret.
  '--disable-features=LocalNetworkAccessChecks,WebRtcHideLocalIpsWithMdns',
  // Below 960x540 it would leave the largest of three encodings out.
  '--force-fieldtrials=WebRTC-LegacySimulcastLayerLimit/Disabled/',
];

/**
 * @typedef {object} Received   counts since the stream began
 * @property {string} mimeType
 * @property {number} packets
 * @property {number} lost
 * @property {number} repaired        packets that came as RTX
 * @property {number} assembled       frames whose packets have all come
 * @property {number} decoded
 * @property {number} keyFrames
 * @property {number} dropped
 * @property {number} freezes
 * @property {number} freezeMs
 * @property {number} keyframeRequests
 * @property {number} nacks
 * @property {number} width
 */

/**
 * @typedef {object} Sent   of one encoding
 * @property {string} rid
 * @property {string} mode      its scalability mode
 * @property {number} frames
 * @property {number} keyFrames
 * @property {number} width
 * @property {string} limited   by what, if it is not as large as it should be
 */

/** @typedef {{ at: number, width: number, height: number }} Size   `at` by `Date.now` */

/**
 * @typedef {object} InPage
 * @property {RTCPeerConnection[]} connections
 * @property {import('livekit-client').Room} [room]
 * @property {Size[]} sizes
 * @property {(track: MediaStreamTrack) => void} show
 * @property {() => Promise<MediaStreamTrack>} film
 * @property {(connection: RTCPeerConnection) => Promise<void>} gathered
 */

/** The page's own things, inside it. @returns {InPage} */
function inPage() {
  return /** @type {{ measured: InPage }} */ (/** @type {unknown} */ (window)).measured;
}

/** Runs in the page before anything else. @param {typeof PICTURE} picture */
function install({ width, height, fps }) {
  /** @type {RTCPeerConnection[]} */
  const connections = [];
  window.RTCPeerConnection = class extends RTCPeerConnection {
    /** @param {RTCConfiguration} [configuration] */
    constructor(configuration) {
      super(configuration);
      connections.push(this);
    }
  };
  /** @type {Size[]} */
  const sizes = [];
  const measured = {
    connections,
    sizes,
    /** @param {MediaStreamTrack} track */
    show(track) {
      const video = document.createElement('video');
      video.muted = true;
      video.srcObject = new MediaStream([track]);
      video.onresize = () =>
        sizes.push({ at: Date.now(), width: video.videoWidth, height: video.videoHeight });
      document.body.append(video);
      void video.play();
    },
    async film() {
      const video = { width, height, frameRate: fps };
      const [track] = (await navigator.mediaDevices.getUserMedia({ video })).getVideoTracks();
      return track;
    },
    /** @param {RTCPeerConnection} connection */
    async gathered(connection) {
      while (connection.iceGatheringState !== 'complete') {
        await new Promise((resolve) => {
          connection.addEventListener('icegatheringstatechange', resolve, { once: true });
        });
      }
    },
  };
  Object.assign(window, { measured, inPage: () => measured });
}

export class VideoPage {
  /** @param {import('playwright-core').Page} page */
  constructor(page) {
    this.page = page;
  }

  /** @param {import('playwright-core').Browser} browser @param {string} origin   the server's */
  static async open(browser, origin) {
    const context = await browser.newContext({ viewport: { width: 700, height: 400 } });
    const page = await context.newPage();
    page.on('console', (line) => {
      if (line.type() === 'error') {
        console.error(`page: ${line.text()}`);
      }
    });
    await page.addInitScript(install, PICTURE);
    const address = `${origin}/measured`;
    const contentType = 'text/html';
    await page.route(address, (route) => route.fulfill({ contentType, body: '<body></body>' }));
    await page.goto(address);
    return new VideoPage(page);
  }

  async close() {
    await this.page.context().close();
  }

  /** Joins a room of the server's. @param {string} origin @param {string} token */
  async join(origin, token) {
    await this.page.addScriptTag({ path: SDK });
    await this.page.evaluate(
      async ({ origin, token }) => {
        const { Room } = /** @type {{ LivekitClient: typeof import('livekit-client') }} */ (
          /** @type {unknown} */ (window)
        ).LivekitClient;
        const room = new Room({ adaptiveStream: false, dynacast: false, singlePeerConnection: true });
        inPage().room = room;
        room.on('trackSubscribed', (track) => inPage().show(track.mediaStreamTrack));
        await room.connect(origin.replace('http', 'ws'), token);
      },
      { origin, token },
    );
  }

  /**
   * Publishes the camera, with three simulcast encodings or three spatial layers.
   *
   * @param {Codec} codec
   */
  async publish(codec) {
    await this.page.evaluate(
      async ({ codec, bitrate, svc, fps }) => {
        const { VideoPreset } = /** @type {{ LivekitClient: typeof import('livekit-client') }} */ (
          /** @type {unknown} */ (window)
        ).LivekitClient;
        const track = await inPage().film();
        if (!svc) {
          // The SDK makes three encodings from 960 pixels on: it is told of twice the size, and
          // scales by halves of what is really there.
          const settings = track.getSettings();
          const [width, height] = [2 * (settings.width ?? 0), 2 * (settings.height ?? 0)];
          track.getSettings = () => ({ ...settings, width, height });
        }
        await inPage().room?.localParticipant.publishTrack(track, {
          source: /** @type {import('livekit-client').Track.Source} */ ('camera'),
          videoCodec: codec,
          simulcast: !svc,
          backupCodec: false,
          scalabilityMode: svc ? 'L3T3_KEY' : undefined,
          videoEncoding: { maxBitrate: bitrate, maxFramerate: fps },
          videoSimulcastLayers: [
            new VideoPreset(320, 180, bitrate >> 3, fps),
            new VideoPreset(640, 360, bitrate >> 2, fps),
          ],
        });
      },
      { codec, bitrate: BITRATES[codec], svc: SVC.includes(codec), fps: PICTURE.fps },
    );
  }

  /** Publishes a microphone. */
  async speak() {
    await this.page.evaluate(() => inPage().room?.localParticipant.setMicrophoneEnabled(true));
  }

  /** Asks the server for less, or more, of the one video. @param {0 | 1 | 2} quality */
  async ask(quality) {
    await this.page.evaluate((quality) => {
      const [person] = Array.from(inPage().room?.remoteParticipants.values() ?? []);
      const [publication] = Array.from(person?.videoTrackPublications.values() ?? []);
      publication?.setVideoQuality(quality);
    }, quality);
  }

  /**
   * Connects two pages without a server and sends the camera of this one, in one encoding, and the
   * microphone of the other.
   *
   * @param {VideoPage} to @param {Codec} codec
   */
  async sendDirectly(to, codec) {
    const offer = await this.page.evaluate(
      async ({ codec, bitrate, mode, fps }) => {
        const connection = new RTCPeerConnection();
        const encoding = { maxBitrate: bitrate, maxFramerate: fps, scalabilityMode: mode };
        const transceiver = connection.addTransceiver(await inPage().film(), {
          direction: 'sendonly',
          sendEncodings: [encoding],
        });
        const codecs = RTCRtpReceiver.getCapabilities('video')?.codecs ?? [];
        const wanted = [codec, 'rtx'].map((name) => `video/${name}`);
        transceiver.setCodecPreferences(
          codecs.filter(({ mimeType }) => wanted.includes(mimeType.toLowerCase())),
        );
        connection.addTransceiver('audio', { direction: 'recvonly' });
        await connection.setLocalDescription();
        await inPage().gathered(connection);
        return connection.localDescription?.sdp ?? '';
      },
      { codec, bitrate: BITRATES[codec], mode: modeOf(codec), fps: PICTURE.fps },
    );
    const answer = await to.page.evaluate(async (sdp) => {
      const connection = new RTCPeerConnection();
      connection.ontrack = ({ track }) => inPage().show(track);
      await connection.setRemoteDescription({ type: 'offer', sdp });
      const sound = await navigator.mediaDevices.getUserMedia({ audio: true });
      for (const track of sound.getAudioTracks()) {
        connection.addTrack(track, sound);
      }
      await connection.setLocalDescription();
      await inPage().gathered(connection);
      return connection.localDescription?.sdp ?? '';
    }, offer);
    await this.page.evaluate(async (sdp) => {
      await inPage().connections.at(-1)?.setRemoteDescription({ type: 'answer', sdp });
    }, answer);
  }

  /** Sends the one encoding of a direct connection smaller, or whole again. @param {0 | 1 | 2} quality */
  async scale(quality) {
    await this.page.evaluate(async (quality) => {
      const sender = inPage().connections.at(-1)?.getSenders()[0];
      const parameters = sender?.getParameters();
      const encoding = parameters?.encodings[0];
      if (sender === undefined || parameters === undefined || encoding === undefined) {
        throw new Error('nothing is sent');
      }
      encoding.scaleResolutionDownBy = 2 ** (2 - quality);
      await sender.setParameters(parameters);
    }, quality);
  }

  /** What has been received of the one video. @returns {Promise<Received | undefined>} */
  async received() {
    const entry = (await this.entries('inbound-rtp'))[0];
    return entry && {
      mimeType: String(entry['mimeType']),
      packets: number(entry, 'packetsReceived'),
      lost: number(entry, 'packetsLost'),
      repaired: number(entry, 'retransmittedPacketsReceived'),
      assembled: number(entry, 'framesReceived'),
      decoded: number(entry, 'framesDecoded'),
      keyFrames: number(entry, 'keyFramesDecoded'),
      dropped: number(entry, 'framesDropped'),
      freezes: number(entry, 'freezeCount'),
      freezeMs: 1000 * number(entry, 'totalFreezesDuration'),
      keyframeRequests: number(entry, 'pliCount') + number(entry, 'firCount'),
      nacks: number(entry, 'nackCount'),
      width: number(entry, 'frameWidth'),
    };
  }

  /** What has been sent, the largest encoding first. @returns {Promise<Sent[]>} */
  async sent() {
    const entries = await this.entries('outbound-rtp');
    const sent = entries.map((entry) => ({
      rid: String(entry['rid'] ?? ''),
      mode: String(entry['scalabilityMode'] ?? ''),
      frames: number(entry, 'framesSent'),
      keyFrames: number(entry, 'keyFramesEncoded'),
      width: number(entry, 'frameWidth'),
      limited: String(entry['qualityLimitationReason'] ?? ''),
    }));
    return sent.sort((a, b) => b.width - a.width);
  }

  /** The sizes of the picture since the page began, each with its time. @returns {Promise<Size[]>} */
  sizes() {
    return this.page.evaluate(() => inPage().sizes);
  }

  /** The frames that the camera has given. */
  async filmed() {
    return number((await this.entries('media-source'))[0] ?? {}, 'frames');
  }

  /** Waits for whole pictures. */
  async showsAll() {
    await eventually(
      `the picture is ${PICTURE.width} wide`,
      () => this.received(),
      (seen) => seen?.width === PICTURE.width,
      PATIENCE_MS,
    );
  }

  /** @param {string} type @returns {Promise<Record<string, unknown>[]>} of video, with its codec */
  entries(type) {
    return this.page.evaluate(async (type) => {
      /** @type {Record<string, unknown>[]} */
      const found = [];
      for (const connection of inPage().connections) {
        const report = await connection.getStats();
        report.forEach((entry) => {
          if (entry.type === type && entry.kind === 'video') {
            found.push({ ...entry, mimeType: report.get(entry.codecId)?.mimeType ?? '' });
          }
        });
      }
      return found;
    }, type);
  }
}

/** Chromium's own choice where nothing is said, said so that both ways are the same. @param {Codec} codec */
function modeOf(codec) {
  if (SVC.includes(codec)) {
    return 'L3T3_KEY';
  }
  return codec === 'vp8' ? 'L1T3' : 'L1T1';
}

/** @param {Record<string, unknown>} entry @param {string} key */
function number(entry, key) {
  const value = entry[key];
  return typeof value === 'number' ? value : 0;
}
