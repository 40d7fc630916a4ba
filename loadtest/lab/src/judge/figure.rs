//! A figure of a run, and what is asked of it.

use serde::{Deserialize, Serialize};

/// What is measured. In the order in which tables show them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The part of the bottleneck that carries media in steady state, in percent; padding is no
    /// media. More is better. What is asked differs from run to run: see [`Kind::Optimum`].
    Used,
    /// The part that the best choice of layers on offer would use in the same times, in percent.
    Optimum,
    /// What is sent of what is offered, in percent, where no bottleneck limits it. More is better.
    RateOfOffer,
    /// The time that packets of ours wait in the bottleneck's queue: the median over the packets of
    /// the whole run, in milliseconds.
    QueueMedian,
    /// Its 95th percentile.
    Queue95,
    /// The longest.
    QueueMost,
    /// After a fall of the capacity: seconds until no more is sent than fits.
    Falls,
    /// After a rise of the capacity: seconds until the best choice of layers is sent.
    Rises,
    /// The longest time without a new picture, in milliseconds.
    FreezeLongest,
    /// All such times together, in seconds per minute.
    FreezeTotal,
    /// Seconds a minute in which the client was told that a picture is paused.
    Paused,
    /// Seconds from a join to the first picture.
    FirstPicture,
    /// The mean height of the pictures shown.
    Height,
    /// Pictures a second.
    FrameRate,
    /// Changes of the spatial layer in a minute.
    Switches,
    /// Sound that was lost for good, in percent.
    AudioLost,
    /// The longest silence that nobody made, in milliseconds.
    Silence,
    /// Of the subscribers of one bottleneck, the least estimate as a part of the greatest, in percent,
    /// while there is somebody who could use more than it has.
    Fairness,
    /// The part of the bottleneck beside TCP flows, as a part of the fair share, in percent.
    ShareOfTcp,
    /// The part of what the publisher's uplink carries that it uses in steady state, in percent.
    UplinkUsed,
}

/// Which of two values is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// A greater one.
    More,
    /// A lesser one.
    Less,
}

impl Kind {
    /// All of them, in order.
    pub const ALL: [Self; 20] = [
        Self::Used,
        Self::Optimum,
        Self::RateOfOffer,
        Self::QueueMedian,
        Self::Queue95,
        Self::QueueMost,
        Self::Falls,
        Self::Rises,
        Self::FreezeLongest,
        Self::FreezeTotal,
        Self::Paused,
        Self::FirstPicture,
        Self::Height,
        Self::FrameRate,
        Self::Switches,
        Self::AudioLost,
        Self::Silence,
        Self::Fairness,
        Self::ShareOfTcp,
        Self::UplinkUsed,
    ];

    /// What a table's head says, with the unit.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Used => "used %",
            Self::Optimum => "optimum %",
            Self::RateOfOffer => "of offer %",
            Self::QueueMedian => "queue p50 ms",
            Self::Queue95 => "queue p95 ms",
            Self::QueueMost => "queue max ms",
            Self::Falls => "fall s",
            Self::Rises => "rise s",
            Self::FreezeLongest => "freeze ms",
            Self::FreezeTotal => "frozen s/min",
            Self::Paused => "paused s/min",
            Self::FirstPicture => "first picture s",
            Self::Height => "height",
            Self::FrameRate => "fps",
            Self::Switches => "switches/min",
            Self::AudioLost => "audio lost %",
            Self::Silence => "silence ms",
            Self::Fairness => "fair %",
            Self::ShareOfTcp => "TCP share %",
            Self::UplinkUsed => "uplink used %",
        }
    }

    /// Which way it gets better.
    #[must_use]
    pub const fn better(self) -> Better {
        match self {
            Self::Used
            | Self::Optimum
            | Self::RateOfOffer
            | Self::Height
            | Self::FrameRate
            | Self::Fairness
            | Self::ShareOfTcp
            | Self::UplinkUsed => Better::More,
            _ => Better::Less,
        }
    }

    /// Of many seeds the worst one counts, not the 90th percentile: one bad call is one too many.
    #[must_use]
    pub const fn counts_worst(self) -> bool {
        matches!(
            self,
            Self::FreezeLongest
                | Self::FreezeTotal
                | Self::Paused
                | Self::AudioLost
                | Self::Silence
        )
    }

    /// The worse of two values.
    #[must_use]
    pub const fn worse(self, one: f64, other: f64) -> f64 {
        match self.better() {
            Better::More => one.min(other),
            Better::Less => one.max(other),
        }
    }

    /// Digits behind the point in a table: fewer than what chance moves.
    #[must_use]
    pub const fn digits(self) -> usize {
        match self {
            Self::Falls
            | Self::Rises
            | Self::FreezeTotal
            | Self::Paused
            | Self::FirstPicture
            | Self::Switches => 1,
            Self::AudioLost => 2,
            _ => 0,
        }
    }
}

/// One figure of one run.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Figure {
    /// What is measured.
    pub kind: Kind,
    /// Of whom: a link, a subscriber, or a subscriber and a track.
    pub of: String,
    /// The value, in the unit of its kind. Infinite: it never came about.
    pub value: f64,
    /// What is asked of it; nothing is asked of many.
    pub asked: Option<Asked>,
}

/// What is asked of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Asked {
    /// At least, or at most, this.
    pub limit: f64,
    /// Where that comes from.
    pub aim: Aim,
}

impl Asked {
    /// For tables: `✓` or `✗` behind the value, in brackets where it is our own aim.
    #[must_use]
    pub const fn mark(self, met: bool) -> &'static str {
        match (self.aim, met) {
            (Aim::Proof, true) => " ✓",
            (Aim::Proof, false) => " ✗",
            (Aim::Own, true) => " (✓)",
            (Aim::Own, false) => " (✗)",
        }
    }
}

/// Why something is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aim {
    /// Nothing promises it, and we want it.
    Own,
    /// The adaptation is to be proved by it, in the conditions that the proof names.
    Proof,
}

impl Figure {
    /// Whether it is as asked.
    #[must_use]
    pub fn is_met(&self) -> bool {
        self.margin().is_none_or(|margin| margin >= 0.0)
    }

    /// For people: as asked or not, what is asked, and why; empty where nothing is.
    #[must_use]
    pub fn verdict(&self) -> String {
        let Some(Asked { limit, aim }) = self.asked else {
            return String::new();
        };
        let met = if self.is_met() { "ok" } else { "NOT" };
        let digits = self.kind.digits();
        let why = match aim {
            Aim::Proof => "is asked",
            Aim::Own => "is our own aim",
        };
        format!("  {met}, {limit:.digits$} {why}")
    }

    /// By how much it is better than the limit, or worse where negative; `None`: nothing is asked.
    #[must_use]
    pub fn margin(&self) -> Option<f64> {
        let limit = self.asked?.limit;
        Some(match self.kind.better() {
            Better::More => self.value - limit,
            Better::Less => limit - self.value,
        })
    }
}
