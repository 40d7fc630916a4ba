//! The parts of the report: spreads, and what was received of one kind of media.

use std::time::Duration;

use serde::Serialize;

use crate::statistics::{Histogram, Kind, Received, percentile};

/// A distribution in a few numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Spread {
    pub(super) count: u64,
    pub(super) p50: Option<f64>,
    pub(super) p99: Option<f64>,
    pub(super) max: Option<f64>,
}

/// What subscribers received of one kind of media.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct MediaFacts {
    /// By sequence numbers, from each track's first packet to its last.
    pub(super) packets_expected: u64,
    /// Each once, repaired ones included.
    pub(super) packets_received: u64,
    /// Those that came only as a retransmission.
    pub(super) packets_repaired: u64,
    pub(super) packets_lost: u64,
    pub(super) packets_reordered: u64,
    pub(super) packets_duplicate: u64,
    /// Ends of frames; 0 for sound.
    pub(super) frames_received: u64,
    pub(super) bytes_received: u64,
    pub(super) loss_percent: f64,
    pub(super) loss_before_repair_percent: f64,
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    part as f64 * 100.0 / whole as f64
}

impl Spread {
    /// Of times, in milliseconds and exactly.
    pub(super) fn of_times(times: &[Duration]) -> Self {
        let millis = |time: Duration| time.as_secs_f64() * 1_000.0;
        Self {
            count: times.len() as u64,
            p50: percentile(times, 50).map(millis),
            p99: percentile(times, 99).map(millis),
            max: percentile(times, 100).map(millis),
        }
    }

    /// Of microseconds, in milliseconds.
    pub(super) fn of_micros(histogram: &Histogram) -> Self {
        let millis = |micros: u64| micros as f64 / 1_000.0;
        Self {
            count: histogram.total(),
            p50: histogram.percentile(50).map(millis),
            p99: histogram.percentile(99).map(millis),
            max: histogram.highest().map(millis),
        }
    }
}

impl MediaFacts {
    /// Adds what one subscriber received of a kind.
    pub(super) fn add(&mut self, received: &Received, kind: Kind) {
        for track in received.tracks().filter(|track| track.kind == kind) {
            self.packets_expected += track.sequence.expected();
            self.packets_received += track.sequence.received();
            self.packets_repaired += track.sequence.repaired();
            self.packets_reordered += track.sequence.reordered();
            self.packets_duplicate += track.sequence.duplicates();
            self.frames_received += track.frames;
            self.bytes_received += track.bytes;
        }
    }

    /// Makes losses and percentages of the sums.
    pub(super) fn conclude(&mut self) {
        self.packets_lost = self.packets_expected.saturating_sub(self.packets_received);
        let before_repair = self.packets_lost + self.packets_repaired;
        self.loss_percent = percent(self.packets_lost, self.packets_expected);
        self.loss_before_repair_percent = percent(before_repair, self.packets_expected);
    }
}
