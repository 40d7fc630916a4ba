//! Figures of a bottleneck: how it is used, what waits in it, how it is shared.

use super::windows::{self, Level, bins, levels, seconds};
use super::{Figure, Kind, Nature, nature, optimum};
use crate::log::{LinkLog, Log, SubscriberLog};
use crate::scenario::{Element, Scenario};

/// At least this part of what the layers on offer can fill.
const USED: f64 = 0.9;

/// At most this long, in milliseconds.
const QUEUE: f64 = 50.0;

/// Under capacity within this after a fall, in seconds; the best choice of layers within that after
/// a rise.
const FALLS_IN: f64 = 1.0;
const RISES_IN: f64 = 8.0;

/// Estimates of one bottleneck's subscribers are no further apart, in percent of the greatest.
const FAIR: f64 = 80.0;

/// At least so much of the fair share, in percent.
const SHARE_OF_TCP: f64 = 50.0;

pub(super) fn judge(scenario: &Scenario, log: &Log, link: &LinkLog, figures: &mut Vec<Figure>) {
    let subscribers: Vec<&SubscriberLog> = log
        .subscribers
        .iter()
        .filter(|s| s.link == link.name)
        .collect();
    let nature = nature(scenario, Some(&link.name));
    let mut figure = |kind, value, limit| {
        let of = link.name.clone();
        figures.push(Figure {
            kind,
            of,
            value,
            limit,
        });
    };
    if subscribers.is_empty() {
        if let Some(used) = uplink(scenario, link) {
            figure(Kind::UplinkUsed, used, None);
        }
        return;
    }
    let waits = Waits::of(link);
    let drop_tail = !nature.is_codel && !nature.has_cross_traffic && !nature.fails;
    figure(Kind::QueueMedian, waits.percentile(0.5), None);
    figure(
        Kind::Queue95,
        waits.percentile(0.95),
        drop_tail.then_some(QUEUE),
    );
    figure(Kind::QueueMost, waits.most, None);
    let line = Shared {
        scenario,
        log,
        link,
        subscribers: &subscribers,
        levels: levels(scenario, link),
    };
    if let Some(share) = line.share_of_tcp() {
        figure(Kind::ShareOfTcp, share, Some(SHARE_OF_TCP));
    }
    if let Some((used, optimum)) = line.used() {
        let asked = (USED * optimum).min(USED * 100.0);
        figure(Kind::Used, used, Some(asked));
        figure(Kind::Optimum, optimum, None);
    }
    line.changes(nature, &mut figure);
    if let Some(fairness) = line.fairness() {
        figure(Kind::Fairness, fairness, Some(FAIR));
    }
}

/// How much of a narrow uplink is used in steady state.
fn uplink(scenario: &Scenario, link: &LinkLog) -> Option<f64> {
    let (mut carried, mut capacity) = (0.0, 0.0);
    for level in levels(scenario, link) {
        let Some((from, to)) = level.steady() else {
            continue;
        };
        carried += link.bins[from..to]
            .iter()
            .map(|bin| bin.carried_kbps)
            .sum::<f64>();
        capacity += level.kbps * (to - from) as f64;
    }
    (capacity > 0.0).then(|| 100.0 * carried / capacity)
}

/// What packets waited.
struct Waits {
    /// The mean wait of each bin and its packets, the shortest first.
    bins: Vec<(f64, u32)>,
    most: f64,
}

impl Waits {
    fn of(link: &LinkLog) -> Self {
        let passed = |bin: &crate::log::LinkBin| bin.packets.saturating_sub(bin.lost);
        let seen = link.bins.iter().filter(|bin| passed(bin) > 0);
        let mut bins: Vec<_> = seen.map(|bin| (bin.queue_ms_mean, passed(bin))).collect();
        bins.sort_by(|one, other| one.0.total_cmp(&other.0));
        let most = link
            .bins
            .iter()
            .map(|bin| bin.queue_ms_max)
            .fold(0.0, f64::max);
        Self { bins, most }
    }

    fn percentile(&self, part: f64) -> f64 {
        let all: u32 = self.bins.iter().map(|(_, packets)| packets).sum();
        let mut left = f64::from(all) * part;
        for (wait, packets) in &self.bins {
            left -= f64::from(*packets);
            if left <= 0.0 {
                return *wait;
            }
        }
        0.0
    }
}

/// A bottleneck and all whose media goes through it.
struct Shared<'l> {
    scenario: &'l Scenario,
    log: &'l Log,
    link: &'l LinkLog,
    subscribers: &'l [&'l SubscriberLog],
    levels: Vec<Level>,
}

