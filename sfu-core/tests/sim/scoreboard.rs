//! `cargo sim -- --scoreboard`: all scenarios over many seeds, written down.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use sfu_lab::judge::{Figure, judge};
use sfu_lab::plot::plot;
use sfu_lab::scenario::Scenario;
use sfu_lab::scoreboard::{LEGEND, Row, beside, tables};

use crate::lab::reference;
use crate::lab::run::run;

/// Where it is written.
fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/adaptation"))
}

/// Figures by scenario and seed.
type Figures = BTreeMap<(usize, u64), Vec<Figure>>;

/// Runs all and writes the tables, and the pictures of the first seed.
pub(crate) fn write(scenarios: &[Scenario], seeds: &[u64]) {
    let plots = folder().join("plots");
    std::fs::create_dir_all(&plots).unwrap();
    let first = seeds[0];
    let figures = sweep(scenarios, seeds, |scenario, seed, log| {
        if seed == first {
            let svg = plot(&scenario.title, log).unwrap();
            std::fs::write(plots.join(format!("{}.svg", scenario.name)), svg).unwrap();
        }
    });
    let rows = |figures: &Figures| {
        let row = |(at, scenario): (usize, &Scenario)| {
            let runs = seeds
                .iter()
                .filter_map(|seed| figures.get(&(at, *seed)).cloned());
            let runs: Vec<_> = runs.collect();
            let row = Row::new(&scenario.name, &scenario.title, &scenario.source, &runs);
            (!runs.is_empty()).then_some(row)
        };
        scenarios
            .iter()
            .enumerate()
            .filter_map(row)
            .collect::<Vec<_>>()
    };
    let (ours, reference) = (rows(&figures.0), rows(&figures.1));
    let text = text(&ours, &reference, seeds.len());
    std::fs::write(folder().join("scoreboard.md"), text).unwrap();
}

fn text(rows: &[Row], reference: &[Row], seeds: usize) -> String {
    let mut text = format!(
        "# Scoreboard of the adaptation\n\n\
         Written by `cargo xtask scoreboard`; not by hand. Every scenario in virtual time over {seeds} \
         seeds: the worst seed for freezes, pauses and sound, the 90th percentile otherwise, and of several \
         subscribers or tracks the worst.\n\n{LEGEND}\n"
    );
    text.push_str(&tables(rows));
    text.push_str(
        "\n## Beside str0m's estimator\n\n\
         The same line, the same media, and a plain choice of layers by str0m's own estimate, where one \
         subscriber has a line of its own.\n\n",
    );
    text.push_str(&beside(rows, reference, "str0m"));
    text.push_str("\n## Scenarios\n\n| scenario | | taken from | seed 1 |\n|---|---|---|---|\n");
    for row in rows {
        let (name, title, source) = (&row.scenario, &row.title, &row.source);
        let _ = writeln!(
            text,
            "| {name} | {title} | {source} | [plot](plots/{name}.svg) |"
        );
    }
    text
}

/// Runs every scenario with every seed, on all cores: ours, and the reference. `look` sees each log.
pub(crate) fn sweep(
    scenarios: &[Scenario],
    seeds: &[u64],
    look: impl Fn(&Scenario, u64, &sfu_lab::log::Log) + Sync,
) -> (Figures, Figures) {
    let places = 0..scenarios.len();
    let jobs: Vec<(usize, u64)> = seeds
        .iter()
        .flat_map(|seed| places.clone().map(|at| (at, *seed)))
        .collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let (mut ours, mut others) = (Figures::new(), Figures::new());
        while let Some((at, seed)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let scenario = &scenarios[*at];
            let log = run(scenario, *seed).log;
            look(scenario, *seed, &log);
            ours.insert((*at, *seed), judge(scenario, &log));
            if let Some(reference) = reference::run(scenario, *seed) {
                others.insert((*at, *seed), judge(scenario, &reference.log));
            }
        }
        (ours, others)
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (mut ours, mut others) = (Figures::new(), Figures::new());
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            let (one, other) = worker.join().unwrap();
            ours.extend(one);
            others.extend(other);
        }
    });
    (ours, others)
}
