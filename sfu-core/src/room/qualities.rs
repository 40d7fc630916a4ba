//! A track's encodings: which is better than which, and which of them live.
//!
//! An encoding is numbered by its place in the offer, which says nothing of how good it is (RFC
//! 8853 section 5.1); its quality is its place in the order that is kept here, from 0 up.
//!
//! An encoding that has gone silent while the others go on is dead: its publisher has turned it off.
//! The others' packets tell, so nothing is due here by the clock, and a track of which nothing comes
//! at all keeps what it had: it may only be slow, or its publisher's network away.

use std::time::{Duration, Instant};

use super::frame_pace::FramePace;
use crate::id::Rid;
use crate::media::session::MAX_ENCODINGS;

/// How long an encoding may be silent while others go on, however fast its frames came. Raising it
/// leaves subscribers for longer with a still picture; lowering it takes the pauses of a publisher's
/// pacer, and a burst of loss, for the end.
pub const MIN_PATIENCE: Duration = Duration::from_millis(500);

/// The same in frame intervals: a screen of one frame a second lives. Raising it leaves subscribers
/// longer with a still picture where frames are rare; lowering it calls an encoding dead that has
/// left out two frames.
pub const PATIENCE_INTERVALS: u32 = 3;

/// How long nothing of a track at all counts as others going on; twice the sibling's frame interval
/// where that is longer. What is longer is an outage, after which nobody is late before all had the
/// time to come back. Raising it makes an outage cost a switch; lowering it forgives an encoding
/// whose siblings stutter.
const MAX_LULL: Duration = Duration::from_millis(250);

/// What clients call their encodings, worst first: what livekit-client says, what others do.
const NAMES: [[&str; MAX_ENCODINGS]; 4] = [
    ["q", "h", "f"],
    ["l", "m", "h"],
    ["low", "mid", "high"],
    ["low", "medium", "high"],
];

/// One encoding as it comes.
#[derive(Clone, Copy, Debug, Default)]
struct Encoding {
    lives: bool,
    /// When a sibling went on after this one's last packet.
    overtaken: Option<Instant>,
    pace: FramePace,
    /// Of its last keyframe that told.
    pixels: Option<u32>,
}

/// What a packet changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Another set of encodings lives.
    pub living: bool,
    /// The frame rates were measured anew.
    pub rates: bool,
}

/// The encodings of one track.
#[derive(Clone, Debug)]
pub struct Qualities {
    encodings: [Encoding; MAX_ENCODINGS],
    /// Their numbers, worst first.
    order: [u8; MAX_ENCODINGS],
    /// How many are offered, at least 1.
    offered: u8,
    /// Their names say how good they are.
    named: bool,
    /// When something of the track came last.
    newest: Option<Instant>,
}

impl Default for Qualities {
    fn default() -> Self {
        Self {
            encodings: Default::default(),
            order: [0, 1, 2],
            offered: 1,
            named: false,
            newest: None,
        }
    }
}

impl Qualities {
    /// Takes what is offered: `rids`, or as many SSRCs as there are where there are no rids. The
    /// order is that of their names where clients agree on them, else, until their pictures'
    /// sizes are known, that of the offer.
    pub fn set_offered(&mut self, rids: &[Rid], ssrcs: usize) {
        let count = rids.len().max(ssrcs).clamp(1, MAX_ENCODINGS);
        self.offered = u8::try_from(count).unwrap_or(1);
        let places = |names: &[&str; MAX_ENCODINGS]| {
            let place = |rid: &Rid| names.iter().position(|name| *name == rid.as_str());
            let known = rids.iter().map(place).collect::<Option<Vec<_>>>();
            known.filter(|known| !known.is_empty())
        };
        let known = NAMES.iter().find_map(places);
        self.named = known.is_some();
        if let Some(known) = known {
            self.order = [0, 1, 2];
            self.order.sort_by_key(|at| {
                known
                    .get(usize::from(*at))
                    .copied()
                    .unwrap_or(MAX_ENCODINGS)
            });
        }
    }

    /// Takes note of a packet of media, no repair.
    pub fn note(&mut self, now: Instant, encoding: u8, timestamp: u32, temporal: u8) -> Changes {
        let Some(own) = self.encodings.get_mut(usize::from(encoding)) else {
            return Changes::default();
        };
        let rates = own.pace.note(now, timestamp, temporal);
        let mut living = !own.lives;
        own.lives = true;
        own.overtaken = None;
        let lull = MAX_LULL.max(2 * own.pace.interval());
        let newest = self.newest.replace(now);
        let was_away = newest.is_some_and(|at| now.saturating_duration_since(at) > lull);
        for (at, other) in self.encodings.iter_mut().enumerate() {
            if at == usize::from(encoding) || !other.lives {
                continue;
            }
            let since = match other.overtaken {
                Some(since) if !was_away => since,
                _ => *other.overtaken.insert(now),
            };
            let patience = MIN_PATIENCE.max(PATIENCE_INTERVALS * other.pace.interval());
            if now.saturating_duration_since(since) >= patience {
                other.lives = false;
                living = true;
            }
        }
        Changes { living, rates }
    }

