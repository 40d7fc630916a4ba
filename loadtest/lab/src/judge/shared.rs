//! A bottleneck and all whose media goes through it: how much they use of it, and how they share it.

use super::windows::{Level, bins};
use super::{Aim, Asked, Kind, optimum};
use crate::log::{LinkLog, Log, SubscriberLog};
use crate::scenario::{Element, Participant, Scenario};

/// At least this part of the bottleneck where the layers on offer can fill that much, and of what they
/// can fill where they cannot.
pub(super) const USED: f64 = 0.9;

/// Estimates of one bottleneck's subscribers are no further apart, in percent of the greatest.
const FAIR: f64 = 80.0;

/// At least so much of the fair share, in percent.
const SHARE_OF_TCP: f64 = 50.0;

/// Who is sent this part of all that is on offer has no use for more: what its link could carry beyond
/// that is not to be known without filling it with padding.
const CONTENT: f64 = 0.95;

/// Takes a figure.
pub(super) trait Takes: FnMut(Kind, f64, Option<Asked>) {}

impl<F: FnMut(Kind, f64, Option<Asked>)> Takes for F {}

/// A bottleneck and all whose media goes through it.
pub(super) struct Shared<'l> {
    pub(super) scenario: &'l Scenario,
    pub(super) log: &'l Log,
    pub(super) link: &'l LinkLog,
    pub(super) subscribers: &'l [&'l SubscriberLog],
    pub(super) levels: Vec<Level>,
}

/// Of a bottleneck in steady state, in percent.
struct Use {
    used: f64,
    asked: f64,
    optimum: f64,
}

