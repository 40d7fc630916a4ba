//! The rate that the delay allows: up while no queue grows, down to what comes through as soon as
//! one does (draft-ietf-rmcat-gcc-02 section 5.5).

mod coupled;
mod patience;
#[cfg(test)]
mod tests;

use super::facts::Facts;
use super::link_capacity::LinkCapacity;
use super::report::Usage;
use crate::bandwidth::recording::kept::kept;
use patience::RESPONSE;

/// What is left of the rate that comes through when a queue grows (section 5.5 recommends 0.85).
const BETA: f64 = 0.85;

/// The same where what the link carries is known, since packets waited for it: the queue alone says
/// how much less has to be sent for it to drain. And the least that is left while a long one drains.
const KNOWN_BETA: f64 = 0.97;
const LEAST_BETA: f64 = 0.5;

/// The least that is left of the rate at once beside another flow, whose queue grows and shrinks with its own
/// window.
///
/// More: less is left for the other flow. Less: for this one.
const SHARED_BETA: f64 = 0.9;

/// The time in which a queue is to drain, in microseconds: what is taken off the rate is the queue
/// over this. Less is taken for a short one, which a picture may have made, and nothing for the
/// shortest.
///
/// A longer time: the queue that we cause lasts longer. A shorter one: a short queue costs a layer.
const DRAIN_TIME: f64 = 500_000.0;
const LONG_QUEUE: f64 = 100_000.0;
const NO_QUEUE: f64 = 20_000.0;

/// A queue shorter than this has drained, in microseconds.
const DRAINED: i64 = 10_000;

/// The longest wait for a queue to drain: one that does not is not ours.
const LONGEST_HOLD: u64 = 1_500_000;

/// Sending less than this part of the rate when a queue grows is sending as ever: another flow may have made
/// the queue, or the link has become worse. Then no less is allowed at first than is sent, unless less than
/// the second part of that comes through.
///
/// Higher: a burst of another flow's takes layers that fit. Lower: a link that becomes worse has a long
/// queue for one more response time.
const STEADY: (f64, f64) = (0.8, 0.7);

/// Sending this part of what was sent is sending no less: layers waver.
const STILL_SENT: f64 = 0.9;

/// What is left of the rate after a queue that drained though no less was sent.
const AFTER_OTHERS: f64 = 0.85;

/// The least that is left of a rate for the sake of a queue that does not drain: flows of this kind drain it
/// together, or who comes later takes what stands for the way itself; a way that has become longer never drains.
const LEAST_HELD: f64 = 0.7;

/// What is taken of the link's capacity once the queue has drained.
const AFTER_DRAIN: f64 = 0.98;

/// Growth each second far from the capacity (section 5.5: eta is 1.08).
const FAR_GROWTH: f64 = 0.08;

/// The least growth near the capacity, in bits per second each second.
const LEAST_NEAR_GROWTH: f64 = 4_000.0;

/// Near the capacity, the part of the rate that has to be used for it to grow.
const USED: f64 = 0.9;

/// What a packet of the media is, in bits, for the growth near the capacity (section 5.5:
/// `expected_packet_size_bits`).
const PACKET_BITS: f64 = 1_200.0 * 8.0;

/// How far above what comes through the rate may grow, and what is added for those that are sent
/// next to nothing. Section 5.5 has 1.5, for encoders that follow the rate closely; layers stay as
/// they are for minutes, and beyond this probes are the better evidence.
const EVIDENCE: (f64, f64) = (1.2, 10_000.0);

/// Longest time that growth is made up for at once, in microseconds.
const LONGEST_STEP: u64 = 1_000_000;

/// The rate that the delay allows, in bits per second.
#[derive(Clone, Copy, Debug)]
pub(super) struct RateControl {
    rate: f64,
    /// What it was before the queue that is draining.
    before: f64,
    capacity: LinkCapacity,
    updated: u64,
    decreased: Option<u64>,
    /// A queue is draining since the decrease.
    holds: bool,
    /// No less than this is allowed, since it was sent before the queue that is draining.
    steady: Option<f64>,
    /// How long packets waited when less was allowed last, in microseconds.
    waited: i64,
    /// A queue has grown at a rate near this one: the link, not the first guess or the application,
    /// is what limits.
    is_limited: bool,
}

impl RateControl {
    pub(super) fn new(rate: f64) -> Self {
        Self {
            rate,
            before: rate,
            capacity: LinkCapacity::default(),
            updated: 0,
            decreased: None,
            holds: false,
            steady: None,
            waited: 0,
            is_limited: false,
        }
    }

    pub(super) const fn rate(&self) -> f64 {
        self.rate
    }

    pub(super) const fn capacity(&self) -> Option<f64> {
        self.capacity.mean()
    }

    /// True while a queue that grew drains.
    pub(super) const fn holds(&self) -> bool {
        self.holds
    }

    /// True when a queue has grown near this rate.
    pub(super) const fn is_limited(&self) -> bool {
        self.is_limited
    }

