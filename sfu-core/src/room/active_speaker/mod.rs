//! Who is speaking: the list of a room's speakers, the dominant one of them, and which sounds are
//! forwarded at all.
//!
//! A client says how loud each of its packets is (RFC 6464). [`noise`] takes off what is noise,
//! [`loudness`] remembers which frames of the last second were speech, [`score`] says how much like
//! speech that is and [`dominance`] who leads the conversation, by the method of a paper that is
//! named there; [`places`] chooses what is forwarded. Where the method takes sub-bands of a
//! spectrum, there is only a level here, and slices of its height above the noise stand for them.
//!
//! What is said once is no speech: a sound must be active for nearly all of a quarter of a second to
//! come into the list, so that a slammed door does not, and for four tenths to lead, so that a
//! cough does not either.

mod dominance;
mod loudness;
mod noise;
mod places;
mod score;

use std::num::NonZeroUsize;
use std::time::Instant;

use arrayvec::ArrayVec;

pub use loudness::Loudness;
pub use places::Passage;

use super::tracks::{PeerIndex, TrackIndex, Tracks};
use crate::config::{MAX_SPEAKERS, SPEAKERS_INTERVAL, SPEAKERS_SPACING};
use crate::event::Speaker;
use crate::id::TrackId;

/// A level is told anew when it has moved by so many dB.
///
/// Higher: fewer messages. Lower: smoother meters.
const LEVEL_STEP: u8 = 6;

/// What a look, or a silence, changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpeakerNews {
    /// The dominant speaker, if it is another or nobody now.
    pub dominant: Option<Option<TrackId>>,
    /// The list, if it changed.
    pub speakers: Option<Vec<Speaker>>,
}

/// Who is speaking in one room.
#[derive(Debug, Default)]
pub struct ActiveSpeakers {
    /// The sounds that are audible, or were of late.
    sounding: Vec<TrackIndex>,
    /// The last look, and the next.
    looked: Option<Instant>,
    due: Option<Instant>,
    told: ArrayVec<Speaker, MAX_SPEAKERS>,
    /// It stays that through silence, until somebody else leads.
    dominant: Option<TrackIndex>,
    /// Most sounds forwarded at a time, and which they are.
    limit: Option<NonZeroUsize>,
    places: Vec<TrackIndex>,
}

impl ActiveSpeakers {
    /// A room in which at most `limit` voices are forwarded at a time; `None`: all.
    #[must_use]
    pub fn new(limit: Option<NonZeroUsize>) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Makes room for one more sound, so that hearing it allocates nothing.
    pub fn expect(&mut self, tracks: usize) {
        let more = |list: &Vec<_>| tracks.saturating_sub(list.len());
        self.sounding.reserve(more(&self.sounding));
        let places = self.limit.map_or(0, NonZeroUsize::get).min(tracks);
        let places = places.saturating_sub(self.places.len());
        self.places.reserve(places);
    }

    /// One packet of a track, of that level in -dBov (RFC 6464). True: [`Self::due`] is sooner now.
    pub fn hear(
        &mut self,
        now: Instant,
        (index, loudness): (TrackIndex, &mut Loudness),
        level_dbov: u8,
        timestamp: u32,
        clock_rate: u32,
    ) -> bool {
        loudness.place.set_level_unknown(false);
        if loudness.not_a_voice {
            return false;
        }
        let heard = loudness.add(now, level_dbov, timestamp, clock_rate);
        if heard.audible && !loudness.listed {
            loudness.listed = true;
            self.sounding.push(index);
        }
        let due = match heard {
            heard if heard.begins => self.looked.map_or(now, |at| now.max(at + SPEAKERS_SPACING)),
            heard if heard.audible => now + SPEAKERS_INTERVAL,
            _ => return false,
        };
        let sooner = self.due.is_none_or(|before| due < before);
        if sooner {
            self.due = Some(due);
        }
        sooner
    }

    /// One packet of a track whose client does not tell how loud it is. It is no speaker, and
    /// always forwarded.
    pub fn hear_unknown(&mut self, loudness: &mut Loudness) {
        loudness.place.set_level_unknown(true);
    }

    /// When to look next; `None` while all is quiet.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// The track of the dominant speaker: who speaks, or spoke last.
    #[must_use]
    pub fn dominant(&self) -> Option<TrackIndex> {
        self.dominant
    }

