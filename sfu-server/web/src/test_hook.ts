import { type ConnectionState, type Room, RoomEvent, type SubscriptionError } from 'livekit-client';
import { type CallStats, readStats } from './stats';

/** What the page shows of its inside to the browser tests, and to the curious in the console. */
export interface SfuDemo {
  /** The room of the present call, or of the last one. */
  room: Room | undefined;
  /** The states the connection went through since the page was opened. */
  history: ConnectionState[];
  /** Why subscriptions failed, by the library's numbers. */
  subscriptionErrors: (SubscriptionError | undefined)[];
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
  subscriptionErrors: [],
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
  room.on(RoomEvent.TrackSubscriptionFailed, (_sid, _participant, error) =>
    window.sfuDemo.subscriptionErrors.push(error),
  );
}
