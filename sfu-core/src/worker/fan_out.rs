//! From the packets of one burst to their subscribers' pacers: subscribers outside, packets inside.
//!
//! A publisher's frame arrives as a burst. One subscriber's state is a few kilobytes, so with many
//! subscribers it is out of the processor's caches again before the next packet: walked once for
//! each burst instead of once for each packet, it is fetched once.

use std::time::Instant;

use super::outbound::flush;
use super::pacing::queue;
use super::peer::Peer;
use super::stats::WorkerStats;
use super::streams::Stream;
use super::{PeerKey, Room, Shared, Worker, feedback, reports};
use crate::bandwidth::departure::Class;
use crate::drop_reason::DropReason;
use crate::egress::SourceFacts;
use crate::media::codec::MediaKind;
use crate::media::layer::DecodeTargets;
use crate::media::packet::{PacketFacts, PacketPool, PacketRef};
use crate::media::packet_cache::capacity_for;
use crate::media::send_batch::SendBatch;
use crate::media::session::MAX_ENCODINGS;
use crate::media::source_clock::SourceClock;

/// Most packets of a room that wait for the end of a burst.
///
/// Higher: longer bursts are walked once, and each room keeps more memory. Lower: a keyframe's
/// burst is walked in pieces. Well below any cache: what waits here only the cache holds.
pub(super) const MAX_BURST: usize = 32;

const _: () = assert!(MAX_BURST < capacity_for(MediaKind::Audio));

/// A stored packet that its subscribers have not been offered yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrived {
    stream: Stream,
    packet: PacketRef,
    facts: PacketFacts,
}

/// What has arrived in a room since its last fan-out, in the order of arrival. It grows with the
/// first bursts and keeps its room.
pub(super) type Burst = Vec<Arrived>;

impl Worker {
    /// Fans out what has arrived in every room.
    pub(super) fn fan_out_bursts(&mut self, now: Instant) {
        while let Some(key) = self.shared.burst_rooms.pop() {
            self.in_room(key, |shared, room| fan_out(shared, room, now));
        }
    }

    /// [`Self::fan_out_bursts`], and seals as much as it can on the way.
    pub(super) fn fan_out_into(&mut self, now: Instant, batch: &mut SendBatch) {
        while let Some(key) = self.shared.burst_rooms.pop() {
            self.in_room(key, |shared, room| {
                walk(shared, room, now, Some(&mut *batch));
            });
        }
    }
}

/// Keeps a packet for the end of the burst.
pub(super) fn arrived(
    shared: &mut Shared,
    room: &mut Room,
    now: Instant,
    stream: Stream,
    packet: PacketRef,
    facts: &PacketFacts,
) {
    if room.burst.len() >= MAX_BURST {
        fan_out(shared, room, now);
    }
    if room.burst.is_empty() {
        // A room that was fanned out on the way stands there twice: the second time does nothing.
        shared.burst_rooms.push(room.key);
    }
    room.burst.push(Arrived {
        stream,
        packet,
        facts: *facts,
    });
}

/// Offers what has arrived to every subscription of its track.
pub(super) fn fan_out(shared: &mut Shared, room: &mut Room, now: Instant) {
    walk(shared, room, now, None);
}

/// [`fan_out`], sealing into a batch where there is one.
fn walk(shared: &mut Shared, room: &mut Room, now: Instant, mut batch: Option<&mut SendBatch>) {
    let mut burst = std::mem::take(&mut room.burst);
    // Publishers' bursts interleave: each track's packets are brought together, in their order.
    let mut rest = burst.as_mut_slice();
    while let Some(first) = rest.first() {
        let track = first.stream.track;
        let mut together = 1;
        for at in 1..rest.len() {
            if rest[at].stream.track == track {
                rest[together..=at].rotate_right(1);
                together += 1;
            }
        }
        let (packets, others) = rest.split_at_mut(together);
        if !others.is_empty() {
            // Packets of several tracks for one subscriber leave side by side, when all are queued.
            batch = None;
        }
        fan_out_track(shared, room, now, packets, batch.as_deref_mut());
        rest = others;
    }
    burst.clear();
    room.burst = burst;
}

