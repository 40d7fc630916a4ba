//! What the parts of an estimator know when feedback came: what the rate is controlled by.

use super::report::Usage;
use crate::bandwidth::recording::kept::kept;

/// What comes through in a moment is a rate from this one on, in bits per second: five packets in 120 ms.
const LEAST_LATELY: f64 = 400_000.0;

/// What the parts know when feedback came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    /// In microseconds.
    pub(super) now: u64,
    pub(super) usage: Usage,
    /// What came through lately, in bits per second.
    pub(super) acknowledged: f64,
    /// What was sent lately.
    pub(super) sent: f64,
    /// What came through in the last moment.
    pub(super) acknowledged_now: f64,
    /// What the link carries while packets wait for it; `None` when none do.
    pub(super) busy: Option<f64>,
    /// How long packets wait behind what may be our own, in microseconds.
    pub(super) queueing: i64,
    /// How long they wait in all.
    pub(super) waits: i64,
    /// Bits that are on their way, as far as is known.
    pub(super) in_flight: f64,
    /// In microseconds: lately, and the least.
    pub(super) rtt: u64,
    pub(super) least_rtt: u64,
    /// Another flow keeps the queue full.
    pub(super) is_shared: bool,
    /// The queue has turned out to be another flow's.
    pub(super) has_found_others: bool,
}

impl Facts {
    /// What the link carries at present, as far as what is sent shows it.
    pub(super) fn carried(&self) -> f64 {
        // A few packets are no rate, and a burst of another flow's parts those of ours by so long.
        let moment = self.acknowledged_now.max(LEAST_LATELY);
        let lately = self.acknowledged.min(moment);
        self.busy.unwrap_or(lately)
    }
}

kept!(Facts {
    now,
    usage,
    acknowledged,
    sent,
    acknowledged_now,
    busy,
    queueing,
    waits,
    in_flight,
    rtt,
    least_rtt,
    is_shared,
    has_found_others
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_in_what_comes_through_is_no_rate() {
        let facts = Facts {
            now: 0,
            usage: Usage::Over,
            acknowledged: 627e3,
            sent: 806e3,
            acknowledged_now: 19e3,
            busy: None,
            queueing: 0,
            waits: 0,
            in_flight: 0.0,
            rtt: 100_000,
            least_rtt: 100_000,
            is_shared: false,
            has_found_others: false,
        };
        assert_eq!(facts.carried().round() as u64, 400_000);
        let slow = Facts {
            acknowledged: 100e3,
            ..facts
        };
        assert_eq!(slow.carried().round() as u64, 100_000);
    }
}