    /// Feedback came.
    pub(super) fn update(&mut self, facts: &Facts) {
        let step = (facts.now - self.updated.min(facts.now)).min(LONGEST_STEP);
        self.updated = facts.now;
        if facts.has_found_others {
            // What comes through beside another flow is a share, not what the link carries.
            self.capacity.forget();
            self.resume(self.before * BETA);
            return;
        }
        match facts.usage {
            Usage::Over => self.decrease(facts),
            // Section 5.5: held while the queue runs empty.
            Usage::Under => self.release(facts),
            Usage::Normal if self.waits_in_vain(facts) => self.decrease(facts),
            Usage::Normal if self.holds => self.release(facts),
            Usage::Normal => self.increase(facts, step as f64 / 1e6),
        }
    }

    /// The link has carried `rate`: a probe came through, and filled it or not.
    pub(super) fn prove(&mut self, rate: f64, is_full: bool) {
        if rate > self.rate {
            self.rate = rate;
            if self.capacity.is_exceeded_by(rate) {
                self.capacity.forget();
            }
            self.is_limited = is_full;
            if is_full {
                self.capacity.sample(rate);
            }
        }
    }

    /// Something else has found that less is carried.
    pub(super) fn limit(&mut self, rate: f64) {
        self.rate = self.rate.min(rate);
    }

    /// Feedback is back after silence, and `rate` is tried.
    pub(super) fn resume(&mut self, rate: f64) {
        self.rate = self.rate.max(rate);
        self.holds = false;
    }

    /// Keeps the rate within limits.
    pub(super) fn keep_within(&mut self, least: f64, most: f64) {
        self.rate = self.rate.clamp(least, most);
    }

    fn decrease(&mut self, facts: &Facts) {
        let is_early = self.is_early(facts);
        let carried = facts.carried();
        if carried <= 0.0 || is_early && (facts.is_shared || carried > 0.6 * self.rate) {
            return;
        }
        self.capacity.sample(carried);
        let is_first = !self.holds;
        if is_first {
            self.before = self.rate;
        }
        let is_steady = is_first
            && !facts.is_shared
            && facts.sent < STEADY.0 * self.rate
            && carried > STEADY.1 * facts.sent;
        self.steady = is_steady.then_some(facts.sent);
        // What is on its way has to come through first: the queue has grown since it was measured.
        let coming = facts.in_flight * 1e6 / carried - facts.least_rtt as f64;
        let queue = (coming.max(facts.queueing as f64) - NO_QUEUE).max(0.0);
        let drain = 1.0 - queue / DRAIN_TIME * (queue / LONG_QUEUE).min(1.0);
        let most = if facts.busy.is_some() {
            KNOWN_BETA
        } else {
            BETA
        };
        let mut target = carried * drain.clamp(LEAST_BETA, most);
        if facts.is_shared {
            // Who sends less than its share beside another flow does not learn it by what comes through.
            target = target.max(self.rate * SHARED_BETA);
        }
        if let Some(sent) = self.steady {
            target = target.max(sent);
        }
        if target < self.rate {
            self.rate = target;
        }
        self.decreased = Some(facts.now);
        self.waited = facts.queueing;
        self.holds = true;
        self.is_limited = true;
    }

    /// Goes on once the queue has drained.
    fn release(&mut self, facts: &Facts) {
        let Some(since) = self.decreased.filter(|_| self.holds) else {
            return;
        };
        let has_drained = facts.queueing < DRAINED;
        if !has_drained && facts.now - since < LONGEST_HOLD {
            return;
        }
        let further = (self.rate * SHARED_BETA).max(self.before * LEAST_HELD);
        if !has_drained && !facts.is_shared && further < self.rate {
            self.rate = further;
            self.decreased = Some(facts.now);
            return;
        }
        self.holds = false;
        // Only a queue that drains though no less is sent was another's.
        let was_others = |sent| facts.sent >= STILL_SENT * sent;
        if has_drained && self.steady.is_some_and(was_others) {
            self.rate = self.rate.max(self.before * AFTER_OTHERS);
            return;
        }
        if let Some(capacity) = self.capacity.mean().filter(|_| has_drained) {
            self.rate = self.rate.max(capacity * AFTER_DRAIN);
        }
    }

    fn increase(&mut self, facts: &Facts, seconds: f64) {
        if self.capacity.is_exceeded_by(facts.acknowledged) {
            self.capacity.forget();
        }
        let grown = if self.capacity.mean().is_some() {
            if facts.acknowledged < USED * self.rate {
                // Nothing tries whether there is more.
                return;
            }
            // Section 5.5: half a packet or so for each response time.
            let response = (facts.rtt + RESPONSE) as f64 / 1e6;
            let growth = (PACKET_BITS / response).max(LEAST_NEAR_GROWTH);
            self.rate + growth * seconds
        } else {
            self.rate * (1.0 + FAR_GROWTH * seconds)
        };
        let evidence = facts.acknowledged * EVIDENCE.0 + EVIDENCE.1;
        if grown <= evidence {
            self.rate = grown;
        } else if evidence > self.rate {
            self.rate = evidence;
        }
    }
}

kept!(RateControl {
    rate,
    before,
    capacity,
    updated,
    decreased,
    holds,
    steady,
    waited,
    is_limited
});
