// What of a page's session must stay as it is, or must change.

/** @typedef {import('./call_page.mjs').CallPage} CallPage */

/**
 * @typedef {object} Session
 * @property {string} sid                 the participant's
 * @property {string[]} published         the sids of its tracks
 * @property {number} connections         peer connections opened so far
 * @property {number} sections            of the peer connection in use
 * @property {string} ufrag               the page's own ICE name: another one after an ICE restart
 * @property {Record<string, string>} others   the sid of each of the others
 */

/** @param {CallPage} page @returns {Promise<Session>} */
export function sessionOf(page) {
  return page.page.evaluate(() => {
    const { room } = window.sfuDemo;
    if (room === undefined) {
      throw new Error('no call yet');
    }
    const { openedConnections } = /** @type {{ openedConnections: RTCPeerConnection[] }} */ (
      /** @type {unknown} */ (window)
    );
    const connection = openedConnections.at(-1);
    const local = room.localParticipant;
    const remote = Array.from(room.remoteParticipants.values());
    return {
      sid: local.sid,
      published: Array.from(local.trackPublications.keys()).sort(),
      connections: openedConnections.length,
      sections: connection?.getTransceivers().length ?? 0,
      ufrag: /^a=ice-ufrag:(\S+)/m.exec(connection?.localDescription?.sdp ?? '')?.[1] ?? '',
      others: Object.fromEntries(remote.map(({ identity, sid }) => [identity, sid])),
    };
  });
}

/** Begins to note what the page is told of comings and goings. @param {CallPage} page */
export async function watchComings(page) {
  await page.page.evaluate(() => {
    /** @type {string[]} */
    const seen = [];
    Object.assign(window, { comings: seen });
    const room = /** @type {NonNullable<typeof window.sfuDemo.room>} */ (window.sfuDemo.room);
    room.on('participantConnected', ({ identity }) => seen.push(`${identity} joined`));
    room.on('participantDisconnected', ({ identity }) => seen.push(`${identity} left`));
    room.on('trackPublished', (_, { identity }) => seen.push(`${identity} published`));
    room.on('trackUnpublished', (_, { identity }) => seen.push(`${identity} unpublished`));
  });
}

/** What was noted since. @param {CallPage} page @returns {Promise<string[]>} */
export function comings(page) {
  return page.page.evaluate(
    () => /** @type {{ comings: string[] }} */ (/** @type {unknown} */ (window)).comings,
  );
}
