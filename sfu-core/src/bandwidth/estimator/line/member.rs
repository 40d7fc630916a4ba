//! One of those behind an address, and what it says.

use super::super::facts::Facts;
use super::super::queueing::Least;
use crate::bandwidth::departure::Demand;

/// How long a member that was not heard of counts, in microseconds.
///
/// Longer: the line counts as full with one that has gone. Shorter: one that is sent little is
/// overlooked.
const FRESH: u64 = 1_000_000;

/// The span over which the longest queue of a member is kept, and another of the same, in
/// microseconds: feedback of the far ones comes later.
///
/// Longer: queues that have nothing to do with each other look like one. Shorter: the same queue, seen
/// from afar, looks like another.
const PEAK_SPAN: i64 = 300_000;

/// The shortest queue that is one, in microseconds, and the part of another's that is the same queue.
///
/// Higher: a shared line is found later. Lower: chance couples who share nothing.
const LEAST_QUEUE: i64 = 10_000;
const SAME: f64 = 0.5;

/// More than so many times what it is sent, over half a second, nobody is believed to get.
const CLAIM: f64 = 1.25;

/// So long a queue of what it is sent, in seconds, beyond what its way holds, nobody is believed to have.
///
/// Higher: who tells of old packets alone makes a short queue look long to all. Lower: a queue that is as
/// long drains later.
const LONGEST_QUEUE: f64 = 1.0;

/// A queue that one member sees.
#[derive(Clone, Copy, Debug)]
pub(super) struct Episode {
    pub(super) since: u64,
    pub(super) is_common: bool,
}

/// One of those behind an address.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) id: u64,
    pub(super) heard: Option<(u64, Facts)>,
    /// The longest queues of late, negative.
    pub(super) peak: Least,
    pub(super) demand: Demand,
    /// When a probe of its was sent that has not come to anything yet.
    pub(super) probing: Option<u64>,
    /// By its last feedback its probe has raised the line's rate.
    pub(super) has_raised: bool,
    pub(super) episode: Option<Episode>,
    pub(super) alone: u8,
    /// When it last had a queue in common with others: it is coupled.
    pub(super) common: Option<u64>,
    /// Until when it is not coupled again.
    pub(super) out: u64,
}

impl Member {
    /// One of whom nothing is known.
    pub(super) fn new(id: u64) -> Self {
        Self {
            id,
            heard: None,
            peak: Least::new(PEAK_SPAN),
            demand: Demand::default(),
            probing: None,
            has_raised: false,
            episode: None,
            alone: 0,
            common: None,
            out: 0,
        }
    }

    pub(super) const fn is_coupled(&self) -> bool {
        self.common.is_some()
    }

    pub(super) fn is_fresh(&self, now: u64) -> bool {
        self.heard.is_some_and(|(at, _)| now - at < FRESH)
    }

    /// Its longest queue of late, in microseconds.
    pub(super) const fn queue(&self) -> i64 {
        match self.peak.least() {
            i64::MAX => 0,
            least => -least,
        }
    }

    /// Whether its queue may be the one that another sees.
    pub(super) fn has_same_as(&self, other: &Self, now: u64) -> bool {
        let (own, seen) = (self.queue(), other.queue());
        self.is_fresh(now) && own.min(seen) >= LEAST_QUEUE && own as f64 >= seen as f64 * SAME
    }

    /// What it is sent, in bits per second.
    pub(super) fn used(&self) -> f64 {
        match self.demand == Demand::default() {
            true => self.heard.map_or(0.0, |(_, facts)| facts.acknowledged),
            false => self.demand.allotted.bps() as f64,
        }
    }

    /// What it would take if it could.
    pub(super) fn wanted(&self) -> f64 {
        match self.demand == Demand::default() {
            true => f64::INFINITY,
            false => self.demand.most.bps() as f64,
        }
    }
}

/// What has come through of late.
pub(super) const fn lately(facts: &Facts) -> f64 {
    facts.acknowledged.min(facts.acknowledged_now)
}

/// What of a member's feedback is believed: it has not got more than it was sent, whatever its clock says, nor
/// is more on its way to it than a queue holds.
pub(super) fn believed(facts: Facts) -> Facts {
    let way = facts.least_rtt as f64 / 1e6 + LONGEST_QUEUE;
    Facts {
        in_flight: facts.in_flight.min(facts.sent * way),
        acknowledged: facts.acknowledged.min(facts.sent * CLAIM),
        acknowledged_now: facts.acknowledged_now.min(facts.sent * CLAIM),
        ..facts
    }
}
