//! What a subscriber asks for of a track: whether to be sent it now, how large and how often.
//!
//! Clients say it whenever an element of their page is shown, hidden or changes its size. It is kept
//! for as long as the track is there, also while the participant is not subscribed to it: clients
//! believe it to hold, and do not repeat it.

use sfu_core::command::Command;
use sfu_core::id::{ParticipantId, TrackId};
use sfu_core::media::codec::MediaKind;
use sfu_core::media::layer::LayerWish;

use super::info::{Quality, TrackInfo};
use super::limits;
use super::participant::Participant;
use super::room::State;

/// How much smaller than what is shown a layer may be, in tenths: nobody sees a tenth missing, and
/// pages lay tiles out a few pixels larger than the usual sizes.
const ENOUGH: u64 = 9;

/// How large something is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShownSize {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl ShownSize {
    /// How many pixels, where a side that is not told follows from what is shown.
    fn pixels(self, info: &TrackInfo) -> u32 {
        let side = |told: u32, other: u32, own: u32, others: u32| match told {
            0 => u64::from(other) * u64::from(own) / u64::from(others.max(1)),
            told => told.into(),
        };
        let width = side(self.width, self.height, info.width, info.height);
        let height = side(self.height, self.width, info.height, info.width);
        u32::try_from(width.saturating_mul(height)).unwrap_or(u32::MAX)
    }
}

/// What a subscriber asks for of a track. The default is all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackWish {
    /// False: nothing is to be sent until true.
    pub enabled: bool,
    /// The highest quality.
    pub quality: Quality,
    /// How large the pictures are shown; overrules the quality.
    pub shown: Option<ShownSize>,
    /// Most pictures a second; `None`: all.
    pub frame_rate: Option<u32>,
    /// Where bandwidth is short it goes before all without one, and before higher ones.
    pub priority: Option<u32>,
}

impl Default for TrackWish {
    fn default() -> Self {
        Self {
            enabled: true,
            quality: Quality::High,
            shown: None,
            frame_rate: None,
            priority: None,
        }
    }
}

impl TrackWish {
    /// The quality that it needs of that track, or of its second codec; `None`: nothing at all.
    pub(super) fn needs(&self, info: &TrackInfo, backup: bool) -> Option<Quality> {
        let quality = || {
            let layers = by_quality(info, backup);
            let at = self.layer(info, &layers);
            match layers.get(at) {
                // All that there is, whatever the largest is called.
                Some(_) if at + 1 == layers.len() => Quality::High,
                Some((quality, _)) => *quality,
                // Nobody knows how large they are.
                None if self.shown.is_some() => Quality::High,
                None => self.quality,
            }
        };
        self.enabled.then(quality)
    }

    /// In the engine's words.
    pub(super) fn layers(&self, info: &TrackInfo, backup: bool) -> LayerWish {
        let layers = by_quality(info, backup);
        let at = self.layer(info, &layers);
        let max_quality = u8::try_from(at).ok();
        LayerWish {
            // What was announced may be less than what is sent: who wants all gets all.
            max_quality: max_quality.filter(|_| at + 1 < layers.len()),
            max_frame_rate: self.frame_rate,
            shown: self.shown.map(|shown| shown.pixels(info)),
            priority: self.priority,
        }
    }

    /// The layer that serves it, by its place among `layers`.
    fn layer(&self, info: &TrackInfo, layers: &[(Quality, u32)]) -> usize {
        let Some(shown) = self.shown else {
            let at = layers
                .iter()
                .rposition(|(quality, _)| *quality <= self.quality);
            return at.unwrap_or_default();
        };
        // By their heights: a tile that is wider than the picture has bars at its sides, one that is
        // narrower cuts them off.
        let needed = if shown.height > 0 {
            u64::from(shown.height)
        } else {
            u64::from(shown.width) * u64::from(info.height) / u64::from(info.width.max(1))
        };
        let needed = needed.saturating_mul(ENOUGH);
        let enough = |height: u32| u64::from(height) * 10 >= needed;
        let Some(&(_, height)) = layers.iter().find(|(_, height)| enough(*height)) else {
            return layers.len().saturating_sub(1);
        };
        // Of layers of one size the last has most pictures.
        let at = layers.iter().rposition(|(_, other)| *other == height);
        at.unwrap_or_default()
    }
}

