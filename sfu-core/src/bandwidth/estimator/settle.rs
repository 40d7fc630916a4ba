//! What the parts of an estimator say, brought together.

use std::time::{Duration, Instant};

use super::facts::Facts;
use super::probe_result::Proven;
use super::{
    AcknowledgedRate, Demand, Estimator, EstimatorReport, FIRST_ESTIMATE, Limit, MAX_ESTIMATE,
    MIN_ESTIMATE, REMB_STANDS, Situation, USED, Usage, micros_of,
};
use crate::unit::Bitrate;

/// The round trip while none is known, in microseconds.
const FIRST_RTT: u64 = 200_000;

/// The longest round trip that is believed, in microseconds.
const LONGEST_RTT: u64 = 3_000_000;

/// How long after a silence, beside the round trip, nothing is made of what arrives, in
/// microseconds.
const SETTLE: u64 = 300_000;

/// The spans over which what comes through is measured, in milliseconds: the long one smooths what
/// comes in pictures, the short one sees a link that has just become worse.
const LONG_SPAN: u32 = 500;
const SHORT_SPAN: u32 = 120;

/// A queue, in microseconds, in which no probe is sent.
const CALM_QUEUE: i64 = 15_000;

impl Estimator {
    /// What each part says.
    #[must_use]
    pub fn report(&self) -> EstimatorReport {
        EstimatorReport {
            estimate: self.estimate(),
            pacing_rate: self.pacing_rate(),
            limit: self.limit,
            acknowledged: self.acknowledged.over(LONG_SPAN),
            delay: bitrate(self.control.rate()),
            loss: self.loss.limit().map(bitrate),
            remb: self.remb.map(|(_, remb)| bitrate(remb)),
            link_capacity: self.control.capacity().map(bitrate),
            usage: self.delay.usage(),
            trend: self.delay.trend() as f32,
            threshold: self.delay.threshold() as f32,
            queueing_delay: Duration::from_micros(self.delay.queueing().max(0) as u64),
            rtt: self.rtt.map(Duration::from_micros),
            lost_per_mille: (self.loss.lost_lately() * 1000.0) as u16,
            inherent_loss_per_mille: (self.loss.inherent() * 1000.0) as u16,
            in_flight: self.history.in_flight(),
            is_application_limited: self.sent_rate.rate() < USED * self.budget,
            probes: self.probes.count(),
            probes_fruitful: self.probes.fruitful(),
            told_in_vain: self.told_in_vain,
            feedbacks: self.feedbacks,
        }
    }

    /// Feedback is back after silence: what was known is of before, and `rate` is tried.
    pub(super) fn begin_anew(&mut self, now: u64, rate: f64) {
        self.control.resume(rate);
        self.delay.begin_anew();
        self.loss.begin_anew(now);
        self.probes.begin_anew(now);
        self.acknowledged = AcknowledgedRate::new();
        self.settles = now + self.rtt() + SETTLE;
    }

    /// Lets the delay lower or raise the rate.
    pub(super) fn obey_delay(&mut self, now: u64) {
        let Some(acknowledged) = self.acknowledged.over(LONG_SPAN) else {
            return;
        };
        if now < self.settles {
            return;
        }
        let recent = self.acknowledged.over(SHORT_SPAN).unwrap_or(acknowledged);
        let facts = Facts {
            now,
            usage: self.delay.usage(),
            acknowledged: acknowledged.bps() as f64,
            sent: self.sent_rate.rate().max(self.demand.allotted.bps() as f64),
            acknowledged_now: recent.bps() as f64,
            busy: self.delay.busy_rate(self.share.is_none()),
            queueing: self.delay.own_queueing(),
            waits: self.delay.queueing(),
            in_flight: self.own_in_flight() * 8.0,
            rtt: self.rtt(),
            least_rtt: self.least_rtt(),
            is_shared: self.delay.is_shared(),
            has_found_others: self.delay.has_found_others(),
        };
        self.facts = Some(facts);
        if self.share.is_some() {
            return;
        }
        let before = self.control.rate();
        self.control.update(&facts);
        // A queue that others keep full grows and shrinks with their windows: it says nothing of what was
        // proven, and with a pause after each fall there would never be a probe beside them.
        if self.control.rate() < before && !facts.is_shared {
            self.probes.fell(now);
        }
    }

    /// Brings the parts together: the end of every input.
    pub(super) fn settle(&mut self, now: u64) {
        if self
            .remb
            .is_some_and(|(since, _)| now.saturating_sub(since) > REMB_STANDS)
        {
            self.remb = None;
        }
        self.follow_line(now);
        self.take_probes(now);
        self.control
            .keep_within(MIN_ESTIMATE.bps() as f64, MAX_ESTIMATE.bps() as f64);
        self.take_least(now);
        let situation = self.situation(now);
        self.probes.update(&situation);
    }

