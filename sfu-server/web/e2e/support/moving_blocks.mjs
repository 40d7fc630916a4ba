// A film for the fake camera on which an encoder has to spend all the bits that it is given: the
// browser's own test picture is cheap.
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [WIDTH, HEIGHT, FRAMES] = [1280, 720, 15];
/** Of a block, in pixels. */
const BLOCK = 8;

/** Writes the film. @returns {{ flag: string, remove: () => void }} Chromium's flag that plays it */
export function movingBlocks() {
  const folder = mkdtempSync(join(tmpdir(), 'film-'));
  const path = join(folder, 'blocks.y4m');
  const file = openSync(path, 'w');
  writeSync(file, `YUV4MPEG2 W${WIDTH} H${HEIGHT} F30:1 Ip A1:1 C420jpeg\n`);
  const grey = Buffer.alloc((WIDTH * HEIGHT) / 2, 128);
  for (let frame = 0; frame < FRAMES; frame += 1) {
    writeSync(file, 'FRAME\n');
    writeSync(file, blocks(frame));
    writeSync(file, grey);
  }
  closeSync(file);
  return {
    flag: `--use-file-for-fake-video-capture=${path}`,
    remove: () => rmSync(folder, { recursive: true }),
  };
}

/** The lightness of one frame: rows of blocks, each on its way. @param {number} frame */
function blocks(frame) {
  const picture = Buffer.alloc(WIDTH * HEIGHT);
  for (let row = 0; row < HEIGHT / BLOCK; row += 1) {
    const line = Buffer.alloc(WIDTH);
    const moved = Math.floor(frame * (3 + (row * (1 + (row % 2))) / BLOCK));
    for (let block = 0; block < WIDTH / BLOCK; block += 1) {
      line.fill(lightness(row, block + moved), block * BLOCK, (block + 1) * BLOCK);
    }
    for (let at = 0; at < BLOCK; at += 1) {
      line.copy(picture, (row * BLOCK + at) * WIDTH);
    }
  }
  return picture;
}

/** A block's, the same each time. @param {number} row @param {number} block */
function lightness(row, block) {
  const mixed = Math.imul(row * 1_009 + block + 1, 2_654_435_761);
  return 60 + ((mixed >>> 16) % 140);
}
