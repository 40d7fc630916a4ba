//! The tester against the real server. Ignored unless asked for, because the server's binary is
//! needed: `SFU_SERVER_BIN=$PWD/target/debug/sfu-server cargo test -p loadtest -- --ignored`.

mod support;

use std::process::Command;

use serde_json::Value;

use support::lossy_path::LossyPath;
use support::{Ended, Server, Tester};

const SECRET: &str = "secret";

fn number(facts: &Value, path: &str) -> f64 {
    let found = facts.pointer(path).and_then(Value::as_f64);
    found.unwrap_or_else(|| panic!("no number at {path} in {facts:#}"))
}

#[test]
#[ignore = "needs SFU_SERVER_BIN"]
fn two_publishers_and_ten_subscribers_hear_and_see_each_other() {
    let server = Server::start();
    let flags = [
        "--publishers",
        "2",
        "--subscribers",
        "10",
        "--duration",
        "10s",
        "--max-loss",
        "1",
    ];
    let ended = Tester::start("call", &server.url, SECRET, &flags).end();
    println!("{}", ended.table);
    let Ended { code, facts, .. } = ended;
    assert_eq!(code, Some(0), "{facts:#}");
    assert_eq!(number(&facts, "/participants_joined"), 12.0);
    assert_eq!(number(&facts, "/tracks_expected"), 40.0);
    assert_eq!(number(&facts, "/packets_unannounced"), 0.0);
    // Ten copies of two publishers' packets, but for what was sent before a subscriber came.
    let (sent, received) = (
        number(&facts, "/packets_sent"),
        number(&facts, "/all/packets_received"),
    );
    assert!(
        received > 5.0 * sent && received <= 10.0 * sent,
        "{facts:#}"
    );
    assert!(
        number(&facts, "/received_bps") > 5.0 * number(&facts, "/sent_bps"),
        "{facts:#}"
    );
    for path in [
        "/delay_ms/p50",
        "/publisher_join_ms/p50",
        "/subscriber_join_ms/p99",
    ] {
        assert!(number(&facts, path) > 0.0, "{path} in {facts:#}");
    }
    for path in [
        "/audio/packets_received",
        "/video/packets_received",
        "/video/frames_received",
    ] {
        assert!(number(&facts, path) > 0.0, "{path} in {facts:#}");
    }
}

#[test]
#[ignore = "needs SFU_SERVER_BIN"]
fn rooms_are_apart() {
    let server = Server::start();
    let flags = ["--rooms", "3", "--subscribers", "2", "--duration", "2s"];
    let ended = Tester::start("rooms", &server.url, SECRET, &flags).end();
    assert_eq!(ended.code, Some(0), "{}", ended.table);
    // Two subscribers in each of three rooms, and two tracks of the one publisher there.
    assert_eq!(number(&ended.facts, "/tracks_expected"), 12.0);
    assert_eq!(number(&ended.facts, "/packets_unannounced"), 0.0);
    // No more than two copies of each packet: nobody hears another room.
    let received = number(&ended.facts, "/all/packets_received");
    assert!(received <= 2.0 * number(&ended.facts, "/packets_sent"));
}

#[test]
#[ignore = "needs SFU_SERVER_BIN"]
fn loss_on_the_path_fails_the_run_and_what_is_repaired_is_told_apart() {
    let server = Server::start();
    let path = LossyPath::to(&server.url, 20);
    let flags = [
        "--subscribers",
        "2",
        "--duration",
        "5s",
        "--max-loss",
        "0.5",
    ];
    let ended = Tester::start("loss", &path.url, SECRET, &flags).end();
    println!("{}", ended.table);
    let Ended { code, facts, .. } = ended;
    assert_eq!(code, Some(1), "{facts:#}");
    let problems = facts["problems"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let [problem] = problems else {
        panic!("not the loss alone: {facts:#}")
    };
    assert!(
        problem.as_str().is_some_and(|text| text.contains("lost")),
        "{facts:#}"
    );
    // Pictures are repaired, sound is not: nobody offers NACK for it.
    assert!(number(&facts, "/audio/packets_lost") > 0.0, "{facts:#}");
    assert_eq!(number(&facts, "/audio/packets_repaired"), 0.0);
    assert!(number(&facts, "/video/packets_repaired") > 0.0, "{facts:#}");
    let lost = number(&facts, "/video/loss_percent");
    assert!(
        lost < number(&facts, "/video/loss_before_repair_percent"),
        "{facts:#}"
    );
}

#[test]
#[ignore = "needs SFU_SERVER_BIN"]
fn a_wrong_secret_is_reported_as_the_servers_refusal() {
    let server = Server::start();
    let ended = Tester::start("secret", &server.url, "guess", &[]).end();
    assert_eq!(ended.code, Some(1), "{}", ended.table);
    assert_eq!(number(&ended.facts, "/participants_joined"), 0.0);
    let reason = ended.facts["failures"][0]["reason"]
        .as_str()
        .unwrap_or_default();
    assert!(reason.contains("401"), "{}", ended.table);
    assert!(!ended.table.contains("guess"), "the secret is shown");
}

#[test]
#[ignore = "needs SFU_SERVER_BIN"]
fn a_server_that_goes_away_fails_the_run() {
    let mut server = Server::start();
    let flags = ["--subscribers", "2", "--duration", "5s"];
    let mut tester = Tester::start("gone", &server.url, SECRET, &flags);
    tester.reaches("seconds measured");
    server.kill();
    let ended = tester.end();
    assert_eq!(ended.code, Some(1), "{}", ended.table);
    assert_eq!(number(&ended.facts, "/participants_failed"), 3.0);
}

#[cfg(unix)]
#[test]
#[ignore = "needs SFU_SERVER_BIN"]
fn an_interrupt_ends_the_run_with_its_report() {
    let server = Server::start();
    let mut tester = Tester::start("interrupt", &server.url, SECRET, &["--duration", "1h"]);
    tester.reaches("seconds measured");
    tester.interrupt();
    let ended = tester.end();
    assert_eq!(ended.code, Some(0), "{}", ended.table);
    assert_eq!(ended.facts["ended_early"], true);
    assert_eq!(number(&ended.facts, "/participants_joined"), 2.0);
}

#[test]
fn a_wrong_command_line_ends_with_code_2() {
    for flags in [
        &["--rooms", "1"][..],
        &[
            "--url",
            "ws://127.0.0.1:9",
            "--api-key",
            "k",
            "--api-secret",
            "s",
            "--rooms",
            "99999",
        ],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_loadtest"))
            .args(flags)
            .env_remove("SFU_API_KEY")
            .env_remove("SFU_API_SECRET")
            .output()
            .expect("the tester starts");
        assert_eq!(output.status.code(), Some(2));
        assert!(!output.stderr.is_empty() && output.stdout.is_empty());
    }
}
