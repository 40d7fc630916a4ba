//! How much is sent.

use crate::bandwidth::recording::kept::kept;

/// The span of one measurement, in microseconds.
const SPAN: u64 = 500_000;

/// What is sent, in spans of half a second.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SentRate {
    bytes: u64,
    since: u64,
    rate: f64,
}

impl SentRate {
    /// A packet of `size` bytes left.
    pub(super) const fn sent(&mut self, size: u16) {
        self.bytes += size as u64;
    }

    /// Ends a span that is over.
    pub(super) fn update(&mut self, now: u64) {
        let span = now.saturating_sub(self.since);
        if span >= SPAN {
            self.rate = self.bytes as f64 * 8e6 / span as f64;
            self.bytes = 0;
            self.since = now;
        }
    }

    /// What was sent in the last whole span, in bits per second.
    pub(super) const fn rate(&self) -> f64 {
        self.rate
    }
}

kept!(SentRate { bytes, since, rate });