    /// An encoding's stream begins anew.
    pub fn restart(&mut self, encoding: u8) {
        if let Some(own) = self.encodings.get_mut(usize::from(encoding)) {
            own.pace.restart();
        }
    }

    /// Takes note of the size of an encoding's pictures. True when it is another quality now.
    pub fn note_size(&mut self, encoding: u8, (width, height): (u16, u16)) -> bool {
        let Some(own) = self.encodings.get_mut(usize::from(encoding)) else {
            return false;
        };
        own.pixels = Some(u32::from(width) * u32::from(height));
        if self.named {
            return false;
        }
        // What is known takes the places of what is known; the rest stays where it was offered.
        let pixels = |at: u8| self.encodings[usize::from(at)].pixels;
        let mut known: arrayvec::ArrayVec<u8, MAX_ENCODINGS> = self.order.into_iter().collect();
        known.retain(|at| pixels(*at).is_some());
        known.sort_by_key(|at| pixels(*at));
        let mut known = known.into_iter();
        let order = self.order.map(|at| match pixels(at) {
            Some(_) => known.next().unwrap_or(at),
            None => at,
        });
        std::mem::replace(&mut self.order, order) != order
    }

    /// The encoding for a subscriber that wants at most `max_quality`: the best living one up to it,
    /// else the worst above, since little is asked for and something must be seen. `None` before
    /// the first packet.
    #[must_use]
    pub fn choose(&self, max_quality: Option<u8>) -> Option<u8> {
        let wanted = max_quality.map_or(MAX_ENCODINGS, |quality| usize::from(quality) + 1);
        let (upto, above) = self.order.split_at(wanted.min(MAX_ENCODINGS));
        let mut in_turn = upto.iter().rev().chain(above).copied();
        in_turn.find(|encoding| self.lives(*encoding))
    }

    /// Whether an encoding lives.
    #[must_use]
    pub fn lives(&self, encoding: u8) -> bool {
        let found = self.encodings.get(usize::from(encoding));
        found.is_some_and(|encoding| encoding.lives)
    }

    /// An encoding's quality: 0 is the worst of what is offered.
    #[must_use]
    pub fn quality_of(&self, encoding: u8) -> u8 {
        let place = self.order.iter().position(|at| *at == encoding);
        place.and_then(|at| u8::try_from(at).ok()).unwrap_or(0)
    }

    /// Frames in a second of an encoding, as lately measured.
    #[must_use]
    pub fn frame_rate(&self, encoding: u8) -> Option<u32> {
        let found = self.encodings.get(usize::from(encoding))?;
        found.pace.rate()
    }

    /// Pixels of an encoding's pictures, where its keyframes tell.
    #[must_use]
    pub fn pixels(&self, encoding: u8) -> Option<u32> {
        self.encodings.get(usize::from(encoding))?.pixels
    }

    /// The best quality offered, whether it lives or not.
    #[must_use]
    pub fn best_offered(&self) -> u8 {
        self.offered - 1
    }

    /// The highest temporal layer of an encoding for at most `wanted` frames a second, where the
    /// subscription is at `now`; `u8::MAX` is all.
    #[must_use]
    pub fn top_for(&self, encoding: u8, wanted: u32, now: Option<u8>) -> u8 {
        let found = self.encodings.get(usize::from(encoding));
        found.map_or(u8::MAX, |encoding| encoding.pace.top_for(wanted, now))
    }

    /// The highest temporal layer that an encoding has, as lately measured.
    #[must_use]
    pub fn highest_temporal(&self, encoding: u8) -> u8 {
        let found = self.encodings.get(usize::from(encoding));
        found.map_or(0, |encoding| encoding.pace.highest())
    }

    /// When media of the track came last.
    #[must_use]
    pub fn newest(&self) -> Option<Instant> {
        self.newest
    }

    /// How long it may take until something of the track comes: as long as an encoding has that
    /// goes on.
    #[must_use]
    pub fn patience(&self) -> Duration {
        let living = self.encodings.iter().filter(|encoding| encoding.lives);
        let slowest = living.map(|encoding| encoding.pace.interval()).max();
        MIN_PATIENCE.max(PATIENCE_INTERVALS * slowest.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests;
