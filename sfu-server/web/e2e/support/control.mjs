// The control plane as a service would use it: gRPC from the published .proto file.
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';
import { ROOT } from './paths.mjs';
import { signToken } from './token.mjs';

const PROTO_DIR = `${ROOT}sfu-control-proto/proto`;
const DEADLINE_MS = 5_000;

/**
 * Removes a participant, as the room's host may.
 *
 * @param {string} target   the server's gRPC address
 * @param {string} room
 * @param {string} identity
 */
export async function removeParticipant(target, room, identity) {
  await call(target, 'RemoveParticipant', { room, identity });
}

/**
 * Mutes a track for everyone, or lets it go on.
 *
 * @param {string} target   the server's gRPC address
 * @param {{ room: string, identity: string, track_sid: string, muted: boolean }} request
 */
export async function muteTrack(target, request) {
  await call(target, 'MuteTrack', request);
}

/**
 * Changes a participant.
 *
 * @param {string} target   the server's gRPC address
 * @param {{ room: string, identity: string, permission: object }} request
 */
export async function updateParticipant(target, request) {
  await call(target, 'UpdateParticipant', request);
}

/**
 * One call with every right in its room.
 *
 * @param {string} target
 * @param {string} method
 * @param {{ room: string, [field: string]: unknown }} request
 * @returns {Promise<void>}
 */
async function call(target, method, request) {
  const definition = await loader.load('sfu/control/v1/room_service.proto', {
    includeDirs: [PROTO_DIR],
    keepCase: true,
  });
  const loaded = /** @type {any} */ (grpc.loadPackageDefinition(definition));
  const client = new loaded.sfu.control.v1.RoomService(target, grpc.credentials.createInsecure());
  const metadata = new grpc.Metadata();
  const grants = { roomAdmin: true, roomCreate: true, roomList: true, room: request.room };
  metadata.set('authorization', `Bearer ${signToken(grants)}`);
  const deadline = Date.now() + DEADLINE_MS;
  try {
    await new Promise((resolve, reject) => {
      /** @param {Error | null} error @param {unknown} answer */
      const answered = (error, answer) => (error === null ? resolve(answer) : reject(error));
      client[method](request, metadata, { deadline }, answered);
    });
  } finally {
    client.close();
  }
}
