use clap::Parser;
use serde_json::Value;

use super::*;
use crate::args::Args;
use crate::stamp;
use crate::statistics::Arrival;

const QUIET_AT: u64 = 10_000_000;

fn plan(more: &[&str]) -> Plan {
    let least = [
        "loadtest",
        "--url",
        "ws://host:1",
        "--api-key",
        "k",
        "--api-secret",
        "s3cret",
    ];
    let args = Args::try_parse_from(least.iter().chain(more)).unwrap();
    args.check().unwrap()
}

fn seen() -> Seen {
    Seen {
        measured: Duration::from_secs(2),
        sent_bytes: 250_000,
        received_bytes: 500_000,
        quiet_at: QUIET_AT,
        ended_early: false,
    }
}

/// A publisher and a subscriber that both joined.
fn pair() -> Vec<Arc<Record>> {
    let records = [Role::Publisher, Role::Subscriber].map(|role| Record::new(role, 0, 0));
    for record in &records {
        record.joined(Duration::from_millis(40));
    }
    records.into_iter().map(Arc::new).collect()
}

/// Lets `record` receive packets with these numbers until `until`, each 2 ms old.
fn receive(record: &Record, kind: Kind, numbers: impl IntoIterator<Item = u16>, until: u64) {
    let ssrc = kind as u32 + 1;
    let mut received = record.intake.received();
    received.announce(kind, ssrc, None);
    let mut payload = [0; 100];
    stamp::write(&mut payload, until - 2_000);
    for sequence in numbers {
        received.take(Arrival {
            at: until,
            ssrc,
            sequence,
            marker: true,
            payload: &payload,
        });
    }
}

fn receive_all(record: &Record) {
    receive(record, Kind::Audio, 0..50, QUIET_AT);
    receive(record, Kind::Video, 0..50, QUIET_AT);
}

fn json(report: &Report) -> Value {
    serde_json::from_str(&report.json()).unwrap()
}

#[test]
fn a_run_without_fault_is_ok() {
    let records = pair();
    receive_all(&records[1]);
    let report = Report::of(&plan(&["--max-loss", "0"]), &records, seen());
    assert!(report.is_ok(), "{report}");
    let facts = json(&report);
    assert_eq!(facts["participants_joined"], 2);
    assert_eq!(
        (&facts["tracks_expected"], &facts["tracks_missing"]),
        (&2.into(), &0.into())
    );
    assert_eq!(facts["all"]["packets_received"], 100);
    assert_eq!(
        (
            &facts["video"]["frames_received"],
            &facts["audio"]["frames_received"]
        ),
        (&50.into(), &0.into())
    );
    assert_eq!(
        (&facts["sent_bps"], &facts["received_bps"]),
        (&1_000_000.into(), &2_000_000.into())
    );
    assert_eq!(facts["delay_ms"]["p99"], 2.0);
    assert_eq!(facts["subscriber_join_ms"]["p50"], 40.0);
    assert_eq!(facts["problems"], Value::Array(Vec::new()));
}

#[test]
fn the_names_in_the_json_are_stable() {
    let facts = json(&Report::of(&plan(&[]), &pair(), seen()));
    let names =
        |value: &Value| -> Vec<String> { value.as_object().unwrap().keys().cloned().collect() };
    let sorted = |names: &[&str]| -> Vec<String> {
        let mut names: Vec<_> = names.iter().map(ToString::to_string).collect();
        names.sort_unstable();
        names
    };
    let mut found = names(&facts);
    found.sort_unstable();
    assert_eq!(
        found,
        sorted(&[
            "format",
            "url",
            "rooms",
            "publishers_per_room",
            "subscribers_per_room",
            "video_bps",
            "measured_s",
            "ended_early",
            "participants_planned",
            "participants_joined",
            "participants_failed",
            "participants_idle",
            "failures",
            "publisher_join_ms",
            "subscriber_join_ms",
            "tracks_expected",
            "tracks_missing",
            "tracks_stalled",
            "packets_sent",
            "packets_unannounced",
            "audio",
            "video",
            "all",
            "sent_bps",
            "received_bps",
            "delay_ms",
            "max_loss_percent",
            "ok",
            "problems",
        ])
    );
    let mut found = names(&facts["all"]);
    found.sort_unstable();
    assert_eq!(
        found,
        sorted(&[
            "packets_expected",
            "packets_received",
            "packets_repaired",
            "packets_lost",
            "packets_reordered",
            "packets_duplicate",
            "frames_received",
            "bytes_received",
            "loss_percent",
            "loss_before_repair_percent",
        ])
    );
    let mut found = names(&facts["delay_ms"]);
    found.sort_unstable();
    assert_eq!(found, sorted(&["count", "p50", "p99", "max"]));
}

