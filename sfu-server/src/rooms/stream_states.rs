//! Which pictures are paused because a subscriber's network does not carry them: the engine says so,
//! and its client is told, to show that it is neither the publisher's doing nor a fault.

use std::sync::Arc;

use sfu_core::event::StreamState;
use sfu_core::id::{ParticipantId, TrackId};

use super::notice::Notice;
use super::room::State;

/// How a subscribed track stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamInfo {
    /// The publisher's sid.
    pub publisher: String,
    /// The track's sid.
    pub track: String,
    /// Its pictures are paused.
    pub paused: bool,
}

impl State {
    /// The engine has paused pictures on their way to a participant, or lets them go on.
    pub(super) fn stream_states_changed(
        &mut self,
        id: ParticipantId,
        states: &[(TrackId, StreamState)],
    ) {
        let mut changed = Vec::new();
        for (carrier, state) in states {
            let track = self.track_of_carrier(*carrier);
            let paused = *state == StreamState::Paused;
            let Some(participant) = self.participants.get_mut(&id) else {
                return;
            };
            if participant.subscriptions.contains(&track) {
                participant.paused.insert(track, paused);
                changed.push((track, paused));
            }
        }
        self.tell_stream_states(id, &changed);
    }

    /// How all stand that were ever paused, to one who may have missed it.
    pub(super) fn tell_all_stream_states(&mut self, id: ParticipantId) {
        let participant = self.participants.get(&id);
        let paused = participant.map_or_else(Vec::new, |one| {
            let paused = one.paused.iter();
            paused.map(|(track, paused)| (*track, *paused)).collect()
        });
        self.tell_stream_states(id, &paused);
    }

    fn tell_stream_states(&mut self, id: ParticipantId, states: &[(TrackId, bool)]) {
        let info = |(track, paused): &(TrackId, bool)| {
            let track = self.tracks.get(track)?;
            let publisher = self.participants.get(&track.publisher)?;
            Some(StreamInfo {
                publisher: publisher.sid.clone(),
                track: track.info.sid.clone(),
                paused: *paused,
            })
        };
        let infos: Vec<_> = states.iter().filter_map(info).collect();
        if !infos.is_empty() {
            self.tell(id, Notice::StreamStates(Arc::new(infos)));
        }
    }
}
