//! Times in which nothing changes: one capacity, the same people, the same neighbours.

use crate::log::{BIN_MS, LinkLog};
use crate::scenario::{Element, Scenario};

/// How long after the start, and after a change, a steady state is expected, in seconds.
pub(super) const SETTLES_IN: f64 = 8.0;

/// The same, at the start: people join, estimates begin.
pub(super) const STARTS_IN: f64 = 10.0;

/// A change by less than this part is none.
const NOTABLE: f64 = 0.1;

/// Bins of so many seconds.
pub(super) fn bins(seconds: f64) -> usize {
    (seconds * 1000.0 / f64::from(BIN_MS)).round() as usize
}

/// In seconds.
pub(super) fn seconds(bins: usize) -> f64 {
    bins as f64 * f64::from(BIN_MS) / 1000.0
}

/// A time in which nothing changes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Level {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) kbps: f64,
    /// TCP flows are there.
    pub(super) crossed: bool,
}

impl Level {
    /// The part of it in which things have settled: its bins.
    pub(super) fn steady(&self) -> Option<(usize, usize)> {
        let settled = if self.from == 0 {
            STARTS_IN
        } else {
            SETTLES_IN
        };
        let from = self.from + bins(settled);
        (from + bins(2.0) <= self.to).then_some((from, self.to))
    }
}

/// A link's levels, one after the other.
pub(super) fn levels(scenario: &Scenario, link: &LinkLog) -> Vec<Level> {
    let written = scenario.links.iter().find(|found| found.name == link.name);
    let elements = written.map_or(&[][..], |link| &link.elements);
    let flows: Vec<(usize, usize)> = elements
        .iter()
        .filter_map(|element| match element {
            Element::CrossTraffic { from, to, .. } => Some((bins(*from), bins(*to))),
            _ => None,
        })
        .collect();
    let crossed = |at: usize| flows.iter().any(|(from, to)| (*from..*to).contains(&at));
    let mut cuts: Vec<usize> = scenario
        .participants
        .iter()
        .map(|who| bins(who.joins))
        .collect();
    for who in &scenario.participants {
        cuts.extend(who.leaves.map(bins));
        cuts.extend(who.looks_away.iter().flatten().map(|at| bins(*at)));
    }
    cuts.extend(flows.iter().flat_map(|(from, to)| [*from, *to]));
    let mut levels: Vec<Level> = Vec::new();
    for (at, bin) in link.bins.iter().enumerate() {
        let kbps = bin.capacity_kbps;
        let cut = at > 0 && cuts.contains(&at);
        match levels.last_mut() {
            Some(last) if !cut && (last.kbps - kbps).abs() <= NOTABLE * last.kbps.max(kbps) => {
                last.to = at + 1;
            }
            // A change within a bin shows as a bin of its own: it belongs to what follows.
            Some(last) if !cut && last.to - last.from == 1 && last.from > 0 => {
                (last.kbps, last.to) = (kbps, at + 1);
            }
            _ => levels.push(Level {
                from: at,
                to: at + 1,
                kbps,
                crossed: crossed(at),
            }),
        }
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::LinkBin;

    #[test]
    fn levels_begin_where_the_capacity_changes() {
        let bin = |capacity_kbps| LinkBin {
            capacity_kbps,
            ..LinkBin::default()
        };
        let mut link = LinkLog::default();
        link.bins.extend([bin(2000.0); 200]);
        link.bins.extend([bin(1200.0); 1]);
        link.bins.extend([bin(500.0); 98]);
        let found = levels(&super::super::tests::scenario(""), &link);
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[1].from, found[1].to, found[1].kbps),
            (200, 299, 500.0)
        );
        assert_eq!(found[0].steady(), Some((100, 200)));
        assert_eq!(found[1].steady(), None, "less than two seconds are left");
    }
}
