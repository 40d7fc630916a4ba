//! When to try what the link carries: at the start, and whenever more is wanted than is known to
//! fit. What is sent in layers does not grow by itself, so that nothing else could tell.

mod pauses;
#[cfg(test)]
mod tests;

use arrayvec::ArrayVec;

use super::probe_result::Outcome;
use crate::bandwidth::departure::{Demand, Probe, ProbeId};
use crate::bandwidth::recording::kept::kept;
use crate::unit::Bitrate;
use pauses::Pauses;

/// The first two probes, by the first estimate, and the next after one that came through. The second is as far
/// above what is known to fit as any probe goes.
const FIRST: [f64; 2] = [3.0, 6.0];
const FURTHER: f64 = 2.0;

/// A probe that proves this part of its rate calls for the next.
const CAME_THROUGH: f64 = 0.7;

/// How long a probe lasts, in seconds: the first ones, and those beside media; and the fewest packets
/// of one.
///
/// Longer: a surer result, and a longer queue when it fails: what a failed one leaves behind is this
/// long where it asks for twice what the link carries. Shorter: noise, and one that is shorter than the
/// time between pictures finds room between those of another flow that is none.
const FIRST_LENGTH: f64 = 0.020;
const LENGTH: f64 = 0.045;
const PACKETS: u8 = 5;

/// How much longer it lasts by the jitter, and the longest, in seconds: what chance does to its
/// ends must not look like a full link.
const BY_JITTER: f64 = 4.0;
const LONGEST: f64 = 0.100;

/// The queue that a probe leaves where no more than the estimate is carried, in seconds, and the
/// shortest that it may become for that.
const LEAVES: f64 = 0.040;
const SHORTEST: f64 = 0.015;

/// The least of a probe, in bytes.
const LEAST_BYTES: f64 = 1_000.0;

/// How far above the next layer a probe goes: what is proven lies below what is tried, and the
/// allocator leaves room.
const ABOVE_NEXT: f64 = 1.2;

/// How far above all that is wanted a probe goes.
const ABOVE_MOST: f64 = 1.25;

/// The time after which nothing more is expected of a probe, beside the round trip.
const GIVE_UP: u64 = 1_000_000;

/// What is known when a probe may be due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation {
    /// In microseconds.
    pub(super) now: u64,
    /// In bits per second.
    pub(super) estimate: f64,
    pub(super) demand: Demand,
    pub(super) rtt: u64,
    /// No probe has come to anything yet.
    pub(super) is_first: bool,
    /// How much packets are late by chance, in microseconds.
    pub(super) jitter: f64,
    /// No queue grows or drains, nothing is lost beyond what is inherent, and feedback comes.
    pub(super) is_calm: bool,
}

#[derive(Clone, Copy, Debug)]
struct UnderWay {
    last: ProbeId,
    rate: f64,
    deadline: u64,
}

/// Decides on probes.
#[derive(Clone, Debug, Default)]
pub(super) struct ProbeControl {
    next_id: u32,
    ready: ArrayVec<Probe, 2>,
    under_way: Option<UnderWay>,
    has_begun: bool,
    has_answer: bool,
    pauses: Pauses,
    /// When it was looked for a due probe last.
    looked: u64,
    fruitful: u32,
}

impl ProbeControl {
    /// Probes asked for.
    pub(super) const fn count(&self) -> u32 {
        self.next_id
    }

    /// Probes that raised the estimate.
    pub(super) const fn fruitful(&self) -> u32 {
        self.fruitful
    }

    /// True while one that was sent is to come to something.
    pub(super) fn is_sent(&self) -> bool {
        self.under_way.is_some() && self.ready.is_empty()
    }

    /// True when the first probe was asked for.
    pub(super) const fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// True when the first probe has come to something.
    pub(super) const fn has_answer(&self) -> bool {
        self.has_answer
    }

    /// The next probe to send.
    pub(super) fn poll(&mut self) -> Option<Probe> {
        self.ready.pop_at(0)
    }

    /// When to look again, in microseconds.
    pub(super) fn deadline(&self, estimate: f64, demand: Demand) -> Option<u64> {
        match self.under_way {
            Some(under_way) => Some(under_way.deadline),
            // What was due and did not go waits for calm, which only feedback brings.
            None if self.pauses.is_over(self.looked) => None,
            None => wanted(estimate, demand).map(|_| self.pauses.end()),
        }
    }

