//! The table that holds the simulation against reality: the same figures of the same scenarios, from
//! logs of both, side by side.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::judge::{Figure, Kind, judge};
use crate::log::Log;
use crate::scenario::Scenario;

/// One kind of figure of a scenario, in both worlds. Infinite values are `None`: it never came about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Pair {
    /// The median over the simulation's seeds.
    pub simulated: Option<f64>,
    /// The least and the most of them.
    pub range: Option<(f64, f64)>,
    /// What the real run had.
    pub real: Option<f64>,
    /// Whether the median of the simulation is as asked; `None`: nothing is asked.
    pub simulated_met: Option<bool>,
    /// Whether the real run is as asked.
    pub real_met: Option<bool>,
    /// What Chromium's own estimator makes of it, from page to page without a server.
    #[serde(default)]
    pub chromium: Option<f64>,
}

/// One scenario in both worlds.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Comparison {
    /// The scenario's name.
    pub scenario: String,
    /// One line for people.
    pub title: String,
    /// How many seeds were simulated.
    pub seeds: usize,
    /// By kind.
    pub pairs: BTreeMap<Kind, Pair>,
}

impl Comparison {
    /// Judges the logs of both worlds by the same code, and that of the reference.
    pub fn new(scenario: &Scenario, simulated: &[Log], real: &Log, chromium: Option<&Log>) -> Self {
        let runs: Vec<_> = simulated.iter().map(|log| worst(scenario, log)).collect();
        let real = worst(scenario, real);
        let chromium = chromium.map(|log| worst(scenario, log)).unwrap_or_default();
        let pairs = Kind::ALL.into_iter().filter_map(|kind| {
            let mut seeds: Vec<_> = runs.iter().filter_map(|run| run.get(&kind)).collect();
            seeds.sort_by(|one, other| one.0.total_cmp(&other.0));
            let real = real.get(&kind);
            let median = seeds.get(seeds.len() / 2);
            if median.is_none() && real.is_none() {
                return None;
            }
            let range = seeds.first().zip(seeds.last());
            let pair = Pair {
                simulated: median.and_then(|worst| finite(worst.0)),
                range: range.and_then(|(least, most)| finite(least.0).zip(finite(most.0))),
                real: real.and_then(|worst| finite(worst.0)),
                simulated_met: median.and_then(|worst| worst.1),
                real_met: real.and_then(|worst| worst.1),
                chromium: chromium.get(&kind).and_then(|worst| finite(worst.0)),
            };
            Some((kind, pair))
        });
        Self {
            scenario: scenario.name.clone(),
            title: scenario.title.clone(),
            seeds: simulated.len(),
            pairs: pairs.collect(),
        }
    }

    /// How many figures are asked for in both worlds, and how many have the same verdict.
    pub fn verdicts(&self) -> (usize, usize) {
        let asked = |pair: &&Pair| pair.simulated_met.is_some() && pair.real_met.is_some();
        let asked = self.pairs.values().filter(asked);
        let same = asked.clone().filter(|p| p.simulated_met == p.real_met);
        (same.count(), asked.count())
    }
}

/// A value, and whether all that are asked of its kind are as asked.
type Worst = (f64, Option<bool>);

