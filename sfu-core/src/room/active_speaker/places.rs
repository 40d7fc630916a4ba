//! Which sounds of a large room are forwarded: at most so many at a time, the ones that speak.
//!
//! A sound that can be heard gets a place with that very packet, and with it what came in the
//! tenth of a second before: no first syllable is cut. It keeps the place until somebody else needs
//! it. Then who has been silent for longest gives its own up. Only where everybody with a place
//! speaks, more people at once than there are places, does somebody lose it in mid-speech: who has paused
//! for longest, never the dominant speaker, and one newcomer can do that once in its speech. A client
//! that does not tell how loud it is takes places that nobody speaks in, and is forwarded without one.

use std::time::Instant;

use super::{ActiveSpeakers, Loudness};
use crate::media::codec::MediaKind;
use crate::room::tracks::{TrackIndex, Tracks};

/// Frames of 20 ms without speech after which a place can be taken by whatever is audible. Higher:
/// pauses between sentences keep a place while others wait for one. Lower: who breathes loses it.
const IDLE_FRAMES: u32 = 25;

/// Frames that a sound must have been inaudible to begin anew: to have a first syllable that could
/// be cut. Higher: who lost its place in mid-speech waits longer for a free one. Lower: two people
/// too many take one place from each other with each word.
const REST_FRAMES: u32 = 25;

/// What one sound has of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    taken: bool,
    /// It lost its place while it was audible, and has not been silent since.
    crowded_out: bool,
    /// It asked for a place, and others had them.
    withheld: bool,
    /// The first packet that was not forwarded, by the number in its stream.
    withheld_from: Option<u64>,
    /// Its client does not tell how loud it is.
    level_unknown: bool,
}

impl Place {
    /// The numbers of what was withheld mean nothing any more.
    pub(super) fn stream_restarted(&mut self) {
        self.withheld_from = None;
    }

    pub(super) fn set_level_unknown(&mut self, unknown: bool) {
        self.level_unknown = unknown;
    }

    /// Begins as new, but for what its subscribers were not sent of the stream that goes on.
    pub(super) fn goes_on_after(&mut self, before: Self) {
        self.withheld_from = before.withheld_from;
    }

    /// A packet of it goes to the subscribers.
    fn passes(&mut self) -> Passage {
        self.withheld = false;
        match self.withheld_from.take() {
            Some(withheld_from) => Passage::Begins { withheld_from },
            None => Passage::Forwarded,
        }
    }
}

/// What becomes of one packet of sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// It goes to the subscribers.
    Forwarded,
    /// It does not: others have the places.
    Withheld,
    /// The first that does after some that did not. What is in the cache from that number on and
    /// recent goes before it; the subscriber's numbers go on without a gap.
    Begins {
        /// The first that was withheld.
        withheld_from: u64,
    },
}

impl Loudness {
    /// Whether the newest packet can be heard, and whether it is loud enough to be speech. Who does not
    /// tell may be heard, and throws out nobody who speaks: it may as well be silent.
    fn sounds(&self) -> (bool, bool) {
        match self.place.level_unknown {
            true => (true, false),
            false => self.newest_frame(),
        }
    }

    /// How well it can be spared: by the time since it last spoke, then by how soft it is.
    fn spare(&self, now: Instant) -> (u32, std::cmp::Reverse<u32>) {
        let (idle, bands) = match self.place.level_unknown {
            true => (0, u32::MAX),
            false => self.idle_at(now),
        };
        (idle, std::cmp::Reverse(bands))
    }
}

impl ActiveSpeakers {
    /// Whether a sound is not forwarded now because others have the places.
    #[must_use]
    pub fn withholds(&self, index: TrackIndex, tracks: &Tracks) -> bool {
        let place = tracks.get(index).map(|track| track.loudness.place);
        place.is_some_and(|place| place.withheld && !place.taken)
    }

    /// Whether a packet of a track is forwarded, after it was heard; `sequence` is its number in its
    /// stream.
    pub fn admit(
        &mut self,
        now: Instant,
        index: TrackIndex,
        sequence: u64,
        tracks: &mut Tracks,
    ) -> Passage {
        let Some(limit) = self.limit else {
            return Passage::Forwarded;
        };
        let Some(track) = tracks.get_mut(index) else {
            return Passage::Withheld;
        };
        let loudness = &mut track.loudness;
        if track.kind != MediaKind::Audio || loudness.not_a_voice || loudness.place.taken {
            return loudness.place.passes();
        }
        loudness.place.crowded_out &= !loudness.was_quiet_for(REST_FRAMES);
        let loudness = *loudness;
        let takes_place = self.takes_place(now, limit.get(), index, &loudness, tracks);
        // Who does not tell its level could not ask for a place by speaking: it needs none.
        if !takes_place && !loudness.place.level_unknown {
            return withhold(index, sequence, tracks);
        }
        let Some(track) = tracks.get_mut(index) else {
            return Passage::Withheld;
        };
        let place = &mut track.loudness.place;
        if takes_place {
            self.places.push(index);
            (place.taken, place.crowded_out) = (true, false);
        }
        place.passes()
    }

    /// Makes room for a sound, if it may have it.
    fn takes_place(
        &mut self,
        now: Instant,
        limit: usize,
        index: TrackIndex,
        loudness: &Loudness,
        tracks: &mut Tracks,
    ) -> bool {
        if self.places.len() < limit {
            return true;
        }
        let (audible, active) = loudness.sounds();
        if !audible {
            return false;
        }
        // At most as many as there are places.
        let others = self.places.iter().enumerate();
        let spared = others.filter_map(|(at, &other)| {
            let spare = tracks.get(other)?.loudness.spare(now);
            let leads = limit > 1 && self.dominant == Some(other) && spare.0 < IDLE_FRAMES;
            (!leads).then_some((spare, at, other))
        });
        let Some(((idle, _), at, other)) = spared.max() else {
            return false;
        };
        let speaks = idle < IDLE_FRAMES;
        if speaks && (!active || loudness.place.crowded_out) {
            return false;
        }
        tracing::trace!(from = other, to = index, speaks, "a place changes hands");
        self.places.swap_remove(at);
        if let Some(other) = tracks.get_mut(other) {
            let place = &mut other.loudness.place;
            (place.taken, place.crowded_out) = (false, speaks);
        }
        true
    }

    /// A sound that is silent or over needs no place.
    pub(super) fn give_up_place(&mut self, index: TrackIndex) {
        self.places.retain(|other| *other != index);
    }
}

fn withhold(index: TrackIndex, sequence: u64, tracks: &mut Tracks) -> Passage {
    if let Some(track) = tracks.get_mut(index) {
        let place = &mut track.loudness.place;
        place.withheld = true;
        place.withheld_from.get_or_insert(sequence);
    }
    Passage::Withheld
}
