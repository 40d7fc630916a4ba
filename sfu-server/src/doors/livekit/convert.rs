//! The rooms' values as messages of the protocol, and back.

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use livekit_protocol as proto;
use livekit_protocol::leave_request::Action;
use sfu_core::media::codec::Codec;

use super::convert_track::{mime, source, track};
use super::limits;
use crate::error::{ApiError, ErrorKind};
use crate::rooms::{Joined, LeaveReason, ParticipantInfo, ParticipantState, Permissions, RoomInfo};

/// The protocol's version that this server speaks.
const PROTOCOL: i32 = 17;

/// How the server names itself.
const SERVER_NAME: &str = "sfu";

pub(super) fn unix_millis(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn permission(permissions: &Permissions) -> proto::ParticipantPermission {
    let sources = permissions.sources.iter();
    #[expect(deprecated, reason = "older clients read the recorder's flag here")]
    proto::ParticipantPermission {
        can_subscribe: permissions.subscribe,
        can_publish: permissions.publish,
        can_publish_data: permissions.publish_data,
        can_publish_sources: sources.map(|one| source(*one).into()).collect(),
        hidden: permissions.hidden,
        recorder: permissions.recorder,
        can_update_metadata: permissions.update_own_metadata,
        ..Default::default()
    }
}

pub(super) fn participant(info: &ParticipantInfo) -> proto::ParticipantInfo {
    let state = match info.state {
        ParticipantState::Joined => proto::participant_info::State::Joined,
        ParticipantState::Active => proto::participant_info::State::Active,
        ParticipantState::Disconnected => proto::participant_info::State::Disconnected,
    };
    let joined_at_ms = unix_millis(info.joined_at);
    let tracks = info.tracks.iter();
    proto::ParticipantInfo {
        sid: info.sid.clone(),
        identity: info.identity.clone(),
        state: state.into(),
        tracks: tracks.map(|one| track(one, "", info.version)).collect(),
        metadata: info.metadata.clone(),
        joined_at: joined_at_ms / 1_000,
        joined_at_ms,
        name: info.name.clone(),
        version: info.version,
        permission: Some(permission(&info.permissions)),
        is_publisher: !info.tracks.is_empty(),
        attributes: info.attributes.clone().into_iter().collect(),
        disconnect_reason: info.left.map_or(0, |left| leave_reason(left).into()),
        ..Default::default()
    }
}

pub(super) fn room(info: &RoomInfo) -> proto::Room {
    let creation_time_ms = unix_millis(info.created_at);
    let seconds = |time: std::time::Duration| u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
    proto::Room {
        sid: info.sid.clone(),
        name: info.name.clone(),
        empty_timeout: seconds(info.empty_timeout),
        departure_timeout: seconds(info.departure_timeout),
        max_participants: info.max_participants,
        creation_time: creation_time_ms / 1_000,
        creation_time_ms,
        enabled_codecs: codecs(),
        metadata: info.metadata.clone(),
        num_participants: info.num_participants,
        num_publishers: info.num_publishers,
        ..Default::default()
    }
}

/// What may be published: clients choose from it, and take the first of video where they do not know
/// what is asked for.
fn codecs() -> Vec<proto::Codec> {
    let codec = |codec| proto::Codec {
        mime: mime(codec).to_owned(),
        fmtp_line: String::new(),
    };
    Codec::ALL.into_iter().map(codec).collect()
}

pub(super) fn join(joined: &Joined) -> proto::JoinResponse {
    let seconds = |time: std::time::Duration| i32::try_from(time.as_secs()).unwrap_or(i32::MAX);
    proto::JoinResponse {
        room: Some(room(&joined.room)),
        participant: Some(participant(&joined.me)),
        other_participants: joined.others.iter().map(participant).collect(),
        ping_timeout: seconds(limits::PING_TIMEOUT),
        ping_interval: seconds(limits::PING_INTERVAL),
        server_info: Some(server_info()),
        enabled_publish_codecs: codecs(),
        ..Default::default()
    }
}

/// The first message of a session that is taken up again.
pub(super) fn reconnect(joined: &Joined) -> proto::ReconnectResponse {
    proto::ReconnectResponse {
        server_info: Some(server_info()),
        last_message_seq: joined.last_data,
        ..Default::default()
    }
}

/// How things are now, for a session that is taken up again.
pub(super) fn catch_up(joined: &Joined) -> proto::ParticipantUpdate {
    let all = joined.departed.iter().chain(&joined.others);
    proto::ParticipantUpdate {
        participants: all.map(participant).collect(),
    }
}

fn server_info() -> proto::ServerInfo {
    proto::ServerInfo {
        edition: proto::server_info::Edition::Standard.into(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol: PROTOCOL,
        debug_info: SERVER_NAME.to_owned(),
        ..Default::default()
    }
}

fn leave_reason(reason: LeaveReason) -> proto::DisconnectReason {
    use proto::DisconnectReason as To;
    match reason {
        LeaveReason::ClientInitiated => To::ClientInitiated,
        LeaveReason::DuplicateIdentity => To::DuplicateIdentity,
        LeaveReason::ParticipantRemoved => To::ParticipantRemoved,
        LeaveReason::RoomDeleted => To::RoomDeleted,
        LeaveReason::ServerShutdown => To::ServerShutdown,
        // The protocol has no word for a fault of the server; a new join mends this one too.
        LeaveReason::StateMismatch | LeaveReason::RoomFailed => To::StateMismatch,
        LeaveReason::MediaLost => To::MediaFailure,
        LeaveReason::ConnectionLost => To::ConnectionTimeout,
        LeaveReason::TooSlow => To::SignalClose,
        LeaveReason::OfferRefused => To::JoinFailure,
    }
}

pub(super) fn leave(reason: LeaveReason) -> proto::LeaveRequest {
    let rejoin = reason.may_rejoin();
    proto::LeaveRequest {
        can_reconnect: rejoin,
        reason: leave_reason(reason).into(),
        action: if rejoin {
            Action::Reconnect
        } else {
            Action::Disconnect
        }
        .into(),
        regions: None,
    }
}

/// A join that the rooms refused, in the one message that a joining client understands.
pub(super) fn join_refused() -> proto::LeaveRequest {
    proto::LeaveRequest {
        can_reconnect: false,
        reason: proto::DisconnectReason::JoinFailure.into(),
        action: Action::Disconnect.into(),
        regions: None,
    }
}

pub(super) fn answer(
    offer_id: u32,
    sdp: String,
    mid_to_track: Vec<(String, String)>,
) -> proto::SessionDescription {
    proto::SessionDescription {
        r#type: "answer".to_owned(),
        sdp,
        id: offer_id,
        mid_to_track_id: mid_to_track.into_iter().collect::<HashMap<_, _>>(),
    }
}

/// Why a request was not granted, in the protocol's words.
pub(super) fn refusal(error: &ApiError) -> proto::RequestResponse {
    use proto::request_response::Reason;
    let reason = match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::Unauthenticated => Reason::NotAllowed,
        ErrorKind::NotFound => Reason::NotFound,
        ErrorKind::ResourceExhausted | ErrorKind::RateLimited => Reason::LimitExceeded,
        ErrorKind::InvalidArgument => match error.about() {
            Some("type") => Reason::UnsupportedType,
            Some("name") => Reason::InvalidName,
            _ => Reason::InvalidRequest,
        },
        ErrorKind::Unavailable | ErrorKind::Internal => Reason::UnclassifiedError,
    };
    proto::RequestResponse {
        request_id: 0,
        reason: reason.into(),
        message: error.to_string(),
        request: None,
    }
}
