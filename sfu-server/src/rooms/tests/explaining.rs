//! Questions to the engine about subscriptions, and what becomes of them.

use sfu_core::media::explanation::{
    Limit, LinkExplanation, SubscriptionExplanation, SubscriptionReason,
};
use sfu_core::media::layer::LayerWish;
use sfu_core::unit::Bitrate;

use super::*;

const LINK: LinkExplanation = LinkExplanation {
    estimate: Some(Bitrate::from_bps(700_000)),
    lent: Bitrate::from_bps(0),
    allotted: Bitrate::from_bps(600_000),
    wanted: Bitrate::from_bps(1_700_000),
    rtt: Some(Duration::from_millis(40)),
};

impl House {
    /// Lets the engine answer its newest question: that each of these tracks is sent as asked.
    pub(super) fn explain(&self, tracks: &[TrackId]) {
        let (participant, request) = self.newest(|command| match command {
            Command::ExplainSubscriptions {
                participant,
                request,
            } => Some((*participant, *request)),
            _ => None,
        });
        let explanations = tracks.iter().map(|track| SubscriptionExplanation {
            track: *track,
            asked: LayerWish::default(),
            enabled: true,
            wanted: None,
            wanted_rate: None,
            target: None,
            target_rate: None,
            current: None,
            reason: SubscriptionReason::AsAsked,
            limit: Limit::None,
        });
        let event = Event::SubscriptionsExplained {
            participant,
            request,
            explanations: explanations.collect(),
            link: LINK,
        };
        self.rooms.handle_event(0, event);
    }

    /// Asks, and waits until the engine has the question.
    pub(super) async fn ask(
        &self,
        identity: &str,
    ) -> tokio::task::JoinHandle<Result<Explained, ApiError>> {
        let (rooms, identity) = (self.rooms.clone(), identity.to_owned());
        let asked =
            tokio::spawn(async move { rooms.explain_subscriptions("kitchen", &identity).await });
        tokio::task::yield_now().await;
        asked
    }
}

#[tokio::test(start_paused = true)]
async fn the_engines_answer_is_told_in_words_that_callers_know() {
    let house = house();
    let (ann, bob) = (house.join("ann"), house.join("bob"));
    let track = house.publish(&ann);
    let asked = house.ask("bob").await;
    // What the room does not know any more is left out.
    house.explain(&[track, TrackId(track.0 + 77)]);
    let told = asked.await.unwrap().unwrap();
    assert_eq!(told.link, LINK);
    let [one] = told.subscriptions.try_into().unwrap();
    assert_eq!(one.publisher_identity, "ann");
    let info = house.rooms.get_participant("kitchen", "ann").unwrap();
    assert_eq!(one.track_sid, info.tracks[0].sid);
    assert!(matches!(one.told, Told::Explained(told) if told.track == track));
    // What ann does not permit is told without the engine.
    ann.session
        .set_subscription_permissions(false, &[])
        .unwrap();
    let asked = house.ask("bob").await;
    house.explain(&[]);
    let told = asked.await.unwrap().unwrap().subscriptions;
    let [one] = told.try_into().unwrap();
    assert_eq!(one.told.limit(), Limit::Permission);
    assert_eq!(
        (one.track_sid, one.told),
        (info.tracks[0].sid.clone(), Told::NotPermitted)
    );
    drop(bob);
}

#[tokio::test(start_paused = true)]
async fn each_answer_goes_to_its_own_question() {
    let house = house();
    let (ann, _bob) = (house.join("ann"), house.join("bob"));
    let track = house.publish(&ann);
    let first = house.ask("bob").await;
    let second = house.ask("bob").await;
    house.explain(&[track]);
    assert_eq!(second.await.unwrap().unwrap().subscriptions.len(), 1);
    assert!(!first.is_finished());
    // Answered twice, and answered late, is nothing.
    house.explain(&[]);
    assert_eq!(
        first.await.unwrap().unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    house.explain(&[]);
}

#[tokio::test(start_paused = true)]
async fn questions_are_bounded_and_end_with_who_they_are_about() {
    let house = house();
    let bob = house.join("bob");
    let nobody = house.rooms.explain_subscriptions("kitchen", "carl").await;
    assert_eq!(nobody.unwrap_err().about(), Some("identity"));
    let nowhere = house.rooms.explain_subscriptions("cellar", "bob").await;
    assert_eq!(nowhere.unwrap_err().about(), Some("room"));
    let mut asked = Vec::new();
    for _ in 0..limits::MAX_QUESTIONS {
        asked.push(house.ask("bob").await);
    }
    let refused = house.ask("bob").await.await.unwrap().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ResourceExhausted);
    // Who gives up leaves its place.
    let gave_up = asked.pop().unwrap();
    gave_up.abort();
    assert!(gave_up.await.unwrap_err().is_cancelled());
    asked.push(house.ask("bob").await);
    house.rooms.remove_participant("kitchen", "bob").unwrap();
    for one in asked {
        let error = one.await.unwrap().unwrap_err();
        assert_eq!(
            (error.kind(), error.about()),
            (ErrorKind::NotFound, Some("identity"))
        );
    }
    drop(bob);
}
