//! A rate that is the sum of several's, or one's part of such a sum.

use super::RateControl;

impl RateControl {
    /// It is the rate of more or fewer, who take `by` of it.
    pub(in crate::bandwidth::estimator) fn widen(&mut self, by: f64) {
        self.rate = (self.rate + by).max(0.0);
        self.before = (self.before + by).max(0.0);
        self.capacity.forget();
    }

    /// Another control, of more than this, allows `rate`.
    pub(in crate::bandwidth::estimator) fn follow(
        &mut self,
        rate: f64,
        holds: bool,
        is_limited: bool,
    ) {
        (self.rate, self.before) = (rate, rate);
        (self.holds, self.is_limited) = (holds, is_limited);
        self.capacity.forget();
    }
}
