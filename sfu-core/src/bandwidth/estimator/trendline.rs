//! How fast the delay of packets grows: a line through the last groups of them.

use super::inter_arrival::Gaps;
use crate::bandwidth::recording::kept::kept;

/// Groups that the line goes through.
///
/// Higher: a queue is seen later. Lower: jitter looks like one.
const WINDOW: usize = 20;

/// How much of the smoothed delay stays at each group.
const SMOOTHING: f64 = 0.9;

/// What the slope is multiplied with, and the number of groups beyond which it is trusted no more
/// than at that.
const GAIN: f64 = 4.0;
const MOST_TRUST: u32 = 60;

/// A line through the delay of the last groups.
#[derive(Clone, Debug)]
pub(super) struct Trendline {
    /// When a group arrived, in milliseconds from the first, and its smoothed delay.
    points: [(f64, f64); WINDOW],
    groups: u32,
    first: i64,
    accumulated: f64,
    smoothed: f64,
    /// The slope, in milliseconds of delay for one of time, with the trust in it.
    trend: f64,
}

impl Trendline {
    pub(super) const fn new() -> Self {
        Self {
            points: [(0.0, 0.0); WINDOW],
            groups: 0,
            first: 0,
            accumulated: 0.0,
            smoothed: 0.0,
            trend: 0.0,
        }
    }

    /// Takes the next group and returns the trend: what
    /// [`Overuse`](super::overuse::Overuse) holds against its threshold.
    pub(super) fn update(&mut self, gaps: Gaps) -> f64 {
        if self.groups == 0 {
            self.first = gaps.at;
        }
        self.accumulated += (gaps.arrival - gaps.sent) as f64 / 1000.0;
        self.smoothed = SMOOTHING * self.smoothed + (1.0 - SMOOTHING) * self.accumulated;
        let at = (gaps.at - self.first) as f64 / 1000.0;
        self.points[self.groups as usize % WINDOW] = (at, self.smoothed);
        self.groups = self.groups.saturating_add(1);
        if self.groups as usize >= WINDOW
            && let Some(slope) = self.slope()
        {
            self.trend = slope * f64::from(self.groups.min(MOST_TRUST)) * GAIN;
        }
        self.trend
    }

    /// The slope of the line of least squares; `None` when all arrived at once.
    fn slope(&self) -> Option<f64> {
        let count = WINDOW as f64;
        let (sum_x, sum_y) = self
            .points
            .iter()
            .fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
        let (mean_x, mean_y) = (sum_x / count, sum_y / count);
        let (over, under) = self.points.iter().fold((0.0, 0.0), |(over, under), point| {
            let x = point.0 - mean_x;
            (over + x * (point.1 - mean_y), under + x * x)
        });
        (under > 0.0).then(|| over / under)
    }
}

kept!(Trendline {
    points,
    groups,
    first,
    accumulated,
    smoothed,
    trend
});

#[cfg(test)]
mod tests {
    use super::*;

    fn trend_of(arrival: impl Fn(i64) -> i64) -> f64 {
        let mut line = Trendline::new();
        let mut at = 0;
        let mut trend = 0.0;
        for group in 0..60 {
            let gap = arrival(group);
            at += gap;
            trend = line.update(Gaps {
                sent: 10_000,
                arrival: gap,
                at,
            });
        }
        trend
    }

    #[test]
    fn a_growing_queue_has_a_rising_line_and_a_drained_one_a_falling_one() {
        // 5 % more is sent than comes out: 0.0476 ms of delay for each that passes.
        let over = trend_of(|_| 10_500);
        assert!((over - 60.0 * 4.0 * 0.0476).abs() < 0.5, "{over}");
        assert!(trend_of(|_| 9_500) < -10.0);
        assert!(trend_of(|_| 10_000).abs() < 1e-9);
    }

    #[test]
    fn jitter_has_no_line() {
        let trend = trend_of(|group| 10_000 + if group % 2 == 0 { 3_000 } else { -3_000 });
        assert!(trend.abs() < 3.0, "{trend}");
    }
}
