// One participant of a scenario: a page with the unmodified SDK that sends what the scenario says,
// and writes down what the browser says of what comes.
import { fileURLToPath } from 'node:url';

const SDK = fileURLToPath(
  new URL('../../node_modules/livekit-client/dist/livekit-client.umd.js', import.meta.url),
);

/**
 * What the camera really sends: two cores encode and decode all of it, so it is a quarter of 1280x720
 * at the rates of 1280x720. Heights are told as if it were that.
 */
export const PICTURE = { width: 640, height: 360, fps: 30, toldFor: 2 };

/** Between two looks at the browser's statistics. */
export const STEP_MS = 200;

/** @typedef {'microphone' | 'camera' | 'layered-camera' | 'screen'} Publishes */

/**
 * @typedef {object} Inbound   counts since the stream began
 * @property {string} track    as `anna/camera`
 * @property {boolean} paused  by the server, as the client was told
 * @property {number} packets
 * @property {number} lost
 * @property {number} repairBytes
 * @property {number} freezes
 * @property {number} freezeMs
 */

/**
 * @typedef {object} Outbound   counts since the stream began
 * @property {string} track
 * @property {number} layer     from 0 up
 * @property {number} height
 * @property {number} bytes     with RTP headers
 * @property {number} packets
 */

/**
 * @typedef {object} Sample
 * @property {number} at        by `Date.now`
 * @property {number} bytes     that have come over the transport, without UDP and IP headers
 * @property {number} packets
 * @property {number} available what the browser estimates that it can send, in bits a second
 * @property {Inbound[]} inbound
 * @property {Outbound[]} outbound
 */

/**
 * @typedef {object} Seen
 * @property {Sample[]} samples
 * @property {Record<string, [number, number][]>} frames   of each track: when, and the height
 * @property {Record<string, string>} names                of tracks by their sids
 */

/**
 * @typedef {object} InPage
 * @property {RTCPeerConnection[]} connections
 * @property {import('livekit-client').Room} [room]
 * @property {Seen} seen
 * @property {Map<string, { name: string, publication: import('livekit-client').TrackPublication }>} tracks
 *   by the ids of their media tracks
 * @property {(track: MediaStreamTrack, name: string) => void} watch
 * @property {() => MediaStreamTrack} film
 * @property {() => Promise<Sample>} look
 * @property {(connection: RTCPeerConnection) => Promise<void>} gathered
 */

/** The page's own things, inside it. @returns {InPage} */
function inPage() {
  return /** @type {{ lab: InPage }} */ (/** @type {unknown} */ (window)).lab;
}

