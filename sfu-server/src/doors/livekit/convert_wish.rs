//! What is wanted of tracks, as messages of the protocol, and back.

use livekit_protocol as proto;

use crate::rooms::{Quality, ShownSize, TrackWish, WantedCodec};

/// What a client asks for.
pub(super) fn wish(settings: &proto::UpdateTrackSettings) -> TrackWish {
    let shown = ShownSize {
        width: settings.width,
        height: settings.height,
    };
    let (quality, enabled) = match proto::VideoQuality::try_from(settings.quality) {
        Ok(proto::VideoQuality::Low) => (Quality::Low, true),
        Ok(proto::VideoQuality::Medium) => (Quality::Medium, true),
        Ok(proto::VideoQuality::Off) => (Quality::High, false),
        Ok(proto::VideoQuality::High) | Err(_) => (Quality::High, true),
    };
    let sized = settings.width > 0 || settings.height > 0;
    TrackWish {
        // One that says how large it shows the track does not say its quality.
        enabled: !settings.disabled && (enabled || sized),
        quality,
        shown: sized.then_some(shown),
        frame_rate: (settings.fps > 0).then_some(settings.fps),
        // 1 is the highest, 0 is not set.
        priority: (settings.priority > 0).then_some(settings.priority),
    }
}

/// What a publisher is to send.
#[expect(deprecated, reason = "clients of old read the older field")]
pub(super) fn wanted(track: String, codecs: &[WantedCodec]) -> proto::SubscribedQualityUpdate {
    let first = codecs.first().map(|first| qualities(first.quality));
    let codec = |wanted: &WantedCodec| proto::SubscribedCodec {
        // As clients name codecs when they publish.
        codec: wanted.codec.name().to_ascii_lowercase(),
        qualities: qualities(wanted.quality),
    };
    proto::SubscribedQualityUpdate {
        track_sid: track,
        subscribed_qualities: first.unwrap_or_default(),
        subscribed_codecs: codecs.iter().map(codec).collect(),
    }
}

fn qualities(most: Option<Quality>) -> Vec<proto::SubscribedQuality> {
    let step = |(quality, to): (Quality, proto::VideoQuality)| proto::SubscribedQuality {
        quality: to.into(),
        enabled: most >= Some(quality),
    };
    let steps = [
        (Quality::Low, proto::VideoQuality::Low),
        (Quality::Medium, proto::VideoQuality::Medium),
        (Quality::High, proto::VideoQuality::High),
    ];
    steps.into_iter().map(step).collect()
}
