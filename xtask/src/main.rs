//! The workspace's commands: `cargo xtask run`, `test`, `layers`, `scoreboard`, `reality` and
//! `replay`.
//!
//! Only `std` is used: the commands are the first thing a newcomer builds.

#![forbid(unsafe_code)]

mod layers;
mod manifests;
mod needs;
mod python;
mod reality;
mod replay;
mod run;
mod scoreboard;
mod step;
mod suite;
mod workspace;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <command>

  run [ARGS..]    build the demo page and the server (release), then start
                  `sfu-server --dev ARGS..`
  test [--fast]   everything CI runs: format, demo page, lints, tests, a short load test,
                  advisories, manifests, calls in a real browser; stops at the first
                  failure; --fast ends before the advisories
  layers          measure what is seen of switched and of lossy video in Chromium, for
                  20 minutes (`cargo xtask test` has the short version)
  scoreboard      run every scenario of the laboratory in virtual time over 20 seeds, and
                  write docs/adaptation/scoreboard.md with its plots
  reality [--resume] [SCENARIO..]
                  run these of the laboratory's scenarios, or all, in the simulation and with
                  real browsers, for an hour in all, and write docs/adaptation/reality.md;
                  --resume leaves out those whose row is of this build
  replay FILE     run a recording of one subscriber's adaptation again, and draw it;
                  `cargo xtask replay` says more
  help            this text
";

/// The exit code for a command line that is not understood.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match args.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("", args.as_slice()),
    };
    match (command, rest) {
        ("help" | "--help" | "-h", _) => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        ("run", server_args) => finish(run::run(server_args)),
        ("test", []) => finish(suite::test(suite::Extent::Whole)),
        ("test", [only]) if only == "--fast" => finish(suite::test(suite::Extent::Fast)),
        ("replay", words) => finish(replay::replay(words)),
        ("layers", []) => finish(layers::measure()),
        ("scoreboard", []) => finish(scoreboard::write()),
        ("scoreboard", _) => misuse("`scoreboard` takes no arguments"),
        ("reality", words) => finish(reality::measure(words)),
        ("layers", _) => misuse("`layers` takes no arguments"),
        ("test", _) => misuse(&format!(
            "`test` takes only `--fast`, not `{}`",
            rest.join(" ")
        )),
        ("", _) => misuse("a command is missing"),
        (unknown, _) => misuse(&format!("there is no command `{unknown}`")),
    }
}

fn finish(outcome: Result<(), String>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}

fn misuse(what: &str) -> ExitCode {
    eprintln!("xtask: {what}; `cargo xtask help` lists the commands");
    ExitCode::from(USAGE)
}
