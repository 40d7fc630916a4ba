//! The queue that a burst makes on a link of the estimated rate: one that is as long as this says
//! nothing against the estimate. Pictures come in bursts, and one that begins a layer is as long as
//! five of the others.

use crate::bandwidth::recording::kept::kept;

/// What the queue is told in, in microseconds: what has room in a slot of the history.
pub(super) const UNIT: f64 = 4_000.0;
const MOST_UNITS: f64 = 63.0;

/// The least rate of that link, in bits per second: sound and a few control packets are sent whatever
/// the estimate is, and are no burst.
const LEAST_RATE: f64 = 150_000.0;

/// The link of the estimated rate.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ExpectedQueue {
    /// In bits.
    queued: f64,
    at: u64,
}

impl ExpectedQueue {
    /// A packet of `size` bytes leaves at `at` microseconds, while `rate` bits per second is estimated.
    /// How long it is to wait, in units: see [`micros`].
    pub(super) fn sent(&mut self, at: u64, size: u16, rate: f64) -> u8 {
        let rate = rate.max(LEAST_RATE);
        let mut left = self.queued;
        // The packets of a run leave at one time.
        if at != self.at {
            let passed = at.saturating_sub(self.at) as f64;
            self.at = at;
            left = (left - rate * passed * 1e-6).max(0.0);
        }
        // More than can be told need not be remembered.
        self.queued = (left + f64::from(size) * 8.0).min(rate * UNIT * MOST_UNITS * 1e-6);
        (left * (1e6 / UNIT) / rate).min(MOST_UNITS) as u8
    }
}

/// A wait in microseconds.
pub(super) const fn micros(units: u8) -> i64 {
    units as i64 * UNIT as i64
}

kept!(ExpectedQueue { queued, at });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_waits_for_itself() {
        let mut queue = ExpectedQueue::default();
        // A megabit a second is a packet of 1000 bytes in 8 ms.
        let waits: Vec<u8> = (0..10).map(|_| queue.sent(1_000_000, 1_000, 1e6)).collect();
        assert_eq!(waits, [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
        assert_eq!(micros(queue.sent(1_040_000, 1_000, 1e6)), 40_000);
        assert_eq!(queue.sent(2_000_000, 1_000, 1e6), 0);
    }
}
