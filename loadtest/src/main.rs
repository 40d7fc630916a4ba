//! The load and call-quality tester: joins rooms as many participants over the public signalling,
//! with complete peer connections, sends synthetic media, and reports what arrived.
//!
//! It speaks only public doors and shares no code with the server: ICE, DTLS, SRTP, RTP and SDP are
//! those of the crate `webrtc`, so that what both get wrong in the same way is not hidden.
//!
//! A participant is a task (`publisher`, `subscriber`) that drives a `participant`: a `signalling`
//! socket and a peer `connection`. What comes is counted in the connection's `tap`, into the
//! participant's `record`; `run` conducts by `phase`, `report` sums up.
//!
//! Deliberately absent: simulcast, data messages, reconnecting, and a choice of codecs.

#![forbid(unsafe_code)]

mod args;
mod connection;
mod participant;
mod phase;
mod progress;
mod publisher;
mod record;
mod report;
mod run;
mod signalling;
mod stamp;
mod statistics;
mod subscriber;
mod synthetic;
mod tap;
mod token;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;

/// The exit code for a command line that cannot be run.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let plan = match args::Args::parse().check() {
        Ok(plan) => plan,
        Err(misuse) => {
            eprintln!("loadtest: {misuse}; `loadtest --help` lists the flags");
            return ExitCode::from(USAGE);
        }
    };
    let json = plan.json.clone();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("loadtest: no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let report = runtime.block_on(run::run(plan));
    runtime.shutdown_background();
    // Who pipes the report away (`| head`) may stop reading it.
    let _ = write!(std::io::stdout(), "{report}");
    if let Some(file) = json
        && let Err(error) = std::fs::write(&file, report.json())
    {
        eprintln!("loadtest: {} was not written: {error}", file.display());
        return ExitCode::FAILURE;
    }
    if report.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
