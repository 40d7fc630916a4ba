//! Why subscriptions are sent what they are sent, in the contract's words.

use std::time::Duration;

use sfu_control_proto::v1;
use sfu_core::media::explanation::SubscriptionReason as Why;
use sfu_core::media::layer::Layers;

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
            subscriptions: explained.into_iter().map(subscription).collect(),
        })
    }
}

fn subscription(explained: ExplainedSubscription) -> v1::SubscriptionExplanation {
    let (track_sid, publisher_identity) = (explained.track_sid, explained.publisher_identity);
    let unexplained = |enabled, reason: v1::SubscriptionReason| v1::SubscriptionExplanation {
        track_sid: track_sid.clone(),
        publisher_identity: publisher_identity.clone(),
        enabled,
        reason: reason.into(),
        ..Default::default()
    };
    let told = match explained.told {
        Told::Paused => return unexplained(false, v1::SubscriptionReason::PausedBySubscriber),
        Told::NotPermitted => return unexplained(true, v1::SubscriptionReason::NotPermitted),
        Told::AwaitsBackup => return unexplained(true, v1::SubscriptionReason::FormatNotAgreed),
        Told::Explained(told) => told,
    };
    let (reason, waited) = reason(told.reason);
    v1::SubscriptionExplanation {
        track_sid,
        publisher_identity,
        enabled: told.enabled,
        max_quality: told.asked.max_quality.map(u32::from),
        max_frame_rate: told.asked.max_frame_rate,
        target: told.target.map(layers),
        current: told.current.map(layers),
        reason: reason.into(),
        waited: waited.and_then(|waited| waited.try_into().ok()),
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
}
