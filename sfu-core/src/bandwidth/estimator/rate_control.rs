//! The rate that the delay allows: up while no queue grows, down to what comes through as soon as
//! one does (draft-ietf-rmcat-gcc-02 section 5.5).

use super::link_capacity::LinkCapacity;
use super::report::Usage;
use crate::bandwidth::recording::kept::kept;

/// What is left of the rate that comes through when a queue grows (section 5.5 recommends 0.85).
const BETA: f64 = 0.85;

/// The least that is left of it while a long queue drains.
const LEAST_BETA: f64 = 0.5;

/// The time in which a queue is to drain, in microseconds: what is taken off the rate is the queue
/// over this.
///
/// Higher: the queue that we cause lasts longer. Lower: a short queue costs a layer.
const DRAIN_TIME: f64 = 600_000.0;

/// A queue shorter than this has drained, in microseconds.
const DRAINED: i64 = 10_000;

/// The longest wait for a queue to drain: one that does not is not ours.
const LONGEST_HOLD: u64 = 1_500_000;

/// What is taken of the link's capacity once the queue has drained.
const AFTER_DRAIN: f64 = 0.93;

/// Growth each second far from the capacity (section 5.5: eta is 1.08).
const FAR_GROWTH: f64 = 0.08;

/// Added to the round trip, the time in which a change of rate comes back as feedback (section 5.5:
/// `response_time_ms = 100 + rtt_ms`), in microseconds.
const RESPONSE: u64 = 100_000;

/// The least growth near the capacity, in bits per second each second.
const LEAST_NEAR_GROWTH: f64 = 4_000.0;

/// What a packet of the media is, in bits, for the growth near the capacity (section 5.5:
/// `expected_packet_size_bits`).
const PACKET_BITS: f64 = 1_200.0 * 8.0;

/// How far above what comes through the rate may grow, and what is added for those that are sent
/// next to nothing. Section 5.5 has 1.5, for encoders that follow the rate closely; layers stay as
/// they are for minutes, and beyond this probes are the better evidence.
const EVIDENCE: (f64, f64) = (1.2, 10_000.0);

/// Longest time that growth is made up for at once, in microseconds.
const LONGEST_STEP: u64 = 1_000_000;

/// What the parts know when feedback came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    /// In microseconds.
    pub(super) now: u64,
    pub(super) usage: Usage,
    /// What came through lately, in bits per second.
    pub(super) acknowledged: f64,
    /// What came through in the last moment.
    pub(super) acknowledged_now: f64,
    /// How long packets wait, in microseconds.
    pub(super) queueing: i64,
    /// Bits that are on their way, as far as is known.
    pub(super) in_flight: f64,
    /// In microseconds: lately, and the least.
    pub(super) rtt: u64,
    pub(super) least_rtt: u64,
    /// The queue has turned out to be another flow's.
    pub(super) has_found_others: bool,
}

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
            Usage::Normal if self.holds => self.release(facts),
            Usage::Normal => self.increase(facts, step as f64 / 1e6),
        }
    }

    /// The link has carried `rate`: a probe came through.
    pub(super) fn prove(&mut self, rate: f64) {
        if rate > self.rate {
            self.rate = rate;
            if self.capacity.is_exceeded_by(rate) {
                self.capacity.forget();
            }
            self.is_limited = false;
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
        let response = facts.rtt.clamp(50_000, 500_000) + RESPONSE;
        let is_early = self.decreased.is_some_and(|at| facts.now - at < response);
        // What comes through while the queue grows is what the link carries. The short span sees a
        // fall of the capacity, the long one smooths a source that comes in bursts.
        let carried = facts.acknowledged.min(facts.acknowledged_now);
        if carried <= 0.0 || is_early && carried > 0.6 * self.rate {
            return;
        }
        self.capacity.sample(carried);
        if !self.holds {
            self.before = self.rate;
        }
        // What is on its way has to come through first: the queue has grown since it was measured.
        let coming = facts.in_flight * 1e6 / carried - facts.least_rtt as f64;
        let drain = 1.0 - coming.max(facts.queueing as f64) / DRAIN_TIME;
        let target = carried * drain.clamp(LEAST_BETA, BETA);
        if target < self.rate {
            self.rate = target;
        }
        self.decreased = Some(facts.now);
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
        self.holds = false;
        if let Some(capacity) = self.capacity.mean().filter(|_| has_drained) {
            self.rate = self.rate.max(capacity * AFTER_DRAIN);
        }
    }

    fn increase(&mut self, facts: &Facts, seconds: f64) {
        if self.capacity.is_exceeded_by(facts.acknowledged) {
            self.capacity.forget();
        }
        let grown = if self.capacity.mean().is_some() {
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
    is_limited
});

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(now_ms: u64, usage: Usage, acknowledged: f64) -> Facts {
        Facts {
            now: now_ms * 1000,
            usage,
            acknowledged,
            acknowledged_now: acknowledged,
            queueing: 0,
            in_flight: 0.0,
            rtt: 50_000,
            least_rtt: 50_000,
            has_found_others: false,
        }
    }

    #[test]
    fn a_queue_lowers_the_rate_to_less_than_comes_through_and_a_long_one_further() {
        let mut control = RateControl::new(2e6);
        control.update(&facts(1000, Usage::Over, 1e6));
        assert!((control.rate() - 0.85e6).abs() < 1.0);
        let mut control = RateControl::new(2e6);
        let long = Facts {
            queueing: 200_000,
            ..facts(1000, Usage::Over, 1e6)
        };
        control.update(&long);
        assert!((control.rate() - 0.667e6).abs() < 1e3, "{}", control.rate());
    }

    #[test]
    fn the_rate_comes_back_when_the_queue_has_drained() {
        let mut control = RateControl::new(2e6);
        control.update(&facts(1000, Usage::Over, 1e6));
        let full = Facts {
            queueing: 50_000,
            ..facts(1100, Usage::Normal, 0.9e6)
        };
        control.update(&full);
        assert!(control.holds());
        control.update(&facts(1200, Usage::Under, 0.85e6));
        assert!((control.rate() - 0.93e6).abs() < 1.0, "{}", control.rate());
        assert!(!control.holds());
    }

    #[test]
    fn the_rate_grows_by_a_part_far_from_the_capacity_and_by_packets_near_it() {
        let mut far = RateControl::new(1e6);
        let mut near = RateControl::new(1e6);
        near.update(&facts(0, Usage::Over, 1.0e6));
        near.update(&facts(0, Usage::Normal, 1.0e6));
        let from = near.rate();
        for tenth in 1..=10 {
            far.update(&facts(tenth * 100, Usage::Normal, 1.0e6));
            near.update(&facts(tenth * 100, Usage::Normal, 1.0e6));
        }
        assert!((far.rate() - 1.083e6).abs() < 2e3, "{}", far.rate());
        assert!(
            (near.rate() - from - 64_000.0).abs() < 1e3,
            "{}",
            near.rate() - from
        );
    }

    #[test]
    fn without_evidence_the_rate_stays() {
        let mut control = RateControl::new(1e6);
        for tenth in 1..100 {
            control.update(&facts(tenth * 100, Usage::Normal, 0.2e6));
        }
        assert!((control.rate() - 1e6).abs() < 1.0, "neither up nor down");
    }
}
