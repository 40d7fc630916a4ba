//! Why a subscription is sent what it is sent.

use std::time::Duration;

use super::layer::{LayerWish, Layers};
use crate::id::TrackId;
use crate::unit::Bitrate;

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
    /// The subscriber's network is not thought to carry the least of it beside what goes before it:
    /// nothing is sent until it does.
    PausedForBandwidth,
    /// It waits for a keyframe of what it is to be sent, with what it has or with nothing.
    WaitingForKeyframe {
        /// The quality that it waits for.
        quality: u8,
        /// How long ago the publisher was last asked for it; `None`: it is to be asked.
        asked_ago: Option<Duration>,
    },
    /// It waits for a frame from which on more layers, or fewer, can be decoded.
    WaitingForLayerSwitch,
    /// The subscriber's network is not thought to carry what was asked for beside what goes before
    /// it: it is sent as much as fits.
    LimitedByBandwidth,
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

/// What keeps a subscription from being sent the best that its publisher could offer: the
/// [`SubscriptionReason`] in few words, for counting and for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limit {
    /// Nothing: it is sent the best.
    #[default]
    None,
    /// The subscriber asks for no more: its picture is small there, or its client saves.
    Viewport,
    /// Its network is not thought to carry more.
    Bandwidth,
    /// Its network is not thought to carry the least of it.
    PausedForBandwidth,
    /// The subscriber has paused it.
    PausedBySubscriber,
    /// The publisher sends no better, or nothing.
    Publisher,
    /// It waits for a keyframe, or for another frame at which layers can change.
    Keyframe,
    /// Its publisher does not permit it.
    Permission,
    /// The subscriber is not connected, or has no section for it yet.
    Connection,
    /// The subscriber does not decode it.
    Format,
    /// Others speak.
    Speakers,
}

impl Limit {
    /// Each of them, in their order: [`Self::index`] is the place in it.
    pub const ALL: [Self; 11] = [
        Self::None,
        Self::Viewport,
        Self::Bandwidth,
        Self::PausedForBandwidth,
        Self::PausedBySubscriber,
        Self::Publisher,
        Self::Keyframe,
        Self::Permission,
        Self::Connection,
        Self::Format,
        Self::Speakers,
    ];

    /// Its place in [`Self::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Its name as counters and pages have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Viewport => "viewport",
            Self::Bandwidth => "bandwidth",
            Self::PausedForBandwidth => "paused_for_bandwidth",
            Self::PausedBySubscriber => "paused_by_subscriber",
            Self::Publisher => "publisher",
            Self::Keyframe => "keyframe",
            Self::Permission => "permission",
            Self::Connection => "connection",
            Self::Format => "format",
            Self::Speakers => "speakers",
        }
    }
}

impl SubscriptionReason {
    /// What it amounts to, where `is_bounded` says that the subscriber asks for less than is sent.
    #[must_use]
    pub const fn limit(self, is_bounded: bool) -> Limit {
        match self {
            Self::AsAsked if is_bounded => Limit::Viewport,
            Self::AsAsked => Limit::None,
            Self::PausedBySubscriber => Limit::PausedBySubscriber,
            Self::PausedForBandwidth => Limit::PausedForBandwidth,
            Self::LimitedByBandwidth => Limit::Bandwidth,
            Self::NotPublished
            | Self::MutedByPublisher
            | Self::PublisherNotConnected
            | Self::PublisherSilent { .. }
            | Self::QualityNotSent { .. }
            | Self::OnlyBetterSent { .. } => Limit::Publisher,
            Self::WaitingForSection | Self::NotConnected => Limit::Connection,
            Self::OthersSpeak => Limit::Speakers,
            Self::FormatNotAgreed => Limit::Format,
            Self::WaitingForKeyframe { .. } | Self::WaitingForLayerSwitch => Limit::Keyframe,
        }
    }
}

/// What one subscription is sent, was asked for, and why that is what it is sent.
///
/// Layers are told with the quality in the place of the encoding: 0 is the worst that is offered.
/// Rates are of what the publisher sends of these layers, headers and packets' overheads as counted
/// for the estimate; `None` where that is not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscriptionExplanation {
    /// The track.
    pub track: TrackId,
    /// What the subscriber asks for of its pictures.
    pub asked: LayerWish,
    /// False while the subscriber has paused it.
    pub enabled: bool,
    /// What it would be sent of what is published if its network carried everything; `None`:
    /// nothing.
    pub wanted: Option<Layers>,
    /// What that takes.
    pub wanted_rate: Option<Bitrate>,
    /// What is allotted to it: what it is to be sent; `None`: nothing.
    pub target: Option<Layers>,
    /// What that takes.
    pub target_rate: Option<Bitrate>,
    /// What it is sent; `None`: nothing.
    pub current: Option<Layers>,
    /// Why.
    pub reason: SubscriptionReason,
    /// That in few words.
    pub limit: Limit,
}

/// What a subscriber's network is thought to carry, and what goes over it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkExplanation {
    /// What it carries in all, as estimated, of a line that it has with others a fair share; `None`
    /// while nothing is known of it.
    pub estimate: Option<Bitrate>,
    /// What may be sent beyond that, since others of its line leave it; zero when it has its own.
    pub lent: Bitrate,
    /// What its subscriptions are allotted, together.
    pub allotted: Bitrate,
    /// What everything that it wants takes.
    pub wanted: Bitrate,
    /// The round trip by its latest report.
    pub rtt: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_has_its_own_place_and_name() {
        for (place, limit) in Limit::ALL.into_iter().enumerate() {
            assert_eq!(limit.index(), place);
            let same = Limit::ALL.iter().filter(|one| one.name() == limit.name());
            assert_eq!(same.count(), 1, "{}", limit.name());
        }
    }
}
