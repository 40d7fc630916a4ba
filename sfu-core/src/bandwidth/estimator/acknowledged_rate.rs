//! How much comes through: what receivers acknowledge, by when it arrived there.

use crate::bandwidth::recording::kept::kept;
use crate::unit::Bitrate;

/// The length of a bin in microseconds, and how many there are: 640 ms, a little more than
/// the longest span that is asked for.
const BIN: i64 = 10_000;
const BINS: usize = 64;

/// The least span that a rate is made of, in bins.
const LEAST_BINS: usize = 5;

/// What arrived, in bins of 10 ms of the receiver's clock.
#[derive(Clone, Debug)]
pub(super) struct AcknowledgedRate {
    bins: [u32; BINS],
    /// The newest bin's number.
    newest: i64,
    /// The first bin's number.
    oldest: Option<i64>,
}

impl AcknowledgedRate {
    pub(super) const fn new() -> Self {
        Self {
            bins: [0; BINS],
            newest: 0,
            oldest: None,
        }
    }

    /// A packet of `size` bytes arrived at `at` microseconds of the receiver's clock.
    pub(super) fn arrived(&mut self, at: i64, size: u16) {
        let bin = at.div_euclid(BIN);
        let Some(oldest) = self.oldest else {
            self.oldest = Some(bin);
            self.newest = bin;
            self.bins[index(bin)] = u32::from(size);
            return;
        };
        let ahead = bin - self.newest;
        if ahead > 0 {
            for passed in 1..=ahead.min(BINS as i64) {
                self.bins[index(self.newest + passed)] = 0;
            }
            self.newest = bin;
        } else if ahead <= -(BINS as i64) {
            return;
        }
        self.oldest = Some(oldest.min(bin).max(self.newest - BINS as i64 + 1));
        let bytes = &mut self.bins[index(bin)];
        *bytes = bytes.saturating_add(u32::from(size));
    }

    /// What arrived in the `millis` before the newest arrival, which is at most 600; `None` before
    /// there is enough to tell.
    pub(super) fn over(&self, millis: u32) -> Option<Bitrate> {
        // The newest bin is still being filled.
        let known = (self.newest - self.oldest?) as usize;
        let wanted = (millis as usize / 10).clamp(LEAST_BINS, BINS - 1);
        let span = wanted.min(known);
        if span < LEAST_BINS {
            return None;
        }
        let bytes = (1..=span as i64)
            .map(|back| u64::from(self.bins[index(self.newest - back)]))
            .sum::<u64>();
        Some(Bitrate::from_bps(bytes * 8 * 100 / span as u64))
    }
}

fn index(bin: i64) -> usize {
    bin.rem_euclid(BINS as i64) as usize
}

kept!(AcknowledgedRate {
    bins,
    newest,
    oldest
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_what_arrived_in_the_span() {
        let mut rate = AcknowledgedRate::new();
        assert_eq!(rate.over(500), None);
        for packet in 0..200 {
            rate.arrived(-3_000_000 + packet * 10_000, 1_250);
        }
        assert_eq!(rate.over(500), Some(Bitrate::from_bps(1_000_000)));
        for packet in 200..212 {
            rate.arrived(-3_000_000 + packet * 10_000, 2_500);
        }
        assert_eq!(rate.over(100), Some(Bitrate::from_bps(2_000_000)));
        rate.arrived(10_000_000, 1_000);
        assert_eq!(
            rate.over(500),
            Some(Bitrate::from_bps(0)),
            "nothing came for long"
        );
        rate.arrived(-3_000_000, 1_000);
        assert_eq!(
            rate.over(500),
            Some(Bitrate::from_bps(0)),
            "too old to count"
        );
    }
}
