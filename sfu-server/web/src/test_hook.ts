import { type ConnectionState, type Room, RoomEvent } from 'livekit-client';
import { type CallStats, readStats } from './stats';

/** What the page shows of its inside to the browser tests, and to the curious in the console. */
export interface SfuDemo {
  /** The room of the present call, or of the last one. */
  room: Room | undefined;
  /** The states the connection went through since the page was opened. */
  history: ConnectionState[];
  stats: () => Promise<CallStats>;
}

declare global {
  interface Window {
    sfuDemo: SfuDemo;
  }
}

window.sfuDemo = {
  room: undefined,
  history: [],
  stats: async () => {
    const { room } = window.sfuDemo;
    if (room === undefined) {
      throw new Error('no call yet');
    }
    return readStats(room);
  },
};

/** Makes `room` the one that `window.sfuDemo` is about. */
export function exposeToTests(room: Room): void {
  window.sfuDemo.room = room;
  room.on(RoomEvent.ConnectionStateChanged, (state) => window.sfuDemo.history.push(state));
}
