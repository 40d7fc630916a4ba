//! What the engine's facts change, and what the passing of time does.

use sfu_core::event::Event;
use sfu_core::id::{Mid, ParticipantId, TrackId};
use tokio::time::Instant;

use super::limits;
use super::notice::{LeaveReason, Notice};
use super::participant::{Media, Participant};
use super::room::State;
use super::room_event::RoomEvent;
use super::{Rooms, ids};

impl Rooms {
    /// Takes in one fact of a worker. Facts about what is gone change nothing.
    pub fn handle_event(&self, worker: usize, event: Event) {
        let number = match &event {
            Event::Answer { participant, .. }
            | Event::OfferRefused { participant, .. }
            | Event::SectionsNeeded { participant, .. }
            | Event::SubscriptionFailed { participant, .. }
            | Event::SubscriptionsExplained { participant, .. }
            | Event::StreamStates { participant, .. }
            | Event::AdaptationRecorded { participant, .. }
            | Event::Connected { participant, .. }
            | Event::MediaLost { participant, .. }
            | Event::ConnectionStatistics { participant, .. }
            | Event::DataChannelOpened { participant, .. }
            | Event::DataOverflow { participant }
            | Event::DataReceived { participant, .. } => ids::room_of(participant.0),
            Event::TrackBound { track, .. }
            | Event::TrackCodec { track, .. }
            | Event::TrackUnbound { track }
            | Event::TrackStarted { track } => ids::room_of(track.0),
            Event::RoomFailed { room }
            | Event::SpeakersChanged { room, .. }
            | Event::DominantSpeaker { room, .. } => ids::room_number(*room),
            _ => return,
        };
        let Some(room) = self.0.registry.numbered(number) else {
            tracing::debug!(worker, ?event, "an event of a room that is gone");
            return;
        };
        match event {
            Event::RoomFailed { .. } => {
                tracing::error!(room = %room.name, worker, "the room failed in the engine");
                self.0.end_room(&room, LeaveReason::RoomFailed);
            }
            Event::DataChannelOpened { participant, label } => {
                self.data_channel_opened(&room, participant, label);
            }
            Event::DataReceived {
                participant,
                label,
                payload,
            } => self.data_received(&room, participant, label, &payload),
            event => room.with(|state| {
                if let Event::Connected { participant, .. } = event
                    && let Some(waited) = state.waited_for_media(participant, Instant::now())
                {
                    self.0.join_times.count(waited);
                }
                state.handle_event(event);
            }),
        }
    }

    /// Looks at all timers: who is gone for good, which rooms are over.
    pub fn sweep(&self, now: Instant) {
        for room in self.0.registry.all() {
            room.with(|state| state.expire_data(&self.0.data_counts, now));
            if room.with(|state| state.sweep(now)) {
                self.0.registry.forget(&room);
            }
        }
    }

    /// Looks at the timers every [`limits::SWEEP_INTERVAL`], for ever.
    pub async fn keep_time(self) {
        let mut ticks = tokio::time::interval(limits::SWEEP_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let now = ticks.tick().await;
            self.sweep(now);
        }
    }
}

impl State {
    fn handle_event(&mut self, event: Event) {
        match event {
            Event::Answer {
                participant,
                offer_id,
                sdp,
                mids,
            } => self.answered(participant, offer_id, sdp, &mids),
            Event::OfferRefused {
                participant,
                offer_id,
                error,
            } => {
                tracing::info!(room = %self.name, %participant, %error, "offer refused");
                self.offer_done(participant);
                let message = error.to_string();
                self.tell(participant, Notice::OfferRefused { offer_id, message });
            }
            Event::SectionsNeeded {
                participant,
                audio,
                video,
            } => self.tell(participant, Notice::SectionsNeeded { audio, video }),
            Event::Connected {
                participant,
                path,
                srtp_profile,
            } => {
                let (who, from) = (self.sid_of(participant), path.remote);
                tracing::info!(room = %self.name, participant = who, %from, srtp_profile, "media connected");
                self.set_media(participant, Media::Connected);
            }
            Event::MediaLost { participant, loss } => {
                let who = self.sid_of(participant);
                tracing::info!(room = %self.name, participant = who, ?loss, "media lost");
                self.set_media(participant, Media::Lost(Instant::now()));
            }
            Event::DominantSpeaker { track, .. } => self.dominant_speaker_changed(track),
            Event::SpeakersChanged { speakers, .. } => self.speakers_changed(&speakers),
            Event::ConnectionStatistics {
                participant,
                statistics,
            } => self.judge(participant, &statistics),
            Event::DataOverflow { participant } => {
                let who = self.sid_of(participant);
                tracing::info!(room = %self.name, participant = who, "misses reliable data: it reads too slowly");
            }
            Event::TrackBound { track, mid } => self.track_bound(track, mid),
            Event::TrackCodec { track, codec } => self.track_codec(track, codec),
            Event::TrackUnbound { track } => self.unpublish(track),
            Event::SubscriptionFailed {
                participant,
                track,
                failure,
            } => self.carrier_failed(participant, track, failure),
            Event::StreamStates {
                participant,
                states,
            } => self.stream_states_changed(participant, &states),
            Event::SubscriptionsExplained { .. } | Event::AdaptationRecorded { .. } => {
                self.looked_into(event);
            }
            Event::TrackStarted { track } => {
                tracing::debug!(room = %self.name, %track, "track started");
            }
            _ => {}
        }
    }

