//! What all subscribers together want of a track, told to its publisher, so that it neither codes
//! nor sends what nobody sees.
//!
//! More is told at once: somebody waits for it. Less is told when it has held for a while
//! ([`limits::WANTED_LESS_FOR`]), which also bounds how often a publisher is told, however many
//! subscribers scroll. Who does not want to be told ignores it.

use std::collections::HashMap;

use sfu_core::id::{ParticipantId, TrackId};
use sfu_core::media::codec::{Codec, MediaKind};
use tokio::time::Instant;

use super::info::Quality;
use super::limits;
use super::notice::Notice;
use super::participant::Track;
use super::room::State;

/// A codec of a track, and the highest quality of it that anybody wants; `None`: nobody wants any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WantedCodec {
    /// The codec.
    pub codec: Codec,
    /// The quality, and all below it.
    pub quality: Option<Quality>,
}

/// What is wanted of a track in one codec.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// As its publisher was told; at first it sends all.
    told: Option<Quality>,
    /// It was told at all.
    pub(super) ever_told: bool,
    /// It may be less than was told.
    unsure: bool,
    /// Since when it is known to be.
    less_since: Option<Instant>,
}

impl Wanted {
    /// Of what is sent without being asked for.
    pub(super) const ALL: Self = Self {
        told: Some(Quality::High),
        ever_told: false,
        unsure: true,
        less_since: None,
    };

    /// Of what is sent only when it is asked for.
    pub(super) const NOTHING: Self = Self {
        told: None,
        ever_told: false,
        unsure: false,
        less_since: None,
    };

    /// Something changed that may make it less.
    pub(super) const fn look_again(&mut self) {
        self.unsure = true;
    }

    /// Whether anything is to be sent.
    pub(super) const fn is_any(&self) -> bool {
        self.told.is_some()
    }

    /// One subscriber wants that now; true if the publisher is to be told.
    fn one_wants(&mut self, quality: Option<Quality>) -> bool {
        if quality < self.told || quality.is_none() {
            self.unsure = true;
            return false;
        }
        self.less_since = None;
        let more = quality > self.told;
        self.told = quality;
        more
    }

    /// All together want that; true if the publisher is to be told.
    fn all_want(&mut self, quality: Option<Quality>, now: Instant) -> bool {
        if quality >= self.told {
            let more = self.one_wants(quality);
            self.unsure = false;
            return more;
        }
        let since = *self.less_since.get_or_insert(now);
        let held = now.saturating_duration_since(since) >= limits::WANTED_LESS_FOR;
        if held {
            self.told = quality;
            self.less_since = None;
            self.unsure = false;
        }
        held
    }
}

impl State {
    /// One subscriber wants something else of a track, or the track no more.
    pub(super) fn wanted_changed(&mut self, id: ParticipantId, track: TrackId) {
        let Some(found) = self.tracks.get_mut(&track) else {
            return;
        };
        let Some(participant) = self.participants.get(&id) else {
            // It is gone, and with it what it was sent.
            found.wanted.look_again();
            if let Some(backup) = &mut found.backup {
                backup.wanted.look_again();
            }
            return;
        };
        let backup = participant.on_backup.contains(&track);
        let subscribed = participant.subscriptions.contains(&track);
        let wish = participant.wish(track);
        let quality = wish.needs(&found.info, backup).filter(|_| subscribed);
        let wanted = found.wanted_in(backup);
        if wanted.is_some_and(|wanted| wanted.one_wants(quality)) {
            self.tell_wanted(track);
        }
    }

    /// Looks at what may be wanted less.
    pub(super) fn look_at_wanted(&mut self, now: Instant) {
        let is_unsure = |track: &&Track| {
            let bound = track.info.mid.is_some() && track.info.kind == MediaKind::Video;
            let backup = track.backup.as_ref();
            bound && (track.wanted.unsure || backup.is_some_and(|one| one.wanted.unsure))
        };
        let unsure = self.tracks.iter().filter(|(_, track)| is_unsure(track));
        // For each of them, in the first codec and in the second.
        let mut most: HashMap<TrackId, [Option<Quality>; 2]> =
            unsure.map(|(id, _)| (*id, [None; 2])).collect();
        if most.is_empty() {
            return;
        }
        for participant in self.participants.values() {
            for id in &participant.subscriptions {
                if let (Some(most), Some(track)) = (most.get_mut(id), self.tracks.get(id)) {
                    let backup = participant.on_backup.contains(id);
                    let most = &mut most[usize::from(backup)];
                    *most = (*most).max(participant.wish(*id).needs(&track.info, backup));
                }
            }
        }
        for (id, [first, second]) in most {
            let Some(track) = self.tracks.get_mut(&id) else {
                continue;
            };
            let told = track.wanted.all_want(first, now);
            let backup = track.wanted_in(true);
            if backup.is_some_and(|wanted| wanted.all_want(second, now)) || told {
                self.tell_wanted(id);
            }
        }
    }

    fn tell_wanted(&mut self, track: TrackId) {
        if let Some(track) = self.tracks.get_mut(&track)
            && track.info.kind == MediaKind::Video
        {
            track.wanted.ever_told = true;
            let (publisher, notice) = (track.publisher, track.wanted_notice());
            self.tell(publisher, notice);
        }
    }
}

impl Track {
    /// What is wanted of it in its first or its second codec.
    fn wanted_in(&mut self, backup: bool) -> Option<&mut Wanted> {
        match &mut self.backup {
            Some(second) if backup => Some(&mut second.wanted),
            None if backup => None,
            _ => Some(&mut self.wanted),
        }
    }

    /// Whether anything of it is to be sent.
    pub(super) fn is_wanted(&self) -> bool {
        let backup = self.backup.as_ref();
        self.wanted.is_any() || backup.is_some_and(|backup| backup.wanted.is_any())
    }

    /// What is wanted of it now.
    pub(super) fn wanted_notice(&self) -> Notice {
        let first = WantedCodec {
            codec: self.info.codec,
            quality: self.wanted.told,
        };
        let second = self.info.backup.as_ref().zip(self.backup.as_ref());
        let second = second.map(|(info, backup)| WantedCodec {
            codec: info.codec,
            quality: backup.wanted.told,
        });
        Notice::TrackWanted {
            track: self.info.sid.clone(),
            codecs: [first].into_iter().chain(second).collect(),
        }
    }
}
