//! The application's values in the contract's words.

use sfu_control_proto::v1;
use sfu_core::media::codec::MediaKind;

use crate::auth::VideoGrants;
use crate::error::ApiError;
use crate::rooms::{
    ParticipantInfo, ParticipantState, Permissions, RoomInfo, TrackInfo, TrackSource,
};

pub(super) fn room(info: RoomInfo) -> v1::Room {
    v1::Room {
        name: info.name,
        sid: info.sid,
        creation_time: Some(info.created_at.into()),
        num_participants: info.num_participants,
        num_publishers: info.num_publishers,
        max_participants: info.max_participants,
        metadata: info.metadata,
        empty_timeout: info.empty_timeout.try_into().ok(),
        departure_timeout: info.departure_timeout.try_into().ok(),
    }
}

pub(super) fn participant(info: ParticipantInfo) -> v1::Participant {
    let state = match info.state {
        ParticipantState::Joined => v1::ParticipantState::Joined,
        ParticipantState::Active => v1::ParticipantState::Active,
        ParticipantState::Disconnected => v1::ParticipantState::Disconnected,
    };
    v1::Participant {
        identity: info.identity,
        sid: info.sid,
        name: info.name,
        state: state.into(),
        joined_at: Some(info.joined_at.into()),
        metadata: info.metadata,
        attributes: info.attributes.into_iter().collect(),
        is_publisher: !info.tracks.is_empty(),
        tracks: info.tracks.into_iter().map(track).collect(),
        permission: Some(permission(&info.permissions)),
    }
}

pub(super) fn track(info: TrackInfo) -> v1::Track {
    let kind = match info.kind {
        MediaKind::Audio => v1::TrackKind::Audio,
        MediaKind::Video => v1::TrackKind::Video,
    };
    v1::Track {
        sid: info.sid,
        name: info.name,
        kind: kind.into(),
        source: source(info.source).into(),
        muted: info.muted,
    }
}

const fn source(source: TrackSource) -> v1::TrackSource {
    match source {
        TrackSource::Unknown => v1::TrackSource::Unspecified,
        TrackSource::Camera => v1::TrackSource::Camera,
        TrackSource::Microphone => v1::TrackSource::Microphone,
        TrackSource::ScreenShare => v1::TrackSource::ScreenShare,
        TrackSource::ScreenShareAudio => v1::TrackSource::ScreenShareAudio,
    }
}

fn permission(permissions: &Permissions) -> v1::ParticipantPermission {
    v1::ParticipantPermission {
        can_publish: Some(permissions.publish),
        can_subscribe: Some(permissions.subscribe),
        can_publish_data: Some(permissions.publish_data),
        can_publish_sources: permissions
            .sources
            .iter()
            .map(|one| source(*one).into())
            .collect(),
        can_update_own_metadata: Some(permissions.update_own_metadata),
        hidden: Some(permissions.hidden),
        recorder: Some(permissions.recorder),
    }
}

/// What a participant may do, in the rooms' words.
///
/// # Errors
/// `InvalidArgument` naming a source that is not one.
pub(super) fn permissions(permission: &v1::ParticipantPermission) -> Result<Permissions, ApiError> {
    // Unknown sources are refused, not skipped: an empty list allows everything.
    let sources = permission.can_publish_sources.iter();
    let sources = sources.map(|one| known_source(v1::TrackSource::try_from(*one).ok()));
    Ok(Permissions {
        publish: permission.can_publish.unwrap_or(true),
        subscribe: permission.can_subscribe.unwrap_or(true),
        publish_data: permission.can_publish_data.unwrap_or(true),
        sources: Permissions::each_once(sources)?,
        update_own_metadata: permission.can_update_own_metadata.unwrap_or_default(),
        hidden: permission.hidden.unwrap_or_default(),
        recorder: permission.recorder.unwrap_or_default(),
    })
}

fn known_source(source: Option<v1::TrackSource>) -> Result<TrackSource, ApiError> {
    match source {
        Some(v1::TrackSource::Camera) => Ok(TrackSource::Camera),
        Some(v1::TrackSource::Microphone) => Ok(TrackSource::Microphone),
        Some(v1::TrackSource::ScreenShare) => Ok(TrackSource::ScreenShare),
        Some(v1::TrackSource::ScreenShareAudio) => Ok(TrackSource::ScreenShareAudio),
        Some(v1::TrackSource::Unspecified) | None => Err(ApiError::invalid(
            "permission.can_publish_sources",
            "not a source that this version knows",
        )),
    }
}

/// The grants of a join token.
///
/// # Errors
/// `InvalidArgument` naming a source that is not one.
pub(super) fn grants(
    room: String,
    permission: &v1::ParticipantPermission,
) -> Result<VideoGrants, ApiError> {
    let Permissions { sources, .. } = permissions(permission)?;
    let sources = sources.into_iter().map(claim_source);
    Ok(VideoGrants {
        // Absent claims of this one follow `canPublish`; the contract's default is true.
        can_publish_data: Some(permission.can_publish_data.unwrap_or(true)),
        can_publish: permission.can_publish,
        can_subscribe: permission.can_subscribe,
        can_publish_sources: sources.map(str::to_owned).collect(),
        can_update_own_metadata: permission.can_update_own_metadata,
        hidden: permission.hidden.unwrap_or_default(),
        recorder: permission.recorder.unwrap_or_default(),
        ..VideoGrants::join(room)
    })
}

/// The source's word in a token's claims.
const fn claim_source(source: TrackSource) -> &'static str {
    match source {
        TrackSource::Unknown => "unknown",
        TrackSource::Camera => "camera",
        TrackSource::Microphone => "microphone",
        TrackSource::ScreenShare => "screen_share",
        TrackSource::ScreenShareAudio => "screen_share_audio",
    }
}
