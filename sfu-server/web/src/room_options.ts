import type { RoomOptions } from 'livekit-client';
import type { Settings } from './settings';

/** Bits spent on a pixel of the largest encoding: plain talking heads in VP8. */
const BITS_PER_PIXEL = 0.09;

/** How the page captures and publishes. */
export function roomOptions({ width, height, fps, codec }: Settings): RoomOptions {
  return {
    adaptiveStream: true,
    dynacast: true,
    singlePeerConnection: true,
    videoCaptureDefaults: { resolution: { width, height, frameRate: fps } },
    publishDefaults: {
      // Voices need no second channel, and with one the library turns off RED and DTX.
      forceStereo: false,
      simulcast: true,
      videoCodec: codec,
      videoEncoding: {
        maxBitrate: Math.round(width * height * fps * BITS_PER_PIXEL),
        maxFramerate: fps,
      },
    },
  };
}