/// A track's announced layers, the lowest first, each with its height in pixels.
fn by_quality(info: &TrackInfo, backup: bool) -> Vec<(Quality, u32)> {
    let announced = match &info.backup {
        Some(second) if backup => &second.layers,
        _ => &info.layers,
    };
    let mut layers: Vec<_> = announced.iter().collect();
    layers.sort_by_key(|layer| (layer.quality, layer.height));
    let count = layers.len();
    let heights = layers.iter().enumerate().map(|(at, layer)| {
        // Turned since it was announced.
        let turned = (info.width < info.height) != (layer.width < layer.height);
        let height = match layer.height {
            // Not said: each is half as large as the next.
            0 => info
                .height
                .checked_shr(u32::try_from(count - 1 - at).unwrap_or(0)),
            _ if turned && layer.width > 0 && info.height > 0 => Some(layer.width),
            height => Some(height),
        };
        (layer.quality, height.unwrap_or_default())
    });
    heights.collect()
}

impl Participant {
    /// Forgets the wish for a track that it is not subscribed to, if there are too many.
    fn bound_wishes(&mut self) {
        if self.wishes.len() > limits::MAX_WISHES {
            let mut kept = self.wishes.keys();
            let other = kept.find(|track| !self.subscriptions.contains(track));
            if let Some(other) = other.copied() {
                self.wishes.remove(&other);
            }
        }
    }
}

impl State {
    /// A participant asks for something else of these tracks.
    pub(super) fn wish_by_sid(
        &mut self,
        id: ParticipantId,
        sids: &[String],
        change: impl Fn(TrackWish) -> TrackWish,
    ) {
        for sid in sids.iter().take(limits::MAX_TRACKS_PER_REQUEST) {
            if let Some(track) = self.track_sids.get(sid).copied() {
                self.wish(id, track, &change);
            }
        }
    }

    fn wish(&mut self, id: ParticipantId, track: TrackId, change: impl Fn(TrackWish) -> TrackWish) {
        let Some(participant) = self.participants.get_mut(&id) else {
            return;
        };
        let subscribed = participant.subscriptions.contains(&track);
        let former = participant.wish(track);
        let wish = change(former);
        if wish == former {
            return;
        }
        if wish == TrackWish::default() {
            participant.wishes.remove(&track);
        } else if subscribed || participant.wishes.len() < limits::MAX_WISHES {
            participant.wishes.insert(track, wish);
            participant.bound_wishes();
        }
        if subscribed {
            self.ask_engine(id, track, former);
            self.wanted_changed(id, track);
        }
    }

    /// Who said how large it shows a track may need another layer of it, now that its pictures are
    /// of another size.
    pub(super) fn measure_again(&mut self) {
        let resized = self.tracks.iter_mut().filter_map(|(id, track)| {
            let resized = std::mem::take(&mut track.resized);
            resized.then_some(*id)
        });
        let resized: Vec<_> = resized.collect();
        for track in resized {
            for id in self.subscribers(track) {
                if self.participants[&id].wish(track).shown.is_some() {
                    self.ask_for_layers(id, track);
                    self.wanted_changed(id, track);
                }
            }
        }
    }

    fn ask_for_layers(&self, id: ParticipantId, track: TrackId) {
        if let (Some(participant), Some(found), Some(carrier)) = (
            self.participants.get(&id),
            self.tracks.get(&track),
            self.carrier(id, track),
        ) {
            self.engine.send(Command::SetLayerWish {
                participant: id,
                track: carrier,
                wish: participant
                    .wish(track)
                    .layers(&found.info, carrier != track),
            });
        }
    }

    /// The engine is to do what a subscriber asks for, where that is not as it was.
    pub(super) fn ask_engine(&self, id: ParticipantId, track: TrackId, former: TrackWish) {
        let (Some(participant), Some(found)) =
            (self.participants.get(&id), self.tracks.get(&track))
        else {
            return;
        };
        let Some(carrier) = self.carrier(id, track) else {
            return;
        };
        let wish = participant.wish(track);
        let backup = carrier != track;
        let layers = wish.layers(&found.info, backup);
        // Before it goes on, or it would begin with what is not wanted.
        let differs = layers != former.layers(&found.info, backup);
        // By another size than now, the engine may have been asked for another layer than that.
        if found.info.kind == MediaKind::Video && (differs || found.resized) {
            self.ask_for_layers(id, track);
        }
        if wish.enabled != former.enabled {
            self.engine.send(Command::SetSubscriptionEnabled {
                participant: id,
                track: carrier,
                enabled: wish.enabled,
            });
        }
    }
}
