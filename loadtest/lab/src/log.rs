//! What came of one run: written by the simulation and by the runs with real browsers alike, in bins
//! of a tenth of a second.

use serde::{Deserialize, Serialize};

/// The length of a bin, in milliseconds.
pub const BIN_MS: u32 = 100;

/// One run of a scenario.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Log {
    /// The scenario's name.
    pub scenario: String,
    /// What luck followed from.
    pub seed: u64,
    /// Whose estimator decided, and in which world: `ours`, `str0m`, `chromium`, `ours, real`.
    pub column: String,
    /// What build of the server a real run was of.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub build: String,
    /// What the links with a bottleneck did.
    pub links: Vec<LinkLog>,
    /// What each subscriber got.
    pub subscribers: Vec<SubscriberLog>,
    /// What each publisher sent.
    #[serde(default)]
    pub publishers: Vec<PublisherLog>,
}

impl Log {
    /// How long it is, in seconds.
    #[must_use]
    pub fn seconds(&self) -> u32 {
        let bins = self.subscribers.iter().map(|one| one.bins.len()).max();
        let bins = u32::try_from(bins.unwrap_or(0)).unwrap_or(u32::MAX);
        bins.saturating_mul(BIN_MS) / 1000
    }
}

/// A link with a bottleneck.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct LinkLog {
    /// Its name in the scenario.
    pub name: String,
    /// One after the other from the start on.
    pub bins: Vec<LinkBin>,
    /// How many of our packets waited in its queue for so many milliseconds, rounded up: none, up to
    /// one, up to two, and so on to the longest.
    #[serde(default)]
    pub waits: Vec<u32>,
}

/// A tenth of a second of a link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct LinkBin {
    /// What it could carry, in kbit/s.
    pub capacity_kbps: f64,
    /// What came to it of ours, lost or not, in kbit/s.
    #[serde(default)]
    pub came_kbps: f64,
    /// What it carried of ours, in kbit/s.
    pub carried_kbps: f64,
    /// What it carried of others, in kbit/s.
    pub cross_kbps: f64,
    /// The longest time that one of our packets waited in its queue, in milliseconds.
    pub queue_ms_max: f64,
    /// The mean of them.
    pub queue_ms_mean: f64,
    /// Our packets.
    pub packets: u32,
    /// Those of ours that it lost.
    pub lost: u32,
}

/// One subscriber.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct SubscriberLog {
    /// Its name in the scenario.
    pub name: String,
    /// The name of its link from the server; empty where that has no bottleneck.
    pub link: String,
    /// One after the other from the start on.
    pub bins: Vec<SubscriberBin>,
    /// Each track that it is sent.
    pub tracks: Vec<TrackLog>,
}

/// A tenth of a second of a subscriber, as its sender sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct SubscriberBin {
    /// The estimate of its link, in kbit/s; 0: none yet.
    pub estimate_kbps: f64,
    /// What is sent to it, in kbit/s, with UDP and IP headers.
    pub sent_kbps: f64,
    /// The part of that which is repairs.
    pub repair_kbps: f64,
    /// The part of that which is padding.
    pub padding_kbps: f64,
    /// What its layers are to cost together, in kbit/s.
    pub allotted_kbps: f64,
    /// The longest that a packet waited in the pacer, in milliseconds.
    pub paced_ms_max: f64,
}

/// One track as one subscriber got it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct TrackLog {
    /// `anna/camera`: the publisher's name and what it is.
    pub name: String,
    /// Sound or pictures.
    pub is_audio: bool,
    /// One after the other from the start on.
    pub bins: Vec<TrackBin>,
    /// Times without a new picture, or without sound, that a person notices: each from and to in
    /// milliseconds from the start. A pause that the client was told of is none.
    pub freezes: Vec<(u32, u32)>,
    /// What was lost for good.
    pub lost_packets: u64,
    /// What came, after repairs.
    pub packets: u64,
}

/// A tenth of a second of a track as its subscriber got it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct TrackBin {
    /// Pictures decoded, or packets of sound.
    pub frames: u32,
    /// The height of the last picture; 0: none.
    pub height: u32,
    /// The spatial layer or encoding, from 0 up, and the temporal layer of what is sent.
    pub spatial: u8,
    /// The temporal layer.
    pub temporal: u8,
    /// The server has told the client that it is paused.
    pub paused: bool,
}

/// One publisher.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct PublisherLog {
    /// Its name in the scenario.
    pub name: String,
    /// The name of its link to the server; empty where that has no bottleneck.
    pub link: String,
    /// Its own estimate of that link in each bin, in kbit/s.
    pub estimate_kbps: Vec<f64>,
    /// What it offers.
    pub tracks: Vec<OfferLog>,
}

/// A track as its publisher offers it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct OfferLog {
    /// As in [`TrackLog::name`].
    pub name: String,
    /// Sound or pictures.
    pub is_audio: bool,
    /// A spatial layer rests on those below it (SVC); otherwise each stands alone (simulcast).
    pub stacked: bool,
    /// Its layers, from below.
    pub layers: Vec<LayerLog>,
}

/// One temporal layer of one spatial layer or encoding, by itself.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct LayerLog {
    /// The spatial layer or encoding.
    pub spatial: u8,
    /// The temporal layer.
    pub temporal: u8,
    /// The picture's height.
    pub height: u32,
    /// What was sent of it in each bin, in kbit/s with all headers.
    pub kbps: Vec<f64>,
}
