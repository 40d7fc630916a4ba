//! From a stored packet to the burst of its room, and which encoding each subscription gets.

use std::time::Instant;

use super::streams::Stream;
use super::{Room, Shared, allot, fan_out, feedback, speakers};
use crate::event::Event;
use crate::media::codec::MediaKind;
use crate::media::packet::{PacketFacts, PacketRef, PayloadFacts};
use crate::media::session::MAX_ENCODINGS;
use crate::room::qualities::Changes;
use crate::room::tracks::TrackIndex;
use crate::wire::codec::vp8;

/// Takes one stored packet on its way to every subscription of its track.
pub(super) fn forward(
    shared: &mut Shared,
    room: &mut Room,
    now: Instant,
    stream: Stream,
    packet: PacketRef,
    facts: &PacketFacts,
) {
    let changes = note(shared, room, now, stream, packet, facts);
    if changes.living || changes.rates {
        allot::track_changed(shared, room, stream.track, now, changes.living);
    }
    speakers::arrived(shared, room, now, stream, packet, facts);
    if changes.living {
        // Only now: an encoding's first packet is mostly its keyframe.
        fan_out::fan_out(shared, room, now);
        settle_keyframes(shared, room, stream.track, now);
    }
}

/// Notes a track's first packet, and what the packet says of its encodings.
fn note(
    shared: &mut Shared,
    room: &mut Room,
    now: Instant,
    stream: Stream,
    packet: PacketRef,
    facts: &PacketFacts,
) -> Changes {
    let Some(track) = room.tracks.get_mut(stream.track) else {
        return Changes::default();
    };
    if !track.started {
        track.started = true;
        shared
            .events
            .push_back(Event::TrackStarted { track: track.id });
    }
    // A repair is of the past: it says nothing of what its encoding does now.
    let mut changes = match stream.rtx {
        true => Changes::default(),
        false => {
            let temporal = facts.video.layer.temporal;
            let qualities = &mut track.qualities;
            qualities.note(now, stream.encoding, facts.timestamp, temporal)
        }
    };
    // Sound has no layers to choose by them.
    changes.rates &= track.kind == MediaKind::Video;
    if facts.video.keyframe_start
        && let Some(size) = picture_size(shared, packet, facts)
    {
        changes.living |= track.qualities.note_size(stream.encoding, size);
    }
    if changes.living {
        let lives = [0, 1, 2].map(|encoding| track.qualities.lives(encoding));
        tracing::debug!(room = %room.id, track = %track.id, ?lives, "encodings");
    }
    changes
}

/// Width and height of a keyframe, of the codec that tells them in clear even where the rest is
/// encrypted end to end.
fn picture_size(shared: &Shared, packet: PacketRef, facts: &PacketFacts) -> Option<(u16, u16)> {
    let PayloadFacts::Vp8(_) = facts.payload else {
        return None;
    };
    let (_, bytes) = shared.pool.get(packet)?;
    vp8::parse(bytes.get(usize::from(facts.payload_start)..)?)?.resolution
}

/// Asks for the keyframes that a track's subscribers wait for who could be sent them, and for none
/// of an encoding that is turned off: Chromium answers that by keyframes on all others.
fn settle_keyframes(shared: &mut Shared, room: &mut Room, track_index: TrackIndex, now: Instant) {
    let Some(track) = room.tracks.get(track_index) else {
        return;
    };
    if track.kind != MediaKind::Video {
        return;
    }
    let mut wanted = [false; MAX_ENCODINGS];
    for route in &track.routes {
        let peer = &room.peers[route.peer];
        let waits_for = peer.egresses[route.egress].egress.wants_keyframe_of();
        if let Some(encoding) = waits_for.filter(|_| peer.transport.is_connected()) {
            wanted[usize::from(encoding)] = true;
        }
    }
    let ingresses = &mut room.peers[track.publisher].ingresses;
    for (encoding, key) in (0..).zip(track.encodings) {
        if let Some(publishing) = key.and_then(|key| ingresses.get_mut(key)) {
            let is_off = track.announcement.muted || !track.qualities.lives(encoding);
            publishing.ingress.set_paused(is_off);
        }
    }
    for (encoding, _) in (0..).zip(wanted).filter(|(_, wanted)| *wanted) {
        feedback::request_keyframe(shared, room, track_index, encoding, now);
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
    if muted {
        speakers::silence(shared, room, track_index);
    }
    allot::track_changed(shared, room, track_index, now, true);
    settle_keyframes(shared, room, track_index, now);
}
