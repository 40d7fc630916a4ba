//! Who is speaking, as people: the engine's sounds become their publishers.

use std::collections::BTreeMap;
use std::sync::Arc;

use sfu_core::command::Command;
use sfu_core::event;
use sfu_core::id::{ParticipantId, TrackId};

use super::info::TrackSource;
use super::notice::Notice;
use super::room::State;
use super::room_event::{Publisher, RoomEvent};

/// A participant that speaks, or has stopped.
#[derive(Clone, Debug, PartialEq)]
pub struct Speaker {
    /// The participant's sid.
    pub sid: String,
    /// The participant's identity.
    pub identity: Arc<str>,
    /// How loud, as a share of full scale: 0 to 1. Of the dominant one at least as loud as anybody.
    pub level: f32,
    /// False: it has stopped.
    pub active: bool,
}

/// Loudness in -dBov (RFC 6464) as a share of full scale.
fn amplitude(level_dbov: u8) -> f32 {
    10_f32.powf(f32::from(level_dbov) / -20.0)
}

/// Loudest first.
fn notice(mut speakers: Vec<Speaker>) -> Notice {
    speakers.sort_by(|a, b| b.level.total_cmp(&a.level));
    Notice::SpeakersChanged(Arc::new(speakers))
}

/// Makes the dominant one the loudest: clients know no other order, and show the first.
fn put_first(speakers: &mut BTreeMap<ParticipantId, u8>, dominant: ParticipantId) {
    let Some(mut level) = speakers.remove(&dominant) else {
        return;
    };
    for other in speakers.values_mut() {
        *other = (*other).max(1);
        level = level.min(*other - 1);
    }
    speakers.insert(dominant, level);
}

impl State {
    /// Tells the engine what is of a shared screen: its sound is nobody's voice, and its pictures
    /// come before faces.
    pub(super) fn announce_source(&self, track: TrackId, source: TrackSource) {
        match source {
            TrackSource::ScreenShareAudio => {
                let is_voice = false;
                self.engine.send(Command::SetTrackVoice { track, is_voice });
            }
            TrackSource::ScreenShare => {
                let is_screen = true;
                let screen = Command::SetTrackScreen { track, is_screen };
                self.engine.send(screen);
            }
            _ => {}
        }
    }

    /// Another speaker leads the conversation; the list that goes with it follows.
    pub(super) fn dominant_speaker_changed(&mut self, track: Option<TrackId>) {
        let track = track.and_then(|track| self.tracks.get(&track));
        self.dominant = track.map(|track| track.publisher);
    }

    /// The engine's list of speaking sounds changed: everyone is told what changed of it.
    pub(super) fn speakers_changed(&mut self, sounds: &[event::Speaker]) {
        let mut speakers = BTreeMap::new();
        for sound in sounds {
            let Some(track) = self.tracks.get(&sound.track) else {
                continue;
            };
            let shown = self.participants.get(&track.publisher);
            let hidden = shown.is_none_or(|one| one.permissions.hidden);
            // What a screen plays is nobody's voice.
            if hidden || track.info.source == TrackSource::ScreenShareAudio {
                continue;
            }
            let level = speakers.entry(track.publisher).or_insert(sound.level_dbov);
            *level = sound.level_dbov.min(*level);
        }
        if let Some(dominant) = self.dominant {
            put_first(&mut speakers, dominant);
        }
        self.ever_spoken |= !speakers.is_empty();
        let before = std::mem::replace(&mut self.speakers, speakers);
        let stopped = before.keys().filter(|id| !self.speakers.contains_key(id));
        let stopped = stopped.filter_map(|id| self.speaker(*id, None));
        let changed = self.speakers.iter();
        let changed = changed.filter(|(id, level)| before.get(id) != Some(level));
        let changed = changed.filter_map(|(id, level)| self.speaker(*id, Some(*level)));
        let changed: Vec<_> = changed.chain(stopped).collect();
        self.tell_speakers(changed);
    }

    /// A participant that leaves speaks no more. It is told while the others still know who it is.
    pub(super) fn speaker_leaves(&mut self, id: ParticipantId) {
        if self.speakers.remove(&id).is_some() {
            let stopped = self.speaker(id, None);
            self.tell_speakers(stopped.into_iter().collect());
        }
    }

    fn tell_speakers(&mut self, changed: Vec<Speaker>) {
        if changed.is_empty() {
            return;
        }
        self.record_speakers();
        let notice = notice(changed);
        let all: Vec<_> = self.participants.keys().copied().collect();
        for id in all {
            self.tell(id, notice.clone());
        }
    }

    /// Tells the room's watchers who speaks now.
    fn record_speakers(&self) {
        self.watch
            .record(|| RoomEvent::SpeakersChanged(self.speaking()));
    }

    /// All that speak now, the loudest first.
    pub(super) fn speaking(&self) -> Vec<(Publisher, f32)> {
        let mut speakers: Vec<_> = self.speakers.iter().collect();
        speakers.sort_by_key(|(_, level)| **level);
        let who = |id| {
            let participant = self.participants.get(id)?;
            Some(Publisher {
                identity: participant.identity.to_string(),
                sid: participant.sid.clone(),
            })
        };
        let speakers = speakers.into_iter();
        let speakers = speakers.filter_map(|(id, level)| Some((who(id)?, amplitude(*level))));
        speakers.collect()
    }

    /// A newcomer is told who is speaking.
    pub(super) fn tell_speakers_now(&mut self, to: ParticipantId) {
        let now = self.speakers.iter();
        let now = now.filter_map(|(id, level)| self.speaker(*id, Some(*level)));
        let now: Vec<_> = now.collect();
        if !now.is_empty() {
            self.tell(to, notice(now));
        }
    }

    /// Who was without signalling is told of everyone, speaking or not.
    pub(super) fn tell_all_speakers(&mut self, to: ParticipantId) {
        if !self.ever_spoken {
            return;
        }
        let shown = self.participants.iter();
        let shown = shown.filter(|(_, one)| !one.permissions.hidden);
        let all = shown.filter_map(|(id, _)| self.speaker(*id, self.speakers.get(id).copied()));
        let all: Vec<_> = all.collect();
        self.tell(to, notice(all));
    }

    fn speaker(&self, id: ParticipantId, level: Option<u8>) -> Option<Speaker> {
        let participant = self.participants.get(&id)?;
        Some(Speaker {
            sid: participant.sid.clone(),
            identity: Arc::clone(&participant.identity),
            level: level.map_or(0.0, amplitude),
            active: level.is_some(),
        })
    }
}
