// The control plane as a service would use it: gRPC from the published .proto file.
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';
import { ROOT } from './paths.mjs';
import { signToken } from './token.mjs';

const PROTO_DIR = `${ROOT}sfu-control-proto/proto`;
const DEADLINE_MS = 5_000;

/**
 * One message of a watch: `event` names which of them it is, and is the key of its content.
 *
 * @typedef {{ sequence: number, event: string, [content: string]: any }} Told
 */

/** Calls about one room, with the grants of its host. */
export class Control {
  /** @param {any} client @param {string} room */
  constructor(client, room) {
    this.client = client;
    this.room = room;
  }

  /**
   * @param {string} target   the server's gRPC address
   * @param {string} room
   */
  static async of(target, room) {
    const definition = await loader.load('sfu/control/v1/room_service.proto', {
      includeDirs: [PROTO_DIR],
      keepCase: true,
      oneofs: true,
      longs: Number,
      enums: String,
      defaults: true,
    });
    const loaded = /** @type {any} */ (grpc.loadPackageDefinition(definition));
    const credentials = grpc.credentials.createInsecure();
    return new Control(new loaded.sfu.control.v1.RoomService(target, credentials), room);
  }

  /**
   * Makes one call about the room.
   *
   * @param {string} method
   * @param {object} [request]
   * @returns {Promise<any>}
   */
  call(method, request = {}) {
    const deadline = Date.now() + DEADLINE_MS;
    return new Promise((resolve, reject) => {
      /** @param {Error | null} error @param {unknown} answer */
      const answered = (error, answer) => (error === null ? resolve(answer) : reject(error));
      const asked = { room: this.room, ...request };
      this.client[method](asked, this.metadata(), { deadline }, answered);
    });
  }

  /** Watches the room: what is told is appended to `told`; `ended` resolves to the stream's code. */
  watch() {
    /** @type {Told[]} */
    const told = [];
    const stream = this.client.WatchRoom({ room: this.room }, this.metadata());
    stream.on('data', (/** @type {Told} */ message) => told.push(message));
    /** @type {Promise<number>} */
    const ended = new Promise((resolve) => {
      stream.once('status', (/** @type {{ code: number }} */ status) => resolve(status.code));
    });
    // The status says it too; unheard, the event would end the process.
    stream.on('error', () => {});
    return { told, ended };
  }

  close() {
    this.client.close();
  }

  metadata() {
    const metadata = new grpc.Metadata();
    const grants = { roomAdmin: true, roomCreate: true, roomList: true, room: this.room };
    metadata.set('authorization', `Bearer ${signToken(grants)}`);
    return metadata;
  }
}

/**
 * Removes a participant, as the room's host may.
 *
 * @param {string} target   the server's gRPC address
 * @param {string} room
 * @param {string} identity
 */
export async function removeParticipant(target, room, identity) {
  await once(target, 'RemoveParticipant', { room, identity });
}

/**
 * Mutes a track for everyone, or lets it go on.
 *
 * @param {string} target   the server's gRPC address
 * @param {{ room: string, identity: string, track_sid: string, muted: boolean }} request
 */
export async function muteTrack(target, request) {
  await once(target, 'MuteTrack', request);
}

/**
 * Changes a participant.
 *
 * @param {string} target   the server's gRPC address
 * @param {{ room: string, identity: string, permission: object }} request
 */
export async function updateParticipant(target, request) {
  await once(target, 'UpdateParticipant', request);
}

/**
 * One call over a connection of its own.
 *
 * @param {string} target
 * @param {string} method
 * @param {{ room: string, [field: string]: unknown }} request
 */
async function once(target, method, request) {
  const control = await Control.of(target, request.room);
  try {
    await control.call(method, request);
  } finally {
    control.close();
  }
}
