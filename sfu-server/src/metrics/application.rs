//! What the rooms hold and count.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use super::write::{counters, gauge};
use crate::rooms::{JoinTimes, Rooms};

/// What the rooms hold and how joins went.
pub(super) struct Application(Rooms);

impl Application {
    pub(super) fn new(rooms: Rooms) -> Self {
        Self(rooms)
    }
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Application").finish_non_exhaustive()
    }
}

impl Collector for Application {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let counts = self.0.counts();
        gauge(&mut encoder, "rooms", "Rooms now", counts.rooms)?;
        gauge(
            &mut encoder,
            "participants",
            "Participants now",
            counts.participants,
        )?;
        gauge(
            &mut encoder,
            "tracks",
            "Published tracks now",
            counts.tracks,
        )?;
        gauge(
            &mut encoder,
            "subscriptions",
            "Subscriptions to tracks now",
            counts.subscriptions,
        )?;
        let help = "Watchers of rooms now";
        gauge(&mut encoder, "room_watchers", help, self.0.watchers())?;
        let help = "Attempts to join a room with a good token, by result";
        let joins = self.0.join_counts().each();
        let samples = joins.map(|(result, count)| ([("result", result)], count));
        counters(&mut encoder, "joins", help, None, samples)?;
        join_times(&mut encoder, self.0.join_times())
    }
}

/// How long joins take.
fn join_times(encoder: &mut DescriptorEncoder<'_>, times: &JoinTimes) -> fmt::Result {
    let help = "Time from the acceptance of a signalling connection to connected media";
    let unit = Some(&Unit::Seconds);
    let mut metric = encoder.encode_descriptor("join", help, unit, MetricType::Histogram)?;
    let read = times.read();
    metric.encode_histogram::<NoLabelSet>(read.sum, read.count, &read.buckets, None)
}