    fn take_probes(&mut self, now: u64) {
        let given_up = self.probes.given_up(now);
        let inherent = self.loss.inherent();
        while let Some(outcome) = self.results.ended(given_up, inherent) {
            let before = self.budget;
            if let Some(rate) = outcome.proven
                && self.delay.usage() != Usage::Over
            {
                if self.share.is_some() {
                    // Whether that is news, its line knows: see [`super::Share`].
                    self.proven = Some(Proven {
                        id: outcome.id,
                        rate,
                        is_full: outcome.is_saturated,
                    });
                } else {
                    self.control.prove(rate, outcome.is_saturated);
                }
                self.loss.prove(rate);
                self.take_least(now);
            }
            let situation = self.situation(now);
            if self.budget > before {
                self.probes.raised(now);
            }
            self.probes.ended(&outcome, &situation);
        }
        if given_up.is_some() && self.probes.given_up(now) == given_up {
            self.probes.give_up(now);
        }
    }

    fn take_least(&mut self, now: u64) {
        let has_feedback = self.feedbacks > 0;
        let (mut least, mut limit) = if !has_feedback {
            (self.reported.rate(), Limit::Loss)
        } else if self.is_silent(now) {
            (self.control.rate(), Limit::Silence)
        } else if self.control.is_limited() {
            (self.control.rate(), Limit::Delay)
        } else {
            (self.control.rate(), Limit::Application)
        };
        if !has_feedback && self.remb.is_none() && !self.reported.has_begun() {
            limit = Limit::Start;
        }
        if let Some(loss) = self.loss.limit().filter(|&loss| loss < least) {
            (least, limit) = (loss, Limit::Loss);
        }
        if let Some((_, remb)) = self.remb.filter(|&(_, remb)| remb <= least) {
            (least, limit) = (remb, Limit::Remb);
        }
        self.limit = limit;
        self.estimate = within(least);
        self.budget = self.estimate;
        // What is its own bounds what others lend too.
        if let Some(share) = self
            .share
            .filter(|_| matches!(limit, Limit::Delay | Limit::Application))
        {
            let own = [self.loss.limit(), self.remb.map(|(_, remb)| remb)];
            self.budget = within(own.into_iter().flatten().fold(share.most, f64::min));
        }
    }

    /// What is wanted. Before anybody has said so, pictures that are sent are reason enough to try:
    /// what their layers take is only known after a while.
    fn demand_or_first(&self) -> Demand {
        let is_said = self.demand != Demand::default();
        if is_said || !self.has_pictures || self.feedbacks == 0 || self.probes.has_begun() {
            return self.demand;
        }
        let times = |times: u64| Bitrate::from_bps(FIRST_ESTIMATE.bps() * times);
        Demand {
            allotted: FIRST_ESTIMATE,
            next: Some(times(2)),
            most: times(5),
        }
    }

    fn situation(&self, now: u64) -> Situation {
        // Without a word of the receiver's a probe tells nothing.
        let is_answered = self.feedbacks > 0 || self.remb.is_some() || !self.probes.has_begun();
        let is_calm = is_answered
            && self.delay.usage() != Usage::Over
            && !self.control.holds()
            && self.delay.own_queueing() < CALM_QUEUE
            && !self.loss.is_trying()
            && !self.silence.is_on();
        Situation {
            now,
            estimate: self.budget,
            demand: self.demand_or_first(),
            rtt: self.rtt(),
            is_first: !self.probes.has_answer(),
            jitter: self.delay.jitter(),
            is_calm,
        }
    }

    pub(super) fn rtt(&self) -> u64 {
        self.rtt.unwrap_or(FIRST_RTT)
    }

    pub(super) fn least_rtt(&self) -> u64 {
        self.rtt().min(self.least_rtt.least() as u64)
    }

    /// Bytes that are on their way, as far as they tell of a queue of ours.
    pub(super) fn own_in_flight(&self) -> f64 {
        if self.delay.is_shared() {
            return 0.0;
        }
        self.history.in_flight() as f64
    }

    /// Smooths the round trip (RFC 6298 section 2.3).
    pub(super) fn take_rtt(&mut self, rtt: u64) {
        let rtt = rtt.min(LONGEST_RTT);
        self.rtt = Some(self.rtt.map_or(rtt, |before| (7 * before + rtt) / 8));
    }

    /// Microseconds since the start.
    pub(super) fn micros(&self, now: Instant) -> u64 {
        micros_of(now.saturating_duration_since(self.epoch))
    }
}

fn within(rate: f64) -> f64 {
    rate.clamp(MIN_ESTIMATE.bps() as f64, MAX_ESTIMATE.bps() as f64)
}

fn bitrate(bps: f64) -> Bitrate {
    Bitrate::from_bps(bps as u64)
}
