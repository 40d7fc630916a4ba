//! Which formats a track comes in and a subscriber takes, as offers and the packets themselves change
//! them.

use std::time::Instant;

use super::peer::SectionUse;
use super::sections::{ask_for_offer, end_egress};
use super::{Room, Shared};
use crate::event::{Event, SubscriptionFailure};
use crate::id::{PayloadType, TrackId};
use crate::media::codec::Codec;
use crate::media::delivery::deliveries;
use crate::media::format::{PayloadMapping, Payloads, accepted};
use crate::room::tracks::{PeerIndex, Track, TrackIndex};

/// Brings a participant's tracks and subscriptions to what its sections say now.
pub(super) fn refresh(shared: &mut Shared, room: &mut Room, index: PeerIndex) {
    for at in 0..room.peers[index].sections.len() {
        match room.peers[index].sections[at].used {
            SectionUse::Receives(track) => refresh_published(shared, room, index, at, track),
            SectionUse::Sends(egress) => refresh_sent(shared, room, index, at, egress),
            SectionUse::Rejected | SectionUse::Idle | SectionUse::Ending | SectionUse::Data => {}
        }
    }
}

/// A publisher's section may name other formats than before.
fn refresh_published(
    shared: &mut Shared,
    room: &mut Room,
    index: PeerIndex,
    at: usize,
    track_index: TrackIndex,
) {
    let peer = &mut room.peers[index];
    let Some(track) = room.tracks.get_mut(track_index) else {
        return;
    };
    let offered = &peer.sections[at].offered;
    track
        .qualities
        .set_offered(&offered.rids, offered.ssrcs.len());
    let formats = accepted(&offered.payloads, &track.announcement.codecs);
    if formats == track.formats {
        return;
    }
    let before = codec_of(track, track.needed_format());
    let is_sent = |format: &PayloadType| formats.iter().any(|one| one.payload_type == *format);
    // What is not offered any more is over, and subscribers need what comes instead.
    track.format = track.format.filter(is_sent);
    track.formats = formats;
    tell_codec(shared, track, before);
    for key in track.encodings.into_iter().flatten() {
        peer.ingresses[key]
            .ingress
            .set_formats(track.formats.clone());
    }
    for route in track.routes.clone() {
        let sections = &room.peers[route.peer].sections;
        let found = sections
            .iter()
            .position(|one| one.used == SectionUse::Sends(route.egress));
        if let Some(at) = found {
            refresh_sent(shared, room, route.peer, at, route.egress);
        }
    }
}

/// A subscriber's section, or its publisher's, may name other formats than before.
fn refresh_sent(shared: &mut Shared, room: &mut Room, index: PeerIndex, at: usize, egress: usize) {
    let peer = &mut room.peers[index];
    let (offered, sending) = (&peer.sections[at].offered, &mut peer.egresses[egress]);
    let Some(track) = room.tracks.get(sending.track) else {
        return;
    };
    sending.header.renew(offered);
    let deliveries = deliveries(&track.formats, &offered.payloads);
    let needed = track.needed_format();
    let served = deliveries
        .iter()
        .any(|delivery| Some(delivery.source) == needed);
    sending.egress.set_deliveries(deliveries);
    if !served {
        let track = sending.track;
        fail(shared, room, index, track);
    }
}

/// The publisher sends another format: the control plane is told, and so are those who cannot
/// decode it.
pub(super) fn changed(
    shared: &mut Shared,
    room: &mut Room,
    now: Instant,
    track_index: TrackIndex,
    payload_type: PayloadType,
) {
    let Some(track) = room.tracks.get_mut(track_index) else {
        return;
    };
    let before = codec_of(track, track.needed_format());
    if track.format.replace(payload_type) != Some(payload_type) {
        track.format_since = Some(now);
    }
    tell_codec(shared, track, before);
    let takes = |route: &&crate::room::tracks::Route| {
        let egress = &room.peers[route.peer].egresses[route.egress].egress;
        egress
            .deliveries()
            .iter()
            .any(|one| one.source == payload_type)
    };
    let routes = track.routes.iter();
    // Mostly none, and then nothing is allocated.
    let unserved: Vec<_> = routes
        .filter(|one| !takes(one))
        .map(|one| one.peer)
        .collect();
    for peer in unserved {
        fail(shared, room, peer, track_index);
    }
}

fn codec_of(track: &Track, number: Option<PayloadType>) -> Option<Codec> {
    let mut formats = track.formats.iter();
    let found = formats.find(|one| Some(one.payload_type) == number)?;
    Some(found.codec)
}

/// Tells the control plane which codec a track is in now, if it was another `before`.
fn tell_codec(shared: &mut Shared, track: &Track, before: Option<Codec>) {
    let now = codec_of(track, track.needed_format());
    if let Some(codec) = now.filter(|codec| before != Some(*codec)) {
        let track = track.id;
        shared.events.push_back(Event::TrackCodec { track, codec });
    }
}

/// Ends a subscription that cannot be served.
pub(super) fn fail(shared: &mut Shared, room: &mut Room, index: PeerIndex, track: TrackIndex) {
    let egress = room.tracks.remove_route(track, index);
    let Some(id) = room.tracks.get(track).map(|track| track.id) else {
        return;
    };
    let peer = &mut room.peers[index];
    if let Some(egress) = egress {
        end_egress(shared, peer, egress);
    }
    peer.waiting.retain(|waiting| *waiting != id);
    peer.paused.remove(&id);
    peer.wishes.remove(&id);
    tracing::debug!(room = %room.id, participant = %peer.id, track = %id, "codec unsupported");
    shared.events.push_back(Event::SubscriptionFailed {
        participant: peer.id,
        track: id,
        failure: SubscriptionFailure::CodecUnsupported,
    });
}

/// Asks those who have waited for a track that had no section yet to offer now.
pub(super) fn ask_those_waiting(shared: &mut Shared, room: &mut Room, track: TrackId) {
    let waits = |peer: &super::peer::Peer| peer.waiting.contains(&track);
    let waiting: Vec<_> = room
        .peers
        .iter()
        .filter(|(_, peer)| waits(peer))
        .map(|(index, _)| index)
        .collect();
    for index in waiting {
        ask_for_offer(shared, room, index);
    }
}

/// What an answer names of a subscriber's formats: those that may come, each once.
pub(super) fn delivered(
    deliveries: &[crate::media::delivery::Delivery],
    offered: &[PayloadMapping],
) -> Payloads {
    let mut payloads = Payloads::new();
    for delivery in deliveries {
        let named = offered
            .iter()
            .find(|one| one.payload_type == delivery.payload_type);
        if let Some(format) = named
            && !payloads.contains(format)
        {
            // No longer than what is offered.
            let _ = payloads.try_push(*format);
        }
    }
    payloads
}
