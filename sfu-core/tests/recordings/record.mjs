// Records the RTP that Chromium publishes, one file for each codec and mode: see README.md.
//
//     npm install && node record.mjs [name ...]
//
// A page publishes its fake camera or microphone to a peer connection of `werift` in this process,
// which decrypts. Written down is each packet as it came, its payload cut to what a forwarder reads.
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RTCPeerConnection, RTCRtpCodecParameters, RTCRtpHeaderExtensionParameters } from 'werift';
import { launchChromium } from '../../../sfu-server/web/e2e/support/chromium.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));

/** Bytes of each payload that are kept: the descriptors, the parameter sets, the first header. */
const KEPT_PAYLOAD = 40;

/** The path is this machine: no layer is to be missing because the estimate has not risen yet. */
const keepRate = (kbps) => `x-google-min-bitrate=${kbps};x-google-start-bitrate=${kbps}`;

const SDES = 'urn:ietf:params:rtp-hdrext:sdes:';
const HDREXT = 'http://www.webrtc.org/experiments/rtp-hdrext/';
const DESCRIPTOR =
  'https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension';

const ABS_SEND_TIME = `${HDREXT}abs-send-time`;
const TRANSPORT_CC =
  'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01';

/** The header extensions that are agreed on, and the numbers that Chromium gives them. */
const EXTENSIONS = {
  audio: {
    'urn:ietf:params:rtp-hdrext:ssrc-audio-level': 1,
    [ABS_SEND_TIME]: 2,
    [TRANSPORT_CC]: 3,
    [`${SDES}mid`]: 4,
  },
  video: {
    [ABS_SEND_TIME]: 2,
    'urn:3gpp:video-orientation': 3,
    [TRANSPORT_CC]: 4,
    [`${SDES}mid`]: 9,
    [`${SDES}rtp-stream-id`]: 10,
    [`${SDES}repaired-rtp-stream-id`]: 11,
    [DESCRIPTOR]: 13,
  },
};

const CODECS = {
  VP8: { mimeType: 'video/VP8', payloadType: 96 },
  VP9: { mimeType: 'video/VP9', payloadType: 98, parameters: 'profile-id=0' },
  AV1: { mimeType: 'video/AV1', payloadType: 45 },
  H264: {
    mimeType: 'video/H264',
    payloadType: 109,
    parameters: 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f',
  },
};

const RIDS = ['q', 'h', 'f'];

/** One encoding, with temporal layers at most. */
const video = (codec, scalabilityMode, more = {}) => ({
  codec,
  descriptor: true,
  width: 320,
  height: 180,
  millis: 2500,
  encodings: [{ scalabilityMode, maxBitrate: 400_000 }],
  ...more,
});

/** Three of anything: Chromium makes no spatial layer and no encoding smaller than 240x135. */
const spatial = (codec, scalabilityMode, more = {}) =>
  video(codec, scalabilityMode, {
    width: 960,
    height: 540,
    encodings: [{ scalabilityMode, maxBitrate: 900_000 }],
    ...more,
  });

const simulcast = (codec, scalabilityMode, more = {}) =>
  spatial(codec, scalabilityMode, {
    encodings: RIDS.map((rid, at) => ({
      rid,
      scalabilityMode,
      scaleResolutionDownBy: 4 >> at,
      maxBitrate: [100_000, 200_000, 400_000][at],
    })),
    ...more,
  });

const plain = { descriptor: false };

const MODES = {
  vp8_simulcast_l1t3: simulcast('VP8', 'L1T3'),
  vp8_simulcast_l1t3_plain: simulcast('VP8', 'L1T3', plain),
  vp8_l1t1: video('VP8', 'L1T1'),
  vp8_l1t2: video('VP8', 'L1T2'),
  vp8_l1t3: video('VP8', 'L1T3'),
  vp8_l1t3_plain: video('VP8', 'L1T3', plain),
  h264_simulcast_l1t3: simulcast('H264', 'L1T3'),
  h264_simulcast_plain: simulcast('H264', 'L1T1', plain),
  h264_l1t1_plain: video('H264', 'L1T1', plain),
  h264_l1t3: video('H264', 'L1T3'),
  vp9_simulcast_l1t3: simulcast('VP9', 'L1T3'),
  vp9_l1t2: video('VP9', 'L1T2'),
  vp9_l1t3_plain: video('VP9', 'L1T3', plain),
  vp9_l2t2_key: spatial('VP9', 'L2T2_KEY'),
  vp9_l3t3: spatial('VP9', 'L3T3'),
  vp9_l3t3_plain: spatial('VP9', 'L3T3', plain),
  vp9_l3t3_key: spatial('VP9', 'L3T3_KEY'),
  vp9_l3t3_key_plain: spatial('VP9', 'L3T3_KEY', plain),
  vp9_s2t1: spatial('VP9', 'S2T1'),
  vp9_s3t3: spatial('VP9', 'S3T3'),
  vp9_s3t3_plain: spatial('VP9', 'S3T3', plain),
  av1_simulcast_l1t3: simulcast('AV1', 'L1T3'),
  av1_l1t1: video('AV1', 'L1T1'),
  av1_l1t2: video('AV1', 'L1T2'),
  av1_l1t3: video('AV1', 'L1T3'),
  av1_l2t1: spatial('AV1', 'L2T1'),
  av1_l2t2: spatial('AV1', 'L2T2'),
  av1_l2t2_key: spatial('AV1', 'L2T2_KEY'),
  av1_l3t3: spatial('AV1', 'L3T3'),
  av1_l3t3_key: spatial('AV1', 'L3T3_KEY'),
  av1_s2t1: spatial('AV1', 'S2T1'),
  av1_s2t3: spatial('AV1', 'S2T3'),
  // Chromium 156 sends no picture when all three are on: the rate is enough for two.
  av1_s3t3: spatial('AV1', 'S3T3', { rate: 450 }),
  av1_l3t3_key_shrinks: spatial('AV1', 'L3T3_KEY', { laterBitrate: 150_000 }),
  vp9_l3t3_key_shrinks: spatial('VP9', 'L3T3_KEY', { laterBitrate: 150_000 }),
  opus: { millis: 3000 },
  opus_red: { millis: 3000, red: true },
  opus_dtx: { millis: 3000, dtx: true },
};

