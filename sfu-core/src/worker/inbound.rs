//! From a datagram to a stored packet: demultiplex, authenticate, tell the stream, receive.

use std::time::Instant;

use super::timers::drain_transport_events;
use super::traffic::TrafficKind;
use super::{PeerKey, Room, Shared, Worker, arrival, feedback, pacing};
use crate::drop_reason::DropReason;
use crate::media::path::Path;
use crate::room::tracks::PeerIndex;
use crate::transport::ice;
use crate::wire::demux::{DatagramKind, classify};

impl Worker {
    /// Takes in one datagram that arrived on `path` just now. It is decrypted in place; what it
    /// leads to is in the next [`Worker::poll_transmit`] and [`Worker::poll_event`].
    pub fn handle_datagram(&mut self, now: Instant, path: Path, datagram: &mut [u8]) {
        self.handle_arrived(now, now, path, datagram);
    }

    /// [`Worker::handle_datagram`] of one that arrived at `arrived` and is read `now`. In between it
    /// waited in the host, which must not look like a queue of the network to its sender.
    pub fn handle_arrived(
        &mut self,
        now: Instant,
        arrived: Instant,
        path: Path,
        datagram: &mut [u8],
    ) {
        self.shared.stats.datagrams_in += 1;
        self.shared.stats.bytes_in += datagram.len() as u64;
        let kind = classify(datagram);
        let walked = match kind {
            None => Err(DropReason::NotDemultiplexed),
            Some(DatagramKind::Stun) => self.stun(now, path, datagram),
            Some(kind) => self.known_path((now, arrived), path, kind, datagram),
        };
        let carried = match kind {
            Some(DatagramKind::Stun) => Some(TrafficKind::Stun),
            Some(DatagramKind::Dtls) => Some(TrafficKind::Dtls),
            Some(DatagramKind::Rtcp) => Some(TrafficKind::Rtcp),
            // Which it is shows when its stream is known.
            Some(DatagramKind::Rtp) | None => None,
        };
        match (walked, carried) {
            (Err(reason), _) => self.shared.stats.drops.count(reason),
            (Ok(()), Some(kind)) => self.shared.stats.taken_in.count(kind, datagram.len()),
            (Ok(()), None) => {}
        }
    }

    fn stun(&mut self, now: Instant, path: Path, datagram: &[u8]) -> Result<(), DropReason> {
        let check = ice::read_check(datagram)?;
        let key = self
            .shared
            .lookup
            .by_ufrag(check.local_ufrag)
            .ok_or(DropReason::StunUnknownUfrag)?;
        if self.is_taken(now, path, key) {
            return Err(DropReason::StunPathTaken);
        }
        self.in_room(key.room(), |shared, room| {
            let peer = room
                .peers
                .get_mut(key.peer())
                .ok_or(DropReason::StunUnknownUfrag)?;
            let before = peer.transport.selected_path();
            let outcome = peer.transport.handle_check(now, path, &check)?;
            let has_moved = before.is_some() && before != peer.transport.selected_path();
            if has_moved && peer.bandwidth.on_path_changed(now) {
                peer.allotments.excuse(now);
            }
            if let Some(evicted) = outcome.evicted {
                shared.lookup.remove_path(key, evicted);
            }
            if outcome.new_path {
                // Whoever had it before has lost its consent: a living owner was ruled out above.
                shared.lookup.insert_path(key, path, |_| false);
            }
            if outcome.ufrag_retired {
                shared.lookup.set_ufrags(key, peer.transport.local_ufrags());
            }
            if has_moved {
                pacing::settle(shared, room, key.peer(), now);
            }
            settle(shared, room, key.peer(), now);
            Ok(())
        })
        .unwrap_or(Err(DropReason::RoomPoisoned))
    }

    /// Whether a path belongs to a living transport other than `key`'s. A participant who writes
    /// its checks with a neighbour's address as the sender's gets neither the neighbour's media nor
    /// its own sent there.
    fn is_taken(&self, now: Instant, path: Path, key: PeerKey) -> bool {
        let owner = self
            .shared
            .lookup
            .by_path(path)
            .filter(|owner| *owner != key);
        owner
            .and_then(|owner| self.rooms.get(owner.room())?.peers.get(owner.peer()))
            .is_some_and(|peer| peer.transport.is_path_live(now, path))
    }

    fn known_path(
        &mut self,
        (now, arrived): (Instant, Instant),
        path: Path,
        kind: DatagramKind,
        datagram: &mut [u8],
    ) -> Result<(), DropReason> {
        let dtls = kind == DatagramKind::Dtls;
        let unknown = if dtls {
            DropReason::DtlsUnknownPath
        } else {
            DropReason::MediaUnknownPath
        };
        let key = self.shared.lookup.by_path(path).ok_or(unknown)?;
        self.in_room(key.room(), |shared, room| match kind {
            DatagramKind::Rtp => arrival::rtp(shared, room, key, (now, arrived), datagram),
            DatagramKind::Rtcp => feedback::rtcp(shared, room, key.peer(), now, datagram),
            DatagramKind::Dtls | DatagramKind::Stun => {
                let peer = room.peers.get_mut(key.peer()).ok_or(unknown)?;
                let handled = peer.transport.handle_dtls(now, path, datagram);
                settle(shared, room, key.peer(), now);
                handled
            }
        })
        .unwrap_or(Err(DropReason::RoomPoisoned))
    }
}

/// After a transport was fed: its events, its datagrams, its next deadline.
fn settle(shared: &mut Shared, room: &mut Room, index: PeerIndex, now: Instant) {
    drain_transport_events(shared, room, index, now);
    let key = PeerKey::new(room.key, index);
    if let Some(peer) = room.peers.get_mut(index) {
        if let Some(at) = peer.next_deadline(now) {
            shared.timers.arm(key, at.max(now));
        }
        shared.mark_dirty(room.key, index, peer);
    }
}
