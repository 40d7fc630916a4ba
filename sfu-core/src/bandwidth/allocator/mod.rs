//! Who gets what of one subscriber's bandwidth.
//!
//! A pure function: the budget, what is asked for, and what was allotted last in; what is allotted
//! now and what is still wanted out. The lowest rung of every track comes first, in the order of
//! priority; then the steps that show most for what they cost. A fall is obeyed at once. A rise
//! needs headroom, must have fitted for a while, and for longer after one that failed.

mod climb;
mod ladder;
mod settling;
mod standing;

use std::time::Instant;

pub use ladder::{Ladder, MAX_RUNGS, Rung, value_of};
pub use standing::{RISE_AFTER, TRIAL};

use self::climb::{Climb, needed_for};
use self::settling::{former_rung, open_rungs, settle};
use self::standing::Standing;
use super::departure::Demand;
use crate::bandwidth::recording::kept::kept;
use crate::id::TrackId;
use crate::media::layer::Layers;
use crate::unit::Bitrate;

/// A fall to less than this part of what was sent is a deep one.
///
/// Higher: smaller falls cost a worse picture for a second. Lower: deep ones take longer to get over.
const DEEP_FALL_PERCENT: u64 = 45;

/// The part of what fits that is planned with just after it.
///
/// Higher: pictures are better and come later. Lower: the reverse.
const DRAINING_PERCENT: u64 = 60;

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

    /// What it fell for lately was no want of bandwidth: it is had again as soon as it fits.
    pub fn excuse(&mut self, now: Instant) {
        self.standing.excuse(now);
    }
}

/// What there is to allot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// What may be sent: a fair share of what the link carries, and what others of it leave.
    pub estimate: Bitrate,
    /// The part of it that is spent before pictures: sound, repairs, data. Sound is never paused, so
    /// this may be more than all.
    pub reserved: Bitrate,
    /// What the lowest rungs of all may take whatever the estimate says, which rests on nothing yet;
    /// zero once it does.
    pub granted: Bitrate,
}

/// Divides a budget. The allotments are in the order of the requests; what they take together is
/// within the budget, but for lowest rungs that are granted. With `n` requests it costs `n log n` for each of [`MAX_RUNGS`].
#[must_use]
pub fn allocate(now: Instant, budget: Budget, requests: &[Request]) -> (Vec<Allotment>, Demand) {
    let reserved = budget.reserved.bps();
    let free = budget.estimate.bps().saturating_sub(reserved);
    let free = after_fall(free, requests);
    let former = requests.iter().map(former_rung).collect::<Vec<_>>();
    let open = requests.iter().zip(&former);
    let open: Vec<_> = open
        .map(|(one, former)| open_rungs(now, one, *former, free))
        .collect();
    let granted = budget.granted.bps().saturating_sub(reserved).max(free);
    let plan = Climb::plan(requests, former.clone(), open.clone(), (free, granted));
    let mut allotments = Vec::with_capacity(requests.len());
    let (mut allotted, mut most) = (reserved, reserved);
    for (at, request) in requests.iter().enumerate() {
        let settled = settle(now, request, former[at], plan.at[at], open[at], plan.used());
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

/// What to plan with of what is `free`: behind a deep fall stands a queue that what comes now has to
/// pass, first of all the keyframes of lower encodings.
fn after_fall(free: u64, requests: &[Request]) -> u64 {
    let former = requests
        .iter()
        .filter_map(|request| request.former.as_ref());
    let spent = former
        .map(|former| former.bitrate.bps())
        .fold(0, u64::saturating_add);
    match free < spent / 100 * DEEP_FALL_PERCENT {
        true => free / 100 * DRAINING_PERCENT,
        false => free,
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
