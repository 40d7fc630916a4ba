//! Sending again what a subscriber has lost, from the cache of the encoding that it came from.

use std::time::{Duration, Instant};

use super::pacing::queue;
use super::peer::Publishing;
use super::{Room, Shared, feedback};
use crate::bandwidth::departure::Class;
use crate::drop_reason::DropReason;
use crate::media::codec::MediaKind;
use crate::media::packet::{PacketFacts, PacketRef};
use crate::room::tracks::{PeerIndex, TrackIndex};

/// A picture that came longer ago than this is not sent again: a keyframe makes up for it. What all
/// later pictures wait for by then is as long as this, and would be sent beside them; receivers wait
/// for 3 s at the most before they ask for a keyframe themselves.
///
/// Higher: after an outage its repairs fill the queue of a link that has just come back, and the
/// picture stands still for longer. Lower: who is far away and loses a repair too is sent a keyframe,
/// which takes as much as many repairs.
const MAX_AGE: Duration = Duration::from_secs(1);

/// How often a packet is sent whose repair was lost too. A receiver that sends no media knows no
/// round-trip time, and then asks again after 100 ms only, while all later pictures wait.
///
/// Higher: more is sent where a full queue loses. Lower: a link that loses one packet in ten stands
/// still for a third of a second several times a minute, and for a second now and then.
const COPIES_AGAIN: usize = 2;

/// Answers one NACKed sequence number from the encoding's cache.
pub(super) fn repair(
    shared: &mut Shared,
    room: &mut Room,
    index: PeerIndex,
    now: Instant,
    key: usize,
    sequence: u16,
) {
    let sending = &mut room.peers[index].egresses[key];
    let track = sending.track;
    if sending.kind == MediaKind::Video && !room.peers[index].pacer.takes_repairs(now) {
        shared.stats.drops.count(DropReason::RepairRateExceeded);
        return;
    }
    let sending = &mut room.peers[index].egresses[key];
    let Some(retransmission) = sending.egress.retransmit(now, sequence) else {
        return;
    };
    if sending.egress.has_written_off(&retransmission) {
        shared.stats.repairs_not_found += 1;
        return;
    }
    let (encoding, source) = (retransmission.encoding, retransmission.source_sequence);
    let is_video = sending.kind == MediaKind::Video;
    let is_of_use =
        |facts: &PacketFacts| !is_video || now.saturating_duration_since(facts.arrived) <= MAX_AGE;
    let kept = cached(room, track, encoding, source);
    let stored = kept.and_then(|packet| Some((packet, shared.pool.get(packet)?.0)));
    let Some((packet, facts)) = stored.filter(|(_, facts)| is_of_use(facts)) else {
        shared.stats.repairs_not_found += 1;
        replace_by_keyframe(shared, room, now, (index, key), (encoding, source));
        return;
    };
    let facts = *facts;
    let copies = match retransmission.is_again {
        true => COPIES_AGAIN,
        false => 1,
    };
    for _ in 0..copies {
        let peer = &mut room.peers[index];
        let egress = &mut peer.egresses[key].egress;
        let Some(outbound) = egress.repair(retransmission, packet, &facts) else {
            return;
        };
        let pool = &mut shared.pool;
        match queue(pool, &mut peer.pacer, now, Class::Repair, key, outbound) {
            Ok(_) => shared.mark_dirty(room.key, index, peer),
            Err(reason) => shared.stats.drops.count(reason),
        }
    }
}

/// A subscriber has lost a packet that is no longer kept, or of use. Pictures that need it need a keyframe,
/// unless one has been sent since; the ingress joins the request with others'.
fn replace_by_keyframe(
    shared: &mut Shared,
    room: &mut Room,
    now: Instant,
    (index, key): (PeerIndex, usize),
    (encoding, source): (u8, u64),
) {
    let sending = &room.peers[index].egresses[key];
    // Another encoding began with a keyframe, and who waits for one has asked for it.
    if sending.kind != MediaKind::Video || sending.egress.current() != Some(encoding) {
        return;
    }
    let track = sending.track;
    let Some(publishing) = publishing(room, track, encoding) else {
        return;
    };
    // What has not come yet is asked of the publisher, and given up, by the ingress.
    let cache = &publishing.cache;
    let has_come = cache.has_let_go_of(source) || cache.get(source).is_some();
    if has_come && !publishing.ingress.is_before_keyframe(source) {
        let egress = &mut room.peers[index].egresses[key].egress;
        egress.write_off_losses();
        feedback::request_keyframe(shared, room, track, encoding, now);
    }
}

fn publishing(room: &Room, track: TrackIndex, encoding: u8) -> Option<&Publishing> {
    let track = room.tracks.get(track)?;
    let key = (*track.encodings.get(usize::from(encoding))?)?;
    room.peers.get(track.publisher)?.ingresses.get(key)
}

/// A packet that an encoding's cache still has.
pub(super) fn cached(
    room: &Room,
    track: TrackIndex,
    encoding: u8,
    sequence: u64,
) -> Option<PacketRef> {
    publishing(room, track, encoding)?.cache.get(sequence)
}
