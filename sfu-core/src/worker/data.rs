//! The leg of the walk for data: messages of participants to the control plane, messages of the
//! control plane to participants, and the turns by which their packets leave.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::peer::Peer;
use super::traffic::TrafficKind;
use super::{PeerKey, Room, Shared, Worker, outbound};
use crate::config::{MAX_DATA_PACKETS_PER_MS, MAX_DATA_PACKETS_PER_TURN};
use crate::event::Event;
use crate::id::{DataLabel, ParticipantId};
use crate::media::send_batch::{MAX_DATAGRAM, SendBatch};
use crate::room::tracks::PeerIndex;
use crate::transport::DataEvent;

/// The time that [`MAX_DATA_PACKETS_PER_MS`] are for.
const TURN: Duration = Duration::from_millis(1);

/// Whose data waits for the next millisecond, and what is left of this one.
#[derive(Debug, Default)]
pub(super) struct DataTurns {
    since: Option<Instant>,
    sent: usize,
    waiting: VecDeque<PeerKey>,
}

impl DataTurns {
    /// When those who wait have their turn.
    pub(super) fn next(&self) -> Option<Instant> {
        let since = self.since.filter(|_| !self.waiting.is_empty());
        since.map(|since| since + TURN)
    }

    /// Packets that may leave now in one participant's turn.
    fn quota(&mut self, now: Instant) -> usize {
        if self.since.is_none_or(|since| now >= since + TURN) {
            self.since = Some(now);
            self.sent = 0;
        }
        (MAX_DATA_PACKETS_PER_MS - self.sent).min(MAX_DATA_PACKETS_PER_TURN)
    }
}

impl Worker {
    /// Queues a message for each of some participants: the same bytes for all of them.
    pub(super) fn send_data(
        &mut self,
        recipients: &[ParticipantId],
        label: &DataLabel,
        payload: &Arc<[u8]>,
    ) {
        for participant in recipients {
            self.with_peer(*participant, |shared, room, index| {
                send(shared, room, index, label, payload);
            });
        }
    }

    /// Gives those who waited for it their turn.
    pub(super) fn resume_data(&mut self, now: Instant) {
        if self.shared.data_turns.next().is_none_or(|at| at > now) {
            return;
        }
        for key in std::mem::take(&mut self.shared.data_turns.waiting) {
            self.in_room(key.room(), |shared, room| {
                if let Some(peer) = room.peers.get_mut(key.peer()) {
                    peer.data_waits = false;
                    shared.mark_dirty(room.key, key.peer(), peer);
                }
            });
        }
    }
}

/// Queues a message for one participant. What cannot be queued is counted, and nothing else.
fn send(
    shared: &mut Shared,
    room: &mut Room,
    index: PeerIndex,
    label: &DataLabel,
    payload: &Arc<[u8]>,
) {
    let Some(peer) = room.peers.get_mut(index) else {
        return;
    };
    match peer.transport.send_data(label, payload) {
        Ok(()) => {
            shared.stats.data_messages_out += 1;
            shared.stats.data_bytes_out += payload.len() as u64;
            shared.mark_dirty(room.key, index, peer);
        }
        Err(reason) => shared.stats.drops.count(reason),
    }
    drain_events(shared, room, index);
}

/// Turns a transport's data events into the room's.
pub(super) fn drain_events(shared: &mut Shared, room: &mut Room, index: PeerIndex) {
    let Some(peer) = room.peers.get_mut(index) else {
        return;
    };
    let participant = peer.id;
    while let Some(event) = peer.transport.poll_data_event() {
        match event {
            DataEvent::Opened(label) => {
                tracing::debug!(room = %room.id, %participant, %label, "data channel open");
                let event = Event::DataChannelOpened { participant, label };
                shared.events.push_back(event);
            }
            DataEvent::Received { label, payload } => {
                shared.stats.data_messages_in += 1;
                shared.stats.data_bytes_in += payload.len() as u64;
                shared.events.push_back(Event::DataReceived {
                    participant,
                    label,
                    payload,
                });
            }
            DataEvent::Dropped(reason) => shared.stats.drops.count(reason),
            DataEvent::Overflowed => {
                tracing::debug!(room = %room.id, %participant, "data queue full");
                let event = Event::DataOverflow { participant };
                shared.events.push_back(event);
            }
        }
    }
}

/// Writes one participant's packets of data, as many as its turn allows. False when the batch is
/// full before.
pub(super) fn flush(
    shared: &mut Shared,
    peer: &mut Peer,
    key: PeerKey,
    now: Instant,
    batch: &mut SendBatch,
) -> bool {
    if !peer.transport.has_data() {
        return true;
    }
    let mut datagram = [0; MAX_DATAGRAM];
    let mut is_waiting = true;
    let turn = shared.data_turns.quota(now);
    let quota = peer.bandwidth.data_quota(now, &peer.pacer, turn);
    for _ in 0..quota {
        if batch.is_full() {
            return false;
        }
        let Some((path, len)) = peer.transport.poll_data(now, &mut datagram) else {
            is_waiting = false;
            break;
        };
        shared.data_turns.sent += 1;
        let written = batch.push(path, |out| {
            out[..len].copy_from_slice(&datagram[..len]);
            Some(len)
        });
        outbound::count(&mut shared.stats, TrafficKind::Dtls, written);
        let size = outbound::on_wire(path, len);
        peer.pacer.count(now, size);
        peer.bandwidth.sent_beside(size);
        if !peer.pacer.is_open(now) {
            break;
        }
    }
    let is_waiting = is_waiting && peer.transport.has_data();
    if is_waiting && !peer.pacer.is_open(now) {
        peer.bandwidth.hold_data(now);
    } else if is_waiting && !peer.data_waits {
        peer.data_waits = true;
        shared.data_turns.waiting.push_back(key);
    }
    // What was sent may have to be sent again.
    if let Some(at) = peer.transport.poll_timeout() {
        shared.timers.arm(key, at.max(now + TURN));
    }
    true
}
