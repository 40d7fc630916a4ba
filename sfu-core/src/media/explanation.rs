//! Why a subscription is sent what it is sent.

use std::time::Duration;

use super::layer::{LayerWish, Layers};
use crate::id::TrackId;

/// Why a subscription is sent what it is sent, or nothing. Where several hold, it is the one that
/// must change first: what the subscriber has done, then what it lacks, then its publisher's part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscriptionReason {
    /// It is sent what it was asked for, as far as its publisher offers that.
    AsAsked,
    /// The subscriber has paused it.
    PausedBySubscriber,
    /// The publisher has announced the track and has no section for it, not yet or no longer.
    NotPublished,
    /// The subscriber has no free section for it yet: its next offers will have one.
    WaitingForSection,
    /// The subscriber's transport is not connected, or lost its path.
    NotConnected,
    /// The publisher has muted the track.
    MutedByPublisher,
    /// The publisher's transport is not connected.
    PublisherNotConnected,
    /// Nothing comes from the publisher.
    PublisherSilent {
        /// For how long; `None`: nothing ever came.
        silent_for: Option<Duration>,
    },
    /// Other voices are forwarded, those that speak: there are no more places for any.
    OthersSpeak,
    /// The subscriber does not decode what the publisher sends at the moment.
    FormatNotAgreed,
    /// It waits for a keyframe of what it is to be sent, with what it has or with nothing.
    WaitingForKeyframe {
        /// The quality that it waits for.
        quality: u8,
        /// How long ago the publisher was last asked for it; `None`: it is to be asked.
        asked_ago: Option<Duration>,
    },
    /// It waits for a frame from which on more layers, or fewer, can be decoded.
    WaitingForLayerSwitch,
    /// The publisher sends nothing of the quality asked for: it is sent the best below.
    QualityNotSent {
        /// What it is sent.
        best: u8,
    },
    /// The publisher sends nothing as low as was asked for: it is sent the least there is.
    OnlyBetterSent {
        /// What it is sent.
        least: u8,
    },
}

/// What one subscription is sent, was asked for, and why that is what it is sent.
///
/// Layers are told with the quality in the place of the encoding: 0 is the worst that is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscriptionExplanation {
    /// The track.
    pub track: TrackId,
    /// What the subscriber asks for of its pictures.
    pub asked: LayerWish,
    /// False while the subscriber has paused it.
    pub enabled: bool,
    /// What it is to be sent of what is published; `None`: nothing.
    pub target: Option<Layers>,
    /// What it is sent; `None`: nothing.
    pub current: Option<Layers>,
    /// Why.
    pub reason: SubscriptionReason,
}