function codecs(mode) {
  if (mode.codec === undefined) {
    const opus = { mimeType: 'audio/opus', clockRate: 48000, channels: 2 };
    const all = [{ ...opus, payloadType: 111, parameters: 'minptime=10;useinbandfec=1' }];
    if (mode.red) {
      all.unshift({ ...opus, mimeType: 'audio/red', payloadType: 63, parameters: '111/111' });
    }
    return { audio: all.map((codec) => new RTCRtpCodecParameters(codec)), video: [] };
  }
  const rtcpFeedback = [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }];
  const codec = { clockRate: 90000, ...CODECS[mode.codec], rtcpFeedback };
  return { audio: [], video: [new RTCRtpCodecParameters(codec)] };
}

/** An answer whose first format has more parameters. */
function withParameters(sdp, parameters) {
  if (/^a=fmtp:/m.test(sdp)) {
    return sdp.replace(/^(a=fmtp:.*)\r$/m, `$1;${parameters}\r`);
  }
  return sdp.replace(/^(a=rtpmap:(\d+).*)\r$/m, `$1\r\na=fmtp:$2 ${parameters}\r`);
}

/** What the page does: publishes as `mode` says, and hands its offer out. */
async function offerOfPage(mode) {
  const isVideo = mode.codec !== undefined;
  const media = await navigator.mediaDevices.getUserMedia(
    isVideo
      ? { video: { width: mode.width, height: mode.height, frameRate: 30 } }
      : { audio: { echoCancellation: false } },
  );
  const pc = new RTCPeerConnection();
  globalThis.pc = pc;
  const init = { direction: 'sendonly' };
  if (isVideo) {
    init.sendEncodings = mode.encodings;
  }
  const [track] = media.getTracks();
  const transceiver = pc.addTransceiver(track, init);
  if (isVideo) {
    const all = RTCRtpSender.getCapabilities('video').codecs;
    const wanted = all.filter((codec) => codec.mimeType === `video/${mode.codec}`);
    transceiver.setCodecPreferences(wanted);
  }
  await pc.setLocalDescription();
  if (pc.iceGatheringState !== 'complete') {
    await new Promise((done) => {
      pc.onicegatheringstatechange = () => pc.iceGatheringState === 'complete' && done();
    });
  }
  return pc.localDescription.sdp;
}

/** What the page does later: lets the encoder have less. */
async function limitOfPage(maxBitrate) {
  const [sender] = globalThis.pc.getSenders();
  const parameters = sender.getParameters();
  parameters.encodings[0].maxBitrate = maxBitrate;
  await sender.setParameters(parameters);
}

/** The numbers of header extensions stand in no recording: they must stay what they were. */
function checkExtensions(sdp, numbers) {
  for (const [, id, uri] of sdp.matchAll(/^a=extmap:(\d+)\S* (\S+)/gm)) {
    if (numbers[uri] !== undefined && numbers[uri] !== Number(id)) {
      throw new Error(`${uri} has number ${id} today: the recordings' readers must know it`);
    }
  }
}

