//! What participants want to be sent: which tracks, whether now, and which of their layers.

use std::time::Instant;

use super::sections::{self, end_egress};
use super::{Room, Shared, allot, feedback};
use crate::config::MAX_SUBSCRIPTIONS_PER_PARTICIPANT;
use crate::id::TrackId;
use crate::media::codec::MediaKind;
use crate::media::layer::LayerWish;
use crate::room::tracks::{PeerIndex, TrackIndex};

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
    peer.allotments.forget(id);
    let Some(track) = room.tracks.index_of(id) else {
        return;
    };
    if let Some(egress) = room.tracks.remove_route(track, index) {
        end_egress(shared, &mut room.peers[index], egress);
        sections::ask_to_end(shared, room, index);
    }
}

/// The track of a subscription and its egress, whether it has a section for it or waits for one;
/// `None` where there is no subscription.
fn subscription(room: &Room, index: PeerIndex, id: TrackId) -> Option<(TrackIndex, Option<usize>)> {
    let track = room.tracks.index_of(id)?;
    let peer = &room.peers[index];
    let egress = peer.egress_to(track);
    (egress.is_some() || peer.waiting.contains(&id)).then_some((track, egress))
}

/// Pauses a subscription, or lets it go on.
pub(super) fn set_enabled(
    shared: &mut Shared,
    room: &mut Room,
    index: PeerIndex,
    id: TrackId,
    enabled: bool,
    now: Instant,
) {
    let Some((track, egress)) = subscription(room, index, id) else {
        return;
    };
    let peer = &mut room.peers[index];
    if enabled {
        peer.paused.remove(&id);
    } else {
        peer.paused.insert(id);
    }
    if let Some(key) = egress {
        peer.egresses[key].egress.set_enabled(enabled);
        obey(shared, room, (index, key), track, now);
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
    let Some((track, egress)) = subscription(room, index, id) else {
        return;
    };
    let peer = &mut room.peers[index];
    if wish == LayerWish::default() {
        peer.wishes.remove(&id);
    } else {
        peer.wishes.insert(id, wish);
    }
    if let Some(key) = egress {
        obey(shared, room, (index, key), track, now);
    }
}

/// Sends what is wanted from now on, as far as the bandwidth allows.
fn obey(
    shared: &mut Shared,
    room: &mut Room,
    (index, key): (PeerIndex, usize),
    track: TrackIndex,
    now: Instant,
) {
    let peer = &mut room.peers[index];
    if let Some(track) = room.tracks.get(track) {
        if track.kind == MediaKind::Video && peer.bandwidth.estimate().is_some() {
            allot::divide(shared, room, index, now);
        } else {
            allot::aim(peer, track, &room.offers, key);
        }
    }
    feedback::request_wanted_keyframe(shared, room, index, key, now);
}
