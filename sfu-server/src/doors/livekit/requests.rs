//! What a client asks for on its socket.

use std::time::SystemTime;

use livekit_protocol as proto;
use livekit_protocol::request_response::{Reason, Request};
use livekit_protocol::signal_request::Message as Asked;
use livekit_protocol::signal_response::Message as Told;

use super::admission::read_offer;
use super::{convert, convert_signals, convert_track, convert_wish, limits};
use crate::error::{ApiError, ErrorKind};
use crate::rooms::{LeaveReason, SessionHandle};

/// What follows from a request, beyond what the session's notices will tell.
#[derive(Debug)]
pub(super) enum Outcome {
    Nothing,
    Tell(Box<Told>),
    /// An offer was refused, with what to tell.
    OfferRefused(Box<Told>),
    /// The client left.
    Left,
}

impl Outcome {
    fn tell(told: Told) -> Self {
        Self::Tell(Box::new(told))
    }
}

/// Does what a client asks. What is not known or not needed is ignored, never fatal.
pub(super) fn perform(session: &SessionHandle, asked: Asked) -> Outcome {
    match asked {
        Asked::Offer(offer) => self::offer(session, &offer),
        Asked::AddTrack(request) => add_track(session, request),
        Asked::Mute(request) => match session.mute(&request.sid, request.muted) {
            Ok(()) => Outcome::Nothing,
            Err(error) => refused(session, &error, Request::Mute(request)),
        },
        Asked::Subscription(update) => {
            update_subscription(session, update);
            Outcome::Nothing
        }
        Asked::TrackSetting(settings) => {
            session.set_wish(&settings.track_sids, convert_wish::wish(&settings));
            Outcome::Nothing
        }
        Asked::UpdateMetadata(update) => update_metadata(session, update),
        Asked::SyncState(state) => sync_state(session, state),
        Asked::UpdateAudioTrack(update) => update_audio_track(session, update),
        Asked::UpdateVideoTrack(update) => update_video_track(session, update),
        Asked::SubscriptionPermission(asked) => subscription_permission(session, asked),
        Asked::Leave(_) => {
            session.leave();
            Outcome::Left
        }
        // Clients send both, for servers old and new, and want both answered.
        Asked::Ping(_) => Outcome::tell(Told::Pong(convert::unix_millis(SystemTime::now()))),
        Asked::PingReq(ping) => Outcome::tell(Told::PongResp(proto::Pong {
            last_ping_timestamp: ping.timestamp,
            timestamp: convert::unix_millis(SystemTime::now()),
        })),
        // Said at once, so that nobody waits for an answer in vain.
        Asked::PublishDataTrackRequest(request) => {
            unsupported(0, Some(Request::PublishDataTrack(request)))
        }
        Asked::UnpublishDataTrackRequest(request) => {
            unsupported(0, Some(Request::UnpublishDataTrack(request)))
        }
        Asked::StoreDataBlobRequest(request) => unsupported(request.request_id, None),
        Asked::GetDataBlobRequest(request) => unsupported(request.request_id, None),
        _ => Outcome::Nothing,
    }
}

fn unsupported(request_id: u32, request: Option<Request>) -> Outcome {
    Outcome::tell(Told::RequestResponse(proto::RequestResponse {
        request_id,
        reason: Reason::UnsupportedType.into(),
        message: "this server does not do that".to_owned(),
        request,
    }))
}

/// Hands an offer on.
fn offer(session: &SessionHandle, offer: &proto::SessionDescription) -> Outcome {
    let taken = read_offer(&offer.sdp).and_then(|read| session.offer(offer.id, read));
    match taken {
        Ok(()) => Outcome::Nothing,
        Err(error) => {
            log_refusal(session, &error);
            let told = Told::RequestResponse(convert::refusal(&error));
            Outcome::OfferRefused(Box::new(told))
        }
    }
}

