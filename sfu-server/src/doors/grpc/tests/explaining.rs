//! Why subscriptions are sent what they are sent, asked through the door.

use sfu_core::media::explanation::{
    Limit, LinkExplanation, SubscriptionExplanation, SubscriptionReason,
};
use sfu_core::media::layer::{Layer, LayerWish, Layers};
use sfu_core::unit::Bitrate;

use super::*;

const LINK: LinkExplanation = LinkExplanation {
    estimate: Some(Bitrate::from_bps(900_000)),
    lent: Bitrate::from_bps(100_000),
    allotted: Bitrate::from_bps(500_000),
    wanted: Bitrate::from_bps(1_700_000),
    rtt: Some(Duration::from_millis(80)),
};

fn about(identity: &str) -> v1::ExplainSubscriptionsRequest {
    v1::ExplainSubscriptionsRequest {
        room: "kitchen".into(),
        identity: identity.to_owned(),
    }
}

/// Waits for the engine to be asked, and answers.
async fn answer(served: &Served, explanation: &SubscriptionExplanation) {
    loop {
        let commands = served.workers.commands();
        let asked = commands.into_iter().find_map(|command| match command {
            Command::ExplainSubscriptions {
                participant,
                request,
            } => Some((participant, request)),
            _ => None,
        });
        if let Some((participant, request)) = asked {
            let event = Event::SubscriptionsExplained {
                participant,
                request,
                explanations: vec![*explanation],
                link: LINK,
            };
            return served.rooms.handle_event(0, event);
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn every_subscription_is_told_with_what_it_asked_for_what_it_gets_and_why() {
    let served = serve().await;
    let ann = recording::join(&served.rooms, "kitchen", "ann");
    let _bob = recording::join(&served.rooms, "kitchen", "bob");
    publish_camera(&served, &ann.session);
    let commands = served.workers.commands();
    let announced = commands.into_iter().find_map(|command| match command {
        Command::AnnounceTrack { announcement, .. } => Some(announcement.track),
        _ => None,
    });
    let track = announced.unwrap();
    let current = Layers {
        encoding: 0,
        top: Layer {
            spatial: 0,
            temporal: 1,
        },
    };
    let explanation = SubscriptionExplanation {
        track,
        asked: LayerWish {
            max_quality: Some(1),
            max_frame_rate: Some(15),
            ..LayerWish::default()
        },
        enabled: true,
        wanted: Some(Layers::all_of(2)),
        wanted_rate: Some(Bitrate::from_bps(1_700_000)),
        target: Some(Layers::all_of(1)),
        target_rate: Some(Bitrate::from_bps(500_000)),
        current: Some(current),
        reason: SubscriptionReason::WaitingForKeyframe {
            quality: 1,
            asked_ago: Some(Duration::from_millis(250)),
        },
        limit: Limit::Keyframe,
    };
    let mut client = served.client.clone();
    let call = client.explain_subscriptions(with(admin("kitchen"), about("bob")));
    let (told, ()) = tokio::join!(call, answer(&served, &explanation));
    let told = told.unwrap().into_inner();
    let link = told.link.unwrap();
    assert_eq!(link.estimate_bps, Some(900_000));
    assert_eq!((link.allotted_bps, link.wanted_bps), (500_000, 1_700_000));
    assert_eq!(link.lent_bps, 100_000);
    assert_eq!(link.rtt.unwrap().nanos, 80_000_000);
    let [told] = told.subscriptions.try_into().unwrap();
    assert!(told.track_sid.starts_with("TR_"));
    assert_eq!(
        (told.publisher_identity.as_str(), told.enabled),
        ("ann", true)
    );
    assert_eq!((told.max_quality, told.max_frame_rate), (Some(1), Some(15)));
    let layers = |quality, spatial, temporal| {
        Some(v1::SentLayers {
            quality,
            max_spatial_layer: spatial,
            max_temporal_layer: temporal,
        })
    };
    assert_eq!(told.target, layers(1, None, None));
    assert_eq!(told.current, layers(0, Some(0), Some(1)));
    assert_eq!(told.wanted, layers(2, None, None));
    assert_eq!(
        (told.target_bps, told.wanted_bps),
        (Some(500_000), Some(1_700_000))
    );
    assert_eq!(told.limit(), v1::SubscriptionLimit::Keyframe);
    assert_eq!(told.reason(), v1::SubscriptionReason::WaitingForKeyframe);
    let waited = told.waited.unwrap();
    assert_eq!((waited.seconds, waited.nanos), (0, 250_000_000));
}

#[tokio::test]
async fn only_a_rooms_admin_is_told_and_only_of_who_is_there() {
    let mut served = serve().await;
    let _ann = recording::join(&served.rooms, "kitchen", "ann");
    for grants in [create(), list(), admin("cellar")] {
        let refused = served
            .client
            .explain_subscriptions(with(grants, about("ann")));
        assert_eq!(refused.await.unwrap_err().code(), Code::PermissionDenied);
    }
    let nobody = with(admin("kitchen"), about("bob"));
    let nobody = served.client.explain_subscriptions(nobody).await;
    assert_eq!(
        refusal(nobody),
        (Code::NotFound, "PARTICIPANT_NOT_FOUND".to_owned())
    );
    let unnamed = with(admin("kitchen"), about(""));
    let unnamed = served.client.explain_subscriptions(unnamed).await;
    assert_eq!(blamed(unnamed), "identity");
}
