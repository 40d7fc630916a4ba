//! What publishers say of their tracks for others to know: the server passes it on.

use std::collections::BTreeSet;

use sfu_core::id::{ParticipantId, TrackId};
use sfu_core::media::codec::MediaKind;

use super::room::State;
use super::session::SessionHandle;
use super::tracks::no_track;
use crate::error::ApiError;

/// How frames are encrypted between the participants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Encryption {
    /// Not at all.
    #[default]
    None,
    /// AES-GCM, as the client SDKs do it.
    Gcm,
    /// In the application's own way.
    Custom,
}

/// What becomes of a video track whose codec somebody cannot decode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BackupCodecPolicy {
    /// It falls back to another codec for everyone where it can.
    #[default]
    PreferRegression,
    /// Both codecs are sent.
    Simulcast,
    /// It falls back for everyone.
    Regression,
}

/// How a sound was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AudioFeature {
    /// Two channels.
    Stereo,
    /// No discontinuous transmission.
    NoDtx,
    /// Automatic gain control.
    AutoGainControl,
    /// Echo cancellation.
    EchoCancellation,
    /// Noise suppression.
    NoiseSuppression,
    /// Noise suppression of a better kind.
    EnhancedNoiseCancellation,
    /// What was said before the connection was up is sent too.
    PreconnectBuffer,
}

/// What a publisher says of a track and the server only passes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrackTraits {
    /// How its frames are encrypted.
    pub encryption: Encryption,
    /// What becomes of it where its codec is not decoded.
    pub backup_codec_policy: BackupCodecPolicy,
    /// How the sound was made; empty for video.
    pub audio_features: BTreeSet<AudioFeature>,
}

impl SessionHandle {
    /// How the sound of one of its tracks is made from now on; the others are told.
    ///
    /// # Errors
    /// `NotFound` if it has no such track of sound.
    pub fn update_audio_track(
        &self,
        track_sid: &str,
        features: BTreeSet<AudioFeature>,
    ) -> Result<(), ApiError> {
        self.with(Ok(()), |state| {
            let track = state.own_track(self.id, track_sid, MediaKind::Audio)?;
            if let Some(track) = state.tracks.get_mut(&track) {
                track.info.stereo = features.contains(&AudioFeature::Stereo);
                track.info.disable_dtx = features.contains(&AudioFeature::NoDtx);
                track.info.traits.audio_features = features;
            }
            state.changed_itself(self.id);
            Ok(())
        })
    }

    /// How large the pictures of one of its tracks are from now on, in pixels; the others are told.
    ///
    /// # Errors
    /// `NotFound` if it has no such track of pictures.
    pub fn update_video_track(
        &self,
        track_sid: &str,
        width: u32,
        height: u32,
    ) -> Result<(), ApiError> {
        self.with(Ok(()), |state| {
            let track = state.own_track(self.id, track_sid, MediaKind::Video)?;
            if let Some(track) = state.tracks.get_mut(&track) {
                track.resized |= (track.info.width, track.info.height) != (width, height);
                (track.info.width, track.info.height) = (width, height);
            }
            state.changed_itself(self.id);
            Ok(())
        })
    }
}

impl State {
    pub(super) fn own_track(
        &self,
        id: ParticipantId,
        sid: &str,
        kind: MediaKind,
    ) -> Result<TrackId, ApiError> {
        let track = self.track_sids.get(sid).copied();
        let own = |track: &TrackId| {
            let track = self.tracks.get(track);
            track.is_some_and(|track| track.publisher == id && track.info.kind == kind)
        };
        track.filter(own).ok_or_else(no_track)
    }
}
