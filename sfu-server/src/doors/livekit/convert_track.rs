//! Tracks as messages of the protocol, and back.

use std::collections::BTreeSet;
use std::time::SystemTime;

use livekit_protocol as proto;
use sfu_core::media::codec::{Codec, MediaKind};

use super::convert::unix_millis;
use crate::error::ApiError;
use crate::rooms::{
    AudioFeature, BackupCodecPolicy, Encryption, NewTrack, Quality, TrackInfo, TrackLayer,
    TrackSource, TrackTraits,
};

pub(super) fn mime(codec: Codec) -> &'static str {
    match codec {
        Codec::Opus => "audio/opus",
        Codec::OpusRed => "audio/red",
        Codec::Pcmu => "audio/PCMU",
        Codec::Pcma => "audio/PCMA",
        Codec::Vp8 => "video/VP8",
        Codec::H264 => "video/H264",
        Codec::Vp9 => "video/VP9",
        Codec::Av1 => "video/AV1",
        Codec::H265 => "video/H265",
        _ => "",
    }
}

/// The codec that a client names: a MIME type, or its second half, in any case.
fn codec(name: &str) -> Option<Codec> {
    let name = name.rsplit('/').next().unwrap_or_default();
    Codec::ALL
        .into_iter()
        .find(|codec| name.eq_ignore_ascii_case(codec.name()))
}

/// Whether clients send a codec's layers within one stream.
fn layer_mode(codec: Codec) -> proto::video_layer::Mode {
    match codec {
        _ if codec.kind() == MediaKind::Audio => proto::video_layer::Mode::Unused,
        Codec::Vp9 | Codec::Av1 => proto::video_layer::Mode::MultipleSpatialLayersPerStream,
        _ => proto::video_layer::Mode::OneSpatialLayerPerStream,
    }
}

pub(super) fn source(source: TrackSource) -> proto::TrackSource {
    match source {
        TrackSource::Unknown => proto::TrackSource::Unknown,
        TrackSource::Camera => proto::TrackSource::Camera,
        TrackSource::Microphone => proto::TrackSource::Microphone,
        TrackSource::ScreenShare => proto::TrackSource::ScreenShare,
        TrackSource::ScreenShareAudio => proto::TrackSource::ScreenShareAudio,
    }
}

fn layer(layer: &TrackLayer) -> proto::VideoLayer {
    let quality = match layer.quality {
        Quality::Low => proto::VideoQuality::Low,
        Quality::Medium => proto::VideoQuality::Medium,
        Quality::High => proto::VideoQuality::High,
    };
    proto::VideoLayer {
        quality: quality.into(),
        width: layer.width,
        height: layer.height,
        bitrate: layer.bitrate,
        spatial_layer: quality.into(),
        ..Default::default()
    }
}

/// The codecs that a track is sent in. `cid` is the client's name of the first, or of the backup.
fn codecs(info: &TrackInfo, cid: &str) -> Vec<proto::SimulcastCodecInfo> {
    let backup = info.backup.as_ref();
    let names_backup = backup.is_some_and(|backup| !cid.is_empty() && backup.cid == cid);
    let first = if names_backup { "" } else { cid };
    let first = (info.codec, &info.mid, first, &info.layers);
    let backup = backup.map(|one| (one.codec, &one.mid, one.cid.as_str(), &one.layers));
    let all = [first].into_iter().chain(backup);
    let codec = |(codec, mid, cid, layers): (_, &Option<String>, &str, &Vec<_>)| {
        proto::SimulcastCodecInfo {
            mime_type: mime(codec).to_owned(),
            mid: mid.clone().unwrap_or_default(),
            cid: cid.to_owned(),
            layers: layers.iter().map(layer).collect(),
            video_layer_mode: layer_mode(codec).into(),
            sdp_cid: cid.to_owned(),
        }
    };
    all.map(codec).collect()
}

/// `version` grows with every change of the publisher.
#[expect(deprecated, reason = "clients of today read the older fields too")]
pub(super) fn track(info: &TrackInfo, cid: &str, version: u32) -> proto::TrackInfo {
    let kind = match info.kind {
        MediaKind::Audio => proto::TrackType::Audio,
        MediaKind::Video => proto::TrackType::Video,
    };
    proto::TrackInfo {
        sid: info.sid.clone(),
        r#type: kind.into(),
        name: info.name.clone(),
        muted: info.muted,
        width: info.width,
        height: info.height,
        simulcast: info.simulcast,
        disable_dtx: info.disable_dtx,
        source: source(info.source).into(),
        layers: info.layers.iter().map(layer).collect(),
        mime_type: mime(info.codec).to_owned(),
        mid: info.mid.clone().unwrap_or_default(),
        codecs: codecs(info, cid),
        stereo: info.stereo,
        disable_red: info.disable_red,
        stream: info.stream.clone(),
        encryption: encryption(info.traits.encryption).into(),
        backup_codec_policy: backup_codec_policy(info.traits.backup_codec_policy).into(),
        audio_features: audio_features(info),
        version: Some(proto::TimedVersion {
            unix_micro: unix_millis(SystemTime::now()).saturating_mul(1_000),
            ticks: i32::try_from(version).unwrap_or(i32::MAX),
        }),
        ..Default::default()
    }
}