impl Shared<'_> {
    /// How much media is used of what there is in steady state, and how much could be, in percent.
    fn used(&self) -> Option<(f64, f64)> {
        let (mut used, mut best, mut capacity) = (0.0, 0.0, 0.0);
        for level in self.levels.iter().filter(|level| !level.crossed) {
            let Some((from, to)) = level.steady() else {
                continue;
            };
            let count = (to - from) as f64;
            used += self.media(from, to) * count;
            best += self.best((from, to), level.kbps) * count;
            capacity += level.kbps * count;
        }
        (capacity > 0.0).then(|| (100.0 * used / capacity, 100.0 * best / capacity))
    }

    /// Those who are there in a bin, and whether they want pictures.
    fn present(&self, at: usize) -> Vec<optimum::Wanting<'_>> {
        let mut present = Vec::new();
        for subscriber in self.subscribers {
            let mut people = self.scenario.participants.iter();
            let Some(who) = people.find(|who| who.name == subscriber.name) else {
                continue;
            };
            let mut away = who.looks_away.iter();
            let away = away.any(|[from, to]| (bins(*from)..bins(*to)).contains(&at));
            if bins(who.joins) <= at && who.leaves.is_none_or(|leaves| at < bins(leaves)) {
                present.push((*subscriber, !away));
            }
        }
        present
    }

    /// The most that those who are there can be sent together.
    fn best(&self, window: (usize, usize), kbps: f64) -> f64 {
        let present = self.present(window.0);
        optimum::most(self.log, &present, window, kbps)
    }

    /// The mean rate that the link carries of ours, less padding, from one bin to another.
    fn media(&self, from: usize, to: usize) -> f64 {
        let carried: f64 = self.link.bins[from..to]
            .iter()
            .map(|bin| bin.carried_kbps)
            .sum();
        let padding = self.subscribers.iter().flat_map(|s| &s.bins[from..to]);
        let padding: f64 = padding.map(|bin| bin.padding_kbps).sum();
        (carried - padding).max(0.0) / (to - from).max(1) as f64
    }

    fn sent(&self, from: usize, to: usize) -> f64 {
        let sent = self.subscribers.iter().flat_map(|s| &s.bins[from..to]);
        sent.map(|bin| bin.sent_kbps).sum::<f64>() / (to - from).max(1) as f64
    }

    fn changes(&self, nature: Nature, figure: &mut impl FnMut(Kind, f64, Option<f64>)) {
        let (mut fall, mut rise) = (None::<f64>, None::<f64>);
        for pair in self.levels.windows(2) {
            let [before, after] = [pair[0], pair[1]];
            // One that does not last is not to be followed.
            let lasts = after.to - after.from >= bins(RISES_IN + 2.0);
            if after.kbps < before.kbps && after.kbps > 0.0 {
                let took = self.until_under(after);
                fall = Some(fall.unwrap_or(0.0).max(took));
            } else if after.kbps > before.kbps
                && lasts
                && before.kbps > 0.0
                && !nature.has_cross_traffic
            {
                let took = self.until_best(after);
                rise = Some(rise.unwrap_or(0.0).max(took));
            }
        }
        let limit = |seconds| (!nature.has_cross_traffic).then_some(seconds);
        if let Some(took) = fall {
            figure(Kind::Falls, took, limit(FALLS_IN));
        }
        if let Some(took) = rise {
            figure(Kind::Rises, took, limit(RISES_IN));
        }
    }

    /// Seconds until what is sent in half a second fits.
    fn until_under(&self, level: Level) -> f64 {
        let span = bins(0.5);
        let mut starts = level.from..level.to.saturating_sub(span);
        let under = starts.find(|from| self.sent(*from, from + span) <= level.kbps);
        under.map_or(f64::INFINITY, |from| seconds(from - level.from))
    }

    /// Seconds until what is carried in a second is what the best choice of layers comes to.
    fn until_best(&self, level: Level) -> f64 {
        let span = bins(1.0);
        let settled = (level.from + bins(windows::SETTLES_IN), level.to);
        let best = self.best(settled, level.kbps);
        let mut starts = level.from..level.to.saturating_sub(span);
        let there = starts.find(|from| self.media(*from, from + span) >= USED * best);
        there.map_or(f64::INFINITY, |from| seconds(from - level.from + span))
    }

    /// The least mean estimate as a part of the greatest, while several are there who want pictures.
    fn fairness(&self) -> Option<f64> {
        let (mut sum, mut count) = (0.0, 0.0);
        for (from, to) in self.levels.iter().filter_map(Level::steady) {
            let mean = |subscriber: &SubscriberLog| {
                // What is not estimated yet is judged by what is sent.
                let rates = subscriber.bins[from..to].iter().map(|bin| {
                    let known = bin.estimate_kbps > 0.0;
                    if known {
                        bin.estimate_kbps
                    } else {
                        bin.sent_kbps
                    }
                });
                rates.sum::<f64>() / (to - from) as f64
            };
            let wanting = self
                .present(from)
                .into_iter()
                .filter(|(_, pictures)| *pictures);
            let means: Vec<f64> = wanting.map(|(subscriber, _)| mean(subscriber)).collect();
            let most = means.iter().copied().fold(0.0, f64::max);
            let least = means.iter().copied().fold(f64::INFINITY, f64::min);
            if means.len() > 1 && most > 0.0 {
                sum += 100.0 * least / most * (to - from) as f64;
                count += (to - from) as f64;
            }
        }
        (count > 0.0).then(|| sum / count)
    }

    /// What is carried of ours while TCP flows are there, as a part of our fair share.
    fn share_of_tcp(&self) -> Option<f64> {
        let mut links = self.scenario.links.iter();
        let link = links.find(|link| link.name == self.link.name)?;
        let flows = link.elements.iter().filter_map(|element| match element {
            Element::CrossTraffic { flows, .. } => Some(f64::from(*flows)),
            _ => None,
        });
        let flows: f64 = flows.sum();
        let (mut ours, mut fair) = (0.0, 0.0);
        for level in self.levels.iter().filter(|level| level.crossed) {
            let Some((from, to)) = level.steady() else {
                continue;
            };
            let members = self.subscribers.len() as f64;
            let due = level.kbps * members / (members + flows);
            // Nobody is due more than it has to send.
            let all = self.best((from, to), f64::INFINITY);
            let count = (to - from) as f64;
            ours += self.media(from, to) * count;
            fair += due.min(all) * count;
        }
        (fair > 0.0).then(|| 100.0 * ours / fair)
    }
}
