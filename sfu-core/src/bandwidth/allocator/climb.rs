//! What fits: the lowest rung of each track in the order of priority, then the steps that show most
//! for what they cost.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Request, Rung};

/// How much of the budget a layer that was not sent before must leave free: an estimate is never
/// exact, and pictures do not all cost the same.
///
/// Higher: links are used less, and layers stay. Lower: the reverse.
pub(super) const HEADROOM_PERCENT: u64 = 4;

/// How much more a step counts that leads to what is sent already, in percent: so much better
/// another track's must be to be worth the change.
///
/// Higher: unequal tracks stay unequal. Lower: layers move between tracks with each breath of their
/// encoders.
const KEEPING_PERCENT: u64 = 25;

/// A step up: in the heap the best is on top, among equals that of who has least, then who is first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Step {
    /// Value for cost.
    worth: u64,
    level: Reverse<usize>,
    place: Reverse<usize>,
    request: usize,
    to: usize,
}

/// The plan in the making.
pub(super) struct Climb<'a> {
    requests: &'a [Request],
    /// Places of the requests, the most important first.
    order: Vec<usize>,
    /// The rung that each is sent now; `None`: nothing.
    former: Vec<Option<usize>>,
    /// How many of its rungs each may have for now.
    open: Vec<usize>,
    /// The rung that each is planned to get.
    pub(super) at: Vec<Option<usize>>,
    budget: u64,
    /// What lowest rungs may take.
    granted: u64,
    used: u64,
}

/// Lowers a budget to what may be planned of it for what is new.
pub(super) const fn with_headroom(budget: u64) -> u64 {
    (budget as u128 * 100 / (100 + HEADROOM_PERCENT) as u128) as u64
}

/// What a budget must be for `cost` to be new in it.
pub(super) const fn needed_for(cost: u64) -> u64 {
    cost.saturating_add(cost / 100 * HEADROOM_PERCENT + HEADROOM_PERCENT)
}

impl<'a> Climb<'a> {
    /// Plans for `requests`, which are sent `former` and may have the first `open` of their rungs, with
    /// `budget` bits a second, or `granted` for their lowest rungs.
    pub(super) fn plan(
        requests: &'a [Request],
        former: Vec<Option<usize>>,
        open: Vec<usize>,
        (budget, granted): (u64, u64),
    ) -> Self {
        let mut order: Vec<_> = (0..requests.len()).collect();
        order.sort_by_key(|&at| {
            let request = &requests[at];
            let rank = (Reverse(request.priority), Reverse(request.rank));
            (rank, former[at].is_none(), request.track)
        });
        let mut climb = Self {
            requests,
            order,
            at: vec![None; requests.len()],
            former,
            open,
            budget,
            granted,
            used: 0,
        };
        climb.lay_base();
        climb.go_up();
        climb
    }

    fn rung(&self, request: usize, at: usize) -> &'a Rung {
        &self.requests[request].ladder.rungs()[at]
    }

    fn cost_now(&self, request: usize) -> u64 {
        self.at[request].map_or(0, |at| self.rung(request, at).bitrate.bps())
    }

    /// What it would take in all to give a request that rung.
    fn cost_with(&self, request: usize, to: usize) -> u64 {
        let others = self.used - self.cost_now(request);
        others.saturating_add(self.rung(request, to).bitrate.bps())
    }

    /// What was never decided about is as good as sent: somebody has just begun to look.
    fn is_kept(&self, request: usize, to: usize) -> bool {
        let is_new = self.requests[request].former.is_none();
        is_new || self.former[request].is_some_and(|former| to <= former)
    }

    fn fits(&self, request: usize, to: usize) -> bool {
        let limit = match self.is_kept(request, to) {
            true => self.budget,
            false => with_headroom(self.budget),
        };
        self.cost_with(request, to) <= limit
    }

    fn take(&mut self, request: usize, to: usize) {
        self.used = self.cost_with(request, to);
        self.at[request] = Some(to);
    }

    fn lay_base(&mut self) {
        for place in 0..self.order.len() {
            let request = self.order[place];
            if self.open[request] > 0 && (self.is_granted(request) || self.fits(request, 0)) {
                self.take(request, 0);
            }
        }
    }

    fn is_granted(&self, request: usize) -> bool {
        self.budget < self.granted && self.cost_with(request, 0) <= self.granted
    }

    /// Each step leads to any higher rung, so that a dear one of little use does not stand before a
    /// good one. By that, steps get worse one after the other, and more budget, whose first other
    /// step is better than all that it leaves out, never buys less.
    fn go_up(&mut self) {
        let mut steps = BinaryHeap::with_capacity(self.order.len());
        for place in 0..self.order.len() {
            steps.extend(self.best_step(place, true));
        }
        while let Some(step) = steps.pop() {
            if self.fits(step.request, step.to) {
                self.take(step.request, step.to);
            }
            steps.extend(self.best_step(step.place.0, true));
        }
    }

    /// The best step up from where a request is, of those that fit and are open now, or of all; `None`
    /// when it is nowhere or on top.
    fn best_step(&self, place: usize, must_fit: bool) -> Option<Step> {
        let request = self.order[place];
        let level = self.at[request]?;
        let all = self.requests[request].ladder.rungs().len();
        let above = level + 1..if must_fit { self.open[request] } else { all };
        let open = above.filter(|&to| !must_fit || self.fits(request, to));
        let steps = open.map(|to| Step {
            worth: self.worth(request, level, to),
            level: Reverse(level),
            place: Reverse(place),
            request,
            to,
        });
        steps.max_by_key(|step| (step.worth, Reverse(step.to)))
    }

    fn worth(&self, request: usize, from: usize, to: usize) -> u64 {
        let (below, above) = (self.rung(request, from), self.rung(request, to));
        let gain = u64::from(above.value.saturating_sub(below.value));
        let cost = above.bitrate.bps().saturating_sub(below.bitrate.bps());
        let keeping = match self.former[request] {
            Some(former) if to <= former => 100 + KEEPING_PERCENT,
            _ => 100,
        };
        let weight = self.requests[request].priority.weight() * keeping;
        // 32 bits of gain, 9 of weight, and 20 for the fraction.
        ((gain * weight) << 20) / cost.max(1)
    }

    /// What all of the plan takes.
    pub(super) const fn used(&self) -> u64 {
        self.used
    }

    /// What it would take to plan one step more: the next picture, else the best step; `None` when
    /// all have all.
    pub(super) fn next(&self) -> Option<u64> {
        let dark = |request: &&usize| {
            self.at[**request].is_none() && !self.requests[**request].ladder.rungs().is_empty()
        };
        if let Some(request) = self.order.iter().find(dark) {
            return Some(self.cost_with(*request, 0));
        }
        let steps = (0..self.order.len()).filter_map(|place| self.best_step(place, false));
        steps
            .max()
            .map(|step| self.cost_with(step.request, step.to))
    }
}
