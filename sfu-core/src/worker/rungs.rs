//! What can be sent of a track, and what that costs: measured where it was measured, else as its
//! publisher says, else guessed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;

use super::Room;
use super::peer::Publishing;
use crate::bandwidth::allocator::{Ladder, MAX_RUNGS, Rung, value_of};
use crate::id::TrackId;
use crate::ingress::MAX_MEASURED_LAYERS;
use crate::media::layer::{Layer, LayerWish, Layers};
use crate::media::session::MAX_ENCODINGS;
use crate::room::tracks::{Track, TrackIndex};
use crate::unit::Bitrate;

/// How long what a track offers is taken to be the same, but for encodings that come and go.
///
/// Longer: a change of rate is planned for later. Shorter: each subscriber of a large room has it
/// worked out anew.
const KEPT: Duration = Duration::from_millis(200);

/// What an encoding costs of which nothing is known, by its quality: livekit-client's for 720p.
const GUESSED: [Bitrate; MAX_ENCODINGS] = [
    Bitrate::from_bps(150_000),
    Bitrate::from_bps(500_000),
    Bitrate::from_bps(1_700_000),
];

/// What of it the lower temporal layers take, in percent: all, all but the highest, and the lowest.
const GUESSED_SHARES: [u64; 3] = [100, 60, 40];

/// The most pixels of a picture that a publisher is believed to send: 3840x2160.
///
/// Higher: who claims more takes what others' pictures could have of who names no size of its own. Lower: a
/// sharper screen counts as no better than one of so many.
const MOST_PIXELS: u32 = 3840 * 2160;

/// The pixels of the worst one; each next has four times as many.
const GUESSED_PIXELS: u32 = 320 * 180;

/// Frames in a second of a track of which none were counted.
const GUESSED_FRAME_RATE: u32 = 30;

/// One thing that can be sent.
#[derive(Clone, Copy, Debug)]
struct Offer {
    layers: Layers,
    bitrate: Bitrate,
    pixels: u32,
    frame_rate: u32,
}

/// What all tracks of a room offer, as lately looked at.
#[derive(Debug, Default)]
pub(super) struct Offers {
    by_track: BTreeMap<TrackId, (Instant, ArrayVec<Offer, MAX_RUNGS>)>,
}

impl Offers {
    /// The lowest layer of an encoding, to go on with until a cheaper encoding's keyframe comes; `None`
    /// where not even that is within `room`: what is sent now would stand in the keyframe's way.
    pub(super) fn least_of(&self, track: TrackId, encoding: u8, room: Bitrate) -> Option<Layer> {
        let (_, offers) = self.by_track.get(&track)?;
        let mut offers = offers.iter();
        let least = offers.find(|offer| offer.layers.encoding == encoding)?;
        (least.bitrate <= room).then_some(Layer {
            spatial: least.layers.top.spatial,
            temporal: least.layers.top.temporal.min(MAX_MEASURED_LAYERS as u8 - 1),
        })
    }

    /// A track is over, or its encodings are others.
    pub(super) fn forget(&mut self, track: TrackId) {
        self.by_track.remove(&track);
    }
}

/// Works out anew what a track offers, if it is time to.
pub(super) fn refresh(room: &mut Room, index: TrackIndex, now: Instant) {
    let Some(id) = room.tracks.get(index).map(|track| track.id) else {
        return;
    };
    let known = room.offers.by_track.get(&id);
    if known.is_none_or(|(at, _)| now.saturating_duration_since(*at) >= KEPT) {
        let offers = offers(room, index);
        room.offers.by_track.insert(id, (now, offers));
    }
}

/// What a subscriber with that wish could be sent, where it aims at `former` until now.
pub(super) fn ladder(
    room: &Room,
    track: &Track,
    wish: LayerWish,
    former: Option<Layers>,
) -> Ladder {
    let Some((_, offers)) = room.offers.by_track.get(&track.id) else {
        return Ladder::default();
    };
    let qualities = &track.qualities;
    let Some(most) = track.target(wish, former) else {
        return Ladder::default();
    };
    let best = qualities.quality_of(most.encoding);
    let least = qualities.choose(Some(0));
    let is_wanted = |offer: &&Offer| {
        let encoding = offer.layers.encoding;
        let rate = wish.max_frame_rate.map_or(u8::MAX, |wanted| {
            let now = former.filter(|former| former.encoding == encoding);
            qualities.top_for(encoding, wanted, now.map(|now| now.top.temporal))
        });
        // Where all is more than is wanted, the least of it.
        let is_least = Some(encoding) == least && offer.layers.top == Layer::default();
        let fits =
            offer.layers.top.temporal <= rate && offer.layers.top.spatial <= most.top.spatial;
        qualities.quality_of(encoding) <= best && (fits || is_least)
    };
    let shown = wish.shown.unwrap_or(u32::MAX);
    Ladder::new(offers.iter().filter(is_wanted).map(|offer| Rung {
        layers: offer.layers,
        bitrate: offer.bitrate,
        value: value_of(offer.pixels.min(shown), offer.frame_rate),
    }))
}