impl Shared<'_> {
    /// How it is used and shared.
    pub(super) fn shares(&self, figure: &mut impl Takes) {
        let proof = |limit| {
            let aim = Aim::Proof;
            Some(Asked { limit, aim })
        };
        if let Some(share) = self.share_of_tcp() {
            let asked = self.flows(false) == 0.0;
            figure(
                Kind::ShareOfTcp,
                share,
                proof(SHARE_OF_TCP).filter(|_| asked),
            );
        }
        if let Some(Use {
            used,
            asked,
            optimum,
        }) = self.used()
        {
            figure(Kind::Used, used, proof(asked));
            figure(Kind::Optimum, optimum, None);
        }
        if let Some(fairness) = self.fairness() {
            figure(Kind::Fairness, fairness, proof(FAIR));
        }
    }

    /// How much media is used of what there is in steady state, how much could be, and how much is
    /// asked: each level asks by its own optimum.
    fn used(&self) -> Option<Use> {
        let (mut used, mut asked, mut best, mut capacity) = (0.0, 0.0, 0.0, 0.0);
        for level in self.levels.iter().filter(|level| !level.crossed) {
            let Some((from, to)) = level.steady() else {
                continue;
            };
            let count = (to - from) as f64;
            let fits = self.best((from, to), level.kbps);
            let allows = fits >= USED * level.kbps;
            used += self.media(from, to) * count;
            asked += USED * if allows { level.kbps } else { fits } * count;
            best += fits * count;
            capacity += level.kbps * count;
        }
        let percent = |sum: f64| 100.0 * sum / capacity;
        (capacity > 0.0).then(|| Use {
            used: percent(used),
            asked: percent(asked),
            optimum: percent(best),
        })
    }

    /// Those who are there in a bin, and whether they want pictures.
    fn present(&self, at: usize) -> Vec<optimum::Wanting<'_>> {
        let is_there = |who: &&Participant| {
            bins(who.joins) <= at && who.leaves.is_none_or(|leaves| at < bins(leaves))
        };
        let looks = |who: &Participant| {
            let mut away = who.looks_away.iter();
            !away.any(|[from, to]| (bins(*from)..bins(*to)).contains(&at))
        };
        let present = self.subscribers.iter().filter_map(|subscriber| {
            let mut people = self.scenario.participants.iter();
            let who = people.find(|who| who.name == subscriber.name);
            who.filter(is_there).map(|who| (*subscriber, looks(who)))
        });
        present.collect()
    }

    /// The most that those who are there can be sent together.
    pub(super) fn best(&self, window: (usize, usize), kbps: f64) -> f64 {
        let present = self.present(window.0);
        optimum::most(self.log, &present, window, kbps)
    }

    /// The mean rate that the link carries of ours, less padding, from one bin to another.
    pub(super) fn media(&self, from: usize, to: usize) -> f64 {
        let bins = &self.link.bins[from..to];
        let carried: f64 = bins.iter().map(|bin| bin.carried_kbps).sum();
        let padding = self.subscribers.iter().flat_map(|s| &s.bins[from..to]);
        let padding: f64 = padding.map(|bin| bin.padding_kbps).sum();
        (carried - padding).max(0.0) / (to - from).max(1) as f64
    }

    /// The mean over the steady times in which several are there who want pictures.
    fn fairness(&self) -> Option<f64> {
        let (mut sum, mut count) = (0.0, 0.0);
        for window in self.levels.iter().filter_map(Level::steady) {
            if let Some(fair) = self.fair_in(window) {
                let bins = (window.1 - window.0) as f64;
                sum += fair * bins;
                count += bins;
            }
        }
        (count > 0.0).then(|| sum / count)
    }

    /// The least mean estimate of those who could use more, as a part of the greatest of all, in
    /// percent. Who has all that is on offer is not expected to know of more, and takes part only where
    /// another has less than it; then with no more than it has a use for.
    fn fair_in(&self, (from, to): (usize, usize)) -> Option<f64> {
        let present = self.present(from);
        let all = present.iter().filter(|(_, pictures)| *pictures);
        let claims = all.map(|(subscriber, _)| Claim::of(self.log, subscriber, (from, to)));
        let (content, hungry): (Vec<_>, Vec<_>) = claims.partition(|claim| claim.is_content);
        let least = hungry.iter().map(|claim| claim.estimate);
        let least = least.fold(f64::INFINITY, f64::min);
        let content = content.iter().map(|claim| claim.estimate.min(claim.offer));
        let rivals: Vec<f64> = content.filter(|estimate| *estimate > least).collect();
        let is_shared = hungry.len() + rivals.len() > 1;
        let most = hungry.iter().map(|claim| claim.estimate).chain(rivals);
        let most = most.fold(0.0, f64::max);
        (is_shared && most > 0.0).then(|| 100.0 * least / most)
    }

    /// How many TCP flows go through it: those without an end, or those that carry one file after the
    /// other.
    fn flows(&self, endless: bool) -> f64 {
        let mut links = self.scenario.links.iter();
        let link = links.find(|link| link.name == self.link.name);
        let elements = link.into_iter().flat_map(|link| &link.elements);
        let flows = elements.filter_map(|element| match element {
            Element::CrossTraffic { flows, files, .. } if files.is_none() == endless => {
                Some(f64::from(*flows))
            }
            _ => None,
        });
        flows.sum()
    }

    /// What is carried of ours while TCP flows are there, as a part of our fair share: that of so many
    /// equals. Flows of short files pause most of the time, and theirs is not to be known.
    fn share_of_tcp(&self) -> Option<f64> {
        let flows = self.flows(true) + self.flows(false);
        let (mut ours, mut fair) = (0.0, 0.0);
        for level in self.levels.iter().filter(|level| level.crossed) {
            let Some((from, to)) = level.steady() else {
                continue;
            };
            let members = self.subscribers.len() as f64;
            let due = level.kbps * members / (members + flows);
            // Nobody is due more than it has to send.
            let all = optimum::all(self.log, &self.present(from), (from, to));
            let count = (to - from) as f64;
            ours += self.media(from, to) * count;
            fair += due.min(all) * count;
        }
        (fair > 0.0).then(|| 100.0 * ours / fair)
    }
}

/// What one subscriber is held to be able to get, and what it has a use for, in kbit/s.
struct Claim {
    estimate: f64,
    /// All that is on offer to it.
    offer: f64,
    is_content: bool,
}

impl Claim {
    fn of(log: &Log, subscriber: &SubscriberLog, (from, to): (usize, usize)) -> Self {
        let bins = &subscriber.bins[from..to];
        let mean = |rates: f64| rates / (to - from).max(1) as f64;
        // What is not estimated yet is judged by what is sent.
        let estimates = bins.iter().map(|bin| match bin.estimate_kbps {
            known if known > 0.0 => known,
            _ => bin.sent_kbps,
        });
        let media = bins
            .iter()
            .map(|bin| bin.sent_kbps - bin.padding_kbps - bin.repair_kbps);
        let media = mean(media.sum());
        let offer = optimum::all(log, &[(subscriber, true)], (from, to));
        Self {
            estimate: mean(estimates.sum()),
            offer,
            is_content: media >= CONTENT * offer,
        }
    }
}
