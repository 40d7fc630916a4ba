//! Scenarios of the laboratory in the default run: that a seed repeats, and the seeds that once
//! failed.

use sfu_lab::scenario::Scenario;

use crate::lab::run::run;

/// The first seconds of a scenario.
fn beginning(name: &str, seconds: u32) -> Scenario {
    let scenario = Scenario::find(name).unwrap();
    Scenario {
        seconds,
        ..scenario
    }
}

#[test]
fn a_seed_repeats_its_trace_and_its_figures_with_many_streams_and_losses() {
    let scenario = beginning("mobile", 20);
    let (first, second) = (run(&scenario, 3), run(&scenario, 3));
    assert_eq!(first.fingerprint, second.fingerprint);
    assert!(
        first.log == second.log,
        "the same packets, and other figures"
    );
    assert_ne!(first.fingerprint, run(&scenario, 4).fingerprint);
}
