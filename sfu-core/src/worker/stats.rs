//! A worker's counters, since its start.

use std::time::Duration;

use super::Worker;
use super::traffic::Traffic;
use crate::drop_reason::DropCounts;

/// Counters that only grow. Bytes are UDP payload bytes.
#[derive(Clone, Debug, Default)]
pub struct WorkerStats {
    /// Datagrams received.
    pub datagrams_in: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Datagrams written into send batches.
    pub datagrams_out: u64,
    /// Bytes written into send batches.
    pub bytes_out: u64,
    /// Datagrams that were taken in, by what they carry: authenticated, and media of a stream that
    /// is known.
    pub taken_in: Traffic,
    /// Datagrams written into send batches, by what they carry.
    pub sent: Traffic,
    /// RTP packets received and authenticated.
    pub rtp_in: u64,
    /// RTP packets forwarded, repairs excluded.
    pub rtp_out: u64,
    /// Repairs sent as RTX, those that were asked for.
    pub rtx_out: u64,
    /// Packets that waited in a pacer before they left.
    pub paced_out: u64,
    /// How long they waited, added up.
    pub paced_for: Duration,
    /// Probes of what a network carries, begun.
    pub probes_out: u64,
    /// Packets repaired by a publisher's RTX.
    pub rtx_in: u64,
    /// Requests for repairs (NACK) received; each may name several sequence numbers.
    pub nacks_in: u64,
    /// Requests for repairs (NACK) sent.
    pub nacks_out: u64,
    /// Packets that subscribers asked for and that were no longer kept, or of use.
    pub repairs_not_found: u64,
    /// Sequence numbers asked for by subscribers' NACKs.
    pub nacked_in: u64,
    /// Sequence numbers asked of publishers.
    pub nacked_out: u64,
    /// Keyframe requests received that were FIR; the rest was PLI.
    pub firs_in: u64,
    /// Keyframe requests received.
    pub keyframe_requests_in: u64,
    /// Keyframe requests sent, PLI all of them.
    pub keyframe_requests_out: u64,
    /// Feedback on what arrived when, of subscribers whose transports number what they are sent.
    pub transport_feedbacks_in: u64,
    /// Data messages received whole.
    pub data_messages_in: u64,
    /// Bytes of those messages.
    pub data_bytes_in: u64,
    /// Data messages queued for participants: one for each that it goes to.
    pub data_messages_out: u64,
    /// Bytes of those messages.
    pub data_bytes_out: u64,
    /// Rooms ended by a panic.
    pub rooms_failed: u64,
    /// Packets that were not forwarded, by reason.
    pub drops: DropCounts,
}

impl Worker {
    /// Counters since the start.
    #[must_use]
    pub fn stats(&self) -> &WorkerStats {
        &self.shared.stats
    }

    /// Rooms, participants and tracks now.
    #[must_use]
    pub fn population(&self) -> (usize, usize, usize) {
        (
            self.room_keys.len(),
            self.shared.participants.len(),
            self.shared.tracks.len(),
        )
    }

    /// Free slots of the packet pool.
    #[must_use]
    pub fn pool_free(&self) -> usize {
        self.shared.pool.free()
    }
}
