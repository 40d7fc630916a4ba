// The same link without a server: one page sends straight to another, in one encoding that libwebrtc
// adapts to the link by its own estimate. What that makes of a scenario is the reference.
import { PICTURE } from './person.mjs';

/** The page's own things, inside it. @returns {import('./person.mjs').InPage} */
function inPage() {
  return /** @type {{ lab: import('./person.mjs').InPage }} */ (/** @type {unknown} */ (window)).lab;
}

/**
 * Connects two pages and sends the camera and the microphone of the one.
 *
 * @param {import('./person.mjs').Person} from @param {import('./person.mjs').Person} to
 */
export async function connect(from, to) {
  const offer = await from.page.evaluate(
    async ({ fps, name }) => {
      const lab = inPage();
      const connection = new RTCPeerConnection();
      const picture = lab.film();
      const sound = await navigator.mediaDevices.getUserMedia({ audio: true });
      const [voice] = sound.getAudioTracks();
      if (voice === undefined) {
        throw new Error('there is no microphone');
      }
      const encoding = { maxBitrate: 1_700_000, maxFramerate: fps, scalabilityMode: 'L1T3' };
      const transceiver = connection.addTransceiver(picture, {
        direction: 'sendonly',
        sendEncodings: [encoding],
      });
      const codecs = RTCRtpReceiver.getCapabilities('video')?.codecs ?? [];
      const wanted = ['video/vp8', 'video/rtx'];
      transceiver.setCodecPreferences(
        codecs.filter(({ mimeType }) => wanted.includes(mimeType.toLowerCase())),
      );
      connection.addTransceiver(voice, {
        direction: 'sendonly',
        sendEncodings: [{ maxBitrate: 32_000 }],
      });
      const publication = /** @type {any} */ ({});
      lab.tracks.set(picture.id, { name: `${name}/camera`, publication });
      lab.tracks.set(voice.id, { name: `${name}/microphone`, publication });
      await connection.setLocalDescription();
      await lab.gathered(connection);
      return connection.localDescription?.sdp ?? '';
    },
    { fps: PICTURE.fps, name: from.name },
  );
  const answer = await to.page.evaluate(
    async ({ sdp, name }) => {
      const lab = inPage();
      const connection = new RTCPeerConnection();
      connection.ontrack = ({ track }) => {
        const of = `${name}/${track.kind === 'audio' ? 'microphone' : 'camera'}`;
        lab.seen.names[of] = of;
        lab.tracks.set(track.id, { name: of, publication: /** @type {any} */ ({}) });
        lab.watch(track, of);
      };
      await connection.setRemoteDescription({ type: 'offer', sdp });
      await connection.setLocalDescription();
      await lab.gathered(connection);
      return connection.localDescription?.sdp ?? '';
    },
    { sdp: offer, name: from.name },
  );
  await Promise.all([from.listen(), to.listen()]);
  await from.page.evaluate(async (sdp) => {
    await inPage().connections.at(-1)?.setRemoteDescription({ type: 'answer', sdp });
  }, answer);
}

/**
 * What the sending page estimates, as the server would tell it.
 *
 * @param {import('./person.mjs').Seen | undefined} seen @returns {import('./assemble.mjs').Explained[]}
 */
export function estimates(seen) {
  return (seen?.samples ?? []).map(({ at, available }) => ({
    at, estimate: available, allotted: available, layers: {},
  }));
}