/// A track that a client announces.
#[expect(deprecated, reason = "clients of today write the older fields")]
pub(super) fn new_track(request: &proto::AddTrackRequest) -> Result<NewTrack, ApiError> {
    let kind = match request.r#type() {
        proto::TrackType::Audio => MediaKind::Audio,
        proto::TrackType::Video => MediaKind::Video,
        proto::TrackType::Data => {
            return Err(ApiError::invalid("type", "AUDIO or VIDEO"));
        }
    };
    let source = match request.source() {
        proto::TrackSource::Unknown => TrackSource::Unknown,
        proto::TrackSource::Camera => TrackSource::Camera,
        proto::TrackSource::Microphone => TrackSource::Microphone,
        proto::TrackSource::ScreenShare => TrackSource::ScreenShare,
        proto::TrackSource::ScreenShareAudio => TrackSource::ScreenShareAudio,
    };
    let announced = |at: usize| codec(&request.simulcast_codecs.get(at)?.codec);
    // Clients announce the layers of the first codec here, of all of them there.
    let nested = request
        .simulcast_codecs
        .first()
        .map(|codec| codec.layers.as_slice());
    let layers = if request.layers.is_empty() {
        nested.unwrap_or_default()
    } else {
        &request.layers
    };
    Ok(NewTrack {
        cid: request.cid.clone(),
        kind,
        source,
        name: request.name.clone(),
        stream: request.stream.clone(),
        muted: request.muted,
        width: request.width,
        height: request.height,
        layers: layers.iter().filter_map(new_layer).collect(),
        stereo: request.stereo,
        disable_dtx: request.disable_dtx,
        traits: traits(request),
        disable_red: request.disable_red,
        codec: announced(0),
        // What follows is sent only when it is asked for.
        backup: announced(1),
        backup_of: request.sid.clone(),
    })
}

/// What is passed on as it is. Older clients say of a sound's features only what has fields of its
/// own.
#[expect(deprecated, reason = "clients of today write the older fields")]
fn traits(request: &proto::AddTrackRequest) -> TrackTraits {
    let mut audio_features = features(request.audio_features());
    if request.r#type() == proto::TrackType::Audio {
        audio_features.extend(request.stereo.then_some(AudioFeature::Stereo));
        audio_features.extend(request.disable_dtx.then_some(AudioFeature::NoDtx));
    }
    TrackTraits {
        encryption: match request.encryption() {
            proto::encryption::Type::None => Encryption::None,
            proto::encryption::Type::Gcm => Encryption::Gcm,
            proto::encryption::Type::Custom => Encryption::Custom,
        },
        backup_codec_policy: match request.backup_codec_policy() {
            proto::BackupCodecPolicy::PreferRegression => BackupCodecPolicy::PreferRegression,
            proto::BackupCodecPolicy::Simulcast => BackupCodecPolicy::Simulcast,
            proto::BackupCodecPolicy::Regression => BackupCodecPolicy::Regression,
        },
        audio_features,
    }
}

/// The features that are known, each once.
pub(super) fn features(
    features: impl Iterator<Item = proto::AudioTrackFeature>,
) -> BTreeSet<AudioFeature> {
    use proto::AudioTrackFeature as From;
    let feature = |feature| match feature {
        From::TfStereo => AudioFeature::Stereo,
        From::TfNoDtx => AudioFeature::NoDtx,
        From::TfAutoGainControl => AudioFeature::AutoGainControl,
        From::TfEchoCancellation => AudioFeature::EchoCancellation,
        From::TfNoiseSuppression => AudioFeature::NoiseSuppression,
        From::TfEnhancedNoiseCancellation => AudioFeature::EnhancedNoiseCancellation,
        From::TfPreconnectBuffer => AudioFeature::PreconnectBuffer,
    };
    features.map(feature).collect()
}

fn audio_features(info: &TrackInfo) -> Vec<i32> {
    use proto::AudioTrackFeature as To;
    let feature = |feature: &AudioFeature| match feature {
        AudioFeature::Stereo => To::TfStereo,
        AudioFeature::NoDtx => To::TfNoDtx,
        AudioFeature::AutoGainControl => To::TfAutoGainControl,
        AudioFeature::EchoCancellation => To::TfEchoCancellation,
        AudioFeature::NoiseSuppression => To::TfNoiseSuppression,
        AudioFeature::EnhancedNoiseCancellation => To::TfEnhancedNoiseCancellation,
        AudioFeature::PreconnectBuffer => To::TfPreconnectBuffer,
    };
    let features = info.traits.audio_features.iter();
    features.map(|one| feature(one).into()).collect()
}

fn encryption(encryption: Encryption) -> proto::encryption::Type {
    match encryption {
        Encryption::None => proto::encryption::Type::None,
        Encryption::Gcm => proto::encryption::Type::Gcm,
        Encryption::Custom => proto::encryption::Type::Custom,
    }
}

fn backup_codec_policy(policy: BackupCodecPolicy) -> proto::BackupCodecPolicy {
    match policy {
        BackupCodecPolicy::PreferRegression => proto::BackupCodecPolicy::PreferRegression,
        BackupCodecPolicy::Simulcast => proto::BackupCodecPolicy::Simulcast,
        BackupCodecPolicy::Regression => proto::BackupCodecPolicy::Regression,
    }
}

fn new_layer(layer: &proto::VideoLayer) -> Option<TrackLayer> {
    Some(TrackLayer {
        quality: match layer.quality() {
            proto::VideoQuality::Low => Quality::Low,
            proto::VideoQuality::Medium => Quality::Medium,
            proto::VideoQuality::High => Quality::High,
            proto::VideoQuality::Off => return None,
        },
        width: layer.width,
        height: layer.height,
        bitrate: layer.bitrate,
    })
}