    /// What somebody wanted to know of a participant's media.
    fn looked_into(&mut self, event: Event) {
        match event {
            Event::SubscriptionsExplained {
                participant,
                request,
                explanations,
                link,
            } => self.explained(participant, request, &explanations, link),
            Event::AdaptationRecorded {
                participant,
                request,
                bytes,
                end,
            } => self.recorded(participant, request, bytes, end),
            _ => {}
        }
    }

    fn answered(&mut self, id: ParticipantId, offer_id: u32, sdp: String, mids: &[(Mid, TrackId)]) {
        self.offer_done(id);
        let sections = mids.iter().filter_map(|(mid, track)| {
            let track = self.tracks.get(&self.track_of_carrier(*track))?;
            Some((mid.to_string(), track.info.sid.clone()))
        });
        let mid_to_track = sections.collect();
        self.tell(
            id,
            Notice::Answer {
                offer_id,
                sdp,
                mid_to_track,
            },
        );
    }

    fn offer_done(&mut self, id: ParticipantId) {
        if let Some(participant) = self.participants.get_mut(&id) {
            participant.pending_offers = participant.pending_offers.saturating_sub(1);
        }
    }

    /// A participant's sid for the log; empty for one who is gone.
    fn sid_of(&self, id: ParticipantId) -> &str {
        self.participants
            .get(&id)
            .map_or("", |participant| &participant.sid)
    }

    fn set_media(&mut self, id: ParticipantId, media: Media) {
        self.media_quality(id, media);
        if let Some(participant) = self.participants.get_mut(&id) {
            let was_connected = matches!(participant.media, Media::Connected);
            participant.media = media;
            let is_connected = matches!(media, Media::Connected);
            if was_connected != is_connected {
                self.changed(id);
                self.record_participant(
                    id,
                    match is_connected {
                        true => RoomEvent::ParticipantActive,
                        false => RoomEvent::ParticipantUpdated,
                    },
                );
            }
        }
    }

    /// Whether the room is over; then it has ended.
    fn sweep(&mut self, now: Instant) -> bool {
        self.forget_departed(now);
        self.tell_qualities(now);
        self.tell_late_news();
        self.measure_again();
        self.look_at_wanted(now);
        self.give_up_backups(now);
        self.watch.forget_unwatched(now);
        let over = self.participants.iter().filter_map(|(id, participant)| {
            let reason = participant.given_up(now)?;
            Some((*id, reason))
        });
        let over: Vec<_> = over.collect();
        for (id, reason) in over {
            self.remove(id, reason);
        }
        let wait = if self.ever_joined {
            self.departure_timeout
        } else {
            self.empty_timeout
        };
        let empty = self.empty_since;
        if empty.is_some_and(|since| now.saturating_duration_since(since) >= wait) {
            self.end(LeaveReason::RoomDeleted);
        }
        self.ended
    }
}

impl Participant {
    /// Why the participant is given up on, if it is time.
    fn given_up(&self, now: Instant) -> Option<LeaveReason> {
        let past = |since: Instant, wait| now.saturating_duration_since(since) >= wait;
        match (self.signalling_lost, self.media) {
            // A client whose media never came up gives up by itself, and tells its user why.
            (_, Media::Connected) | (None, Media::Awaited(_)) => None,
            (Some(signalling), Media::Awaited(media)) => {
                past(signalling.max(media), limits::GONE_AFTER)
                    .then_some(LeaveReason::ConnectionLost)
            }
            (None, Media::Lost(media)) => {
                past(media, limits::MEDIA_LOST_AFTER).then_some(LeaveReason::MediaLost)
            }
            (Some(_), Media::Lost(media)) => {
                past(media, limits::MEDIA_LOST_AFTER).then_some(LeaveReason::ConnectionLost)
            }
        }
    }
}
