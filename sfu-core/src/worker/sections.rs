//! Which section carries which track: announced tracks meet the sections that send them, waiting
//! subscriptions the sections that are free, and the client is asked for more where they run out.

use rand_core::Rng;

use super::header::HeaderTerms;
use super::peer::{Peer, Requested, Section, SectionUse, Sending};
use super::{Room, Shared, formats};
use crate::egress::{Egress, EgressSettings};
use crate::event::Event;
use crate::id::TrackId;
use crate::media::codec::MediaKind;
use crate::media::delivery::{Deliveries, deliveries};
use crate::media::format::accepted;
use crate::media::layer::LayerWish;
use crate::media::session::SectionKind;
use crate::room::tracks::{PeerIndex, Route, TrackIndex};

/// Ties announced tracks to the sections that now send them: those whose names fit, then, for
/// browsers that write other names into their offers than they show to their pages (Firefox), new
/// sources in the order in which tracks of their kind were announced. Gives those tracks.
pub(super) fn bind_published(
    shared: &mut Shared,
    room: &mut Room,
    index: PeerIndex,
) -> Vec<TrackId> {
    let mut bound = Vec::new();
    bind_sources(shared, room, index, &mut bound, |room, section| {
        let cid = section.offered.track_cid.as_deref()?;
        room.tracks.unbound_by_cid(index, cid)
    });
    bind_sources(shared, room, index, &mut bound, |room, section| {
        let SectionKind::Media(kind) = section.offered.kind else {
            return None;
        };
        let named = section.is_new_source && section.offered.track_cid.is_some();
        named.then(|| room.tracks.unbound_of_kind(index, kind))?
    });
    bound
}

/// Gives each idle section that sends the track that `find` finds for it.
fn bind_sources(
    shared: &mut Shared,
    room: &mut Room,
    index: PeerIndex,
    bound: &mut Vec<TrackId>,
    find: impl Fn(&Room, &Section) -> Option<TrackIndex>,
) {
    for at in 0..room.peers[index].sections.len() {
        let section = &room.peers[index].sections[at];
        let free = matches!(section.used, SectionUse::Idle | SectionUse::Ending);
        if !free || !section.offered.direction.sends() {
            continue;
        }
        let (mid, kind) = (section.offered.mid, section.offered.kind);
        let has_codec = !section.offered.payloads.is_empty();
        let Some(track_index) = find(room, section) else {
            continue;
        };
        let Some(track) = room.tracks.get_mut(track_index) else {
            continue;
        };
        if kind != SectionKind::Media(track.kind) || !has_codec {
            continue;
        }
        track.mid = Some(mid);
        let offered = &section.offered;
        track
            .qualities
            .set_offered(&offered.rids, offered.ssrcs.len());
        track.formats = accepted(&section.offered.payloads, &track.announcement.codecs);
        if let Some(first) = track.formats.first() {
            shared.events.push_back(Event::TrackCodec {
                track: track.id,
                codec: first.codec,
            });
        }
        shared.events.push_back(Event::TrackBound {
            track: track.id,
            mid,
        });
        bound.push(track.id);
        room.peers[index].sections[at].used = SectionUse::Receives(track_index);
    }
}

/// Gives free sections to the subscriptions that wait for one.
pub(super) fn bind_waiting(shared: &mut Shared, room: &mut Room, index: PeerIndex) {
    let waiting = std::mem::take(&mut room.peers[index].waiting);
    for id in waiting {
        let Some(track) = room.tracks.index_of(id) else {
            continue;
        };
        match place(room, index, track) {
            Place::Fits(section, deliveries) => {
                bind_subscription(shared, room, index, track, section, deliveries);
            }
            Place::None => room.peers[index].waiting.push(id),
            Place::Unfit => formats::fail(shared, room, index, track),
        }
    }
}

/// Where a subscription could go.
enum Place {
    /// To this section, with its formats delivered so.
    Fits(usize, Deliveries),
    /// No section is free, or the publisher has none yet.
    None,
    /// The free sections cannot decode what is published.
    Unfit,
}

fn place(room: &Room, index: PeerIndex, track: TrackIndex) -> Place {
    let Some(track) = room.tracks.get(track) else {
        return Place::None;
    };
    let Some(needed) = track.needed_format() else {
        return Place::None;
    };
    let mut free = room.peers[index].idle_sections(track.kind).peekable();
    if free.peek().is_none() {
        return Place::None;
    }
    for (at, section) in free {
        let deliveries = deliveries(&track.formats, &section.offered.payloads);
        if deliveries.iter().any(|delivery| delivery.source == needed) {
            return Place::Fits(at, deliveries);
        }
    }
    Place::Unfit
}