fn offers(room: &Room, index: TrackIndex) -> ArrayVec<Offer, MAX_RUNGS> {
    let mut offers = ArrayVec::new();
    let Some(track) = room.tracks.get(index) else {
        return offers;
    };
    let publisher = room.peers.get(track.publisher);
    // The same for all encodings, so that they compare by their sizes.
    let rates = (0..)
        .zip(track.encodings)
        .filter_map(|(encoding, _)| track.qualities.frame_rate(encoding));
    let frame_rate = rates.max().unwrap_or(GUESSED_FRAME_RATE).max(1);
    for (encoding, key) in (0..).zip(track.encodings) {
        let publishing = key.and_then(|key| publisher?.ingresses.get(key));
        if let Some(publishing) = publishing.filter(|_| track.qualities.lives(encoding)) {
            add_encoding(track, encoding, publishing, frame_rate, &mut offers);
        }
    }
    offers
}

fn add_encoding(
    track: &Track,
    encoding: u8,
    publishing: &Publishing,
    frame_rate: u32,
    offers: &mut ArrayVec<Offer, MAX_RUNGS>,
) {
    let top = publishing.ingress.top_layer();
    // Among encodings, spatial layers of one are not told apart.
    let is_stack = track.qualities.best_offered() == 0;
    let lowest = if is_stack { 0 } else { top.spatial };
    // Before anything is measured, what there is is not known, and the publisher is taken at its word.
    let is_measured = publishing.ingress.bitrate_up_to(top).is_some();
    for spatial in lowest..=top.spatial {
        for temporal in 0..=top.temporal {
            let layer = Layer { spatial, temporal };
            let offer = Offer {
                layers: Layers {
                    encoding,
                    top: aimed_at(layer, top, is_stack && is_measured),
                },
                bitrate: bitrate(track, encoding, publishing, layer),
                pixels: pixels(track, encoding, spatial, top.spatial),
                frame_rate: (frame_rate >> (top.temporal - temporal)).max(1),
            };
            let _ = offers.try_push(offer);
        }
    }
}

/// What to aim at for a layer of an encoding that has some up to `top`. The highest stands for all above
/// it, for they cannot be chosen by themselves. The spatial layers of a stack can where `are_known`: one
/// that comes later has a cost of its own, and is not part of what was had.
fn aimed_at(layer: Layer, top: Layer, are_known: bool) -> Layer {
    let all = |layer, top| if layer == top { u8::MAX } else { layer };
    let is_told_apart = are_known && usize::from(layer.spatial) + 1 < MAX_MEASURED_LAYERS;
    Layer {
        spatial: match is_told_apart {
            true => layer.spatial,
            false => all(layer.spatial, top.spatial),
        },
        temporal: all(layer.temporal, top.temporal),
    }
}

fn bitrate(track: &Track, encoding: u8, publishing: &Publishing, top: Layer) -> Bitrate {
    let ingress = &publishing.ingress;
    let measured = ingress.bitrate_up_to(top);
    if let Some(measured) = measured.filter(|_| ingress.is_measured()) {
        return measured;
    }
    let announced = track.allocation.as_ref();
    let announced = announced.and_then(|told| told.bitrate(Layers { encoding, top }));
    let expected = announced.unwrap_or_else(|| {
        let quality = usize::from(track.qualities.quality_of(encoding));
        let all = GUESSED[quality.min(MAX_ENCODINGS - 1)];
        // Lower temporal layers have the shares that libwebrtc gives them, of three.
        let above = usize::from(ingress.top_layer().temporal.saturating_sub(top.temporal));
        let percent = GUESSED_SHARES[above.min(GUESSED_SHARES.len() - 1)];
        Bitrate::from_bps(all.bps() * percent / 100)
    });
    measured.unwrap_or_default().max(expected)
}

/// The pixels of one spatial layer, of which the encoding has some up to `top`: each is twice as
/// wide as the one below unless its publisher says otherwise.
fn pixels(track: &Track, encoding: u8, spatial: u8, top: u8) -> u32 {
    let layers = |spatial| Layers {
        encoding,
        top: Layer {
            spatial,
            temporal: u8::MAX,
        },
    };
    let announced = track.allocation.as_ref();
    if let Some(told) = announced.and_then(|told| told.pictures(layers(spatial))) {
        return told.width.saturating_mul(told.height).min(MOST_PIXELS);
    }
    let below = 2 * u32::from(top.saturating_sub(spatial)).min(2 * MAX_MEASURED_LAYERS as u32);
    let quality = u32::from(track.qualities.quality_of(encoding).max(top));
    let whole = track.qualities.pixels(encoding);
    let whole = whole.unwrap_or(GUESSED_PIXELS << (2 * quality.min(4)));
    whole.min(MOST_PIXELS) >> below
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn layer(spatial: u8, temporal: u8) -> Layer {
        Layer { spatial, temporal }
    }

    #[test]
    fn a_spatial_layer_that_comes_later_is_not_had_by_who_had_all() {
        let highest = aimed_at(layer(1, 2), layer(1, 2), true);
        assert_eq!(highest, layer(1, u8::MAX));
        // The same aim when there is one above.
        let top = layer(2, 2);
        assert_eq!(aimed_at(layer(1, 2), top, true), highest);
        assert_eq!(aimed_at(layer(0, 1), top, true), layer(0, 1));
        // What is measured as one is chosen as one.
        let last = MAX_MEASURED_LAYERS as u8 - 1;
        let last = layer(last, 0);
        assert_eq!(aimed_at(last, last, true), layer(u8::MAX, u8::MAX));
        // Among encodings the spatial layers of one are not told apart, nor before they are measured.
        assert_eq!(aimed_at(layer(0, 0), layer(0, 2), false), layer(u8::MAX, 0));
    }
}
