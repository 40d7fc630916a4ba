//! How long a fall is given to show in the queue before there is another.

use super::RateControl;
use crate::bandwidth::estimator::facts::Facts;

/// Added to the round trip, the time in which a change of rate comes back as feedback (section 5.5:
/// `response_time_ms = 100 + rtt_ms`), in microseconds.
pub(super) const RESPONSE: u64 = 100_000;

/// The time between two falls beside another flow, whose queue grows and shrinks with its own window, in
/// microseconds.
///
/// More seldom: less is left for the other flow. More often: for this one.
const SHARED_RESPONSE: u64 = 1_500_000;

/// A queue that is longer than this times what it was has grown.
///
/// Higher: a link that became a little worse has a long queue for longer. Lower: jitter ends the wait for a
/// burst of another flow's.
const GROWN: f64 = 1.2;

/// A queue of others' that is no longer than this is waited for, in microseconds.
///
/// Higher: the queue of a link that became a little worse is full before less is sent. Lower: who was there
/// first gives its layers to who comes late and tries for more.
const LONG: i64 = 120_000;

/// The time in which a change of rate comes back as feedback, in microseconds.
fn response(facts: &Facts) -> u64 {
    if facts.is_shared {
        SHARED_RESPONSE
    } else {
        facts.rtt.clamp(50_000, 500_000) + RESPONSE
    }
}

impl RateControl {
    /// True while the fall before may not have shown yet.
    pub(super) fn is_early(&self, facts: &Facts) -> bool {
        // Others have more to give up, and do it first.
        let waits = self.holds && self.steady.is_some() && !self.waits_in_vain(facts);
        let patience = 1 + u64::from(waits);
        self.decreased
            .is_some_and(|at| facts.now - at < patience * response(facts))
    }

    /// True when no less was sent, since the queue may have been a burst of another flow's, and it has
    /// grown for a response time all the same: it is of this flow, on a link that has become worse.
    pub(super) fn waits_in_vain(&self, facts: &Facts) -> bool {
        let waits_since = self
            .decreased
            .filter(|_| self.holds && self.steady.is_some());
        !facts.is_shared
            && facts.queueing > LONG
            && waits_since.is_some_and(|at| facts.now - at >= response(facts))
            && facts.queueing as f64 > self.waited as f64 * GROWN
    }
}
