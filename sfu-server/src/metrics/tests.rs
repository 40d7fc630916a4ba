use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sfu_core::command::Command;
use sfu_core::drop_reason::DropReason;
use sfu_core::event::Event;
use sfu_core::media::explanation::Limit;
use sfu_core::media::path::{Path, Protocol};
use sfu_core::unit::Bitrate;
use sfu_core::worker::TrafficKind;

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
        data_refused: 2,
        ..Default::default()
    };
    for _ in 0..10 {
        busy.engine.taken_in.count(TrafficKind::Audio, 100);
    }
    busy.engine.sent.count(TrafficKind::Rtx, 1200);
    busy.engine.bytes_out = 12_000;
    (busy.engine.keyframe_requests_in, busy.engine.firs_in) = (5, 2);
    (busy.engine.nacks_in, busy.engine.repairs_not_found) = (4, 1);
    busy.engine.transport_feedbacks_in = 6;
    busy.wakeups = 9;
    busy.engine.paced_out = 12;
    busy.engine.paced_for = Duration::from_millis(250);
    busy.engine.probes_out = 2;
    busy.census.limits[Limit::Bandwidth.index()] = 2;
    busy.census.estimates[2] = 1;
    busy.census.estimated = Bitrate::from_bps(450_000);
    busy.engine.drops.count(DropReason::PaddingOnly);
    let mut idle = Published {
        pool_free: 7,
        ..Default::default()
    };
    idle.census = busy.census;
    idle.census.limits[Limit::Bandwidth.index()] = 1;
    idle.engine.drops.count(DropReason::PaddingOnly);
    idle.engine.keyframe_requests_out = 3;
    idle.engine.taken_in.count(TrafficKind::Audio, 50);
    vec![busy, idle]
}

/// What two rooms' worth of counts are exported as.
const EXPORTED: &[(&str, f64)] = &[
    ("sfu_rooms", 1.0),
    ("sfu_participants", 2.0),
    ("sfu_tracks", 0.0),
    ("sfu_packets_total{direction=\"in\",kind=\"audio\"}", 11.0),
    (
        "sfu_packet_bytes_total{direction=\"in\",kind=\"audio\"}",
        1_050.0,
    ),
    ("sfu_packets_total{direction=\"out\",kind=\"video\"}", 0.0),
    (
        "sfu_rtx_bytes_total{worker=\"0\",direction=\"out\"}",
        1_200.0,
    ),
    ("sfu_nacks_total{worker=\"0\",direction=\"in\"}", 4.0),
    ("sfu_repairs_not_found_total{worker=\"0\"}", 1.0),
    ("sfu_worker_wakeups_total{worker=\"0\"}", 9.0),
    ("sfu_data_messages_total{direction=\"in\"}", 0.0),
    ("sfu_room_watchers", 0.0),
    (
        "sfu_keyframe_requests_total{worker=\"0\",direction=\"in\",type=\"pli\"}",
        3.0,
    ),
    (
        "sfu_keyframe_requests_total{worker=\"0\",direction=\"in\",type=\"fir\"}",
        2.0,
    ),
    (
        "sfu_datagram_payload_bytes_total{worker=\"0\",direction=\"out\"}",
        12_000.0,
    ),
    (
        "sfu_keyframe_requests_total{worker=\"1\",direction=\"out\",type=\"pli\"}",
        3.0,
    ),
    (
        "sfu_nacked_packets_total{worker=\"0\",direction=\"in\"}",
        0.0,
    ),
    ("sfu_rtx_packets_total{worker=\"0\",direction=\"out\"}", 1.0),
    ("sfu_dropped_packets_total{reason=\"padding_only\"}", 2.0),
    ("sfu_dropped_packets_total{reason=\"socket_full\"}", 5.0),
    ("sfu_data_messages_total{direction=\"in\"}", 0.0),
    ("sfu_data_bytes_total{direction=\"out\"}", 0.0),
    ("sfu_dropped_data_messages_total{reason=\"backlog\"}", 2.0),
    ("sfu_dropped_data_messages_total{reason=\"duplicate\"}", 0.0),
    ("sfu_worker_busy_seconds_total{worker=\"0\"}", 1.5),
    ("sfu_packet_pool_free_slots{worker=\"1\"}", 7.0),
    ("sfu_rooms_failed_total{worker=\"0\"}", 0.0),
    ("sfu_paced_packets_total{worker=\"0\"}", 12.0),
    ("sfu_pacer_wait_seconds_total{worker=\"0\"}", 0.25),
    ("sfu_bandwidth_probes_total{worker=\"0\"}", 2.0),
    ("sfu_subscriptions_by_limit{limit=\"bandwidth\"}", 3.0),
    ("sfu_subscriptions_by_limit{limit=\"viewport\"}", 0.0),
    ("sfu_subscribers_by_estimate{le=\"300000\"}", 0.0),
    ("sfu_subscribers_by_estimate{le=\"600000\"}", 2.0),
    ("sfu_subscribers_by_estimate{le=\"+Inf\"}", 2.0),
    ("sfu_subscriber_estimates_bps", 900_000.0),
    (
        concat!(
            "sfu_build_info{version=\"",
            env!("CARGO_PKG_VERSION"),
            "\"}"
        ),
        1.0,
    ),
];

