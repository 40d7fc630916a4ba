// Makes h265_simulcast.rtpdump: see README.md. No browser here sends H.265, so an encoder does.
//
//     apt-get install x265 && node record_h265.mjs
//
// Three encodings of a moving disc, packed as RFC 7798 section 4.4 says.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const FRAMES = 76;
const KEYFRAME_EVERY = 38;
const KEPT_PAYLOAD = 40;
const MAX_PAYLOAD = 1100;
const PAYLOAD_TYPE = 116;
const MID = 9;
const [AGGREGATION, FRAGMENTATION] = [48, 49];

/** Pictures in 4:2:0 with 8 bits. */
function pictures(width, height) {
  const all = [];
  for (let at = 0; at < FRAMES; at += 1) {
    const luma = Buffer.alloc(width * height);
    const [x, y] = [0.5 + 0.25 * Math.cos(at / 9), 0.5 + 0.25 * Math.sin(at / 7)];
    for (let row = 0; row < height; row += 1) {
      for (let column = 0; column < width; column += 1) {
        const distance = Math.hypot(column / width - x, row / height - y);
        const noise = (column * 7 + row * 3 + at * 5) % 29;
        luma[row * width + column] = (distance < 0.2 ? 200 : 60) + noise;
      }
    }
    all.push(luma, Buffer.alloc((width * height) / 2, 128));
  }
  return Buffer.concat(all);
}

function encode(folder, width, height, kbps) {
  const [raw, coded] = [join(folder, 'raw.yuv'), join(folder, 'coded.265')];
  writeFileSync(raw, pictures(width, height));
  const rate = ['--bitrate', kbps, '--vbv-maxrate', kbps, '--vbv-bufsize', kbps];
  const keys = ['--keyint', KEYFRAME_EVERY, '--min-keyint', KEYFRAME_EVERY, '--no-scenecut'];
  const live = ['--preset', 'fast', '--bframes', 0, '--no-open-gop', '--repeat-headers', '--no-info'];
  const source = ['--input', raw, '--input-res', `${width}x${height}`, '--fps', 30];
  const args = [...source, ...rate, ...keys, ...live, '--log-level', 'error', '-o', coded];
  execFileSync('x265', args.map(String));
  return readFileSync(coded);
}

/** The NAL units of a byte stream (H.265 Annex B). */
function units(stream) {
  const starts = [];
  for (let at = stream.indexOf('000001', 0, 'hex'); at >= 0; at = stream.indexOf('000001', at + 3, 'hex')) {
    starts.push(at + 3);
  }
  return starts.map((start, index) => {
    let end = index + 1 < starts.length ? starts[index + 1] - 3 : stream.length;
    while (stream[end - 1] === 0) {
      end -= 1;
    }
    return stream.subarray(start, end);
  });
}

const kind = (unit) => (unit[0] >> 1) & 0x3f;

/** Units in pictures: a slice ends one, as these are of one slice. */
function grouped(all) {
  const found = [[]];
  for (const unit of all) {
    found.at(-1).push(unit);
    if (kind(unit) < 32) {
      found.push([]);
    }
  }
  return found.slice(0, -1);
}

/** A picture's payloads. */
function payloads(picture) {
  const out = [];
  const sets = picture.filter((unit) => kind(unit) >= 32);
  if (sets.length > 0) {
    const parts = sets.flatMap((unit) => [Buffer.from([unit.length >> 8, unit.length & 0xff]), unit]);
    out.push(Buffer.concat([Buffer.from([AGGREGATION << 1, 1]), ...parts]));
  }
  for (const unit of picture.filter((unit) => kind(unit) < 32)) {
    if (unit.length <= MAX_PAYLOAD) {
      out.push(unit);
      continue;
    }
    for (let at = 2; at < unit.length; at += MAX_PAYLOAD) {
      const starts = at === 2 ? 0x80 : 0;
      const ends = at + MAX_PAYLOAD >= unit.length ? 0x40 : 0;
      const head = [(unit[0] & 0x81) | (FRAGMENTATION << 1), unit[1], starts | ends | kind(unit)];
      out.push(Buffer.concat([Buffer.from(head), unit.subarray(at, at + MAX_PAYLOAD)]));
    }
  }
  return out;
}

function packet(payload, { marker, sequence, timestamp, ssrc }) {
  const header = Buffer.alloc(20);
  header.writeUInt8(0x90, 0);
  header.writeUInt8(PAYLOAD_TYPE | (marker ? 0x80 : 0), 1);
  header.writeUInt16BE(sequence & 0xffff, 2);
  header.writeUInt32BE(timestamp, 4);
  header.writeUInt32BE(ssrc, 8);
  header.writeUInt32BE(0xbede0001, 12);
  header.writeUInt32BE(((MID << 28) | (0x30 << 16)) >>> 0, 16);
  return Buffer.concat([header, payload]);
}

const folder = mkdtempSync(join(tmpdir(), 'h265-'));
const parts = [Buffer.from('#!rtpplay1.0 127.0.0.1/5004\n'), Buffer.alloc(16)];
try {
  const encodings = [
    [160, 96, 80],
    [320, 184, 200],
    [640, 360, 500],
  ].map(([width, height, kbps]) => grouped(units(encode(folder, width, height, kbps))));
  const sequences = encodings.map(() => 1000);
  for (let at = 0; at < FRAMES; at += 1) {
    encodings.forEach((encoding, index) => {
      const all = payloads(encoding[at]);
      all.forEach((payload, place) => {
        const whole = packet(payload, {
          marker: place + 1 === all.length,
          sequence: sequences[index],
          timestamp: 90_000 + 3000 * at,
          ssrc: 0x5000 + index,
        });
        sequences[index] += 1;
        const kept = whole.subarray(0, 20 + Math.max(KEPT_PAYLOAD, kind(payload) === AGGREGATION ? 400 : 0));
        const head = Buffer.alloc(8);
        head.writeUInt16BE(head.length + kept.length, 0);
        head.writeUInt16BE(whole.length, 2);
        head.writeUInt32BE(Math.round((at * 1000) / 30), 4);
        parts.push(head, kept);
      });
    });
  }
} finally {
  rmSync(folder, { recursive: true });
}
writeFileSync(join(HERE, 'h265_simulcast.rtpdump'), Buffer.concat(parts));
