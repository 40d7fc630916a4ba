//! What a session is told, in the protocol's messages.

use livekit_protocol as proto;
use livekit_protocol::signal_response::Message;

use super::{convert, convert_signals, convert_track, convert_wish};
use crate::error::{ApiError, ErrorKind};
use crate::rooms::{Joined, Notice};

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
            Message::SubscriptionResponse(proto::SubscriptionResponse {
                track_sid: track,
                err: convert_signals::subscription_error(error).into(),
            })
        }
        Notice::TrackWanted { track, codecs } => {
            Message::SubscribedQualityUpdate(convert_wish::wanted(track, &codecs))
        }
        Notice::StreamStates(changed) => {
            Message::StreamStateUpdate(convert_signals::stream_states(&changed))
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

/// The first messages of a session that is taken up again: that it is, what may have been lost on the
/// way, and how things are now. What the server has muted comes before the client's own participant,
/// or the client would take it for a mistake and say so.
pub(super) fn resumed(joined: &Joined) -> Vec<Message> {
    let room = proto::RoomUpdate {
        room: Some(convert::room(&joined.room)),
    };
    let now = [
        Message::Update(convert::catch_up(joined)),
        Message::RoomUpdate(room),
    ];
    let repeated = joined.repeated.iter().cloned().filter_map(message);
    [Message::Reconnect(convert::reconnect(joined))]
        .into_iter()
        .chain(repeated)
        .chain(now)
        .collect()
}