/** Runs in the page before anything else. @param {typeof PICTURE} picture */
function install({ width, height, fps, toldFor }) {
  /** @type {RTCPeerConnection[]} */
  const connections = [];
  window.RTCPeerConnection = class extends RTCPeerConnection {
    /** @param {RTCConfiguration} [configuration] */
    constructor(configuration) {
      super(configuration);
      connections.push(this);
    }
  };
  /** @type {Seen} */
  const seen = { samples: [], frames: {}, names: {} };
  /** @type {InPage['tracks']} */
  const tracks = new Map();

  /** Writes down when each picture comes. @param {MediaStreamTrack} track @param {string} name */
  function watch(track, name) {
    if (track.kind === 'audio') {
      const audio = document.createElement('audio');
      audio.srcObject = new MediaStream([track]);
      document.body.append(audio);
      void audio.play();
      return;
    }
    /** @type {[number, number][]} */
    const frames = (seen.frames[name] ??= []);
    // @ts-ignore: Chromium's own.
    const reader = new MediaStreamTrackProcessor({ track, maxBufferSize: 30 }).readable.getReader();
    void (async () => {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) {
          return;
        }
        frames.push([Date.now(), value.displayHeight * toldFor]);
        value.close();
      }
    })();
  }

  /** Pictures that an encoder spends its whole rate on: a coarse noise that moves. */
  function film() {
    const [canvas, noise] = [document.createElement('canvas'), document.createElement('canvas')];
    Object.assign(canvas, { width, height });
    Object.assign(noise, { width: 2 * width, height: 2 * height });
    const grain = /** @type {CanvasRenderingContext2D} */ (noise.getContext('2d'));
    const cell = 4;
    for (let x = 0; x < noise.width; x += cell) {
      for (let y = 0; y < noise.height; y += cell) {
        const grey = 100 + Math.random() * 60;
        grain.fillStyle = `rgb(${grey}, ${grey}, ${grey})`;
        grain.fillRect(x, y, cell, cell);
      }
    }
    const surface = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    setInterval(() => {
      surface.drawImage(noise, -Math.random() * width, -Math.random() * height);
    }, 1000 / fps);
    const [track] = canvas.captureStream(fps).getVideoTracks();
    if (track === undefined) {
      throw new Error('a canvas gives no pictures');
    }
    const settings = track.getSettings();
    track.getSettings = () => ({ ...settings, width: width * toldFor, height: height * toldFor });
    return track;
  }

  /** @param {any} entry @param {string} key */
  const number = (entry, key) => (typeof entry[key] === 'number' ? entry[key] : 0);

  async function look() {
    /** @type {Sample} */
    const sample = { at: Date.now(), bytes: 0, packets: 0, available: 0, inbound: [], outbound: [] };
    for (const connection of connections) {
      const report = await connection.getStats();
      const localTracks = new Map(
        connection.getTransceivers().map(({ mid, sender }) => [mid, sender.track?.id]),
      );
      report.forEach((entry) => {
        if (entry.type === 'candidate-pair' && entry.nominated) {
          sample.bytes += number(entry, 'bytesReceived');
          sample.packets += number(entry, 'packetsReceived');
          sample.available += number(entry, 'availableOutgoingBitrate');
        } else if (entry.type === 'inbound-rtp') {
          const known = tracks.get(entry.trackIdentifier);
          const remote = /** @type {any} */ (known?.publication.track);
          sample.inbound.push({
            track: known?.name ?? '',
            paused: remote?.streamState === 'paused',
            packets: number(entry, 'packetsReceived'),
            lost: number(entry, 'packetsLost'),
            repairBytes: number(entry, 'retransmittedBytesReceived'),
            freezes: number(entry, 'freezeCount'),
            freezeMs: 1000 * number(entry, 'totalFreezesDuration'),
          });
        } else if (entry.type === 'outbound-rtp') {
          const known = tracks.get(localTracks.get(entry.mid) ?? '');
          sample.outbound.push({
            track: known?.name ?? '',
            layer: Math.max(0, ['q', 'h', 'f'].indexOf(entry.rid)),
            height: number(entry, 'frameHeight') * toldFor,
            bytes: number(entry, 'bytesSent') + number(entry, 'headerBytesSent'),
            packets: number(entry, 'packetsSent'),
          });
        }
      });
    }
    return sample;
  }
  /** @param {RTCPeerConnection} connection */
  async function gathered(connection) {
    while (connection.iceGatheringState !== 'complete') {
      await new Promise((resolve) => {
        connection.addEventListener('icegatheringstatechange', resolve, { once: true });
      });
    }
  }
  Object.assign(window, {
    lab: { connections, seen, tracks, watch, film, look, gathered },
    inPage: () => /** @type {any} */ (window).lab,
  });
}

export class Person {
  /** @param {import('playwright-core').Page} page @param {string} origin @param {string} name */
  constructor(page, origin, name) {
    this.page = page;
    this.origin = origin;
    this.name = name;
  }

  /** @param {import('playwright-core').Browser} browser @param {string} origin @param {string} name */
  static async open(browser, origin, name) {
    const context = await browser.newContext({ viewport: { width: 300, height: 200 } });
    const page = await context.newPage();
    page.on('console', (line) => {
      if (line.type() === 'error') {
        console.error(`${name}: ${line.text()}`);
      }
    });
    await page.addInitScript(install, PICTURE);
    const address = `${origin}/${name}`;
    await page.route(address, (route) =>
      route.fulfill({ contentType: 'text/html', body: '<body></body>' }),
    );
    await page.goto(address);
    await page.addScriptTag({ path: SDK });
    return new Person(page, origin, name);
  }