/// Offers one track's packets to each of its subscriptions.
///
/// With a `batch`, each subscriber's are sealed at once, while its state is in the caches.
fn fan_out_track(
    shared: &mut Shared,
    room: &mut Room,
    now: Instant,
    packets: &[Arrived],
    mut batch: Option<&mut SendBatch>,
) {
    let Some(index) = packets.first().map(|first| first.stream.track) else {
        return;
    };
    let Some(track) = room.tracks.get(index) else {
        return;
    };
    let publisher = &room.peers[track.publisher];
    let ingresses = track.encodings.map(|key| {
        let publishing = publisher.ingresses.get(key?)?;
        Some(&publishing.ingress)
    });
    let clocks = ingresses.map(|ingress| ingress?.source_clock().copied());
    let targets = ingresses.map(|ingress| ingress?.decode_targets().cloned());
    // Encodings of which a keyframe came to be needed, one bit each.
    let mut needed = 0u8;
    for route in &track.routes {
        let peer = &mut room.peers[route.peer];
        // What has nowhere to go gets no number: after half of all numbers (RFC 3711 section 3.3.1) the
        // subscriber could not tell how often they have wrapped, and would understand nothing more.
        if !peer.transport.is_connected() || peer.transport.selected_path().is_none() {
            for _ in packets {
                shared.stats.drops.count(DropReason::SubscriptionInactive);
            }
            continue;
        }
        let sources = (&clocks, &targets);
        let queued = offer(
            &mut shared.pool,
            &mut shared.stats,
            (peer, route.egress),
            now,
            packets,
            sources,
        );
        let Some(sending) = peer.egresses.get_mut(route.egress) else {
            continue;
        };
        if let Some(encoding) = sending.egress.take_keyframe_wish() {
            needed |= 1 << encoding;
        }
        if !queued {
            continue;
        }
        reports::owed_report(peer, route.egress, &clocks, now);
        let key = PeerKey::new(room.key, route.peer);
        let sealed = batch
            .as_deref_mut()
            .is_some_and(|batch| flush(shared, peer, key, now, batch));
        if !sealed && !peer.dirty {
            peer.dirty = true;
            shared.dirty.push_back(key);
        }
    }
    for encoding in (0..8).filter(|encoding| needed >> encoding & 1 == 1) {
        feedback::request_keyframe(shared, room, index, encoding, now);
    }
}

/// What is known of each of a track's encodings: its clock, and its decode targets.
type Sources<'s> = (
    &'s [Option<SourceClock>; MAX_ENCODINGS],
    &'s [Option<DecodeTargets>; MAX_ENCODINGS],
);

/// Offers packets to one subscription. True when any of them is to be sent.
fn offer(
    pool: &mut PacketPool,
    stats: &mut WorkerStats,
    (peer, egress): (&mut Peer, usize),
    now: Instant,
    packets: &[Arrived],
    (clocks, targets): Sources<'_>,
) -> bool {
    let Some(sending) = peer.egresses.get_mut(egress) else {
        return false;
    };
    let class = match sending.kind {
        MediaKind::Audio => Class::Audio,
        MediaKind::Video => Class::Video,
    };
    let mut queued = false;
    for arrived in packets {
        let encoding = arrived.stream.encoding;
        let source = SourceFacts {
            clock: clocks[usize::from(encoding)].as_ref(),
            targets: targets[usize::from(encoding)].as_ref(),
        };
        let before = sending.egress.current();
        let decided = sending
            .egress
            .forward(now, encoding, arrived.packet, &arrived.facts, source);
        if sending.egress.has_given_up(before) {
            peer.pacer.hollow(egress);
        }
        let kept = decided.and_then(|outbound| {
            queue(pool, &mut peer.pacer, now, class, egress, outbound)?;
            Ok(outbound.sequence)
        });
        match kept {
            Ok(sequence) => {
                sending.egress.queued(sequence);
                queued = true;
            }
            Err(reason) => stats.drops.count(reason),
        }
    }
    queued
}
