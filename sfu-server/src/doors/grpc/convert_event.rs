//! A room's events in the contract's words.

use sfu_control_proto::v1;
use sfu_control_proto::v1::watch_room_response::Event;

use super::convert::{participant, room, track};
use crate::rooms::{LeaveReason, Publisher, RoomEvent};

/// The event; `None`: one that the contract has no word for yet.
pub(super) fn event(event: RoomEvent) -> Option<Event> {
    let who = |publisher: Publisher| Some(participant_ref(publisher));
    Some(match event {
        RoomEvent::ParticipantJoined(info) => Event::ParticipantJoined(v1::ParticipantJoined {
            participant: Some(participant(*info)),
        }),
        RoomEvent::ParticipantActive(info) => Event::ParticipantActive(v1::ParticipantActive {
            participant: Some(participant(*info)),
        }),
        RoomEvent::ParticipantUpdated(info) => Event::ParticipantUpdated(v1::ParticipantUpdated {
            participant: Some(participant(*info)),
        }),
        RoomEvent::ParticipantLeft(info) => Event::ParticipantLeft(v1::ParticipantLeft {
            reason: info
                .left
                .map_or(v1::LeaveReason::Unspecified, leave_reason)
                .into(),
            participant: Some(participant(*info)),
        }),
        RoomEvent::TrackPublished(publisher, info) => Event::TrackPublished(v1::TrackPublished {
            participant: who(publisher),
            track: Some(track(*info)),
        }),
        RoomEvent::TrackMuteChanged(publisher, info) if info.muted => {
            Event::TrackMuted(v1::TrackMuted {
                participant: who(publisher),
                track: Some(track(*info)),
            })
        }
        RoomEvent::TrackMuteChanged(publisher, info) => Event::TrackUnmuted(v1::TrackUnmuted {
            participant: who(publisher),
            track: Some(track(*info)),
        }),
        RoomEvent::TrackUnpublished(publisher, info) => {
            Event::TrackUnpublished(v1::TrackUnpublished {
                participant: who(publisher),
                track: Some(track(*info)),
            })
        }
        RoomEvent::SpeakersChanged(now) => Event::SpeakersChanged(v1::SpeakersChanged {
            speakers: speakers(now),
        }),
        RoomEvent::RoomUpdated(info) => Event::RoomUpdated(v1::RoomUpdated {
            room: Some(room(*info)),
        }),
        RoomEvent::RoomEnded(reason) => Event::RoomEnded(v1::RoomEnded {
            reason: leave_reason(reason).into(),
        }),
    })
}

/// All that speak, the loudest first.
pub(super) fn speakers(speakers: Vec<(Publisher, f32)>) -> Vec<v1::Speaker> {
    let speakers = speakers.into_iter().map(|(who, level)| v1::Speaker {
        participant: Some(participant_ref(who)),
        level,
    });
    speakers.collect()
}

fn participant_ref(publisher: Publisher) -> v1::ParticipantRef {
    v1::ParticipantRef {
        identity: publisher.identity,
        sid: publisher.sid,
    }
}

const fn leave_reason(reason: LeaveReason) -> v1::LeaveReason {
    match reason {
        LeaveReason::ClientInitiated => v1::LeaveReason::ClientInitiated,
        LeaveReason::DuplicateIdentity => v1::LeaveReason::DuplicateIdentity,
        LeaveReason::ParticipantRemoved => v1::LeaveReason::ParticipantRemoved,
        LeaveReason::RoomDeleted => v1::LeaveReason::RoomDeleted,
        LeaveReason::ServerShutdown => v1::LeaveReason::ServerShutdown,
        LeaveReason::StateMismatch => v1::LeaveReason::StateMismatch,
        LeaveReason::RoomFailed => v1::LeaveReason::RoomFailed,
        LeaveReason::MediaLost => v1::LeaveReason::MediaLost,
        LeaveReason::ConnectionLost => v1::LeaveReason::ConnectionLost,
        LeaveReason::TooSlow => v1::LeaveReason::TooSlow,
        LeaveReason::OfferRefused => v1::LeaveReason::OfferRefused,
    }
}
