//! Data channels: what is promised arrives whole, and nobody pays for another's reading.

use sfu_core::command::Command;
use sfu_core::config::MAX_DATA_IN_FLIGHT;
use sfu_core::drop_reason::DropReason;
use sfu_core::event::Event;

use crate::client::{LOSSY, Message};
use crate::meeting::{Meeting, Seat};
use crate::network::Link;
use crate::publisher::SourceKind;
use crate::server::participant;

const RELIABLE: &str = "_reliable";
const BOTH: &[&str] = &[LOSSY, RELIABLE];

/// Bytes of which no part looks like another.
fn message(len: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2) + 1;
    let byte = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..len).map(byte).collect()
}

fn on(label: &str, bytes: Vec<u8>) -> Message {
    Message {
        label: label.to_owned(),
        bytes,
    }
}

/// Two who talk over such links, once their channels are open.
fn meeting(seed: u64, link: Link) -> Meeting {
    let seat = || Seat::watching().talking(BOTH);
    let mut meeting = Meeting::new(seed, &[seat(), seat()]);
    meeting.run_until_ms(1000);
    for client in [0, 1] {
        let mut open = meeting.client(client).open.clone();
        open.sort();
        assert_eq!(open, BOTH, "client {client}");
    }
    let opened = |event: &&(_, Event)| matches!(event.1, Event::DataChannelOpened { .. });
    assert_eq!(meeting.events.iter().filter(opened).count(), 4);
    for client in [0, 1] {
        meeting.set_links(client, link, link);
    }
    meeting
}

#[test]
fn sixty_kilobytes_cross_whole_both_ways_over_a_link_that_loses_two_of_a_hundred() {
    for seed in 1..=5 {
        let mut meeting = meeting(seed, Link::of_ms(20).losing(20));
        let (there, back) = (message(60_000, 1), message(60_000, 2));
        assert!(meeting.send_data(0, RELIABLE, &there));
        assert!(meeting.send_data(1, RELIABLE, &back));
        meeting.run_for_ms(10_000);
        let got = |client| &meeting.client(client).messages;
        assert_eq!(*got(1), [on(RELIABLE, there)], "seed {seed}");
        assert_eq!(*got(0), [on(RELIABLE, back)], "seed {seed}");
        assert!(meeting.lost() > 0);
        let stats = meeting.worker().stats();
        assert_eq!((stats.data_messages_in, stats.data_bytes_in), (2, 120_000));
        assert_eq!(
            (stats.data_messages_out, stats.data_bytes_out),
            (2, 120_000)
        );
    }
}

#[test]
fn reliable_messages_arrive_each_once_and_in_order() {
    let mut meeting = meeting(7, Link::of_ms(15).losing(30).reordering(30).duplicating(20));
    let sent: Vec<_> = (0..200)
        .map(|n| message(1 + n * 7 % 2500, n as u32))
        .collect();
    for message in &sent {
        assert!(meeting.send_data(0, RELIABLE, message));
        meeting.run_for_ms(5);
    }
    meeting.run_for_ms(20_000);
    let got: Vec<_> = meeting
        .client(1)
        .messages
        .iter()
        .map(|m| &m.bytes)
        .collect();
    assert_eq!(got, sent.iter().collect::<Vec<_>>());
}

#[test]
fn lossy_messages_arrive_as_far_as_the_links_let_them() {
    let clean = |meeting: &Meeting| meeting.client(1).messages.len();
    let mut lossless = meeting(3, Link::of_ms(20));
    let mut lossy = meeting(3, Link::of_ms(20).losing(100));
    for n in 0..100 {
        for meeting in [&mut lossless, &mut lossy] {
            assert!(meeting.send_data(0, LOSSY, &message(900, n)));
            meeting.run_for_ms(10);
        }
    }
    for meeting in [&mut lossless, &mut lossy] {
        meeting.run_for_ms(5000);
    }
    assert_eq!(clean(&lossless), 100);
    // Two links lose a tenth each, and nothing is sent again.
    let arrived = clean(&lossy);
    assert!((50..100).contains(&arrived), "{arrived}");
    // What is behind the losses still arrives.
    assert!(lossy.send_data(0, RELIABLE, b"over"));
    lossy.run_for_ms(10_000);
    let last = lossy.client(1).messages.last();
    assert_eq!(last, Some(&on(RELIABLE, b"over".to_vec())));
}

#[test]
fn what_is_under_way_is_bounded_however_wide_the_link() {
    const RTT_MS: usize = 200;
    let mut meeting = meeting(9, Link::of_ms(100));
    let whole = message(60_000, 1);
    let mut before = 0;
    for n in 0..800 {
        if n == 500 {
            before = meeting.client(1).messages.len();
        }
        meeting.command(Command::SendData {
            recipients: vec![participant(1)],
            label: RELIABLE.try_into().unwrap(),
            payload: whole.as_slice().into(),
        });
        meeting.run_for_ms(10);
    }
    // A flight in each round trip, and no more: 53 chunks are a message.
    let round_trips = 300 * 10 / RTT_MS;
    let most = round_trips * (MAX_DATA_IN_FLIGHT + 53) / 53 + 1;
    let arrived = meeting.client(1).messages.len() - before;
    assert!(
        (most / 2..=most).contains(&arrived),
        "{arrived} of at most {most}"
    );
    assert!(meeting.client(1).messages.iter().all(|m| m.bytes == whole));
}

#[test]
fn a_reader_behind_a_dead_link_is_bounded_and_nobody_else_waits() {
    let watcher = || Seat::watching().talking(BOTH);
    let camera = Seat::publishing(&[SourceKind::Video]).talking(BOTH);
    let mut meeting = Meeting::new(5, &[camera, watcher(), watcher()]);
    meeting.run_until_ms(2000);
    // Nothing reaches client 2, whose checks still come: its consent holds.
    meeting.filter_down(2, Box::new(|_| true));
    let mut sent = Vec::new();
    for n in 0..80 {
        let message = message(60_000, n);
        assert!(meeting.send_data(0, RELIABLE, &message), "{n}");
        sent.push(message);
        meeting.run_for_ms(150);
    }
    meeting.run_for_ms(3000);
    let got: Vec<_> = meeting
        .client(1)
        .messages
        .iter()
        .map(|m| &m.bytes)
        .collect();
    assert_eq!(got, sent.iter().collect::<Vec<_>>());
    assert_eq!(meeting.complaints(1, (0, 0)), [], "and every frame");
    // A megabyte waits for it, and what it has room for under way; the rest is given up.
    let full = meeting
        .worker()
        .stats()
        .drops
        .get(DropReason::DataQueueFull);
    assert!((50..=64).contains(&full), "{full}");
    let overflows = meeting.events.iter().filter(
        |(_, event)| matches!(event, Event::DataOverflow { participant } if participant.0 == 3),
    );
    assert_eq!(overflows.count(), 1, "told once");
    // It comes back, and gets what waited: each message whole, without a hole at the front.
    meeting.filter_down(2, Box::new(|_| false));
    meeting.run_for_ms(15_000);
    let late: Vec<_> = meeting
        .client(2)
        .messages
        .iter()
        .map(|m| &m.bytes)
        .collect();
    assert_eq!(late.len() as u64, 80 - full);
    assert_eq!(late, sent.iter().take(late.len()).collect::<Vec<_>>());
    meeting.send_data(0, RELIABLE, b"again");
    meeting.run_for_ms(1000);
    assert_eq!(
        meeting.client(2).messages.last(),
        Some(&on(RELIABLE, b"again".to_vec()))
    );
}
