//! Who is speaking: how loud each sound of a room has been, and the list of the loudest.
//!
//! A client says how loud each of its packets is (RFC 6464). What is said once is no speech: a
//! sound must be loud for most of half a second to come into the list, and quiet for as long to
//! leave it, so that neither a slammed door nor a pause between two words changes anything.

use std::time::{Duration, Instant};

use arrayvec::ArrayVec;

use super::tracks::{PeerIndex, TrackIndex, Tracks};
use crate::config::{MAX_SPEAKERS, SPEAKERS_INTERVAL};
use crate::event::Speaker;
use crate::id::TrackId;

/// How loud speech is at least, in -dBov (RFC 6464): people near a microphone are at 15 to 30.
///
/// Higher: who is far away is found, and so is what a room is full of. Lower: the reverse.
const LOUD: u8 = 35;

/// What counts as going on with speech, in -dBov. Not below [`LOUD`].
///
/// Higher: the soft end of a sentence keeps its speaker in the list, and so does breathing.
const AUDIBLE: u8 = 45;

/// The smoothed share of time, of 256, that must be loud for a sound to come into the list: two
/// fifths, which one look can reach only if nearly all of it was loud.
const STARTS_AT: u32 = 102;

/// The smoothed share of time, of 256, that must be audible for a sound to stay.
const STAYS_AT: u32 = 51;

/// A level is told anew when it has moved by so many dB.
///
/// Higher: fewer messages. Lower: smoother meters.
const LEVEL_STEP: u8 = 6;

/// Most time that one packet stands for: after a pause (RFC 7587 section 3.1.3) or a loss nobody
/// knows what was before it. Opus frames of today's clients are 20 ms, at most 60.
const MAX_FRAME_MS: u32 = 60;

/// What a first packet stands for.
const FIRST_FRAME_MS: u32 = 20;

/// How loud one sound is over time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Loudness {
    last_timestamp: Option<u32>,
    /// Milliseconds that were loud, and audible, since the last look.
    loud_ms: u32,
    audible_ms: u32,
    /// -dBov times milliseconds, over what was audible.
    weight: u32,
    /// Of 256, smoothed over the looks.
    loud: u32,
    audible: u32,
    /// -dBov of what is audible, smoothed.
    level: Option<u8>,
    speaking: bool,
    /// It is among those that are looked at.
    listed: bool,
}

impl Loudness {
    /// One packet of that level in -dBov.
    fn add(&mut self, level_dbov: u8, timestamp: u32, clock_rate: u32) {
        let frame = match self.last_timestamp {
            None => FIRST_FRAME_MS,
            Some(last) => {
                let ticks = timestamp.wrapping_sub(last);
                if ticks == 0 || ticks > u32::MAX / 2 {
                    // Late or twice: what came after it has spoken for it.
                    return;
                }
                (ticks / (clock_rate / 1000).max(1)).min(MAX_FRAME_MS)
            }
        };
        self.last_timestamp = Some(timestamp);
        if level_dbov <= AUDIBLE {
            self.audible_ms += frame;
            self.weight += u32::from(level_dbov) * frame;
        }
        if level_dbov <= LOUD {
            self.loud_ms += frame;
        }
    }

    /// The stream begins anew: its timestamps have nothing to do with those before.
    pub fn stream_restarted(&mut self) {
        self.last_timestamp = None;
    }

    /// Ends a span of time; false when there is nothing left to look at.
    fn look(&mut self, span: Duration) -> bool {
        let span = u32::try_from(span.as_millis()).unwrap_or(u32::MAX).max(1);
        let share = |ms: u32| ms.min(span) * 256 / span;
        self.loud = u32::midpoint(self.loud, share(self.loud_ms));
        self.audible = u32::midpoint(self.audible, share(self.audible_ms));
        if let Some(now) = self.weight.checked_div(self.audible_ms) {
            // An average of levels, each at most AUDIBLE.
            let now = u8::try_from(now).unwrap_or(AUDIBLE);
            self.level = Some(self.level.map_or(now, |before| u8::midpoint(before, now)));
        }
        (self.loud_ms, self.audible_ms, self.weight) = (0, 0, 0);
        self.speaking = if self.speaking {
            self.audible >= STAYS_AT
        } else {
            self.loud >= STARTS_AT
        };
        self.listed = self.audible > 0;
        if !self.listed {
            self.level = None;
        }
        self.listed
    }
}

