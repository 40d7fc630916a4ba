//! A scenario: who meets, over which links, and what changes when. Written as TOML.
//!
//! The laboratory's own are in `loadtest/lab/scenarios`: see [`all`].

mod catalogue;
mod read;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use catalogue::all;
pub use read::ScenarioError;

/// A meeting over networks, as written down.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The file's name without its ending.
    #[serde(default)]
    pub name: String,
    /// One line for people.
    pub title: String,
    /// What it is taken from: a section of RFC 8867, or `everyday`.
    pub source: String,
    /// How long it takes, in seconds.
    pub seconds: u32,
    /// The links, by name. Participants who name the same one share it.
    pub links: Vec<Link>,
    /// Who meets.
    pub participants: Vec<Participant>,
}

impl Scenario {
    /// The link of this name.
    pub fn link(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.name == name)
    }

    /// The first of those who are behind the same network address as participant `at`: those whose
    /// packets come by one link.
    pub fn house_of(&self, at: usize) -> usize {
        let down = &self.participants[at].down;
        let mut people = self.participants.iter();
        let first = people.position(|who| down.is_some() && who.down == *down);
        first.unwrap_or(at)
    }

    /// How long it takes.
    pub fn time(&self) -> Duration {
        Duration::from_secs(u64::from(self.seconds))
    }
}

/// One way over a network.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// What participants call it.
    pub name: String,
    /// What a packet passes, in this order.
    pub elements: Vec<Element>,
    /// What changes, in the order of time.
    #[serde(default)]
    pub changes: Vec<Change>,
}

impl Link {
    /// A link of these elements in which nothing changes.
    pub fn of(name: &str, elements: impl Into<Vec<Element>>) -> Self {
        Self {
            name: name.to_owned(),
            elements: elements.into(),
            changes: Vec::new(),
        }
    }

    /// What a way takes whose link is not named: 5 ms.
    pub fn clean() -> Self {
        Self::of("clean", [Element::delay(5.0)])
    }

    /// When the address of those behind it changes, from the start.
    pub fn rebinds(&self) -> impl Iterator<Item = Duration> + '_ {
        let rebinds = self.changes.iter().filter(|change| change.rebinds);
        rebinds.map(|change| seconds(change.at))
    }
}

/// One thing that happens to packets.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Element {
    /// A fixed time, in milliseconds.
    Delay {
        /// The time.
        ms: f64,
    },
    /// Beside the fixed time, one that differs from packet to packet and keeps their order: the
    /// absolute value of a normal distribution (RFC 8868 section 4.2).
    Jitter {
        /// Standard deviation, in milliseconds.
        deviation_ms: f64,
        /// No more than this, in milliseconds.
        most_ms: f64,
    },
    /// Each packet is lost with the same probability.
    Loss {
        /// In percent.
        percent: f64,
    },
    /// Losses in bursts: Gilbert and Elliott's two states, of which the bad one loses everything.
    BurstLoss {
        /// How many packets are lost in all, in percent.
        percent: f64,
        /// How many are lost in a row on average.
        burst: f64,
    },
    /// Some packets arrive later than those behind them.
    Reorder {
        /// How many, in percent.
        percent: f64,
        /// How much later, in milliseconds.
        ms: f64,
    },
    /// Some packets arrive twice.
    Duplicate {
        /// How many, in percent.
        percent: f64,
    },
    /// A line of a limited rate with a queue before it.
    Bottleneck {
        /// Kilobits per second, IP headers counted.
        kbps: f64,
        /// What would have to wait longer than this is lost, in milliseconds at the present rate.
        queue_ms: f64,
        /// How the queue is kept.
        #[serde(default)]
        queue: Queue,
    },
    /// Others' traffic through the next bottleneck: flows that behave as TCP does.
    CrossTraffic {
        /// How many flows.
        flows: u32,
        /// Their round trip without queues, in milliseconds.
        rtt_ms: f64,
        /// In seconds from the start.
        from: f64,
        /// In seconds from the start.
        to: f64,
        /// What each flow carries; one file without an end without.
        #[serde(default)]
        files: Option<Files>,
    },
}

impl Element {
    /// A fixed time, in milliseconds.
    pub const fn delay(ms: f64) -> Self {
        Self::Delay { ms }
    }

    /// A bottleneck with a drop-tail queue.
    pub const fn bottleneck(kbps: f64, queue_ms: f64) -> Self {
        let queue = Queue::DropTail;
        Self::Bottleneck {
            kbps,
            queue_ms,
            queue,
        }
    }
}

/// Short flows: one file after the other.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// A file has from so many kilobytes to so many, each size as likely.
    pub kbytes: [f64; 2],
    /// The mean of the pauses between them, in seconds; they are exponentially distributed.
    pub pause: f64,
}

/// How a bottleneck's queue is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Queue {
    /// What does not fit is lost.
    #[default]
    DropTail,
    /// CoDel (RFC 8289).
    Codel,
}

/// What a link is like from some time on.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// In seconds from the start.
    pub at: f64,
    /// The bottleneck's rate, in kilobits per second; 0: an outage, in which packets wait.
    #[serde(default)]
    pub kbps: Option<f64>,
    /// The loss of every lossy element, in percent.
    #[serde(default)]
    pub loss_percent: Option<f64>,
    /// Every fixed delay, in milliseconds.
    #[serde(default)]
    pub delay_ms: Option<f64>,
    /// The participant's address changes, as behind a NAT that has forgotten it.
    #[serde(default)]
    pub rebinds: bool,
}

/// One who meets.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Participant {
    /// What logs call it.
    pub name: String,
    /// When it joins, in seconds from the start.
    #[serde(default)]
    pub joins: f64,
    /// When it leaves, in seconds from the start; it stays to the end without.
    #[serde(default)]
    pub leaves: Option<f64>,
    /// The link to the server, by name; a clean one of 5 ms without.
    #[serde(default)]
    pub up: Option<String>,
    /// The link from the server, by name; a clean one of 5 ms without.
    #[serde(default)]
    pub down: Option<String>,
    /// How much further away it is than others on its links: what packets take in addition, each way,
    /// in milliseconds.
    #[serde(default)]
    pub delay_ms: f64,
    /// What it publishes.
    #[serde(default)]
    pub publishes: Vec<Publishes>,
    /// It is sent the tracks of all others.
    #[serde(default = "yes")]
    pub subscribes: bool,
    /// When it does not want pictures, as one who looks at another window: each from and to in seconds
    /// from the start.
    #[serde(default)]
    pub looks_away: Vec<[f64; 2]>,
}

const fn yes() -> bool {
    true
}

/// What is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Publishes {
    /// Opus, some 32 kbit/s.
    Microphone,
    /// VP8 in three encodings of three temporal layers each: 320x180 at 150 kbit/s, 640x360 at 500,
    /// 1280x720 at 1700, as livekit-client sends 720p.
    Camera,
    /// VP9 in three spatial and three temporal layers (L3T3_KEY), to 1700 kbit/s in all.
    LayeredCamera,
    /// VP8 in one encoding of 1500 kbit/s, a shared screen.
    Screen,
}

/// The time of a number of seconds; what is none is 0.
pub fn seconds(number: f64) -> Duration {
    Duration::try_from_secs_f64(number).unwrap_or_default()
}

/// The time of a number of milliseconds; what is none is 0.
pub fn milliseconds(number: f64) -> Duration {
    seconds(number / 1e3)
}

/// A rate that is written in kilobits per second; what is none is 0.
pub(crate) fn bits_per_second(kbps: f64) -> u64 {
    (kbps * 1e3).round() as u64
}
