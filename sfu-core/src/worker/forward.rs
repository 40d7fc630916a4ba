//! From a stored packet to the burst of its room, and which encoding each subscription gets.

use std::time::Instant;

use super::streams::Stream;
use super::{Room, Shared, fan_out, feedback, speakers};
use crate::event::Event;
use crate::ingress::Ingress;
use crate::media::packet::{PacketFacts, PacketRef};
use crate::room::tracks::{PeerIndex, TrackIndex};

/// Takes one stored packet on its way to every subscription of its track.
pub(super) fn forward(
    shared: &mut Shared,
    room: &mut Room,
    now: Instant,
    stream: Stream,
    packet: PacketRef,
    facts: &PacketFacts,
) {
    let is_new_best = first_packets(shared, room, stream);
    speakers::arrived(shared, room, now, stream, packet, facts);
    if is_new_best {
        // Only now: an encoding's first packet is mostly its keyframe.
        fan_out::fan_out(shared, room, now);
        request_best(shared, room, stream.track, now);
    }
}

/// Notes a track's first packet, and an encoding that is better than the one forwarded: true then.
fn first_packets(shared: &mut Shared, room: &mut Room, stream: Stream) -> bool {
    let Some(track) = room.tracks.get_mut(stream.track) else {
        return false;
    };
    if !track.started {
        track.started = true;
        shared
            .events
            .push_back(Event::TrackStarted { track: track.id });
    }
    let is_new_best = track.best.is_none_or(|best| stream.encoding > best);
    if is_new_best {
        set_best(room, stream.track, Some(stream.encoding));
    }
    is_new_best
}

/// Chooses anew among a publisher's encodings: the best one that still has packets.
pub(super) fn refresh_best_encodings(
    shared: &mut Shared,
    room: &mut Room,
    publisher: PeerIndex,
    now: Instant,
) {
    let peer = &room.peers[publisher];
    // At most MAX_STREAMS ingresses, so at most that many changes.
    let mut changes = arrayvec::ArrayVec::<_, { super::streams::MAX_STREAMS }>::new();
    for (_, publishing) in &peer.ingresses {
        let Some(track) = room.tracks.get(publishing.track) else {
            continue;
        };
        if track.best != Some(publishing.encoding) || publishing.ingress.is_alive(now) {
            continue;
        }
        let alive = |key: &usize| peer.ingresses[*key].ingress.is_alive(now);
        let best = track
            .encodings
            .iter()
            .rposition(|slot| slot.as_ref().is_some_and(alive));
        // A track without any packets keeps its last encoding: it may only be silent.
        if let Some(best) = best.and_then(|best| u8::try_from(best).ok()) {
            let _ = changes.try_push((publishing.track, best));
        }
    }
    for (track, best) in changes {
        set_best(room, track, Some(best));
        request_best(shared, room, track, now);
    }
}

/// Makes `best` the encoding that every subscription of the track aims at.
fn set_best(room: &mut Room, track_index: TrackIndex, best: Option<u8>) {
    let Some(track) = room.tracks.get_mut(track_index) else {
        return;
    };
    tracing::debug!(room = %room.id, track = %track.id, from = track.best, to = best, "encoding");
    let former = std::mem::replace(&mut track.best, best);
    if let Some(former) = former {
        cancel_keyframe(room, track_index, former);
    }
    aim(room, track_index);
}

/// Nobody waits for an encoding's keyframe any longer. Chromium answers a request for an encoding
/// that it has turned off by keyframes on all others.
fn cancel_keyframe(room: &mut Room, track: TrackIndex, encoding: u8) {
    let Some(track) = room.tracks.get(track) else {
        return;
    };
    let key = track.encodings[usize::from(encoding)];
    let ingresses = &mut room.peers[track.publisher].ingresses;
    if let Some(publishing) = key.and_then(|key| ingresses.get_mut(key)) {
        publishing.ingress.cancel_keyframe();
    }
}

/// Tells every subscription of a track which encoding it is to send.
fn aim(room: &mut Room, track: TrackIndex) {
    let Some(track) = room.tracks.get(track) else {
        return;
    };
    for route in &track.routes {
        let peer = &mut room.peers[route.peer];
        let wish = peer.wishes.get(&track.id).copied().unwrap_or_default();
        let egress = &mut peer.egresses[route.egress].egress;
        egress.set_target(track.target(wish));
    }
}

/// Mutes a track or lets it go on. What comes meanwhile is received and given up, so that nothing
/// is missing afterwards; pictures then start at a keyframe.
pub(super) fn set_muted(
    shared: &mut Shared,
    room: &mut Room,
    track_index: TrackIndex,
    muted: bool,
    now: Instant,
) {
    let Some(track) = room.tracks.get_mut(track_index) else {
        return;
    };
    track.announcement.muted = muted;
    let best = track.best;
    if muted {
        speakers::silence(shared, room, track_index);
    }
    aim(room, track_index);
    match best {
        Some(best) if muted => cancel_keyframe(room, track_index, best),
        _ => request_best(shared, room, track_index, now),
    }
}

/// Asks for the best encoding's keyframe if a subscriber who could be sent it waits for it.
fn request_best(shared: &mut Shared, room: &mut Room, track_index: TrackIndex, now: Instant) {
    let Some(track) = room.tracks.get(track_index) else {
        return;
    };
    let Some(best) = track.best else { return };
    let wanted = track.routes.iter().any(|route| {
        let peer = &room.peers[route.peer];
        let egress = &peer.egresses[route.egress].egress;
        peer.transport.is_connected() && egress.wants_keyframe_of().is_some()
    });
    if wanted {
        feedback::request_keyframe(shared, room, track_index, best, now);
    }
}

/// The ingress of a track's encoding.
pub(super) fn ingress_of(room: &Room, track: TrackIndex, encoding: u8) -> Option<&Ingress> {
    let track = room.tracks.get(track)?;
    let key = (*track.encodings.get(usize::from(encoding))?)?;
    Some(&room.peers.get(track.publisher)?.ingresses.get(key)?.ingress)
}