pub(super) fn add_track(session: &SessionHandle, request: proto::AddTrackRequest) -> Outcome {
    let added = convert_track::new_track(&request).and_then(|track| session.add_track(track));
    match added {
        Ok(()) => Outcome::Nothing,
        Err(error) => refused(session, &error, Request::AddTrack(request)),
    }
}

/// What the client of a session that was taken up again holds to be so. What it last asked for may
/// have been lost with its former socket.
fn sync_state(session: &SessionHandle, state: proto::SyncState) -> Outcome {
    let published = state.publish_tracks.into_iter();
    let published: Vec<_> = published
        .filter_map(|published| published.track)
        .take(limits::MAX_JOIN_TRACKS)
        .map(|track| track.sid)
        .collect();
    if !session.publishes(&published) {
        // It believes that others see what is not here any more: only a new join mends that.
        session.end(LeaveReason::StateMismatch);
        return Outcome::Nothing;
    }
    // Of one who wants everything these are the exceptions, of others what they want.
    if let Some(subscription) = state.subscription {
        update_subscription(session, subscription);
    }
    session.set_enabled(&state.track_sids_disabled, false);
    Outcome::Nothing
}

fn update_subscription(session: &SessionHandle, update: proto::UpdateSubscription) {
    let nested = update.participant_tracks.into_iter();
    let mut sids = update.track_sids;
    sids.extend(nested.flat_map(|tracks| tracks.track_sids));
    if update.subscribe {
        session.subscribe(&sids);
    } else {
        session.unsubscribe(&sids);
    }
}

fn update_metadata(session: &SessionHandle, update: proto::UpdateParticipantMetadata) -> Outcome {
    let attributes = update.attributes.clone().into_iter().collect();
    let updated = session.update_own(&update.name, &update.metadata, attributes);
    let response = match updated {
        Ok(()) => proto::RequestResponse::default(),
        Err(error) => {
            log_refusal(session, &error);
            let mut refusal = convert::refusal(&error);
            if error.kind() == ErrorKind::InvalidArgument {
                // Nothing else can be wrong with texts but that they are too long.
                refusal.set_reason(Reason::LimitExceeded);
            }
            refusal
        }
    };
    Outcome::tell(Told::RequestResponse(proto::RequestResponse {
        request_id: update.request_id,
        request: Some(Request::UpdateMetadata(update)),
        ..response
    }))
}

fn update_audio_track(session: &SessionHandle, update: proto::UpdateLocalAudioTrack) -> Outcome {
    let features = convert_track::features(update.features());
    match session.update_audio_track(&update.track_sid, features) {
        Ok(()) => Outcome::Nothing,
        Err(error) => refused(session, &error, Request::UpdateAudioTrack(update)),
    }
}

fn update_video_track(session: &SessionHandle, update: proto::UpdateLocalVideoTrack) -> Outcome {
    match session.update_video_track(&update.track_sid, update.width, update.height) {
        Ok(()) => Outcome::Nothing,
        Err(error) => refused(session, &error, Request::UpdateVideoTrack(update)),
    }
}

fn subscription_permission(
    session: &SessionHandle,
    asked: proto::SubscriptionPermission,
) -> Outcome {
    let permissions = asked.track_permissions.into_iter();
    let permissions: Vec<_> = permissions.map(convert_signals::track_permission).collect();
    match session.set_subscription_permissions(asked.all_participants, &permissions) {
        Ok(()) => Outcome::Nothing,
        Err(error) => {
            log_refusal(session, &error);
            Outcome::tell(Told::RequestResponse(convert::refusal(&error)))
        }
    }
}

fn refused(session: &SessionHandle, error: &ApiError, request: Request) -> Outcome {
    log_refusal(session, error);
    Outcome::tell(Told::RequestResponse(proto::RequestResponse {
        request: Some(request),
        ..convert::refusal(error)
    }))
}

fn log_refusal(session: &SessionHandle, error: &ApiError) {
    tracing::info!(
        room = session.room(),
        identity = session.identity(),
        participant = session.sid(),
        %error,
        "request refused"
    );
}
