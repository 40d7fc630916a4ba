//! One offer, one answer: which section carries which track, in either direction.

use std::time::Instant;

use super::peer::{Peer, Requested, Section, SectionUse};
use super::sections::{end_egress, end_ingresses};
use super::{PeerKey, Room, Shared, allot, feedback, formats, sections, speakers};
use crate::config::MAX_SECTIONS;
use crate::event::Event;
use crate::id::{Mid, TrackId};
use crate::media::session::{
    AnsweredSection, ExtensionMap, LocalTransport, OfferError, OfferedSection, OfferedSession,
    ReceivingSection, SectionKind, SendingSection,
};
use crate::room::tracks::{PeerIndex, Track, TrackIndex};
use crate::sdp;

/// Answers an offer, or refuses it and changes nothing.
pub(super) fn offer(
    shared: &mut Shared,
    room: &mut Room,
    index: PeerIndex,
    now: Instant,
    offer_id: u32,
    offer: &OfferedSession,
) {
    let participant = room.peers[index].id;
    let accepted = check(&room.peers[index], offer).and_then(|()| {
        let peer = &mut room.peers[index];
        peer.transport
            .set_remote(now, &offer.transport, &mut shared.rng)
    });
    if let Err(error) = accepted {
        tracing::info!(room = %room.id, %participant, %error, "offer refused");
        shared.events.push_back(Event::OfferRefused {
            participant,
            offer_id,
            error,
        });
        return;
    }
    let key = PeerKey::new(room.key, index);
    let peer = &mut room.peers[index];
    shared.lookup.set_ufrags(key, peer.transport.local_ufrags());
    adopt_sections(shared, room, index, offer);
    adopt_data(&mut room.peers[index], now);
    formats::refresh(shared, room, index);
    let published = sections::bind_published(shared, room, index);
    sections::bind_waiting(shared, room, index);
    let (sdp, mids) = answer(shared, room, index, offer);
    for section in &mut room.peers[index].sections {
        if section.used == SectionUse::Ending {
            section.used = SectionUse::Idle;
        }
    }
    shared.events.push_back(Event::Answer {
        participant,
        offer_id,
        sdp,
        mids,
    });
    allot::divide(shared, room, index, now);
    feedback::request_wanted_keyframes(shared, room, index, now);
    sections::ask_for_offer(shared, room, index);
    for track in published {
        formats::ask_those_waiting(shared, room, track);
    }
    let peer = &mut room.peers[index];
    // What is sent here from now on is reported on.
    if let Some(at) = peer.next_deadline(now) {
        shared.timers.arm(key, at.max(now));
    }
    shared.mark_dirty(room.key, index, peer);
}

/// What must hold before an offer changes anything.
fn check(peer: &Peer, offer: &OfferedSession) -> Result<(), OfferError> {
    if offer.sections.len() > MAX_SECTIONS {
        let got = offer.sections.len();
        return Err(OfferError::TooManySections {
            got,
            limit: MAX_SECTIONS,
        });
    }
    // RFC 9429 section 5.2.2: sections stay where they are; only a stopped one may be recycled.
    for (at, before) in peer.sections.iter().enumerate() {
        let Some(section) = offer.sections.get(at) else {
            return Err(OfferError::SectionsMoved(at));
        };
        let recycled = before.offered.stopped || before.used == SectionUse::Rejected;
        let same = section.mid == before.offered.mid && before.offered.kind.stays(section.kind);
        if !same && !recycled {
            return Err(OfferError::SectionsMoved(at));
        }
    }
    if !peer.ever_published {
        let sends = |s: &&OfferedSection| s.track_cid.is_some() && s.direction.sends();
        if let Some(section) = offer.sections.iter().filter(|s| !s.stopped).find(sends) {
            return Err(OfferError::PublishNotAllowed(section.mid.to_string()));
        }
    }
    Ok(())
}

/// Takes over the offered sections: what a section was used for stays unless the offer ends it.
fn adopt_sections(shared: &mut Shared, room: &mut Room, index: PeerIndex, offer: &OfferedSession) {
    let former = std::mem::take(&mut room.peers[index].sections);
    // An offer that does not meet what was asked for is asked again: the request may be lost with
    // the signalling, and sections too many are there for the next track.
    room.peers[index].requested = Requested::default();
    let mut former = former.into_iter();
    let mut has_data = false;
    for offered in &offer.sections {
        let former = former
            .next()
            .filter(|former| former.offered.mid == offered.mid);
        let usable = matches!(offered.kind, SectionKind::Media(_)) && !offered.stopped;
        let is_new_source = !former.as_ref().is_some_and(|former| {
            former.offered.direction.sends() && former.offered.track_cid == offered.track_cid
        });
        let used = match former.map(|former| former.used) {
            Some(SectionUse::Receives(track)) if !usable || !offered.direction.sends() => {
                unbind(shared, room, index, track);
                if usable {
                    SectionUse::Idle
                } else {
                    SectionUse::Rejected
                }
            }
            Some(SectionUse::Sends(egress)) if !usable || !offered.direction.receives() => {
                give_up_sending(shared, room, index, egress);
                if usable {
                    SectionUse::Idle
                } else {
                    SectionUse::Rejected
                }
            }
            // One association per transport (RFC 8841 section 8): the first section has it.
            _ if is_data(offered) && !has_data => SectionUse::Data,
            _ if !usable => SectionUse::Rejected,
            None | Some(SectionUse::Rejected) => SectionUse::Idle,
            Some(used) => used,
        };
        has_data |= used == SectionUse::Data;
        room.peers[index].sections.push(Section {
            offered: offered.clone(),
            used,
            is_new_source,
        });
    }
    let peer = &mut room.peers[index];
    peer.extensions = merged_extensions(&peer.sections);
}

