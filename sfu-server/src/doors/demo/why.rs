//! `GET /demo/why`: what the bearer of a token is sent and why, for the page's overlay.
//!
//! A participant is told of its own subscriptions alone, as often as
//! [`crate::rooms::limits::OWN_QUESTIONS`] allows.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL};
use axum::response::IntoResponse;
use serde::Serialize;
use sfu_core::media::explanation::{LinkExplanation, SubscriptionReason};
use sfu_core::media::layer::Layers;
use sfu_core::unit::Bitrate;

use super::{Demo, Refusal};
use crate::auth::AuthError;
use crate::rooms::{Explained, ExplainedSubscription, Told};

/// What the page reads.
#[derive(Serialize)]
struct Answer {
    link: Link,
    tracks: Vec<Track>,
}

/// A participant's network, in kilobits and milliseconds.
#[derive(Serialize)]
struct Link {
    #[serde(skip_serializing_if = "Option::is_none")]
    estimate_kbps: Option<u64>,
    lent_kbps: u64,
    allotted_kbps: u64,
    wanted_kbps: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    rtt_ms: Option<u64>,
}

/// A track; what is absent is nothing, or not known.
#[derive(Default, Serialize)]
struct Track {
    sid: String,
    publisher: String,
    /// As [`sfu_core::media::explanation::Limit::name`] has them.
    limit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    wanted: Option<Quality>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allotted: Option<Quality>,
    #[serde(skip_serializing_if = "Option::is_none")]
    current: Option<Quality>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allotted_kbps: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wanted_kbps: Option<u64>,
    /// The publisher was asked so long ago for the keyframe that is waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    keyframe_asked_ms: Option<u64>,
}

/// Layers: an encoding by its quality, and up to which of its own.
#[derive(Serialize)]
struct Quality {
    quality: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    spatial: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temporal: Option<u8>,
}

pub(super) async fn why(
    State(demo): State<Demo>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Refusal> {
    let bearer = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let told = tell(&demo, bearer).await?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(answer(told))))
}

async fn tell(demo: &Demo, bearer: Option<&str>) -> Result<Explained, crate::error::ApiError> {
    let claims = demo.keys.verify(bearer.ok_or(AuthError::Missing)?)?;
    let room = claims.join_room(None)?;
    demo.rooms.explain_own(room, &claims.sub).await
}

fn answer(explained: Explained) -> Answer {
    let subscriptions = explained.subscriptions.into_iter();
    Answer {
        link: link(&explained.link),
        tracks: subscriptions.map(track).collect(),
    }
}

fn link(told: &LinkExplanation) -> Link {
    Link {
        estimate_kbps: told.estimate.map(kbps),
        lent_kbps: kbps(told.lent),
        allotted_kbps: kbps(told.allotted),
        wanted_kbps: kbps(told.wanted),
        rtt_ms: told.rtt.and_then(|rtt| u64::try_from(rtt.as_millis()).ok()),
    }
}

const fn kbps(rate: Bitrate) -> u64 {
    rate.bps() / 1000
}

fn track(explained: ExplainedSubscription) -> Track {
    let unsent = Track {
        limit: explained.told.limit().name(),
        sid: explained.track_sid,
        publisher: explained.publisher_identity,
        ..Track::default()
    };
    let Told::Explained(told) = explained.told else {
        return unsent;
    };
    let asked_ago = match told.reason {
        SubscriptionReason::WaitingForKeyframe { asked_ago, .. } => asked_ago,
        _ => None,
    };
    Track {
        wanted: told.wanted.map(quality),
        allotted: told.target.map(quality),
        current: told.current.map(quality),
        allotted_kbps: told.target_rate.map(kbps),
        wanted_kbps: told.wanted_rate.map(kbps),
        keyframe_asked_ms: asked_ago.and_then(|ago| u64::try_from(ago.as_millis()).ok()),
        ..unsent
    }
}

fn quality(layers: Layers) -> Quality {
    let bounded = |layer: u8| (layer != u8::MAX).then_some(layer);
    Quality {
        quality: layers.encoding,
        spatial: bounded(layers.top.spatial),
        temporal: bounded(layers.top.temporal),
    }
}
