//! Figures of a bottleneck: how it is used, what waits in it, how it is shared.

use super::shared::Shared;
use super::windows::{Level, levels};
use super::{Aim, Asked, Figure, Kind, Nature, nature};
use crate::log::{LinkLog, Log, SubscriberLog};
use crate::scenario::Scenario;

/// At most this long, in milliseconds: for 95 of a hundred packets, in a queue that nobody else fills.
const QUEUE: f64 = 50.0;

/// The queue of which the proof speaks, in milliseconds.
const PROOF_QUEUE: f64 = 300.0;

pub(super) fn judge(scenario: &Scenario, log: &Log, link: &LinkLog, figures: &mut Vec<Figure>) {
    let subscribers: Vec<&SubscriberLog> = log
        .subscribers
        .iter()
        .filter(|s| s.link == link.name)
        .collect();
    let nature = nature(scenario, Some(&link.name));
    let mut figure = |kind, value, asked| {
        let of = link.name.clone();
        figures.push(Figure {
            kind,
            of,
            value,
            asked,
        });
    };
    if subscribers.is_empty() {
        if let Some(used) = uplink(scenario, link) {
            figure(Kind::UplinkUsed, used, None);
        }
        return;
    }
    if let Some(median) = waited(link, 0.5) {
        figure(Kind::QueueMedian, median, None);
    }
    if let Some(most) = waited(link, 0.95) {
        figure(Kind::Queue95, most, asked_of_queue(nature));
    }
    let longest = link.bins.iter().map(|bin| bin.queue_ms_max);
    figure(Kind::QueueMost, longest.fold(0.0, f64::max), None);
    let line = Shared {
        scenario,
        log,
        link,
        subscribers: &subscribers,
        levels: levels(scenario, link),
    };
    line.shares(&mut figure);
    line.changes(nature, &mut figure);
}

/// What waits beside TCP flows waits for them, what waits in an outage for its end, and CoDel's queue
/// is kept by CoDel: in none of these do we cause the delay.
fn asked_of_queue(nature: Nature) -> Option<Asked> {
    let is_ours = !nature.is_codel && !nature.has_cross_traffic && !nature.fails;
    let proof = (nature.queue_ms - PROOF_QUEUE).abs() < 1.0;
    is_ours.then_some(Asked {
        limit: QUEUE,
        aim: if proof { Aim::Proof } else { Aim::Own },
    })
}

/// How much of a narrow uplink is used in steady state.
fn uplink(scenario: &Scenario, link: &LinkLog) -> Option<f64> {
    let (mut carried, mut capacity) = (0.0, 0.0);
    for level in levels(scenario, link) {
        let Some((from, to)) = Level::steady(&level) else {
            continue;
        };
        let bins = &link.bins[from..to];
        carried += bins.iter().map(|bin| bin.carried_kbps).sum::<f64>();
        capacity += level.kbps * (to - from) as f64;
    }
    (capacity > 0.0).then(|| 100.0 * carried / capacity)
}

/// What `part` of our packets waited at most, in milliseconds, rounded up; `None`: none got through.
fn waited(link: &LinkLog, part: f64) -> Option<f64> {
    let all: u64 = link.waits.iter().copied().map(u64::from).sum();
    let mut left = (all as f64 * part).max(1.0);
    let found = link.waits.iter().position(|packets| {
        left -= f64::from(*packets);
        left <= 0.0
    });
    found.map(|ms| ms as f64)
}