fn is_data(offered: &OfferedSection) -> bool {
    matches!(offered.kind, SectionKind::Data(_)) && !offered.stopped
}

/// Tells the transport of the section that its data channels are agreed on by.
fn adopt_data(peer: &mut Peer, now: Instant) {
    let section = peer.sections.iter().find(|s| s.used == SectionUse::Data);
    let sctp = section.and_then(|section| match section.offered.kind {
        SectionKind::Data(sctp) => Some(sctp),
        _ => None,
    });
    peer.transport.set_data(now, sctp);
}

/// The publisher's section stopped sending: the track's packets end, its announcement stays until
/// the control plane removes it.
fn unbind(shared: &mut Shared, room: &mut Room, index: PeerIndex, track_index: TrackIndex) {
    end_ingresses(shared, &mut room.peers[index], track_index);
    speakers::silence(shared, room, track_index);
    if let Some(track) = room.tracks.get_mut(track_index) {
        track.mid = None;
        track.ended = true;
        track.encodings = Default::default();
        track.qualities = Default::default();
        shared
            .events
            .push_back(Event::TrackUnbound { track: track.id });
    }
}

/// The subscriber's section no longer receives: the subscription waits for another one.
fn give_up_sending(shared: &mut Shared, room: &mut Room, index: PeerIndex, egress: usize) {
    let track = room.peers[index]
        .egresses
        .get(egress)
        .map(|sending| sending.track);
    if let Some(track) = track {
        room.tracks.remove_route(track, index);
        if let Some(track) = room.tracks.get(track) {
            room.peers[index].waiting.push(track.id);
        }
    }
    end_egress(shared, &mut room.peers[index], egress);
}

/// One bundle has one meaning for each extension id (RFC 9143 section 9.2): the first section that
/// knows an extension says which id it has.
fn merged_extensions(sections: &[Section]) -> ExtensionMap {
    let mut merged = ExtensionMap::default();
    let agreed = |section: &&Section| section.used != SectionUse::Rejected;
    for section in sections.iter().filter(agreed) {
        merged.merge(section.offered.extensions);
    }
    merged
}

/// Writes the answer, and says which section carries which track.
fn answer(
    shared: &Shared,
    room: &mut Room,
    index: PeerIndex,
    offer: &OfferedSession,
) -> (String, Vec<(Mid, TrackId)>) {
    room.peers[index].session_version += 1;
    let peer = &room.peers[index];
    let (ice, fingerprint, dtls_role) = peer.transport.local_parameters();
    let local = LocalTransport {
        ice: ice.clone(),
        fingerprint,
        dtls_role,
        candidates: shared.settings.candidates.clone(),
    };
    let mut mids = Vec::new();
    let mut sections = Vec::with_capacity(peer.sections.len());
    for section in &peer.sections {
        let (answered, track) = match section.used {
            SectionUse::Rejected => (AnsweredSection::Rejected, None),
            SectionUse::Idle | SectionUse::Ending => (AnsweredSection::Inactive, None),
            SectionUse::Data => (AnsweredSection::Data, None),
            SectionUse::Receives(track) => receiving_section(room, track),
            SectionUse::Sends(egress) => sending_section(room, peer, &section.offered, egress),
        };
        mids.extend(track.map(|track| (section.offered.mid, track.id)));
        sections.push(answered);
    }
    let sdp = sdp::write_answer(offer, &local, &sections, peer.session_version);
    (sdp, mids)
}

/// What a section is answered with, and its track.
type Answered<'r> = (AnsweredSection, Option<&'r Track>);

fn receiving_section(room: &Room, track: TrackIndex) -> Answered<'_> {
    let Some(track) = room.tracks.get(track) else {
        return (AnsweredSection::Inactive, None);
    };
    let section = ReceivingSection {
        payloads: track.formats.clone(),
        wishes: track.announcement.codecs,
    };
    (AnsweredSection::Receive(section), Some(track))
}

fn sending_section<'r>(
    room: &'r Room,
    peer: &Peer,
    offered: &OfferedSection,
    egress: usize,
) -> Answered<'r> {
    let sending = &peer.egresses[egress];
    let Some(track) = room.tracks.get(sending.track) else {
        return (AnsweredSection::Inactive, None);
    };
    let section = SendingSection {
        stream_label: track.announcement.stream_label.clone(),
        track_label: track.announcement.track_label.clone(),
        ssrc: sending.ssrc,
        rtx_ssrc: sending.rtx_ssrc,
        cname: sending.cname.clone(),
        payloads: formats::delivered(sending.egress.deliveries(), &offered.payloads),
    };
    (AnsweredSection::Send(section), Some(track))
}
