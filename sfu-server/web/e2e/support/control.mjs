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
 * @returns {Promise<void>}
 */
export async function removeParticipant(target, room, identity) {
  const definition = await loader.load('sfu/control/v1/room_service.proto', {
    includeDirs: [PROTO_DIR],
    keepCase: true,
  });
  const loaded = /** @type {any} */ (grpc.loadPackageDefinition(definition));
  const client = new loaded.sfu.control.v1.RoomService(target, grpc.credentials.createInsecure());
  const metadata = new grpc.Metadata();
  const token = signToken({ roomAdmin: true, roomCreate: true, roomList: true, room });
  metadata.set('authorization', `Bearer ${token}`);
  const deadline = Date.now() + DEADLINE_MS;
  try {
    await new Promise((resolve, reject) => {
      /** @param {Error | null} error @param {unknown} answer */
      const answered = (error, answer) => (error === null ? resolve(answer) : reject(error));
      client.RemoveParticipant({ room, identity }, metadata, { deadline }, answered);
    });
  } finally {
    client.close();
  }
}