/// Who is speaking in one room.
#[derive(Debug, Default)]
pub struct ActiveSpeakers {
    /// The sounds that are audible, or were of late.
    sounding: Vec<TrackIndex>,
    looked: Option<Instant>,
    told: ArrayVec<Speaker, MAX_SPEAKERS>,
}

impl ActiveSpeakers {
    /// Makes room for one more sound, so that hearing it allocates nothing.
    pub fn expect(&mut self, tracks: usize) {
        self.sounding
            .reserve(tracks.saturating_sub(self.sounding.len()));
    }

    /// One packet of a track, of that level in -dBov (RFC 6464). True: it is the first that is
    /// heard of the track for a while, see [`Self::due`].
    pub fn hear(
        &mut self,
        now: Instant,
        (index, loudness): (TrackIndex, &mut Loudness),
        level_dbov: u8,
        timestamp: u32,
        clock_rate: u32,
    ) -> bool {
        loudness.add(level_dbov, timestamp, clock_rate);
        let first = loudness.audible_ms > 0 && !loudness.listed;
        if first {
            loudness.listed = true;
            self.sounding.push(index);
            self.looked.get_or_insert(now);
        }
        first
    }

    /// When to look next; `None` while all is quiet.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        self.looked.map(|at| at + SPEAKERS_INTERVAL)
    }

    /// The publisher of some sound that is looked at.
    #[must_use]
    pub fn someone(&self, tracks: &Tracks) -> Option<PeerIndex> {
        let index = *self.sounding.first()?;
        tracks.get(index).map(|track| track.publisher)
    }

    /// Looks at what was heard since the last time; the list if it changed, loudest first.
    pub fn look(&mut self, now: Instant, tracks: &mut Tracks) -> Option<Vec<Speaker>> {
        let span = now.saturating_duration_since(self.looked?);
        self.sounding.retain(|&index| {
            let track = tracks.get_mut(index);
            track.is_some_and(|track| track.loudness.look(span))
        });
        self.looked = (!self.sounding.is_empty()).then_some(now);
        let speaking = self.sounding.iter().filter_map(|&index| {
            let track = tracks.get(index)?;
            let level = track.loudness.level.filter(|_| track.loudness.speaking)?;
            Some(Speaker {
                track: track.id,
                level_dbov: self.steadied(track.id, level),
            })
        });
        let mut speakers: Vec<_> = speaking.collect();
        speakers.sort_unstable_by_key(|speaker| (speaker.level_dbov, speaker.track));
        speakers.truncate(MAX_SPEAKERS);
        if speakers[..] == self.told[..] {
            return None;
        }
        self.told = speakers.iter().copied().collect();
        Some(speakers)
    }

    /// The level that was told, unless it has moved.
    fn steadied(&self, track: TrackId, level: u8) -> u8 {
        let told = self.told.iter().find(|speaker| speaker.track == track);
        let told = told.map(|speaker| speaker.level_dbov);
        told.filter(|told| told.abs_diff(level) < LEVEL_STEP)
            .unwrap_or(level)
    }

    /// A track is silent from now on, or over; the list if it was in it.
    pub fn silence(&mut self, index: TrackIndex, tracks: &mut Tracks) -> Option<Vec<Speaker>> {
        let track = tracks.get_mut(index)?;
        track.loudness = Loudness::default();
        self.sounding.retain(|other| *other != index);
        let before = self.told.len();
        self.told.retain(|speaker| speaker.track != track.id);
        (self.told.len() != before).then(|| self.told.to_vec())
    }
}

#[cfg(test)]
mod tests;
