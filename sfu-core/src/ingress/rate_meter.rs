//! How many bytes came in the last second.

use std::time::{Duration, Instant};

use crate::unit::Bitrate;

/// Parts of the window. Raising it makes the rate move in finer steps; lowering it in coarser ones.
const BUCKETS: usize = 10;

/// Time of each part: together a second. Longer is calmer and later.
const BUCKET: Duration = Duration::from_millis(100);

/// A rate over the last second of full buckets.
#[derive(Clone, Copy, Debug)]
pub(super) struct RateMeter {
    started: Instant,
    /// The bucket being filled, counted from the start.
    current: u64,
    /// Bytes by bucket; the one being filled included.
    bytes: [u64; BUCKETS + 1],
}

impl RateMeter {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            started: now,
            current: 0,
            bytes: [0; BUCKETS + 1],
        }
    }

    pub(super) fn add(&mut self, now: Instant, bytes: usize) {
        let bucket = self.bucket(now);
        // A whole window without packets empties every bucket once.
        let stale = (bucket - self.current).min(self.bytes.len() as u64);
        for passed in 0..stale {
            self.bytes[place(bucket - passed)] = 0;
        }
        self.current = bucket;
        self.bytes[place(bucket)] += bytes as u64;
    }

    /// The rate over the full buckets of the last second; over what there is before that.
    pub(super) fn rate(&self, now: Instant) -> Bitrate {
        let bucket = self.bucket(now);
        let full = bucket.min(BUCKETS as u64);
        let counted = (1..=full).map(|back| bucket - back);
        // Buckets after the current one were never filled.
        let total = counted
            .filter(|&bucket| bucket <= self.current && bucket + BUCKETS as u64 >= self.current)
            .map(|bucket| self.bytes[place(bucket)])
            .sum();
        Bitrate::from_bytes_over(total, BUCKET * full as u32)
    }

    fn bucket(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.started);
        let bucket = since.as_millis() / BUCKET.as_millis();
        u64::try_from(bucket).unwrap_or(u64::MAX).max(self.current)
    }
}

const fn place(bucket: u64) -> usize {
    (bucket % (BUCKETS as u64 + 1)) as usize
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_steady_stream_has_its_rate_and_a_silent_one_none() {
        let start = Instant::now();
        let mut meter = RateMeter::new(start);
        assert_eq!(meter.rate(start), Bitrate::default());
        for at in 0..3000 {
            meter.add(start + at * MS, 125);
            if at >= 100 {
                assert_eq!(meter.rate(start + at * MS).bps(), 1_000_000);
            }
        }
        assert_eq!(meter.rate(start + 3500 * MS).bps(), 500_000);
        assert_eq!(meter.rate(start + 4100 * MS), Bitrate::default());
        meter.add(start + 60_000 * MS, 125);
        assert_eq!(meter.rate(start + 60_100 * MS).bps(), 1000);
    }
}