/// The worst figure of each kind, whoever has it.
fn worst(scenario: &Scenario, log: &Log) -> BTreeMap<Kind, Worst> {
    let mut all: BTreeMap<Kind, Worst> = BTreeMap::new();
    for figure in judge(scenario, log) {
        let met = figure.asked.map(|_| Figure::is_met(&figure));
        let worst = all.entry(figure.kind).or_insert((figure.value, None));
        worst.0 = figure.kind.worse(worst.0, figure.value);
        worst.1 = match (worst.1, met) {
            (Some(one), Some(other)) => Some(one && other),
            (one, other) => one.or(other),
        };
    }
    all
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// What the table shows, from left to right: a screen's width of what is asked for.
const SHOWN: [Kind; 14] = [
    Kind::Used,
    Kind::RateOfOffer,
    Kind::Queue95,
    Kind::QueueMost,
    Kind::Falls,
    Kind::Rises,
    Kind::FreezeLongest,
    Kind::FreezeTotal,
    Kind::FirstPicture,
    Kind::Height,
    Kind::Switches,
    Kind::AudioLost,
    Kind::Fairness,
    Kind::ShareOfTcp,
];

/// The scenarios as a Markdown table: in each cell the simulation, reality, and Chromium's own estimator
/// where that was run.
pub fn table(rows: &[Comparison]) -> String {
    let mut text = String::new();
    let sum = |sum: (usize, usize), (same, asked)| (sum.0 + same, sum.1 + asked);
    let (same, asked) = rows.iter().map(Comparison::verdicts).fold((0, 0), sum);
    let _ = writeln!(
        text,
        "The verdict is the same for {same} of the {asked} figures that something is asked of.\n"
    );
    let _ = write!(text, "| scenario | same |");
    for kind in SHOWN {
        let _ = write!(text, " {} |", kind.label());
    }
    let _ = write!(text, "\n|---|--:|{}", "--:|".repeat(SHOWN.len()));
    for row in rows {
        let (same, asked) = row.verdicts();
        let _ = write!(text, "\n| {} | {same}/{asked} |", row.scenario);
        for kind in SHOWN {
            let pair = row.pairs.get(&kind);
            let shown = pair.map_or(String::new(), |pair| shown(kind, pair));
            let _ = write!(text, " {shown} |");
        }
    }
    text.push('\n');
    text
}

fn shown(kind: Kind, pair: &Pair) -> String {
    let one = |value: Option<f64>, met: Option<bool>| {
        let digits = kind.digits();
        let value = value.map_or("never".to_owned(), |value| format!("{value:.digits$}"));
        let mark = met.map_or("", |met| if met { " ✓" } else { " ✗" });
        format!("{value}{mark}")
    };
    let simulated = one(pair.simulated, pair.simulated_met);
    let real = one(pair.real, pair.real_met);
    let chromium = pair
        .chromium
        .map(|value| format!(" / {}", one(Some(value), None)));
    format!("{simulated} / {real}{}", chromium.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{LinkBin, LinkLog, SubscriberBin, SubscriberLog};

    /// A run of the scenario `halving` in which packets wait this long.
    fn run(queue_ms: f64) -> Log {
        let mut waits = [0; 301];
        waits[queue_ms as usize] = 2_000;
        let bins = (0..400).map(|at| LinkBin {
            capacity_kbps: if at < 200 { 2_000.0 } else { 1_000.0 },
            carried_kbps: 500.0,
            queue_ms_mean: queue_ms,
            queue_ms_max: queue_ms,
            packets: 5,
            ..LinkBin::default()
        });
        let sent = SubscriberBin {
            sent_kbps: 500.0,
            ..SubscriberBin::default()
        };
        Log {
            links: vec![LinkLog {
                name: "down".to_owned(),
                bins: bins.collect(),
                waits: waits.to_vec(),
            }],
            subscribers: vec![SubscriberLog {
                name: "ben".to_owned(),
                link: "down".to_owned(),
                bins: vec![sent; 400],
                tracks: Vec::new(),
            }],
            ..Log::default()
        }
    }

    fn compared(simulated: &[f64], real: f64) -> Comparison {
        let scenario = Scenario::find("halving").expect("our own");
        let simulated: Vec<_> = simulated.iter().copied().map(run).collect();
        Comparison::new(&scenario, &simulated, &run(real), None)
    }

    #[test]
    fn the_median_of_the_seeds_stands_against_the_real_run() {
        let pair = compared(&[20.0, 90.0, 30.0], 40.0).pairs[&Kind::Queue95];
        assert_eq!((pair.simulated, pair.real), (Some(30.0), Some(40.0)));
        assert_eq!(pair.range, Some((20.0, 90.0)));
        assert_eq!(
            (pair.simulated_met, pair.real_met),
            (Some(true), Some(true))
        );
    }

    #[test]
    fn verdicts_that_differ_are_counted() {
        let (same, asked) = compared(&[20.0], 40.0).verdicts();
        assert_eq!(same, asked);
        let differing = compared(&[20.0], 80.0);
        assert_eq!(differing.verdicts(), (same - 1, asked));
        let table = table(&[differing]);
        assert!(table.contains("20 ✓ / 80 ✗"), "{table}");
    }
}
