//! The table that holds the simulation against reality: the same figures of the same scenarios, from
//! logs of both, side by side.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::judge::{Asked, Kind, Worst, judge, worst};
use crate::log::Log;
use crate::scenario::{Publishes, Scenario};

/// One kind of figure of a scenario, in both worlds. Infinite values are `None`: it never came about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Pair {
    /// The median over the simulation's seeds.
    pub simulated: Option<f64>,
    /// The least and the most of them.
    pub range: Option<(f64, f64)>,
    /// What the real run had.
    pub real: Option<f64>,
    /// What is asked of the median, and whether it is as asked.
    pub simulated_asked: Option<Verdict>,
    /// What is asked of the real run, and whether it is as asked.
    pub real_asked: Option<Verdict>,
    /// What Chromium's own estimator makes of it, from page to page without a server.
    #[serde(default)]
    pub chromium: Option<f64>,
}

/// What is asked, and whether that is so.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Verdict {
    /// What is asked.
    #[serde(flatten)]
    pub asked: Asked,
    /// Whether it is as asked.
    pub met: bool,
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
    /// How long the real run was.
    #[serde(default)]
    pub seconds: u32,
    /// How long the scenario is, where the real run, and with it the simulation, is its beginning.
    #[serde(default)]
    pub whole: u32,
    /// What build both are of; rows from before builds were noted have neither that nor marks.
    #[serde(default = "older")]
    pub build: String,
    /// By kind.
    pub pairs: BTreeMap<Kind, Pair>,
}

fn older() -> String {
    "older".to_owned()
}

/// Whether Chromium's own estimator can play a scenario from page to page: one sends a camera, one
/// watches, and no address changes, since nobody restarts ICE there.
pub fn is_pair(scenario: &Scenario) -> bool {
    let [from, to] = &scenario.participants[..] else {
        return false;
    };
    let camera = [Publishes::Microphone, Publishes::Camera];
    let keeps_addresses = scenario
        .links
        .iter()
        .all(|link| link.rebinds().count() == 0);
    from.publishes == camera && !from.subscribes && to.publishes.is_empty() && keeps_addresses
}

impl Comparison {
    /// Judges the logs of both worlds by the same code, and that of the reference.
    pub fn new(scenario: &Scenario, simulated: &[Log], real: &Log, chromium: Option<&Log>) -> Self {
        let judged = |log: &Log| worst(&judge(scenario, log));
        let runs: Vec<_> = simulated.iter().map(judged).collect();
        let figures = judged(real);
        let chromium = chromium.map(judged).unwrap_or_default();
        let pairs = Kind::ALL.into_iter().filter_map(|kind| {
            let mut seeds: Vec<_> = runs.iter().filter_map(|run| run.get(&kind)).collect();
            seeds.sort_by(|one, other| one.order(kind).total_cmp(&other.order(kind)));
            let real = figures.get(&kind);
            let median = seeds.get(seeds.len() / 2).copied();
            if median.is_none() && real.is_none() {
                return None;
            }
            let values = seeds.iter().map(|worst| worst.value);
            let least = values.clone().min_by(f64::total_cmp).and_then(finite);
            let most = values.max_by(f64::total_cmp).and_then(finite);
            let pair = Pair {
                simulated: median.and_then(|worst| finite(worst.value)),
                range: least.zip(most),
                real: real.and_then(|worst| finite(worst.value)),
                simulated_asked: median.and_then(verdict),
                real_asked: real.and_then(verdict),
                chromium: chromium.get(&kind).and_then(|worst| finite(worst.value)),
            };
            Some((kind, pair))
        });
        Self {
            scenario: scenario.name.clone(),
            title: scenario.title.clone(),
            seeds: simulated.len(),
            seconds: real.seconds(),
            whole: scenario.seconds,
            build: real.build.clone(),
            pairs: pairs.collect(),
        }
    }

    /// How many figures are asked for in both worlds, and how many have the same verdict.
    pub fn verdicts(&self) -> (usize, usize) {
        let asked = self.pairs.values();
        let asked = asked.filter_map(|pair| pair.simulated_asked.zip(pair.real_asked));
        let same = asked.clone().filter(|(one, other)| one.met == other.met);
        (same.count(), asked.count())
    }
}

fn verdict(worst: &Worst) -> Option<Verdict> {
    let met = worst.met;
    worst.asked.map(|asked| Verdict { asked, met })
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
    let _ = write!(text, "| scenario | build | same |");
    for kind in SHOWN {
        let _ = write!(text, " {} |", kind.label());
    }
    let _ = write!(text, "\n|---|---|--:|{}", "--:|".repeat(SHOWN.len()));
    for row in rows {
        let (same, asked) = row.verdicts();
        let is_cut = row.seconds < row.whole;
        let cut = match is_cut {
            true => format!(", {} of {} s", row.seconds, row.whole),
            false => String::new(),
        };
        let _ = write!(
            text,
            "\n| {}{cut} | {} | {same}/{asked} |",
            row.scenario, row.build
        );
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
    let one = |value: Option<f64>, verdict: Option<Verdict>| {
        let digits = kind.digits();
        let value = value.map_or("never".to_owned(), |value| format!("{value:.digits$}"));
        let Some(Verdict { asked, met }) = verdict else {
            return value;
        };
        // Only of this one it differs from run to run.
        let limit = match kind {
            Kind::Used => format!(" of {:.digits$}", asked.limit),
            _ => String::new(),
        };
        format!("{value}{limit}{}", asked.mark(met))
    };
    let simulated = one(pair.simulated, pair.simulated_asked);
    let real = one(pair.real, pair.real_asked);
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
        let met = |verdict: Option<Verdict>| verdict.map(|verdict| verdict.met);
        assert_eq!(met(pair.simulated_asked), Some(true));
        assert_eq!(met(pair.real_asked), Some(true));
    }

    #[test]
    fn a_row_says_its_build_and_how_much_was_played() {
        let mut row = compared(&[20.0], 40.0);
        assert_eq!((row.seconds, row.whole), (40, 40));
        row.build = "abc1234".to_owned();
        assert!(table(&[row.clone()]).contains("| halving | abc1234 |"));
        row.seconds = 20;
        assert!(table(&[row]).contains("| halving, 20 of 40 s |"));
    }

    #[test]
    fn the_reference_plays_what_one_sends_and_one_watches() {
        let is = |name| is_pair(&Scenario::find(name).expect("our own"));
        assert!(is("halving") && is("rfc8867-5.6"));
        for none in ["rfc8867-5.1-svc", "rfc8867-5.2", "rfc8867-5.3", "rebinding"] {
            assert!(!is(none), "{none}");
        }
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
