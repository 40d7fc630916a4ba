//! Who speaks, how connections do and who may have what, as messages of the protocol, and back.

use livekit_protocol as proto;

use crate::rooms::{
    ConnectionQuality, QualityInfo, Speaker, StreamInfo, SubscriptionError, TrackPermission,
};

pub(super) fn speakers(changed: &[Speaker]) -> proto::SpeakersChanged {
    let speaker = |one: &Speaker| proto::SpeakerInfo {
        sid: one.sid.clone(),
        level: one.level,
        active: one.active,
    };
    proto::SpeakersChanged {
        speakers: changed.iter().map(speaker).collect(),
    }
}

pub(super) fn qualities(changed: &[QualityInfo]) -> proto::ConnectionQualityUpdate {
    let quality = |one: &QualityInfo| proto::ConnectionQualityInfo {
        participant_sid: one.sid.clone(),
        quality: match one.quality {
            ConnectionQuality::Lost => proto::ConnectionQuality::Lost,
            ConnectionQuality::Poor => proto::ConnectionQuality::Poor,
            ConnectionQuality::Good => proto::ConnectionQuality::Good,
            ConnectionQuality::Excellent => proto::ConnectionQuality::Excellent,
        }
        .into(),
        score: one.score,
    };
    proto::ConnectionQualityUpdate {
        updates: changed.iter().map(quality).collect(),
    }
}

pub(super) fn stream_states(changed: &[StreamInfo]) -> proto::StreamStateUpdate {
    let state = |one: &StreamInfo| proto::StreamStateInfo {
        participant_sid: one.publisher.clone(),
        track_sid: one.track.clone(),
        state: match one.paused {
            true => proto::StreamState::Paused,
            false => proto::StreamState::Active,
        }
        .into(),
    };
    proto::StreamStateUpdate {
        stream_states: changed.iter().map(state).collect(),
    }
}

pub(super) fn track_permission(permission: proto::TrackPermission) -> TrackPermission {
    TrackPermission {
        identity: permission.participant_identity,
        sid: permission.participant_sid,
        all_tracks: permission.all_tracks,
        track_sids: permission.track_sids,
    }
}

/// Why a wish about a track was not granted.
pub(super) fn subscription_error(error: SubscriptionError) -> proto::SubscriptionError {
    match error {
        SubscriptionError::TrackNotFound => proto::SubscriptionError::SeTrackNotfound,
        SubscriptionError::NotAllowed => proto::SubscriptionError::SeUnknown,
        SubscriptionError::CodecUnsupported => proto::SubscriptionError::SeCodecUnsupported,
    }
}
