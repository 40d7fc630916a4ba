use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sfu_core::drop_reason::DropReason;

use super::*;
use crate::doors::livekit::DoorSettings;
use crate::doors::{grpc, recording};
use crate::rooms::JoinParams;

/// Every sample by its name and labels, as a scraper reads them.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, value) = line
                .rsplit_once(' ')
                .expect("a sample is a name and a value");
            (name.to_owned(), value.parse().expect("a value is a number"))
        })
        .collect()
}

fn metrics_of(rooms: &Rooms, workers: fn() -> Vec<Published>) -> Metrics {
    let door = Door::new(rooms.clone(), recording::keys(), DoorSettings::default());
    Metrics::new(rooms.clone(), door, grpc::calls(), workers)
}

fn two_workers() -> Vec<Published> {
    let mut busy = Published {
        busy: Duration::from_millis(1500),
        socket_full: 5,
        ..Default::default()
    };
    busy.engine.rtp_in = 10;
    busy.engine.bytes_out = 12_000;
    busy.engine.drops.count(DropReason::PaddingOnly);
    let mut idle = Published {
        pool_free: 7,
        ..Default::default()
    };
    idle.engine.drops.count(DropReason::PaddingOnly);
    idle.engine.keyframe_requests_out = 3;
    vec![busy, idle]
}

#[test]
fn what_others_count_is_exported_when_somebody_asks() {
    let (rooms, _) = recording::rooms();
    let metrics = metrics_of(&rooms, two_workers);
    let _here = ["ann", "bob"].map(|who| recording::join(&rooms, "kitchen", who));
    let text = metrics.exposition().unwrap();
    assert!(text.ends_with("# EOF\n"));
    let samples = samples(&text);
    for (name, value) in [
        ("sfu_rooms", 1.0),
        ("sfu_participants", 2.0),
        ("sfu_tracks", 0.0),
        ("sfu_rtp_packets_total{worker=\"0\",direction=\"in\"}", 10.0),
        (
            "sfu_datagram_payload_bytes_total{worker=\"0\",direction=\"out\"}",
            12_000.0,
        ),
        ("sfu_datagrams_total{worker=\"1\",direction=\"in\"}", 0.0),
        (
            "sfu_keyframe_requests_total{worker=\"1\",direction=\"out\"}",
            3.0,
        ),
        (
            "sfu_nacked_packets_total{worker=\"0\",direction=\"in\"}",
            0.0,
        ),
        ("sfu_rtx_packets_total{worker=\"0\",direction=\"out\"}", 0.0),
        ("sfu_dropped_packets_total{reason=\"padding_only\"}", 2.0),
        ("sfu_dropped_packets_total{reason=\"socket_full\"}", 5.0),
        ("sfu_worker_busy_seconds_total{worker=\"0\"}", 1.5),
        ("sfu_packet_pool_free_slots{worker=\"1\"}", 7.0),
        ("sfu_rooms_failed_total{worker=\"0\"}", 0.0),
        (
            concat!(
                "sfu_build_info{version=\"",
                env!("CARGO_PKG_VERSION"),
                "\"}"
            ),
            1.0,
        ),
    ] {
        assert_eq!(samples.get(name), Some(&value), "{name} in\n{text}");
    }
    let reasons = samples
        .keys()
        .filter(|name| name.starts_with("sfu_dropped_packets_total"));
    assert_eq!(reasons.count(), DropReason::ALL.len());
}

#[test]
fn joins_are_counted_by_how_they_went() {
    let (rooms, _) = recording::rooms();
    let metrics = metrics_of(&rooms, Vec::new);
    let _ann = recording::join(&rooms, "kitchen", "ann");
    let nameless = JoinParams {
        identity: String::new(),
        ..recording::params("kitchen", "")
    };
    for _ in 0..2 {
        assert!(rooms.join(&nameless).is_err());
    }
    rooms.shut_down();
    assert!(rooms.join(&recording::params("cellar", "bob")).is_err());
    let now = samples(&metrics.exposition().unwrap());
    for (result, count) in [
        ("ok", 1.0),
        ("invalid_argument", 2.0),
        ("unavailable", 1.0),
        ("rate_limited", 0.0),
    ] {
        assert_eq!(
            now[&format!("sfu_joins_total{{result=\"{result}\"}}")],
            count,
            "{result}"
        );
    }
    assert_eq!(now["sfu_signalling_connections"], 0.0);
    assert_eq!(
        now["sfu_signalling_closings_total{reason=\"unauthorised\"}"],
        0.0
    );
}

#[test]
fn names_follow_the_conventions_and_no_label_grows_with_people() {
    let (rooms, _) = recording::rooms();
    let metrics = metrics_of(&rooms, two_workers);
    let before = metrics.exposition().unwrap();
    let _here = ["ann", "bob"].map(|who| recording::join(&rooms, "kitchen", who));
    let after = metrics.exposition().unwrap();
    let names = |text: &str| samples(text).into_keys().collect::<BTreeSet<_>>();
    assert_eq!(names(&before), names(&after));

    let types: BTreeMap<_, _> = after
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '))
        .collect();
    assert!(types.len() > 15);
    for (name, kind) in types {
        assert!(name.starts_with("sfu_"), "{name}");
        assert!(
            !name.ends_with("_total"),
            "{name}: the suffix is the sample's"
        );
        assert!(
            ["counter", "gauge", "info"].contains(&kind),
            "{name}: {kind}"
        );
        assert!(after.contains(&format!("# HELP {name} ")), "{name}");
    }
}
