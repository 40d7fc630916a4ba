//! What is done of a plan now: falls at once, rises once they have fitted for a while.

use std::time::Instant;

use super::standing::Rise;
use super::{Allotment, Limit, Request, Standing};
use crate::bandwidth::allocator::ladder::Rung;
use crate::media::layer::Layers;
use crate::unit::Bitrate;

/// The rung that a request is on: that of its layers; where those are gone, what shows as much. What
/// layers show is counted anew all the time, and a frame more or less makes no others of them.
pub(super) fn former_rung(request: &Request) -> Option<usize> {
    let former = request.former.as_ref()?;
    if let Some(same) = request.ladder.place_of(former.layers?) {
        return Some(same);
    }
    let of_its_value = request.ladder.up_to(former.value);
    // What was sent shows less than all that there is now: it is on the lowest.
    of_its_value.or((!request.ladder.rungs().is_empty()).then_some(0))
}

/// How many of its rungs a request may have now: a rise that has just failed is not made again.
pub(super) fn open_rungs(
    now: Instant,
    request: &Request,
    former: Option<usize>,
    free: u64,
) -> usize {
    let all = request.ladder.rungs().len();
    let standing = request.former.as_ref().map(|former| former.standing);
    let ceiling = standing.and_then(|standing| standing.ceiling(now, free));
    let Some(ceiling) = ceiling.and_then(|layers| request.ladder.place_of(layers)) else {
        return all;
    };
    ceiling.max(former.map_or(0, |former| former + 1))
}

/// What is held against a rise that fails: what it leads to and, where it begins another encoding, all
/// of that, for each begins with the same dear keyframe.
fn risen_to(rungs: &[Rung], former: Option<usize>, planned: usize) -> Option<Layers> {
    let encoding = |at: usize| rungs.get(at).map(|rung| rung.layers.encoding);
    let is_other = former.and_then(encoding) != encoding(planned);
    let mut above = former.map_or(0, |former| former + 1)..planned;
    let first = above.find(|at| is_other && encoding(*at) == encoding(planned));
    Some(rungs.get(first.unwrap_or(planned))?.layers)
}

/// Makes of a plan, by which all takes `used`, what is done of it now. The request may have the first
/// `open` of its rungs.
pub(super) fn settle(
    now: Instant,
    request: &Request,
    former: Option<usize>,
    planned: Option<usize>,
    open: usize,
    used: u64,
) -> Allotment {
    let rungs = request.ladder.rungs();
    let layers_at = |at: Option<usize>| Some(rungs.get(at?)?.layers);
    let mut at = planned;
    let standing = match &request.former {
        None => Standing::begin(now, layers_at(planned), used),
        Some(before) => {
            let mut standing = before.standing;
            if let Some(to) = planned.filter(|_| planned > former) {
                let rise = Rise {
                    to: risen_to(rungs, former, to),
                    with: used,
                    returns: standing.lasted(now).is_some_and(|lasted| {
                        let lasted = request.ladder.place_of(lasted);
                        lasted.is_some_and(|lasted| to <= lasted)
                    }),
                };
                if !standing.may_rise(now, rise) {
                    at = former;
                }
            } else if planned < former {
                standing.fall(now, before.layers, true);
            } else if is_lost(before, former.and_then(|at| rungs.get(at))) {
                standing.fall(now, None, false);
            } else {
                let is_above_failed = standing.failed_at().is_none_or(|failed| {
                    let failed = request.ladder.place_of(failed);
                    failed.is_none_or(|failed| former >= Some(failed))
                });
                standing.stay(now, is_above_failed);
            }
            standing
        }
    };
    let rung = at.and_then(|at| rungs.get(at));
    let next = at.map_or(0, |at| at + 1);
    Allotment {
        track: request.track,
        layers: rung.map(|rung| rung.layers),
        bitrate: rung.map_or(Bitrate::default(), |rung| rung.bitrate),
        limit: if next == rungs.len() {
            Limit::Nothing
        } else if at != planned || next == open {
            Limit::Trial
        } else {
            Limit::Bandwidth
        },
        value: rung.map_or(0, |rung| rung.value),
        standing,
    }
}

/// Whether what was sent is no more on offer, and what is there now shows less.
fn is_lost(before: &Allotment, now: Option<&Rung>) -> bool {
    let is_less = |rung: &Rung| Some(rung.layers) != before.layers && rung.value < before.value;
    before.layers.is_some() && now.is_none_or(is_less)
}