/** Records one mode; `undefined` when the browser refuses it. */
async function record(browser, mode) {
  const kind = mode.codec === undefined ? 'audio' : 'video';
  const uris = Object.keys(EXTENSIONS[kind]);
  const extensions = uris
    .filter((uri) => mode.descriptor || uri !== DESCRIPTOR)
    .map((uri) => new RTCRtpHeaderExtensionParameters({ uri }));
  const pc = new RTCPeerConnection({
    codecs: codecs(mode),
    headerExtensions: { [kind]: extensions },
    iceUseIpv6: false,
    iceServers: [],
  });
  const context = await browser.newContext({ permissions: ['camera', 'microphone'] });
  const page = await context.newPage();
  try {
    // A context of an address that may use the camera.
    await page.route('http://localhost/', (route) =>
      route.fulfill({ contentType: 'text/html', body: '' }),
    );
    await page.goto('http://localhost/');
    const offer = await page.evaluate(offerOfPage, mode);
    checkExtensions(offer, EXTENSIONS[kind]);
    const packets = [];
    pc.onRemoteTransceiverAdded.subscribe((transceiver) => transceiver.setDirection('recvonly'));
    await pc.setRemoteDescription({ type: 'offer', sdp: offer });
    await pc.setLocalDescription(await pc.createAnswer());
    pc.dtlsTransports[0].onRtp.subscribe((packet) => {
      packets.push({ at: performance.now(), packet: packet.clone() });
    });
    await page.evaluate(
      (sdp) => globalThis.pc.setRemoteDescription({ type: 'answer', sdp }),
      withParameters(pc.localDescription.sdp, kind === 'video' ? keepRate(mode.rate ?? 3000) : `usedtx=${mode.dtx ? 1 : 0}`),
    );
    const sent = await settled(page, packets, mode);
    const flowing = packets.slice(-400);
    const start = packets.length;
    await askForKeyframes(pc, flowing);
    await sleep(mode.millis / 2);
    if (mode.laterBitrate === undefined) {
      await askForKeyframes(pc, flowing);
    } else {
      await page.evaluate(limitOfPage, mode.laterBitrate);
    }
    await sleep(mode.millis / 2);
    return { sent, packets: packets.slice(start) };
  } finally {
    await context.close();
    await pc.close();
  }
}

const sleep = (millis) => new Promise((done) => setTimeout(done, millis));

async function until(what, condition, millis = 20_000) {
  const end = performance.now() + millis;
  while (!(await condition())) {
    if (performance.now() > end) {
      throw new Error(`not within ${millis} ms: ${what}`);
    }
    await sleep(50);
  }
}

const ssrcs = (packets) => new Set(packets.map(({ packet }) => packet.header.ssrc));

/** Waits until all encodings flow and the estimate has risen; then what the browser says it sends. */
async function settled(page, packets, mode) {
  const count = mode.encodings?.length ?? 1;
  await until('all encodings flow', () => ssrcs(packets.slice(-400)).size >= count);
  await sleep(mode.codec === undefined ? 500 : 1500);
  return page.evaluate(async () => {
    const [sender] = globalThis.pc.getSenders();
    const found = [];
    for (const entry of (await sender.getStats()).values()) {
      if (entry.type === 'outbound-rtp') {
        const { rid, scalabilityMode, frameWidth, frameHeight, framesPerSecond } = entry;
        const { encoderImplementation } = entry;
        found.push({ rid, scalabilityMode, frameWidth, frameHeight, framesPerSecond, encoderImplementation });
      }
    }
    return found;
  });
}

/** A keyframe of every stream that flows; the readers start at it. */
async function askForKeyframes(pc, packets) {
  const [receiver] = pc.getReceivers();
  for (const ssrc of ssrcs(packets)) {
    await receiver.sendRtcpPLI(ssrc);
  }
}

/**
 * The packets as an rtpdump file: after two headers, each has the length of its record, its own
 * length, the milliseconds since the first, and its bytes, here without the end of its payload.
 */
function rtpdump(packets) {
  const text = Buffer.from('#!rtpplay1.0 127.0.0.1/5004\n');
  const parts = [text, Buffer.alloc(16)];
  for (const { at, packet } of packets) {
    const whole = packet.serialize();
    // The length of padding stands in its last byte.
    const { padding, serializeSize } = packet.header;
    const kept = padding ? whole : whole.subarray(0, serializeSize + KEPT_PAYLOAD);
    const head = Buffer.alloc(8);
    head.writeUInt16BE(head.length + kept.length, 0);
    head.writeUInt16BE(whole.length, 2);
    head.writeUInt32BE(Math.round(at - packets[0].at), 4);
    parts.push(head, kept);
  }
  return Buffer.concat(parts);
}

const browser = await launchChromium();
console.log(`Chromium ${browser.version()}, ${new Date().toISOString().slice(0, 10)}`);
const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(MODES);
try {
  for (const name of names) {
    try {
      const { sent, packets } = await record(browser, MODES[name]);
      const dump = rtpdump(packets);
      writeFileSync(join(HERE, `${name}.rtpdump`), dump);
      console.log(`${name}: ${packets.length} packets, ${dump.length} bytes, ${JSON.stringify(sent)}`);
    } catch (error) {
      console.log(`${name}: not recorded: ${error.message}`);
    }
  }
} finally {
  await browser.close();
}
process.exit(0);