#[test]
fn what_others_count_is_exported_when_somebody_asks() {
    let (rooms, _) = recording::rooms();
    let metrics = metrics_of(&rooms, two_workers);
    let _here = ["ann", "bob"].map(|who| recording::join(&rooms, "kitchen", who));
    let text = metrics.exposition().unwrap();
    assert!(text.ends_with("# EOF\n"));
    let samples = samples(&text);
    for &(name, value) in EXPORTED {
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

#[tokio::test(start_paused = true)]
async fn join_times_are_counted_once_for_each_participant() {
    let (rooms, workers) = recording::rooms();
    let metrics = metrics_of(&rooms, Vec::new);
    let _here = ["ann", "bob"].map(|who| recording::join(&rooms, "kitchen", who));
    let participants = workers
        .commands()
        .into_iter()
        .filter_map(|sent| match sent {
            Command::AddParticipant { participant, .. } => Some(participant),
            _ => None,
        });
    let address = "127.0.0.1:1".parse().unwrap();
    let connected = |participant| Event::Connected {
        participant,
        path: Path {
            protocol: Protocol::Udp,
            local: address,
            remote: address,
        },
        srtp_profile: "SRTP_AEAD_AES_128_GCM",
    };
    for (participant, wait) in participants.zip([300, 20_000]) {
        tokio::time::advance(Duration::from_millis(wait)).await;
        // Told again, as after media was lost for a while, it is no join.
        for _ in 0..2 {
            rooms.handle_event(0, connected(participant));
        }
    }
    let now = samples(&metrics.exposition().unwrap());
    for (le, count) in [
        ("0.25", 0.0),
        ("0.5", 1.0),
        ("10.0", 1.0),
        ("30.0", 2.0),
        ("+Inf", 2.0),
    ] {
        let name = format!("sfu_join_seconds_bucket{{le=\"{le}\"}}");
        assert_eq!(now[&name], count, "{name}");
    }
    assert_eq!(now["sfu_join_seconds_count"], 2.0);
    assert!((now["sfu_join_seconds_sum"] - 20.6).abs() < 0.001);
}

#[test]
fn the_process_says_what_it_uses() {
    let (rooms, _) = recording::rooms();
    let now = samples(&metrics_of(&rooms, Vec::new).exposition().unwrap());
    assert!(now["process_cpu_seconds_total"] > 0.0);
    assert!(now["process_start_time_seconds"] > 1.6e9);
    let [resident, open, most] = [
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_max_fds",
    ]
    .map(|name| now[name]);
    assert!(resident > 1e6 && open >= 3.0 && most > open, "{now:?}");
}

/// The family that a sample is of, by the suffixes of its type.
fn family<'n>(name: &'n str, types: &BTreeMap<&str, &str>) -> (&'n str, String) {
    let suffixes = ["_total", "_info", "_bucket", "_count", "_sum"];
    let suffix = suffixes.into_iter().find(|suffix| {
        let stem = name.strip_suffix(suffix);
        stem.is_some_and(|stem| types.contains_key(stem))
    });
    let suffix = suffix.unwrap_or_default();
    (name.strip_suffix(suffix).unwrap_or(name), suffix.to_owned())
}

#[test]
fn names_follow_the_conventions() {
    let (rooms, _) = recording::rooms();
    let text = metrics_of(&rooms, two_workers).exposition().unwrap();
    let comments = |word: &'static str| {
        let prefix = format!("# {word} ");
        text.lines()
            .filter_map(move |line| line.strip_prefix(&prefix)?.split_once(' '))
    };
    let types: BTreeMap<_, _> = comments("TYPE").collect();
    let helps: BTreeMap<_, _> = comments("HELP").collect();
    let units: BTreeMap<_, _> = comments("UNIT").collect();
    assert!(types.len() > 40, "{}", types.len());
    assert_eq!(
        types.len(),
        comments("TYPE").count(),
        "a family stands once"
    );
    for sample in samples(&text).keys() {
        let name = sample.split('{').next().unwrap();
        let (family, suffix) = family(name, &types);
        let Some(kind) = types.get(family) else {
            panic!("{name} has no TYPE")
        };
        let expected: &[&str] = match *kind {
            "counter" => &["_total"],
            "gauge" => &[""],
            "info" => &["_info"],
            "histogram" => &["_bucket", "_count", "_sum"],
            other => panic!("{name}: {other}"),
        };
        assert!(expected.contains(&suffix.as_str()), "{name} is a {kind}");
        assert!(helps[family].len() > 5, "{name} has no HELP");
    }
    for (name, kind) in &types {
        let own = name.starts_with("sfu_") || name.starts_with("process_");
        let letters = name
            .bytes()
            .all(|letter| letter.is_ascii_lowercase() || letter == b'_');
        assert!(own && letters && !name.contains("__"), "{name}");
        for (word, wanted) in [("seconds", "seconds"), ("bytes", "bytes")] {
            // A unit is the name's last word, and told as one.
            if name.split('_').any(|part| part == word) {
                assert!(name.ends_with(word), "{name}");
                assert_eq!(units.get(name), Some(&wanted), "{name}");
            }
        }
        // Base units only, and no word that the type says already.
        let foreign = [
            "ms",
            "milliseconds",
            "microseconds",
            "minutes",
            "kilobytes",
            "kb",
            "bits",
            "percent",
            "total",
            "count",
            "sum",
            "bucket",
            "counter",
            "gauge",
            "histogram",
            "sfu",
        ];
        let words = name.trim_start_matches("sfu_").split('_');
        for word in words {
            assert!(!foreign.contains(&word), "{name}");
        }
        if *kind == "histogram" {
            assert!(units.contains_key(name), "{name} measures nothing");
        }
    }
}

