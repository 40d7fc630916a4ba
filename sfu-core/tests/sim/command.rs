//! The laboratory's command: see [`HELP`].

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "the parts of the tests beside it, of which it uses some"
)]

mod client;
mod coding;
mod frame;
mod lab;
mod live;
mod meeting;
mod network;
mod publisher;
mod scoreboard;
mod seeded_dtls;
mod seeded_hash;
mod server;
mod trace;
mod wall;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use sfu_lab::judge::{Figure, judge};
use sfu_lab::log::Log;
use sfu_lab::scenario::{Scenario, all};

use crate::lab::reference;
use crate::lab::run::{Outcome, run};

const HELP: &str = "\
cargo sim -- [--scenario NAME] [--seed N | --seeds A..B] [--seconds N] [--plot [FILE]]
             [--log FILE] [--reference] [--scoreboard] [--list]

Runs scenarios of loadtest/lab/scenarios in virtual time and prints their figures. Without a
scenario all of them run; without a seed it is 1. Exits with 1 where a figure is not as asked.

  --seconds N     ends after so many, where the scenario is longer
  --plot [FILE]   writes the picture of the run; to NAME-SEED.svg without a file
  --log FILE      writes the log of the run as JSON
  --reference     str0m's estimator in the place of ours, where one subscriber has a link of its own
  --scoreboard    writes docs/adaptation: tables over seeds 1..21, and the pictures of the first
";

/// What was asked for.
#[derive(Default)]
struct Wish {
    scenario: Option<String>,
    seeds: Vec<u64>,
    seconds: Option<u32>,
    plot: Option<Option<PathBuf>>,
    log: Option<PathBuf>,
    list: bool,
    reference: bool,
    scoreboard: bool,
}

fn main() -> ExitCode {
    let wish = match read(std::env::args().skip(1)) {
        Ok(wish) => wish,
        Err(wrong) => {
            eprintln!("{wrong}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    if wish.scoreboard {
        scoreboard::write(&scenarios(wish.scenario.as_deref()), &wish.seeds);
        return ExitCode::SUCCESS;
    }
    let mut met = true;
    for mut scenario in scenarios(wish.scenario.as_deref()) {
        scenario.seconds = scenario.seconds.min(wish.seconds.unwrap_or(u32::MAX));
        if wish.list {
            println!("{:24} {}", scenario.name, scenario.title);
            continue;
        }
        for seed in &wish.seeds {
            let (outcome, took) = timed(|| match wish.reference {
                true => reference::run(&scenario, *seed),
                false => Some(run(&scenario, *seed)),
            });
            let Some(outcome) = outcome else { continue };
            met &= print(&scenario, &outcome, took, wish.seeds.len() == 1);
            write(&wish, &scenario, &outcome.log);
        }
    }
    if met {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    }
}

fn read(mut words: impl Iterator<Item = String>) -> Result<Wish, String> {
    let mut wish = Wish::default();
    let mut words = words.by_ref().peekable();
    while let Some(word) = words.next() {
        let mut value = || words.next_if(|next| !next.starts_with("--"));
        match word.as_str() {
            "--scenario" => wish.scenario = Some(value().ok_or("a scenario's name is missing")?),
            "--seed" | "--seeds" => {
                let text = value().ok_or("a seed is missing")?;
                let number = |text: &str| text.parse::<u64>().map_err(|e| format!("{text}: {e}"));
                wish.seeds = match text.split_once("..") {
                    Some((from, to)) => (number(from)?..number(to)?).collect(),
                    None => vec![number(&text)?],
                };
            }
            "--seconds" => {
                let text = value().ok_or("a number of seconds is missing")?;
                wish.seconds = Some(text.parse().map_err(|e| format!("{text}: {e}"))?);
            }
            "--plot" => wish.plot = Some(value().map(PathBuf::from)),
            "--log" => wish.log = Some(value().ok_or("a file is missing")?.into()),
            "--reference" => wish.reference = true,
            "--list" => wish.list = true,
            "--scoreboard" => wish.scoreboard = true,
            other => return Err(format!("{other} is not known")),
        }
    }
    if wish.seeds.is_empty() {
        wish.seeds = if wish.scoreboard {
            (1..21).collect()
        } else {
            vec![1]
        };
    }
    Ok(wish)
}

/// One scenario, by its name or a file's, or all.
fn scenarios(name: Option<&str>) -> Vec<Scenario> {
    match name {
        Some(name) => vec![Scenario::find(name).unwrap_or_else(|wrong| panic!("{wrong}"))],
        None => all(),
    }
}

#[allow(clippy::disallowed_methods, reason = "how fast it runs is said")]
fn timed<T>(act: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = act();
    (done, start.elapsed())
}

/// Prints a run's figures; false where one is not as asked.
fn print(scenario: &Scenario, outcome: &Outcome, took: Duration, whole: bool) -> bool {
    let figures = judge(scenario, &outcome.log);
    let failed: Vec<&Figure> = figures.iter().filter(|figure| !figure.is_met()).collect();
    let speed = f64::from(scenario.seconds) / took.as_secs_f64();
    println!(
        "{} seed {}: {} figures not as asked; {speed:.0} simulated seconds a second; trace {:016x}",
        scenario.name,
        outcome.log.seed,
        failed.len(),
        outcome.fingerprint
    );
    if whole {
        let drops = outcome
            .drops
            .iter()
            .map(|(reason, count)| format!("{count} {reason}"));
        println!(
            "  given up by the engine: {}",
            drops.collect::<Vec<_>>().join(", ")
        );
    }
    for figure in if whole {
        figures.iter().collect()
    } else {
        failed.clone()
    } {
        let digits = figure.kind.digits();
        println!(
            "  {:16} {:8.digits$}  {}{}",
            figure.kind.label(),
            figure.value,
            figure.of,
            figure.verdict()
        );
    }
    failed.is_empty()
}

fn write(wish: &Wish, scenario: &Scenario, log: &Log) {
    if let Some(file) = &wish.plot {
        let usual = || format!("{}-{}.svg", scenario.name, log.seed).into();
        let file = file.clone().unwrap_or_else(usual);
        let svg = sfu_lab::plot::plot(&scenario.title, log).unwrap();
        std::fs::write(&file, svg).unwrap();
        println!("  {}", file.display());
    }
    if let Some(file) = &wish.log {
        std::fs::write(file, serde_json::to_string(log).unwrap()).unwrap();
        println!("  {}", file.display());
    }
}
