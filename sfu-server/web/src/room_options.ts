import type { RoomOptions } from 'livekit-client';
import type { Settings } from './settings';

/** Bits spent on a pixel of the largest encoding: plain talking heads in VP8. */
const BITS_PER_PIXEL = 0.09;

/** How the page captures and publishes. */
export function roomOptions({ width, height, fps }: Settings): RoomOptions {
  return {
    adaptiveStream: true,
    dynacast: true,
    singlePeerConnection: true,
    videoCaptureDefaults: { resolution: { width, height, frameRate: fps } },
    publishDefaults: {
      simulcast: true,
      videoCodec: 'vp8',
      videoEncoding: {
        maxBitrate: Math.round(width * height * fps * BITS_PER_PIXEL),
        maxFramerate: fps,
      },
    },
  };
}