/// The labels of a sample, as names and values.
fn labels(sample: &str) -> Vec<(&str, &str)> {
    let inside = sample
        .split_once('{')
        .map(|(_, rest)| rest.trim_end_matches('}'));
    let pairs = inside.into_iter().flat_map(|inside| inside.split("\","));
    pairs
        .map(|pair| pair.trim_end_matches('"').split_once("=\"").unwrap())
        .collect()
}

#[test]
fn no_label_grows_with_people() {
    let (rooms, _) = recording::rooms();
    let metrics = metrics_of(&rooms, two_workers);
    let names = || {
        let text = metrics.exposition().unwrap();
        samples(&text).into_keys().collect::<BTreeSet<_>>()
    };
    let before = names();
    let _here = ["ann", "bob"].map(|who| recording::join(&rooms, "kitchen", who));
    assert_eq!(before, names());
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (label, value) in before.iter().flat_map(|sample| labels(sample)) {
        values.entry(label).or_default().insert(value);
    }
    let known = [
        "code",
        "direction",
        "kind",
        "le",
        "limit",
        "method",
        "outcome",
        "reason",
        "result",
        "service",
        "type",
        "version",
        "worker",
    ];
    let found: Vec<_> = values.keys().copied().collect();
    assert_eq!(found, known);
    assert_eq!(values["worker"], BTreeSet::from(["0", "1"]));
    for (label, values) in values {
        assert!(values.len() <= 100, "{label}: {}", values.len());
    }
    assert!(before.len() < 500, "{}", before.len());
}