  /**
   * Joins, publishes, and begins to write down.
   *
   * @param {string} token @param {boolean} subscribes @param {Publishes[]} publishes
   */
  async join(token, subscribes, publishes) {
    await this.page.evaluate(
      async ({ origin, token, subscribes, name }) => {
        const { Room } = /** @type {{ LivekitClient: typeof import('livekit-client') }} */ (
          /** @type {unknown} */ (window)
        ).LivekitClient;
        const lab = inPage();
        const room = new Room({ adaptiveStream: false, dynacast: true, singlePeerConnection: true });
        lab.room = room;
        room.on('trackSubscribed', (track, publication, person) => {
          const of = `${person.identity}/${publication.source === 'screen_share' ? 'screen' : publication.source}`;
          lab.seen.names[publication.trackSid] = of;
          lab.tracks.set(track.mediaStreamTrack.id, { name: of, publication });
          lab.watch(track.mediaStreamTrack, of);
        });
        room.on('localTrackPublished', (publication) => {
          const of = `${name}/${publication.source === 'screen_share' ? 'screen' : publication.source}`;
          lab.tracks.set(publication.track?.mediaStreamTrack.id ?? '', { name: of, publication });
        });
        await room.connect(origin.replace('http', 'ws'), token, { autoSubscribe: subscribes });
      },
      { origin: this.origin, token, subscribes, name: this.name },
    );
    await this.listen();
    for (const what of publishes) {
      await this.publish(what);
    }
  }

  /** Begins to write down what the statistics say. */
  async listen() {
    await this.page.evaluate((step) => {
      const lab = inPage();
      setInterval(async () => lab.seen.samples.push(await lab.look()), step);
    }, STEP_MS);
  }

  /** @param {Publishes} what */
  async publish(what) {
    await this.page.evaluate(
      async ({ what, fps }) => {
        const { VideoPreset } = /** @type {{ LivekitClient: typeof import('livekit-client') }} */ (
          /** @type {unknown} */ (window)
        ).LivekitClient;
        const lab = inPage();
        const local = lab.room?.localParticipant;
        if (what === 'microphone') {
          const [sound] = (await navigator.mediaDevices.getUserMedia({ audio: true })).getAudioTracks();
          const source = /** @type {import('livekit-client').Track.Source} */ ('microphone');
          const audioPreset = { maxBitrate: 32_000 };
          if (sound !== undefined) {
            await local?.publishTrack(sound, { source, dtx: false, red: false, audioPreset });
          }
          return;
        }
        const [isScreen, svc] = [what === 'screen', what === 'layered-camera'];
        const encoding = { maxBitrate: isScreen ? 1_500_000 : 1_700_000, maxFramerate: fps };
        await local?.publishTrack(lab.film(), {
          source: /** @type {import('livekit-client').Track.Source} */ (
            isScreen ? 'screen_share' : 'camera'
          ),
          videoCodec: svc ? 'vp9' : 'vp8',
          simulcast: !svc && !isScreen,
          backupCodec: false,
          scalabilityMode: svc ? 'L3T3_KEY' : undefined,
          videoEncoding: encoding,
          screenShareEncoding: encoding,
          videoSimulcastLayers: [
            new VideoPreset(320, 180, 150_000, fps),
            new VideoPreset(640, 360, 500_000, fps),
          ],
        });
      },
      { what, fps: PICTURE.fps },
    );
  }

  /** Whether pictures are wanted. @param {boolean} wanted */
  async look(wanted) {
    await this.page.evaluate((wanted) => {
      for (const person of inPage().room?.remoteParticipants.values() ?? []) {
        for (const publication of person.videoTrackPublications.values()) {
          publication.setEnabled(wanted);
        }
      }
    }, wanted);
  }

  async leave() {
    await this.page.evaluate(() => inPage().room?.disconnect());
  }

  /** @returns {Promise<Seen>} */
  seen() {
    return this.page.evaluate(() => inPage().seen);
  }
}
