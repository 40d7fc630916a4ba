//! Whether a trend of the delay means a queue (draft-ietf-rmcat-gcc-02 section 5.4), against a
//! threshold that adapts itself (Carlucci et al., "Analysis and Design of the Google Congestion
//! Control for Web Real-time Communication", section 4.2).

use super::report::Usage;
use crate::bandwidth::recording::kept::kept;

/// Where the threshold begins and where it stays within, in the unit of the trend.
///
/// A lower floor sees slower queues and takes jitter for them; a lower ceiling starves beside a flow that
/// keeps the queue full.
const FIRST_THRESHOLD: f64 = 12.5;
const THRESHOLDS: (f64, f64) = (6.0, 600.0);

/// How fast the threshold follows a trend above it and one below it, per millisecond (section 5.4:
/// `K_u`, `K_d`; the paper's section 4.2). It rises fast beside a flow that fills the queue and
/// falls slowly, which is what keeps this flow from starving. libwebrtc's falls fast; what it then
/// sees earlier is seen here by the length of the queue.
const FOLLOW_UP: f64 = 0.01;
const FOLLOW_DOWN: f64 = 0.000_18;

/// A trend so far above the threshold is a jump, not what the threshold should learn from (the
/// draft's section 5.4).
const LARGEST_LESSON: f64 = 15.0;

/// Longest time between two trends that the threshold takes into account, in milliseconds.
const LONGEST_STEP: f64 = 100.0;

/// How long a trend has to stay above the threshold, in milliseconds (the draft's section 5.4:
/// `overuse_time_th`).
const OVER_TIME: f64 = 10.0;

/// Judges the trend of the delay.
#[derive(Clone, Debug)]
pub(super) struct Overuse {
    threshold: f64,
    /// When the last trend came, in microseconds of the receiver's clock.
    last: Option<i64>,
    last_trend: f64,
    over_for: f64,
    over_count: u32,
    usage: Usage,
}

impl Overuse {
    pub(super) const fn new() -> Self {
        Self {
            threshold: FIRST_THRESHOLD,
            last: None,
            last_trend: 0.0,
            over_for: 0.0,
            over_count: 0,
            usage: Usage::Normal,
        }
    }

    pub(super) const fn threshold(&self) -> f64 {
        self.threshold
    }

    pub(super) const fn usage(&self) -> Usage {
        self.usage
    }

    /// Judges the trend at the arrival `at` of a group, which left `gap` microseconds after the one before it.
    pub(super) fn update(&mut self, trend: f64, gap: i64, at: i64) -> Usage {
        if trend > self.threshold {
            let gap = gap as f64 / 1000.0;
            self.over_for += if self.over_count == 0 { gap / 2.0 } else { gap };
            self.over_count += 1;
            if self.over_for > OVER_TIME && self.over_count > 1 && trend >= self.last_trend {
                self.over_for = 0.0;
                self.over_count = 0;
                self.usage = Usage::Over;
            }
        } else {
            self.over_for = 0.0;
            self.over_count = 0;
            self.usage = if trend < -self.threshold {
                Usage::Under
            } else {
                Usage::Normal
            };
        }
        self.last_trend = trend;
        self.adapt(trend, at);
        self.usage
    }

    fn adapt(&mut self, trend: f64, at: i64) {
        let last = self.last.replace(at).unwrap_or(at);
        let size = trend.abs();
        if size > self.threshold + LARGEST_LESSON {
            return;
        }
        let follow = if size < self.threshold {
            FOLLOW_DOWN
        } else {
            FOLLOW_UP
        };
        let step = ((at - last) as f64 / 1000.0).clamp(0.0, LONGEST_STEP);
        self.threshold += follow * (size - self.threshold) * step;
        self.threshold = self.threshold.clamp(THRESHOLDS.0, THRESHOLDS.1);
    }
}

kept!(Overuse {
    threshold,
    last,
    last_trend,
    over_for,
    over_count,
    usage
});

#[cfg(test)]
mod tests {
    use super::*;

    /// Judges a trend each 10 ms and returns the last judgement.
    fn judge(overuse: &mut Overuse, from: i64, trends: &[f64]) -> Usage {
        let mut last = Usage::Normal;
        for (at, &trend) in trends.iter().enumerate() {
            last = overuse.update(trend, 10_000, (from + at as i64) * 10_000);
        }
        last
    }

    #[test]
    fn one_high_trend_is_not_enough_and_a_falling_one_is_none() {
        assert_eq!(judge(&mut Overuse::new(), 0, &[20.0]), Usage::Normal);
        assert_eq!(judge(&mut Overuse::new(), 0, &[20.0, 21.0]), Usage::Over);
        assert_eq!(judge(&mut Overuse::new(), 0, &[25.0, 20.0]), Usage::Normal);
        assert_eq!(judge(&mut Overuse::new(), 0, &[-20.0]), Usage::Under);
    }

    #[test]
    fn the_threshold_falls_in_quiet_and_rises_beside_others() {
        let mut overuse = Overuse::new();
        judge(&mut overuse, 0, &[0.0; 200]);
        let quiet = overuse.threshold();
        assert!((6.0..11.0).contains(&quiet), "{quiet}");
        judge(&mut overuse, 200, &[20.0; 50]);
        assert!(overuse.threshold() > 19.0, "{}", overuse.threshold());
        let before = overuse.threshold();
        judge(&mut overuse, 400, &[500.0; 20]);
        assert!(
            (overuse.threshold() - before).abs() < 1e-9,
            "a jump teaches nothing"
        );
    }
}