#[test]
fn loss_fails_a_run_only_above_the_bound() {
    let records = pair();
    receive(&records[1], Kind::Audio, 0..50, QUIET_AT);
    receive(
        &records[1],
        Kind::Video,
        (0..50).filter(|number| *number != 7),
        QUIET_AT,
    );
    for (bound, ok) in [("1", true), ("0.5", false)] {
        let report = Report::of(&plan(&["--max-loss", bound]), &records, seen());
        assert_eq!(report.is_ok(), ok, "{report}");
    }
    let unbounded = Report::of(&plan(&[]), &records, seen());
    assert!(unbounded.is_ok());
    assert_eq!(json(&unbounded)["video"]["packets_lost"], 1);
    assert_eq!(json(&unbounded)["all"]["loss_percent"], 1.0);
}

#[test]
fn a_missing_track_fails_the_run() {
    let records = pair();
    receive(&records[1], Kind::Audio, 0..50, QUIET_AT);
    let report = Report::of(&plan(&[]), &records, seen());
    assert_eq!(report.problems, ["1 tracks were not received"]);
}

#[test]
fn a_track_that_went_silent_fails_the_run() {
    let records = pair();
    receive(&records[1], Kind::Audio, 0..50, QUIET_AT);
    receive(&records[1], Kind::Video, 0..50, QUIET_AT - STALLED_AFTER);
    let report = Report::of(&plan(&[]), &records, seen());
    assert_eq!(report.problems, ["1 tracks stalled"]);
}

#[test]
fn failures_are_counted_by_their_cause() {
    let mut records = pair();
    receive_all(&records[1]);
    for number in 1..4 {
        let record = Record::new(Role::Subscriber, 0, number);
        record.failed(if number == 1 { "this" } else { "that" }.to_owned());
        record.failed("a consequence".to_owned());
        records.push(Arc::new(record));
    }
    let report = Report::of(&plan(&["--subscribers", "4"]), &records, seen());
    assert!(!report.is_ok());
    assert_eq!(json(&report)["participants_failed"], 3);
    let count = |reason: &str, participants| FailureCount {
        reason: reason.to_owned(),
        participants,
    };
    assert_eq!(report.failures, [count("that", 2), count("this", 1)]);
    assert!(report.to_string().contains("2 x that"), "{report}");
    // Who failed is expected to receive nothing.
    assert_eq!(json(&report)["tracks_missing"], 0);
}

#[test]
fn nobody_there_is_no_success() {
    let records = [Role::Publisher, Role::Subscriber].map(|role| Arc::new(Record::new(role, 0, 0)));
    let report = Report::of(&plan(&[]), &records, Seen::default());
    assert_eq!(report.problems, ["2 participants did not join"]);
    let facts = json(&report);
    assert_eq!(
        (&facts["delay_ms"]["p50"], &facts["received_bps"]),
        (&Value::Null, &0.into())
    );
}

#[test]
fn a_run_that_was_ended_early_is_judged_by_what_was() {
    let records = pair();
    receive(&records[1], Kind::Audio, 0..50, QUIET_AT);
    let early = Seen {
        ended_early: true,
        ..seen()
    };
    let report = Report::of(&plan(&["--subscribers", "9"]), &records, early);
    assert!(report.is_ok(), "{report}");
    assert!(report.to_string().contains("ended early"), "{report}");
}

#[test]
fn the_table_says_what_the_json_says_and_no_secret() {
    let records = pair();
    receive_all(&records[1]);
    let report = Report::of(&plan(&[]), &records, seen());
    let table = report.to_string();
    for part in [
        "2 of 2 joined, 0 failed",
        "2 of 2 received, 0 stalled",
        "sent 1.00 Mbit/s, received 2.00 Mbit/s",
        "p50 2.0 ms, p99 2.0 ms",
        "result: ok",
    ] {
        assert!(table.contains(part), "{part} is not in\n{table}");
    }
    assert!(!table.contains("s3cret") && !report.json().contains("s3cret"));
}