    /// The publisher of some sound that is looked at.
    #[must_use]
    pub fn someone(&self, tracks: &Tracks) -> Option<PeerIndex> {
        let index = *self.sounding.first()?;
        tracks.get(index).map(|track| track.publisher)
    }

    /// Looks at what was heard since the last time.
    pub fn look(&mut self, now: Instant, tracks: &mut Tracks) -> SpeakerNews {
        self.looked = Some(now);
        self.sounding.retain(|&index| {
            let track = tracks.get_mut(index);
            track.is_some_and(|track| track.loudness.look(now))
        });
        self.due = (!self.sounding.is_empty()).then(|| now + SPEAKERS_INTERVAL);
        let dominant = self.decide(now, tracks);
        SpeakerNews {
            dominant,
            speakers: self.list(tracks),
        }
    }

    /// The dominant speaker, if it is another now: the paper's global decision.
    fn decide(&mut self, now: Instant, tracks: &Tracks) -> Option<Option<TrackId>> {
        let scores = |index: TrackIndex| Some(tracks.get(index)?.loudness.scores(now));
        let dominant = self.dominant.and_then(scores).map(|(scores, _)| scores);
        let others = self.sounding.iter().copied();
        let others = others.filter(|&index| self.dominant != Some(index));
        let candidates = others.filter_map(|index| Some((index, scores(index)?)));
        let next = dominance::successor(dominant, candidates)?;
        self.dominant = Some(next);
        Some(tracks.get(next).map(|track| track.id))
    }

    /// The list, if it changed: the dominant speaker first, then the loudest.
    fn list(&mut self, tracks: &Tracks) -> Option<Vec<Speaker>> {
        let speaking = self.sounding.iter().filter_map(|&index| {
            let track = tracks.get(index)?;
            let level = track.loudness.level.filter(|_| track.loudness.speaking)?;
            let speaker = Speaker {
                track: track.id,
                level_dbov: self.steadied(track.id, level),
            };
            Some((self.dominant != Some(index), speaker))
        });
        let mut speakers: Vec<_> = speaking.collect();
        speakers.sort_unstable_by_key(|(other, one)| (*other, one.level_dbov, one.track));
        speakers.truncate(MAX_SPEAKERS);
        let speakers: ArrayVec<_, MAX_SPEAKERS> =
            speakers.into_iter().map(|(_, one)| one).collect();
        if speakers == self.told {
            return None;
        }
        self.told = speakers;
        Some(self.told.to_vec())
    }

    /// The level that was told, unless it has moved.
    fn steadied(&self, track: TrackId, level: u8) -> u8 {
        let told = self.told.iter().find(|speaker| speaker.track == track);
        let told = told.map(|speaker| speaker.level_dbov);
        told.filter(|told| told.abs_diff(level) < LEVEL_STEP)
            .unwrap_or(level)
    }

    /// A track is silent from now on, or over.
    pub fn silence(&mut self, index: TrackIndex, tracks: &mut Tracks) -> SpeakerNews {
        let mut news = SpeakerNews::default();
        let Some(track) = tracks.get_mut(index) else {
            return news;
        };
        track.loudness.silence();
        self.give_up_place(index);
        self.sounding.retain(|other| *other != index);
        if self.sounding.is_empty() {
            self.due = None;
        }
        if self.dominant == Some(index) {
            self.dominant = None;
            news.dominant = Some(None);
        }
        let before = self.told.len();
        self.told.retain(|speaker| speaker.track != track.id);
        news.speakers = (self.told.len() != before).then(|| self.told.to_vec());
        news
    }

    /// Whether a track is somebody's voice. What is none, a shared screen's sound, is no speaker
    /// and takes no voice's place: it is always forwarded.
    pub fn set_voice(
        &mut self,
        index: TrackIndex,
        is_voice: bool,
        tracks: &mut Tracks,
    ) -> SpeakerNews {
        let place = tracks.get(index).map(|track| track.loudness.place);
        let news = self.silence(index, tracks);
        if let (Some(track), Some(before)) = (tracks.get_mut(index), place) {
            track.loudness.place.goes_on_after(before);
            track.loudness.not_a_voice = !is_voice;
        }
        news
    }
}

#[cfg(test)]
mod tests;
