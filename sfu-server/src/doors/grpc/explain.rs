//! Why subscriptions are sent what they are sent, in the contract's words.

use std::time::Duration;

use sfu_control_proto::v1;
use sfu_core::media::explanation::{Limit, LinkExplanation, SubscriptionReason as Why};
use sfu_core::media::layer::Layers;
use sfu_core::unit::Bitrate;

use super::service::RoomDoor;
use crate::error::ApiError;
use crate::rooms::{ExplainedSubscription, Told};

impl RoomDoor {
    pub(super) async fn explain_subscriptions(
        &self,
        request: &v1::ExplainSubscriptionsRequest,
    ) -> Result<v1::ExplainSubscriptionsResponse, ApiError> {
        let (room, identity) = (&request.room, &request.identity);
        let explained = self.rooms.explain_subscriptions(room, identity).await?;
        Ok(v1::ExplainSubscriptionsResponse {
            subscriptions: explained
                .subscriptions
                .into_iter()
                .map(subscription)
                .collect(),
            link: Some(link(&explained.link)),
        })
    }
}

fn link(told: &LinkExplanation) -> v1::LinkExplanation {
    v1::LinkExplanation {
        estimate_bps: told.estimate.map(Bitrate::bps),
        allotted_bps: told.allotted.bps(),
        wanted_bps: told.wanted.bps(),
        rtt: told.rtt.and_then(|rtt| rtt.try_into().ok()),
        lent_bps: told.lent.bps(),
    }
}

fn subscription(explained: ExplainedSubscription) -> v1::SubscriptionExplanation {
    let unsent = |reason: v1::SubscriptionReason| v1::SubscriptionExplanation {
        track_sid: explained.track_sid.clone(),
        publisher_identity: explained.publisher_identity.clone(),
        enabled: explained.told != Told::Paused,
        reason: reason.into(),
        limit: limit(explained.told.limit()).into(),
        ..Default::default()
    };
    let told = match explained.told {
        Told::Paused => return unsent(v1::SubscriptionReason::PausedBySubscriber),
        Told::NotPermitted => return unsent(v1::SubscriptionReason::NotPermitted),
        Told::AwaitsBackup => return unsent(v1::SubscriptionReason::FormatNotAgreed),
        Told::Explained(told) => told,
    };
    let (reason, waited) = reason(told.reason);
    v1::SubscriptionExplanation {
        track_sid: explained.track_sid,
        publisher_identity: explained.publisher_identity,
        enabled: told.enabled,
        max_quality: told.asked.max_quality.map(u32::from),
        max_frame_rate: told.asked.max_frame_rate,
        target: told.target.map(layers),
        current: told.current.map(layers),
        reason: reason.into(),
        waited: waited.and_then(|waited| waited.try_into().ok()),
        wanted: told.wanted.map(layers),
        target_bps: told.target_rate.map(Bitrate::bps),
        wanted_bps: told.wanted_rate.map(Bitrate::bps),
        limit: limit(told.limit).into(),
    }
}

fn layers(layers: Layers) -> v1::SentLayers {
    let bounded = |layer: u8| (layer != u8::MAX).then_some(u32::from(layer));
    v1::SentLayers {
        quality: layers.encoding.into(),
        max_spatial_layer: bounded(layers.top.spatial),
        max_temporal_layer: bounded(layers.top.temporal),
    }
}

const fn limit(limit: Limit) -> v1::SubscriptionLimit {
    use v1::SubscriptionLimit as Word;
    match limit {
        Limit::None => Word::None,
        Limit::Viewport => Word::Viewport,
        Limit::Bandwidth => Word::Bandwidth,
        Limit::PausedForBandwidth => Word::PausedForBandwidth,
        Limit::PausedBySubscriber => Word::PausedBySubscriber,
        Limit::Publisher => Word::Publisher,
        Limit::Keyframe => Word::Keyframe,
        Limit::Permission => Word::Permission,
        Limit::Connection => Word::Connection,
        Limit::Format => Word::Format,
        Limit::Speakers => Word::Speakers,
    }
}

/// The reason, and how long it has held where that is known.
fn reason(why: Why) -> (v1::SubscriptionReason, Option<Duration>) {
    use v1::SubscriptionReason as Reason;
    let reason = match why {
        Why::AsAsked => Reason::AsAsked,
        Why::PausedBySubscriber => Reason::PausedBySubscriber,
        Why::NotPublished => Reason::NotPublished,
        Why::WaitingForSection => Reason::WaitingForSection,
        Why::NotConnected => Reason::NotConnected,
        Why::MutedByPublisher => Reason::MutedByPublisher,
        Why::PublisherNotConnected => Reason::PublisherNotConnected,
        Why::PublisherSilent { silent_for } => return (Reason::PublisherSilent, silent_for),
        Why::OthersSpeak => Reason::OthersSpeak,
        Why::LimitedByBandwidth => Reason::LimitedByBandwidth,
        Why::PausedForBandwidth => Reason::PausedForBandwidth,
        Why::FormatNotAgreed => Reason::FormatNotAgreed,
        Why::WaitingForKeyframe { asked_ago, .. } => {
            return (Reason::WaitingForKeyframe, asked_ago);
        }
        Why::WaitingForLayerSwitch => Reason::WaitingForLayerSwitch,
        Why::QualityNotSent { .. } => Reason::QualityNotSent,
        Why::OnlyBetterSent { .. } => Reason::OnlyBetterSent,
        _ => Reason::Unspecified,
    };
    (reason, None)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_reason_of_the_engines_has_its_own_word() {
        let (silent_for, asked_ago) = (None, None);
        let (quality, best, least) = (0, 0, 0);
        let all = [
            Why::AsAsked,
            Why::PausedBySubscriber,
            Why::NotPublished,
            Why::WaitingForSection,
            Why::NotConnected,
            Why::MutedByPublisher,
            Why::PublisherNotConnected,
            Why::PublisherSilent { silent_for },
            Why::OthersSpeak,
            Why::LimitedByBandwidth,
            Why::PausedForBandwidth,
            Why::FormatNotAgreed,
            Why::WaitingForKeyframe { quality, asked_ago },
            Why::WaitingForLayerSwitch,
            Why::QualityNotSent { best },
            Why::OnlyBetterSent { least },
        ];
        let words = all.map(|why| reason(why).0 as i32);
        assert!(!words.contains(&(v1::SubscriptionReason::Unspecified as i32)));
        assert_eq!(BTreeSet::from(words).len(), all.len());
    }

    #[test]
    fn each_limit_has_its_own_word() {
        let words = Limit::ALL.map(|one| limit(one) as i32);
        assert!(!words.contains(&(v1::SubscriptionLimit::Unspecified as i32)));
        assert_eq!(BTreeSet::from(words).len(), Limit::ALL.len());
    }
}
