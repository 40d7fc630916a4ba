//! What a page is told of why its pictures are as they are.

use std::time::Duration;

use axum::http::header;
use sfu_core::event::Event;
use sfu_core::id::Mid;
use sfu_core::media::codec::MediaKind;
use sfu_core::media::explanation::{
    Limit, LinkExplanation, SubscriptionExplanation, SubscriptionReason,
};
use sfu_core::media::layer::{Layer, LayerWish, Layers};
use sfu_core::unit::Bitrate;

use super::*;
use crate::rooms::{NewTrack, SessionHandle, TrackSource, limits};

fn token_of(identity: &str, room: &str) -> String {
    let new = NewToken {
        identity: identity.to_owned(),
        video: VideoGrants::join(room.to_owned()),
        ..NewToken::default()
    };
    keys().mint(new).unwrap().token
}

async fn ask(router: &Router, token: Option<&str>) -> (StatusCode, serde_json::Value) {
    let mut request = Request::get("/demo/why");
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    let request = request.body(Body::empty()).unwrap();
    let answer = router.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

/// Lets the engine answer its only question, about `track` if there is one.
async fn answer(
    rooms: &Rooms,
    workers: &recording::Recording,
    explanations: &[SubscriptionExplanation],
) {
    loop {
        let mut commands = workers.commands().into_iter().rev();
        if let Some(Command::ExplainSubscriptions {
            participant,
            request,
        }) = commands.next()
        {
            let event = Event::SubscriptionsExplained {
                participant,
                request,
                explanations: explanations.to_vec(),
                link: LinkExplanation {
                    estimate: Some(Bitrate::from_bps(700_400)),
                    lent: Bitrate::from_bps(200_000),
                    allotted: Bitrate::from_bps(600_000),
                    wanted: Bitrate::from_bps(1_800_000),
                    rtt: Some(Duration::from_millis(42)),
                },
            };
            return rooms.handle_event(0, event);
        }
        tokio::task::yield_now().await;
    }
}

fn publish(session: &SessionHandle) {
    let track = NewTrack::plain("camera", MediaKind::Video, TrackSource::Camera);
    session.add_track(track).unwrap();
}

#[tokio::test]
async fn a_page_is_told_of_its_own_pictures() {
    let (rooms, workers) = recording::rooms();
    let router = router(DEVELOPMENT, keys(), rooms.clone());
    let ann = recording::join(&rooms, "kitchen", "ann");
    let _bob = recording::join(&rooms, "kitchen", "bob");
    publish(&ann.session);
    let commands = workers.commands();
    let announced = commands.into_iter().find_map(|command| match command {
        Command::AnnounceTrack { announcement, .. } => Some(announcement.track),
        _ => None,
    });
    let track = announced.unwrap();
    let mid = Mid::from("0").unwrap();
    rooms.handle_event(0, Event::TrackBound { track, mid });
    let told = SubscriptionExplanation {
        track,
        asked: LayerWish::default(),
        enabled: true,
        wanted: Some(Layers::all_of(2)),
        wanted_rate: Some(Bitrate::from_bps(1_700_000)),
        target: Some(Layers::all_of(1)),
        target_rate: Some(Bitrate::from_bps(500_000)),
        current: Some(Layers {
            encoding: 1,
            top: Layer {
                spatial: 0,
                temporal: 2,
            },
        }),
        reason: SubscriptionReason::LimitedByBandwidth,
        limit: Limit::Bandwidth,
    };
    let token = token_of("bob", "kitchen");
    let asked = ask(&router, Some(&token));
    let told = [told];
    let ((status, body), ()) = tokio::join!(asked, answer(&rooms, &workers, &told));
    assert_eq!(status, StatusCode::OK);
    let link = serde_json::json!({
        "estimate_kbps": 700, "lent_kbps": 200, "allotted_kbps": 600, "wanted_kbps": 1800, "rtt_ms": 42
    });
    assert_eq!(body["link"], link);
    let [track] = &body["tracks"].as_array().unwrap()[..] else {
        panic!("{body}");
    };
    assert_eq!(track["publisher"], "ann");
    assert_eq!(track["limit"], "bandwidth");
    assert_eq!(track["wanted"], serde_json::json!({ "quality": 2 }));
    let current = serde_json::json!({ "quality": 1, "spatial": 0, "temporal": 2 });
    assert_eq!(track["current"], current);
    assert_eq!(
        (&track["allotted_kbps"], &track["wanted_kbps"]),
        (&500.into(), &1700.into())
    );
    assert!(track["sid"].as_str().unwrap().starts_with("TR_"));
}

#[tokio::test(start_paused = true)]
async fn nobody_else_is_told_and_nobody_often() {
    let (rooms, workers) = recording::rooms();
    let router = router(DEVELOPMENT, keys(), rooms.clone());
    let _ann = recording::join(&rooms, "kitchen", "ann");
    for (token, status, code) in [
        (None, StatusCode::UNAUTHORIZED, "unauthenticated"),
        (
            Some("x.y.z".to_owned()),
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
        ),
        (
            Some(token_of("bob", "kitchen")),
            StatusCode::NOT_FOUND,
            "not_found",
        ),
        (
            Some(token_of("ann", "cellar")),
            StatusCode::NOT_FOUND,
            "not_found",
        ),
    ] {
        let (answered, body) = ask(&router, token.as_deref()).await;
        assert_eq!(answered, status, "{body}");
        assert_eq!(body["error"]["code"], code);
    }
    let token = token_of("ann", "kitchen");
    for _ in 0..limits::OWN_QUESTIONS.burst {
        let asked = ask(&router, Some(&token));
        let ((status, _), ()) = tokio::join!(asked, answer(&rooms, &workers, &[]));
        assert_eq!(status, StatusCode::OK);
    }
    let (status, body) = ask(&router, Some(&token)).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(body["error"]["code"], "rate_limited");
    tokio::time::advance(Duration::from_secs(1)).await;
    let asked = ask(&router, Some(&token));
    let ((status, _), ()) = tokio::join!(asked, answer(&rooms, &workers, &[]));
    assert_eq!(status, StatusCode::OK);
}
