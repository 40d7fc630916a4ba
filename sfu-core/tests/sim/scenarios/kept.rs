//! Scenarios of the laboratory in the default run: that a seed repeats, and the seeds that once
//! failed.

use sfu_lab::scenario::Scenario;

use crate::lab::reference;
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

#[test]
fn the_reference_sends_the_same_media_by_its_own_estimate() {
    let scenario = beginning("halving", 15);
    let log = reference::run(&scenario, 1).expect("one subscriber");
    let ben = &log.subscribers[0];
    let late = &ben.bins[100..];
    let estimate = late.iter().map(|bin| bin.estimate_kbps).sum::<f64>() / late.len() as f64;
    assert!(
        (1000.0..3000.0).contains(&estimate),
        "{estimate} kbit/s of 2000"
    );
    let camera = ben.tracks.iter().find(|track| !track.is_audio).unwrap();
    let frames: u32 = camera.bins[50..].iter().map(|bin| bin.frames).sum();
    assert!(frames > 200, "{frames} pictures in ten seconds");
    let family = Scenario::find("family").unwrap();
    assert!(reference::run(&family, 1).is_none(), "two share a line");
}
