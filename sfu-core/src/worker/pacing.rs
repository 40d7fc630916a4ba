//! When a participant's packets leave that could not leave at once, and what its estimate asks for.

use std::time::{Duration, Instant};

use super::bandwidth::Bandwidth;
use super::peer::Peer;
use super::{PeerKey, Room, Shared, Worker, allot, lines, recording};
use crate::bandwidth::departure::Class;
use crate::bandwidth::pacer::{ABOUT_HEADERS, Pacer};
use crate::drop_reason::DropReason;
use crate::media::outbound::{OutboundPacket, PayloadRewrite};
use crate::media::packet::PacketPool;
use crate::room::tracks::PeerIndex;

/// Data waits no longer than this for media that takes all that may be sent: a turn of it then goes.
/// SCTP heeds the link by itself, and an estimate that only media makes says little of who is sent
/// next to none.
///
/// Higher: large messages take longer. Lower: the pictures of a full link wait for data.
const MAX_DATA_HELD: Duration = Duration::from_millis(10);

/// Soonest that a participant is looked at again.
///
/// Higher: bursts are larger than they should be on fast links. Lower: wake-ups for less than a
/// packet.
const SOONEST: Duration = Duration::from_millis(1);

/// Queues a packet of an egress, and pins it for as long as it waits: about its bytes on the wire.
pub(super) fn queue(
    pool: &mut PacketPool,
    pacer: &mut Pacer,
    now: Instant,
    class: Class,
    egress: usize,
    outbound: OutboundPacket,
) -> Result<u16, DropReason> {
    let (facts, _) = pool.get(outbound.packet).ok_or(DropReason::TooOld)?;
    let payload = match outbound.rewrite {
        PayloadRewrite::Padding => 0,
        _ => facts.payload_len,
    };
    let size = ABOUT_HEADERS + payload;
    pacer.push(now, class, egress, outbound, size)?;
    pool.pin(outbound.packet);
    Ok(size)
}

/// Gives up all that waits for a participant.
pub(super) fn give_up(pool: &mut PacketPool, peer: &mut Peer) {
    if peer.pacer.is_empty() {
        return;
    }
    for outbound in peer.pacer.drain() {
        pool.release(outbound.packet);
    }
    for (_, sending) in &mut peer.egresses {
        sending.egress.all_given_up();
    }
}

impl Worker {
    /// Looks at those whose pacer or estimate is due.
    pub(super) fn resume_pacers(&mut self, now: Instant) {
        while let Some(key) = self.shared.pacers.pop_due(now) {
            self.in_room(key.room(), |shared, room| {
                if let Some(peer) = room.peers.get_mut(key.peer()) {
                    peer.bandwidth.armed = None;
                    // Most are woken for packets that wait, which tells the estimator nothing.
                    if peer.bandwidth.poll_timeout().is_some_and(|at| at <= now) {
                        peer.bandwidth.handle_timeout(now);
                    }
                }
                settle(shared, room, key.peer(), now);
            });
        }
    }
}

/// Does what is due of one participant's.
pub(super) fn look_after(shared: &mut Shared, room: &mut Room, index: PeerIndex, now: Instant) {
    if let Some(peer) = room.peers.get_mut(index) {
        peer.bandwidth.handle_timeout(now);
    }
    settle(shared, room, index, now);
}

/// Does what the estimate asks for, after anything that may have changed it.
pub(super) fn settle(shared: &mut Shared, room: &mut Room, index: PeerIndex, now: Instant) {
    let key = PeerKey::new(room.key, index);
    if let Some(peer) = room.peers.get_mut(index) {
        lines::follow(&mut shared.lines, &mut peer.bandwidth, now);
    }
    allot::look(shared, room, index, now);
    let Some(peer) = room.peers.get_mut(index) else {
        return;
    };
    recording::hand_on(shared, peer);
    peer.bandwidth.set_pace(now, &mut peer.pacer);
    if !peer.pacer.is_probing()
        && lines::may_probe(shared, peer, key, now)
        && let Some(probe) = peer.bandwidth.poll_probe()
    {
        lines::begin_probe(shared, peer, key, now);
        shared.stats.probes_out += 1;
        peer.bandwidth.repeated = 0;
        peer.pacer.start_probe(now, probe);
    }
    if next(peer, now).is_some_and(|at| at <= now) {
        shared.mark_dirty(room.key, index, peer);
    } else {
        arm(shared, peer, key, now);
    }
}

/// Sees to it that what a participant waits for is done in time.
pub(super) fn arm(shared: &mut Shared, peer: &mut Peer, key: PeerKey, now: Instant) {
    let estimate = peer.bandwidth.poll_timeout();
    let Some(at) = next(peer, now).into_iter().chain(estimate).min() else {
        return;
    };
    let at = at.max(now + SOONEST);
    if peer.bandwidth.armed.is_none_or(|armed| at < armed) {
        peer.bandwidth.armed = Some(at);
        shared.pacers.arm(key, at);
    }
}

/// When something leaves that waits for the pacer; `None` when nothing does.
fn next(peer: &Peer, now: Instant) -> Option<Instant> {
    // Data goes when the pacer opens, or when it has waited for long enough.
    let opens = peer.pacer.opens(now).unwrap_or(now);
    let data = peer.bandwidth.data_goes().map(|at| at.min(opens));
    let waiting = peer.pacer.next(now).into_iter().chain(data);
    waiting.chain(peer.bandwidth.sign_due()).min()
}

impl Bandwidth {
    /// Packets of data that may leave now, of the `turn` that it has among participants.
    pub(super) fn data_quota(&mut self, now: Instant, pacer: &Pacer, turn: usize) -> usize {
        let is_late = |since| now >= since + MAX_DATA_HELD;
        match self.data_held {
            _ if pacer.is_open(now) => {
                self.data_held = None;
                turn
            }
            Some(since) if is_late(since) => {
                self.data_held = None;
                turn
            }
            _ => 0,
        }
    }

    /// Data waits for the pacer.
    pub(super) fn hold_data(&mut self, now: Instant) {
        self.data_held.get_or_insert(now);
    }

    /// When data that waits for the pacer goes, whatever the pacer says.
    pub(super) fn data_goes(&self) -> Option<Instant> {
        self.data_held.map(|since| since + MAX_DATA_HELD)
    }
}
