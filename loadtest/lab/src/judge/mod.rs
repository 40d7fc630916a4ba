//! Figures from a log alone, so that simulated and real runs are judged by the same code, and what is
//! asked of them.

mod changes;
mod figure;
mod link;
mod optimum;
mod shared;
mod track;
mod windows;
mod worst;

#[cfg(test)]
mod tests;

pub use figure::{Aim, Asked, Better, Figure, Kind};
pub use worst::{Worst, worst};

use crate::log::Log;
use crate::scenario::{Element, Link, Scenario};

/// All figures of a run.
#[must_use]
pub fn judge(scenario: &Scenario, log: &Log) -> Vec<Figure> {
    let mut figures = Vec::new();
    for link in &log.links {
        link::judge(scenario, log, link, &mut figures);
    }
    for subscriber in &log.subscribers {
        track::judge(scenario, log, subscriber, &mut figures);
    }
    figures.sort_by(|one, other| (one.kind, &one.of).cmp(&(other.kind, &other.of)));
    figures
}

/// What is known of a participant's two links: of the one to it, and whether addresses change.
fn way_to(scenario: &Scenario, name: &str) -> Nature {
    let who = scenario.participants.iter().find(|who| who.name == name);
    let down = nature(scenario, who.and_then(|who| who.down.as_deref()));
    let up = nature(scenario, who.and_then(|who| who.up.as_deref()));
    Nature {
        fails: down.fails || up.fails,
        ..down
    }
}

/// Whether a publisher's link to the server leaves its media as it was.
fn is_clean_from(scenario: &Scenario, name: &str) -> bool {
    let who = scenario.participants.iter().find(|who| who.name == name);
    let up = nature(scenario, who.and_then(|who| who.up.as_deref()));
    !(up.loses || up.fails || up.is_narrow)
}

/// What is known of a link before anything is sent over it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Nature {
    /// It loses packets by chance.
    loses: bool,
    /// It does so in bursts.
    loses_in_bursts: bool,
    /// It carries nothing at times, or addresses change: freezes are its own.
    fails: bool,
    /// TCP flows share it.
    has_cross_traffic: bool,
    /// It has a bottleneck.
    is_narrow: bool,
    /// Its queue is CoDel's.
    is_codel: bool,
    /// What there is room for in its queue, in milliseconds.
    queue_ms: f64,
    /// Its capacity falls to a half of what it was, at some time.
    halves: bool,
    /// Its capacity rises to twice what it was, at some time.
    doubles: bool,
}

/// Below this a link cannot carry sound and the least picture.
const LEAST_KBPS: f64 = 200.0;

/// What still is a half, or twice as much.
const NEARLY: f64 = 0.1;

fn nature(scenario: &Scenario, name: Option<&str>) -> Nature {
    let named = |link: &&Link| Some(link.name.as_str()) == name;
    let Some(link) = scenario.links.iter().find(named) else {
        return Nature::default();
    };
    let mut nature = Nature::default();
    let mut capacity = 0.0;
    for element in &link.elements {
        match element {
            Element::Loss { percent } => nature.loses |= *percent > 0.0,
            Element::BurstLoss { percent, .. } => {
                nature.loses |= *percent > 0.0;
                nature.loses_in_bursts |= *percent > 0.0;
            }
            Element::Bottleneck {
                kbps,
                queue_ms,
                queue,
            } => {
                nature.is_narrow = true;
                nature.is_codel = *queue == crate::scenario::Queue::Codel;
                nature.queue_ms = *queue_ms;
                nature.fails |= *kbps < LEAST_KBPS;
                capacity = *kbps;
            }
            Element::CrossTraffic { .. } => nature.has_cross_traffic = true,
            _ => {}
        }
    }
    for change in &link.changes {
        nature.loses |= change.loss_percent.is_some_and(|percent| percent > 0.0);
        nature.fails |= change.rebinds || change.kbps.is_some_and(|kbps| kbps < LEAST_KBPS);
        if let Some(kbps) = change.kbps {
            let is = |part: f64| (kbps - part * capacity).abs() <= NEARLY * part * capacity;
            nature.halves |= capacity > 0.0 && is(0.5);
            nature.doubles |= capacity > 0.0 && is(2.0);
            capacity = kbps;
        }
    }
    nature
}
