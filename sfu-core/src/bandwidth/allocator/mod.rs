//! Who gets what of one subscriber's bandwidth.
//!
//! A pure function: the budget, what is asked for, and what was allotted last in; what is allotted
//! now and what is still wanted out. The lowest rung of every track comes first, in the order of
//! priority; then the steps that show most for what they cost. A fall is obeyed at once. A rise
//! needs headroom, must have fitted for a while, and for longer after one that failed.

mod climb;
mod ladder;
mod standing;

use std::time::Instant;

pub use ladder::{Ladder, MAX_RUNGS, Rung, value_of};
pub use standing::{RISE_AFTER, TRIAL};

use self::climb::{Climb, needed_for};
use self::standing::Standing;
use super::departure::Demand;
use crate::bandwidth::recording::kept::kept;
use crate::id::TrackId;
use crate::media::layer::Layers;
use crate::unit::Bitrate;

/// What a track is to its subscriber, least first. Its lowest rung goes before those of all lower
/// ones, and its steps count for more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// One of many.
    #[default]
    Ordinary,
    /// The one who speaks.
    Speaker,
    /// A shared screen.
    Screen,
    /// The subscriber asks for it before all others.
    Pinned,
}

impl Priority {
    /// How much what it shows counts. Higher: others stay small for it. Lower: it is as they are.
    const fn weight(self) -> u64 {
        match self {
            Self::Ordinary => 1,
            Self::Speaker => 2,
            Self::Screen => 3,
            Self::Pinned => 4,
        }
    }
}

/// One track of pictures that a subscriber wants to see.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which.
    pub track: TrackId,
    /// What it is to the subscriber.
    pub priority: Priority,
    /// Among equals higher ones go first: how large it is shown.
    pub rank: u32,
    /// What of it can be sent, and is wanted.
    pub ladder: Ladder,
    /// What was allotted last; `None`: nobody looked until now.
    pub former: Option<Allotment>,
}

/// What keeps a track from being sent more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Nothing: it has all that is wanted of what there is.
    Nothing,
    /// More does not fit.
    Bandwidth,
    /// More fits, and has not for long enough.
    Trial,
}

/// What a track is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allotment {
    /// Which.
    pub track: TrackId,
    /// Up to which layers; `None`: nothing, for not even the least fits, or there is nothing.
    pub layers: Option<Layers>,
    /// What that takes.
    pub bitrate: Bitrate,
    /// Why not more.
    pub limit: Limit,
    /// What the layers show.
    value: u32,
    standing: Standing,
}

impl Allotment {
    /// Whether it is sent nothing for want of bandwidth.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.layers.is_none() && self.limit != Limit::Nothing
    }
}

/// What there is to allot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// What the link carries.
    pub estimate: Bitrate,
    /// The part of it that is spent before pictures: sound, repairs, data. Sound is never paused, so
    /// this may be more than all.
    pub reserved: Bitrate,
}

/// Divides a budget. The allotments are in the order of the requests; what they take together is
/// within the budget. With `n` requests it costs `n log n` for each of [`MAX_RUNGS`].
#[must_use]
pub fn allocate(now: Instant, budget: Budget, requests: &[Request]) -> (Vec<Allotment>, Demand) {
    let reserved = budget.reserved.bps();
    let free = budget.estimate.bps().saturating_sub(reserved);
    let former = requests.iter().map(former_rung).collect::<Vec<_>>();
    let plan = Climb::plan(requests, former.clone(), free);
    let mut allotments = Vec::with_capacity(requests.len());
    let (mut allotted, mut most) = (reserved, reserved);
    for (at, request) in requests.iter().enumerate() {
        let settled = settle(now, request, former[at], plan.at[at], (plan.used(), free));
        let top = request.ladder.rungs().last();
        most = most.saturating_add(top.map_or(0, |top| top.bitrate.bps()));
        allotted = allotted.saturating_add(settled.bitrate.bps());
        allotments.push(settled);
    }
    let next = plan.next();
    let demand = Demand {
        allotted: Bitrate::from_bps(allotted),
        next: next.map(|cost| Bitrate::from_bps(reserved.saturating_add(needed_for(cost)))),
        most: Bitrate::from_bps(most),
    };
    (allotments, demand)
}

/// The rung that a request is on: rates and layers may have changed since it was put there.
fn former_rung(request: &Request) -> Option<usize> {
    let former = request.former.as_ref()?;
    former.layers?;
    let of_its_value = request.ladder.up_to(former.value);
    // What was sent shows less than all that there is now: it is on the lowest.
    of_its_value.or((!request.ladder.rungs().is_empty()).then_some(0))
}

/// Makes of a plan what is done of it now.
fn settle(
    now: Instant,
    request: &Request,
    former: Option<usize>,
    planned: Option<usize>,
    (used, free): (u64, u64),
) -> Allotment {
    let rungs = request.ladder.rungs();
    let mut standing = match &request.former {
        Some(former) => former.standing,
        None => Standing::begin(now),
    };
    let mut held = false;
    let mut at = planned;
    if request.former.is_some() {
        if planned > former {
            held = !standing.may_rise(now, used, free);
            at = if held { former } else { planned };
        } else if planned < former {
            standing.fall(now, true);
        } else {
            let lost = request.former.is_some_and(|before| {
                let now_at = former.and_then(|at| rungs.get(at));
                before.layers.is_some() && now_at.is_none_or(|rung| rung.value < before.value)
            });
            match lost {
                true => standing.fall(now, false),
                false => standing.stay(now),
            }
        }
    }
    let rung = at.and_then(|at| rungs.get(at));
    let is_top = at.map_or(rungs.is_empty(), |at| at + 1 == rungs.len());
    Allotment {
        track: request.track,
        layers: rung.map(|rung| rung.layers),
        bitrate: rung.map_or(Bitrate::default(), |rung| rung.bitrate),
        limit: match (is_top, held) {
            (true, _) => Limit::Nothing,
            (false, true) => Limit::Trial,
            (false, false) => Limit::Bandwidth,
        },
        value: rung.map_or(0, |rung| rung.value),
        standing,
    }
}

kept!(Allotment {
    track,
    layers,
    bitrate,
    limit,
    value,
    standing
});

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
mod tests;
