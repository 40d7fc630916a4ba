//! What a link carried when it was full: each time that a queue grows, the rate that comes through is
//! a sample of it (draft-ietf-rmcat-gcc-02 section 5.5: the average and the deviation of the rate at
//! the time of a decrease).

use crate::bandwidth::recording::kept::kept;

/// The weight of a new sample (section 5.5 recommends 0.95 for the old).
const WEIGHT: f64 = 0.05;

/// Bounds of the variance, which is in kbit/s and relative to the mean.
const VARIANCES: (f64, f64) = (0.4, 2.5);

/// The samples of one link, in bits per second.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LinkCapacity {
    mean: Option<f64>,
    variance: f64,
}

impl LinkCapacity {
    /// A queue grew while `rate` came through.
    pub(super) fn sample(&mut self, rate: f64) {
        if !self.contains(rate) {
            *self = Self::default();
        }
        let mean = self.mean.map_or(rate, |mean| mean + (rate - mean) * WEIGHT);
        // Section 5.5: normalised with the mean, so that it is a fact of links of any rate.
        let error = (mean - rate) / 1000.0;
        let sample = error * error / (mean / 1000.0).max(1.0);
        let variance = if self.mean.is_some() {
            self.variance
        } else {
            VARIANCES.0
        };
        self.variance =
            ((1.0 - WEIGHT) * variance + WEIGHT * sample).clamp(VARIANCES.0, VARIANCES.1);
        self.mean = Some(mean);
    }

    /// The mean.
    pub(super) const fn mean(&self) -> Option<f64> {
        self.mean
    }

    /// Forgets what was known: the link carries more.
    pub(super) fn forget(&mut self) {
        self.mean = None;
    }

    /// True when `rate` is above all that the link is known to carry (section 5.5: three deviations).
    pub(super) fn is_exceeded_by(&self, rate: f64) -> bool {
        self.mean
            .is_some_and(|mean| rate > mean + self.spread(mean))
    }

    /// True when `rate` is one that the link may be full at.
    fn contains(&self, rate: f64) -> bool {
        self.mean
            .is_none_or(|mean| (rate - mean).abs() <= self.spread(mean))
    }

    fn spread(&self, mean: f64) -> f64 {
        3.0 * (self.variance * mean / 1000.0).sqrt() * 1000.0
    }
}

kept!(LinkCapacity { mean, variance });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_one_link_agree_and_another_link_begins_anew() {
        let mut capacity = LinkCapacity::default();
        assert!(!capacity.is_exceeded_by(1e9), "nothing is known");
        for _ in 0..10 {
            capacity.sample(1_000_000.0);
            capacity.sample(1_020_000.0);
        }
        let mean = capacity.mean().expect("sampled");
        assert!((mean - 1_005_000.0).abs() < 10_000.0, "{mean}");
        assert!(!capacity.is_exceeded_by(1_030_000.0));
        assert!(capacity.is_exceeded_by(1_200_000.0));
        capacity.sample(500_000.0);
        assert_eq!(capacity.mean(), Some(500_000.0));
    }
}
