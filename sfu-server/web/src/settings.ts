import { type VideoCodec, videoCodecs } from 'livekit-client';

/** What the address of the page may set. The capture settings and `autojoin` serve the tests. */
export interface Settings {
  room: string;
  name: string;
  autojoin: boolean;
  width: number;
  height: number;
  fps: number;
  codec: VideoCodec;
}

/** Reads the page's query; a value that is no sensible number counts as absent. */
export function readSettings(query: string): Settings {
  const params = new URLSearchParams(query);
  return {
    room: params.get('room')?.trim() ?? '',
    name: params.get('name')?.trim() ?? '',
    autojoin: params.get('autojoin') === '1',
    width: whole(params.get('width'), 640, 160, 1920),
    height: whole(params.get('height'), 360, 90, 1080),
    fps: whole(params.get('fps'), 30, 1, 60),
    codec: videoCodecs.find((codec) => codec === params.get('codec')) ?? 'vp8',
  };
}

function whole(text: string | null, otherwise: number, least: number, most: number): number {
  const value = Number(text);
  return text !== null && Number.isInteger(value) && value >= least && value <= most
    ? value
    : otherwise;
}
