//! What a subscriber asks for of its bandwidth.

use super::{Room, rungs};
use crate::bandwidth::allocator::{Priority, Request};
use crate::media::codec::MediaKind;
use crate::media::layer::{Layer, LayerWish};
use crate::room::tracks::{PeerIndex, Track};
use crate::unit::Bitrate;

/// What a sound costs that was not measured yet.
///
/// Higher: pictures begin smaller. Lower: the first moments of a sound are paid for by pictures.
const GUESSED_SOUND: Bitrate = Bitrate::from_bps(40_000);

/// What the sounds take that a subscriber is sent.
pub(super) fn sounds(room: &Room, index: PeerIndex) -> u64 {
    let sent = room.peers[index]
        .egresses
        .iter()
        .filter_map(|(_, sending)| {
            let track = room.tracks.get(sending.track)?;
            let is_sent = sending.egress.is_enabled() && !track.announcement.muted;
            let is_heard = is_sent && !room.speakers.withholds(sending.track, &room.tracks);
            if sending.kind != MediaKind::Audio || !track.started || !is_heard {
                return None;
            }
            let ingress = room.ingress_of(sending.track, sending.egress.target()?.encoding);
            let measured = ingress.and_then(|ingress| ingress.bitrate_up_to(Layer::default()));
            Some(measured.unwrap_or(GUESSED_SOUND).bps())
        });
    sent.fold(0, u64::saturating_add)
}

/// The pictures that a subscriber wants and that could be sent.
pub(super) fn pictures(room: &Room, index: PeerIndex) -> Vec<Request> {
    let peer = &room.peers[index];
    let dominant = room
        .speakers
        .dominant()
        .and_then(|sound| room.tracks.get(sound));
    let speaker = dominant.map(|sound| sound.publisher);
    let wanted = peer.egresses.iter().filter_map(|(_, sending)| {
        let track = room.tracks.get(sending.track)?;
        if sending.kind != MediaKind::Video || !sending.egress.is_enabled() {
            return None;
        }
        let wish = peer.wish(track.id);
        let former = sending.egress.target();
        let ladder = rungs::ladder(room, track, wish, former);
        let shown = wish.shown.unwrap_or(u32::MAX);
        (!ladder.rungs().is_empty()).then(|| Request {
            track: track.id,
            priority: priority(track, wish, speaker),
            // Among those that were asked for first, the order that was asked for.
            rank: wish.priority.map_or(shown, |before| u32::MAX - before),
            ladder,
            former: peer.allotments.of(track.id).copied(),
        })
    });
    wanted.collect()
}

fn priority(track: &Track, wish: LayerWish, speaker: Option<PeerIndex>) -> Priority {
    if wish.priority.is_some() {
        Priority::Pinned
    } else if track.is_screen {
        Priority::Screen
    } else if speaker == Some(track.publisher) {
        Priority::Speaker
    } else {
        Priority::Ordinary
    }
}