/// Gives one subscription a section and an egress.
fn bind_subscription(
    shared: &mut Shared,
    room: &mut Room,
    index: PeerIndex,
    track_index: TrackIndex,
    at: usize,
    deliveries: Deliveries,
) {
    let Some(track) = room.tracks.get_mut(track_index) else {
        return;
    };
    let Some(publisher) = room.peers.get(track.publisher).map(|peer| peer.id) else {
        return;
    };
    let peer = &mut room.peers[index];
    let header = HeaderTerms::new(&peer.sections[at].offered);
    let ssrc = peer.unused_ssrc(&mut shared.rng);
    let repaired = deliveries.iter().any(|delivery| delivery.rtx.is_some());
    let rtx_ssrc = repaired.then(|| peer.unused_ssrc(&mut shared.rng));
    let settings = EgressSettings {
        kind: track.kind,
        ssrc,
        rtx_ssrc,
        first_sequence: random_u16(&mut shared.rng),
        first_timestamp: shared.rng.next_u32(),
        first_picture_id: random_u16(&mut shared.rng),
        first_tl0: (shared.rng.next_u32() & 0xff) as u8,
        rtx_first_sequence: random_u16(&mut shared.rng),
    };
    if header.numbers_departures() {
        peer.bandwidth.expect_feedback();
    }
    let mut egress = Egress::new(settings, deliveries);
    // Pictures wait until the bandwidth is divided anew.
    if track.kind == MediaKind::Audio {
        egress.set_target(track.target(LayerWish::default(), None));
    }
    egress.set_enabled(!peer.paused.contains(&track.id));
    let key = peer.egresses.insert(Sending {
        track: track_index,
        kind: track.kind,
        egress,
        ssrc,
        rtx_ssrc,
        cname: format!("p{publisher}"),
        header,
    });
    peer.sections[at].used = SectionUse::Sends(key);
    track.routes.push(Route {
        peer: index,
        egress: key,
    });
}

fn random_u16(rng: &mut impl Rng) -> u16 {
    (rng.next_u32() >> 16) as u16
}

/// Tells the client how many further sections its waiting subscriptions need, once each.
pub(super) fn ask_for_offer(shared: &mut Shared, room: &mut Room, index: PeerIndex) {
    let peer = &room.peers[index];
    if peer.sections.is_empty() {
        // The first offer is on its way anyway.
        return;
    }
    let waiting = |kind: MediaKind| {
        // A track without formats has no section yet, and an offer would be of no use.
        let of_kind = |id: &&TrackId| {
            let track = room.tracks.index_of(**id);
            let track = track.and_then(|track| room.tracks.get(track));
            track.is_some_and(|track| track.kind == kind && !track.formats.is_empty())
        };
        u32::try_from(peer.waiting.iter().filter(of_kind).count()).unwrap_or(u32::MAX)
    };
    let audio = waiting(MediaKind::Audio);
    let video = waiting(MediaKind::Video);
    if audio + video == 0 {
        room.peers[index].requested = Requested::default();
        return;
    }
    let more = |wanted: u32, kind: MediaKind, requested: u32| {
        wanted
            .saturating_sub(idle_sections(peer, kind))
            .saturating_sub(requested)
    };
    let audio = more(audio, MediaKind::Audio, peer.requested.audio);
    let video = more(video, MediaKind::Video, peer.requested.video);
    if peer.requested.offer && audio + video == 0 {
        return;
    }
    let peer = &mut room.peers[index];
    peer.requested.audio += audio;
    peer.requested.video += video;
    peer.requested.offer = true;
    shared.events.push_back(Event::SectionsNeeded {
        participant: peer.id,
        audio,
        video,
    });
}

/// Has the client offer, so that the answer says which sections carry nothing any more: until then
/// it takes their tracks for silent ones. One request stands for all until the offer.
pub(super) fn ask_to_end(shared: &mut Shared, room: &mut Room, index: PeerIndex) {
    let peer = &mut room.peers[index];
    if !std::mem::replace(&mut peer.requested.offer, true) {
        shared.events.push_back(Event::SectionsNeeded {
            participant: peer.id,
            audio: 0,
            video: 0,
        });
    }
}

fn idle_sections(peer: &Peer, kind: MediaKind) -> u32 {
    // What ends is idle after the answer that the client asks for.
    let ending = peer.sections.iter().filter(|section| {
        section.used == SectionUse::Ending
            && section.offered.kind == SectionKind::Media(kind)
            && section.offered.direction.receives()
    });
    u32::try_from(peer.idle_sections(kind).count() + ending.count()).unwrap_or(u32::MAX)
}

/// Ends what a participant sends for a track.
pub(super) fn end_ingresses(shared: &mut Shared, peer: &mut Peer, track: TrackIndex) {
    // Their replay windows stay: the same sender may go on in this section, where its numbers are.
    peer.streams.remove_track(track);
    let pool = &mut shared.pool;
    peer.ingresses.retain(|_, publishing| {
        let stays = publishing.track != track;
        if !stays {
            publishing.cache.clear(pool);
        }
        stays
    });
}

/// Ends one egress; its section is free for another track after the next answer.
pub(super) fn end_egress(shared: &mut Shared, peer: &mut Peer, egress: usize) {
    peer.pacer
        .drain_egress(egress, |packet| shared.pool.release(packet.packet));
    peer.egresses.try_remove(egress);
    for section in &mut peer.sections {
        if section.used == SectionUse::Sends(egress) {
            section.used = SectionUse::Ending;
        }
    }
}
