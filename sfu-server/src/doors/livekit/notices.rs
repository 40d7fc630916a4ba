//! What a session is told, in the protocol's messages.

use livekit_protocol as proto;
use livekit_protocol::signal_response::Message;

use super::{convert, convert_signals, convert_track};
use crate::error::{ApiError, ErrorKind};
use crate::rooms::{Notice, SubscriptionError};

/// The message that says it; `None` where the protocol has none.
pub(super) fn message(notice: Notice) -> Option<Message> {
    Some(match notice {
        Notice::ParticipantsChanged(changed) => {
            let participants = changed.iter().map(convert::participant).collect();
            Message::Update(proto::ParticipantUpdate { participants })
        }
        Notice::SelfChanged(me) => Message::Update(proto::ParticipantUpdate {
            participants: vec![convert::participant(&me)],
        }),
        Notice::RoomChanged(room) => Message::RoomUpdate(proto::RoomUpdate {
            room: Some(convert::room(&room)),
        }),
        Notice::Answer {
            offer_id,
            sdp,
            mid_to_track,
        } => Message::Answer(convert::answer(offer_id, sdp, mid_to_track)),
        Notice::OfferRefused { message, .. } => Message::RequestResponse(convert::refusal(
            &ApiError::new(ErrorKind::InvalidArgument, message),
        )),
        Notice::SectionsNeeded { audio, video } => {
            Message::MediaSectionsRequirement(proto::MediaSectionsRequirement {
                num_audios: audio,
                num_videos: video,
            })
        }
        Notice::TrackPublished { cid, track } => {
            Message::TrackPublished(proto::TrackPublishedResponse {
                track: Some(convert_track::track(&track, &cid, 0)),
                cid,
            })
        }
        Notice::TrackUnpublished { track } => {
            Message::TrackUnpublished(proto::TrackUnpublishedResponse { track_sid: track })
        }
        Notice::MuteChanged { track, muted } => {
            Message::Mute(proto::MuteTrackRequest { sid: track, muted })
        }
        Notice::TrackSubscribed { track } => {
            Message::TrackSubscribed(proto::TrackSubscribed { track_sid: track })
        }
        Notice::SubscriptionFailed { track, error } => {
            let error = match error {
                SubscriptionError::TrackNotFound => proto::SubscriptionError::SeTrackNotfound,
                SubscriptionError::NotAllowed => proto::SubscriptionError::SeUnknown,
                SubscriptionError::CodecUnsupported => proto::SubscriptionError::SeCodecUnsupported,
            };
            Message::SubscriptionResponse(proto::SubscriptionResponse {
                track_sid: track,
                err: error.into(),
            })
        }
        Notice::SpeakersChanged(changed) => {
            Message::SpeakersChanged(convert_signals::speakers(&changed))
        }
        Notice::QualitiesChanged(changed) => {
            Message::ConnectionQuality(convert_signals::qualities(&changed))
        }
        Notice::SubscriptionPermitted {
            publisher,
            track,
            allowed,
        } => Message::SubscriptionPermissionUpdate(proto::SubscriptionPermissionUpdate {
            participant_sid: publisher,
            track_sid: track,
            allowed,
        }),
        Notice::Leave { reason } => Message::Leave(convert::leave(reason)),
    })
}