    /// The probe that nothing more is expected of.
    pub(super) fn given_up(&self, now: u64) -> Option<ProbeId> {
        let under_way = self.under_way.filter(|probe| now >= probe.deadline)?;
        Some(under_way.last)
    }

    /// The probe under way was never sent, or nobody has told of it.
    pub(super) fn give_up(&mut self, now: u64) {
        self.ready.clear();
        self.under_way = None;
        self.pauses.said_nothing(now);
    }

    /// The estimate fell: what was proven is so no more, and the link is left in peace for a moment.
    pub(super) fn fell(&mut self, now: u64) {
        self.pauses.fell(now);
    }

    /// Feedback is back after silence: nothing is known of the link.
    pub(super) fn begin_anew(&mut self, now: u64) {
        self.under_way = None;
        self.pauses.begin_anew(now);
    }

    /// Asks for a probe when one is due.
    pub(super) fn update(&mut self, situation: &Situation) {
        self.looked = situation.now;
        if self.under_way.is_some() || !situation.is_calm {
            return;
        }
        let Some(next) = wanted(situation.estimate, situation.demand) else {
            return;
        };
        if !self.pauses.is_over(situation.now) {
            return;
        }
        if self.has_begun {
            self.ask(situation, next * ABOVE_NEXT);
            return;
        }
        self.has_begun = true;
        let first = situation.estimate;
        for times in FIRST {
            if self.most(situation) > first {
                self.ask(situation, first * times);
            }
        }
    }

    /// A probe has raised the estimate, or that of its line.
    pub(super) const fn raised(&mut self, now: u64) {
        self.fruitful += 1;
        self.pauses.raised(now);
    }

    /// A probe came to something or nothing. `situation` is that after it.
    pub(super) fn ended(&mut self, outcome: &Outcome, situation: &Situation) {
        self.has_answer |= outcome.proven.is_some();
        let Some(under_way) = self.under_way.filter(|probe| probe.last == outcome.id) else {
            return;
        };
        self.under_way = None;
        let came_through = outcome
            .proven
            .filter(|&proven| !outcome.is_saturated && proven > under_way.rate * CAME_THROUGH);
        let now = situation.now;
        if let Some(proven) = came_through {
            self.pauses.came_through(now);
            if situation.is_calm && wanted(situation.estimate, situation.demand).is_some() {
                self.ask(situation, proven * FURTHER);
            }
        } else if outcome.proven.is_some() || outcome.is_saturated {
            self.pauses.failed(now);
        } else {
            // It was not sent, or squeezed on its way.
            self.pauses.said_nothing(now);
        }
    }

    fn most(&self, situation: &Situation) -> f64 {
        situation.demand.most.bps() as f64 * ABOVE_MOST
    }

    fn ask(&mut self, situation: &Situation, rate: f64) {
        let rate = rate
            .min(self.most(situation))
            .min(situation.estimate * FIRST[1]);
        if self.ready.is_full() || rate <= situation.estimate {
            return;
        }
        let own = if situation.is_first {
            FIRST_LENGTH
        } else {
            LENGTH
        };
        let length = (own + situation.jitter * BY_JITTER / 1e6).min(LONGEST);
        let excess = (rate / situation.estimate - 1.0).max(0.01);
        let length = length.min((LEAVES / excess).max(SHORTEST));
        let id = ProbeId(self.next_id);
        self.next_id = self.next_id.wrapping_add(1);
        self.ready.push(Probe {
            id,
            rate: Bitrate::from_bps(rate as u64),
            bytes: (rate * length / 8.0).max(LEAST_BYTES) as u32,
            packets: PACKETS,
        });
        let deadline = situation.now + situation.rtt + GIVE_UP;
        self.under_way = Some(UnderWay {
            last: id,
            rate,
            deadline,
        });
    }
}

/// What more is wanted than is known to fit.
fn wanted(estimate: f64, demand: Demand) -> Option<f64> {
    let next = demand.next?.bps() as f64;
    (next > estimate).then_some(next)
}

kept!(UnderWay {
    last,
    rate,
    deadline
});
kept!(ProbeControl {
    next_id,
    ready,
    under_way,
    has_begun,
    has_answer,
    pauses,
    looked,
    fruitful
});
