//! What participants want to be sent: which tracks, whether now, and which of their layers.

use std::time::Instant;

use super::sections::{self, end_egress};
use super::{Room, Shared, feedback};
use crate::config::MAX_SUBSCRIPTIONS_PER_PARTICIPANT;
use crate::id::TrackId;
use crate::media::layer::LayerWish;
use crate::room::tracks::PeerIndex;

pub(super) fn subscribe(shared: &mut Shared, room: &mut Room, index: PeerIndex, id: TrackId) {
    let Some(track) = room
        .tracks
        .index_of(id)
        .and_then(|track| room.tracks.get(track))
    else {
        return;
    };
    let peer = &mut room.peers[index];
    let already = peer.waiting.contains(&id) || track.routes.iter().any(|r| r.peer == index);
    let count = peer.waiting.len() + peer.egresses.len();
    if already || !peer.permissions.subscribe || count >= MAX_SUBSCRIPTIONS_PER_PARTICIPANT {
        return;
    }
    peer.waiting.push(id);
    sections::ask_for_offer(shared, room, index);
}

pub(super) fn unsubscribe(shared: &mut Shared, room: &mut Room, index: PeerIndex, id: TrackId) {
    let peer = &mut room.peers[index];
    peer.waiting.retain(|waiting| *waiting != id);
    peer.paused.remove(&id);
    peer.wishes.remove(&id);
    let Some(track) = room.tracks.index_of(id) else {
        return;
    };
    if let Some(egress) = room.tracks.remove_route(track, index) {
        end_egress(shared, &mut room.peers[index], egress);
        sections::ask_to_end(shared, room, index);
    }
}

pub(super) fn set_enabled(
    shared: &mut Shared,
    room: &mut Room,
    index: PeerIndex,
    id: TrackId,
    enabled: bool,
    now: Instant,
) {
    let Some(track) = room.tracks.index_of(id) else {
        return;
    };
    let peer = &mut room.peers[index];
    let egress = peer.egress_to(track);
    if egress.is_none() && !peer.waiting.contains(&id) {
        return;
    }
    if enabled {
        peer.paused.remove(&id);
    } else {
        peer.paused.insert(id);
    }
    if let Some(key) = egress {
        peer.egresses[key].egress.set_enabled(enabled);
        feedback::request_wanted_keyframe(shared, room, index, key, now);
    }
}

/// What a subscriber asks for of a track, whether it has a section for it or waits for one.
pub(super) fn set_wish(
    shared: &mut Shared,
    room: &mut Room,
    index: PeerIndex,
    id: TrackId,
    wish: LayerWish,
    now: Instant,
) {
    let Some(track) = room.tracks.index_of(id) else {
        return;
    };
    let peer = &mut room.peers[index];
    let egress = peer.egress_to(track);
    if egress.is_none() && !peer.waiting.contains(&id) {
        return;
    }
    if wish == LayerWish::default() {
        peer.wishes.remove(&id);
    } else {
        peer.wishes.insert(id, wish);
    }
    if let (Some(key), Some(track)) = (egress, room.tracks.get(track)) {
        let egress = &mut peer.egresses[key].egress;
        egress.set_target(track.target(wish, egress.target()));
        feedback::request_wanted_keyframe(shared, room, index, key, now);
    }
}
