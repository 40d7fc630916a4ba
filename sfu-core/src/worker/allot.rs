//! Who gets what of a subscriber's bandwidth: asks the allocator, does what it says, and tells the
//! control plane which pictures are paused.

use std::time::Instant;

use super::allotments::Beside;
use super::peer::{Peer, Sending};
use super::rungs::Offers;
use super::{PeerKey, Room, Shared, feedback, lines, requests, rungs};
use crate::bandwidth::allocator::{Limit, allocate};
use crate::event::{Event, StreamState};
use crate::id::TrackId;
use crate::media::codec::MediaKind;
use crate::room::tracks::{PeerIndex, Track, TrackIndex};

/// Divides a subscriber's bandwidth anew, if it is time to.
pub(super) fn look(shared: &mut Shared, room: &mut Room, index: PeerIndex, now: Instant) {
    let Some(peer) = room.peers.get(index) else {
        return;
    };
    if peer.allotments.is_due(now, peer.bandwidth.budget()) {
        divide(shared, room, index, now);
    }
}

/// Divides a subscriber's bandwidth now.
pub(super) fn divide(shared: &mut Shared, room: &mut Room, index: PeerIndex, now: Instant) {
    divide_for(shared, room, index, now, None);
}

/// As [`divide`], because of something that has come of the track `news`: that may be the keyframe
/// that its subscribers need.
fn divide_for(
    shared: &mut Shared,
    room: &mut Room,
    index: PeerIndex,
    now: Instant,
    news: Option<TrackIndex>,
) {
    let key = PeerKey::new(room.key, index);
    lines::follow(&mut shared.lines, &mut room.peers[index].bandwidth, now);
    let Some(estimate) = room.peers[index].bandwidth.budget() else {
        let peer = &mut room.peers[index];
        let states = peer.allotments.let_all();
        tell(shared, peer, states);
        return aim_all(shared, room, index, now, news);
    };
    for key in 0..room.peers[index].egresses.capacity() {
        let sending = room.peers[index].egresses.get(key);
        let pictures = sending.filter(|sending| sending.kind == MediaKind::Video);
        if let Some(track) = pictures.map(|sending| sending.track) {
            rungs::refresh(room, track, now);
        }
    }
    let sounds = requests::sounds(room, index);
    let peer = &mut room.peers[index];
    let is_told = peer.bandwidth.is_told();
    let beside = Beside {
        sounds,
        repairs: peer.bandwidth.repairs,
        excess: peer.pacer.excess(),
    };
    let budget = peer.allotments.budget(now, estimate, beside, is_told);
    let requests = requests::pictures(room, index);
    let (allotments, demand) = allocate(now, budget, &requests);
    let peer = &mut room.peers[index];
    peer.bandwidth
        .note_allocation(now, budget, &requests, (&allotments, demand));
    peer.bandwidth.set_demand(now, demand);
    lines::note_demand(shared, peer, key, now, demand);
    let states = peer.allotments.set(now, estimate, (&allotments, demand));
    aim_all(shared, room, index, now, news);
    tell(shared, &room.peers[index], states);
}

/// Aims all of a subscriber's pictures at what they are allotted.
fn aim_all(
    shared: &mut Shared,
    room: &mut Room,
    index: PeerIndex,
    now: Instant,
    news: Option<TrackIndex>,
) {
    for key in 0..room.peers[index].egresses.capacity() {
        let peer = &mut room.peers[index];
        let sending = peer.egresses.get(key);
        let pictures = sending.filter(|sending| sending.kind == MediaKind::Video);
        let Some(track) = pictures.and_then(|sending| room.tracks.get(sending.track)) else {
            continue;
        };
        let is_other = peer.egresses.get(key).map(|sending| sending.track) != news;
        if aim(peer, track, &room.offers, key) && is_other {
            feedback::request_wanted_keyframe(shared, room, index, key, now);
        }
    }
}

/// Aims a subscription at what is wanted and allotted of its track. True when that is something else
/// than before.
pub(super) fn aim(peer: &mut Peer, track: &Track, offers: &Offers, key: usize) -> bool {
    let wish = peer.wish(track.id);
    let Peer {
        egresses,
        allotments,
        pacer,
        ..
    } = peer;
    let Some(Sending { egress, .. }) = egresses.get_mut(key) else {
        return false;
    };
    let former = egress.target();
    let allotted = allotments.of(track.id);
    let target = match allotted {
        Some(allotted) if allotted.is_paused() => None,
        _ => track.target_within(wish, former, allotted.and_then(|allotted| allotted.layers)),
    };
    let before = egress.current();
    egress.set_target(target);
    if let (Some(target), Some(current)) = (target, egress.current())
        && let Some(allotted) = allotted.filter(|allotted| allotted.limit != Limit::Nothing)
        && track.qualities.quality_of(current) > track.qualities.quality_of(target.encoding)
    {
        egress.go_on_with(offers.least_of(track.id, current, allotments.room_of(allotted)));
    }
    if before.is_some() && egress.current().is_none() {
        // Nothing follows before a keyframe: what waits would be sent in its way, and after a fall into
        // a queue that is full.
        pacer.hollow(key);
    }
    target != former
}

/// Another set of a track's encodings lives, or their frame rates are others: its subscribers aim
/// anew, and where the bandwidth is known it is divided anew.
pub(super) fn track_changed(
    shared: &mut Shared,
    room: &mut Room,
    index: TrackIndex,
    now: Instant,
    at_once: bool,
) {
    if let Some(track) = room.tracks.get(index).filter(|_| at_once) {
        room.offers.forget(track.id);
    }
    let mut at = 0;
    while let Some(track) = room.tracks.get(index)
        && let Some(route) = track.routes.get(at).copied()
    {
        at += 1;
        let peer = &mut room.peers[route.peer];
        if track.kind == MediaKind::Video && peer.bandwidth.estimate().is_some() {
            peer.allotments.look_again();
            if at_once {
                divide_for(shared, room, route.peer, now, Some(index));
            }
            continue;
        }
        aim(peer, track, &room.offers, route.egress);
    }
}

/// Tells the control plane which pictures are paused now, and which no longer.
fn tell(shared: &mut Shared, peer: &Peer, states: Vec<(TrackId, StreamState)>) {
    if !states.is_empty() {
        let participant = peer.id;
        shared.events.push_back(Event::StreamStates {
            participant,
            states,
        });
    }
}
