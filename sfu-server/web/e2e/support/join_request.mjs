// The `join_request` parameter of `/rtc/v1`, as clients write it, and as they should not.
import { gzipSync } from 'node:zlib';
import { JoinRequest, WrappedJoinRequest, WrappedJoinRequest_Compression } from '@livekit/protocol';

/** A join with its first offer. @param {string} sdp */
export function joinRequest(sdp) {
  const request = new JoinRequest({ publisherOffer: { type: 'offer', sdp, id: 1 } });
  return wrapped(request.toBinary());
}

/** @param {Uint8Array} inside   a JoinRequest, or not */
export function wrapped(inside) {
  const bytes = new WrappedJoinRequest({
    compression: WrappedJoinRequest_Compression.GZIP,
    joinRequest: new Uint8Array(gzipSync(inside, { level: 9 })),
  }).toBinary();
  return Buffer.from(bytes).toString('base64url');
}
