//! When packets leave: what waits, what overtakes, and what an estimate is made of.

use std::time::{Duration, Instant};

use sfu_core::bandwidth::departure::Adaptation;
use sfu_core::id::Ssrc;
use sfu_core::media::codec::MediaKind;
use sfu_core::wire::rtcp::{self, FeedbackHeader};

use crate::client::{Got, MS, Packet, TRANSPORT_CC};
use crate::data_client::{DataClient, tell};
use crate::meeting::{Meeting, audio, participant, video, vp8};

/// A picture of many packets, sent in one instant: its `n`th packet.
fn picture<'p>(n: u64, payload: &'p [u8]) -> Packet<'p> {
    Packet {
        timestamp: 0,
        ..video(n, payload)
    }
}

fn large(keyframe: bool) -> Vec<u8> {
    let mut payload = vp8(keyframe, 0);
    payload.resize(1000, 7);
    payload
}

fn send_keyframe(meeting: &mut Meeting, publisher: usize, packets: u64) {
    let (start, more) = (large(true), large(false));
    for n in 0..packets {
        let payload = if n == 0 { &start } else { &more };
        let sealed = meeting.clients[publisher].seal(&picture(n, payload));
        meeting.clients[publisher].outbox.push(sealed);
    }
    meeting.drain();
}

fn adaptation(meeting: &mut Meeting, client: usize) -> Adaptation {
    meeting.worker.adaptation(participant(client)).unwrap()
}

/// The transport-wide number of a packet.
fn number(got: &Got) -> Option<u16> {
    let value = got.extension(TRANSPORT_CC)?;
    Some(u16::from_be_bytes(value.try_into().unwrap()))
}

/// A viewer's feedback: all that it got since `from`, when it got it.
fn feed_back(meeting: &mut Meeting, viewer: usize, from: usize) {
    let start = meeting.clients[viewer].rtp[0].at;
    let ticks = |at: Instant| (at - start).as_micros() as i32 / 250;
    let got = &meeting.clients[viewer].rtp[from..];
    let numbered = got
        .iter()
        .filter_map(|got| Some((number(got)?, ticks(got.at))));
    let numbered: Vec<(u16, i32)> = numbered.collect();
    let Some(&(first, at)) = numbered.first() else {
        return;
    };
    let (mut expected, mut last) = (first, at / 256 * 256);
    let header = FeedbackHeader {
        sender: Ssrc(9),
        media: Ssrc(0),
        base_sequence: first,
        reference_time: (last / 256) as u32,
        feedback_count: 0,
    };
    let mut deltas = Vec::new();
    for (number, at) in numbered {
        while expected != number {
            deltas.push(None);
            expected = expected.wrapping_add(1);
        }
        deltas.push(Some(at - last));
        (last, expected) = (at, number.wrapping_add(1));
    }
    meeting.clients[viewer]
        .send_rtcp(|out| rtcp::transport_feedback::transport_feedback(out, header, &deltas));
    meeting.drain();
}

#[test]
fn a_keyframe_is_spread_and_keeps_its_order_and_sound_overtakes_it() {
    let mut meeting = Meeting::new();
    let camera = meeting.publisher(1, MediaKind::Video, &[]);
    let voice = meeting.publisher(2, MediaKind::Audio, &[]);
    let viewer = meeting.join();
    meeting.clients[viewer].section(MediaKind::Video, None, &[]);
    meeting.clients[viewer].section(MediaKind::Audio, None, &[]);
    meeting.subscribe(viewer, 1);
    meeting.subscribe(viewer, 2);
    meeting.connect(viewer);
    let start = meeting.now;
    send_keyframe(&mut meeting, camera, 40);
    let at_once = meeting.clients[viewer].rtp.len();
    assert!((1..5).contains(&at_once), "{at_once} at once");
    meeting.send(voice, &audio(0));
    let sound = meeting.clients[viewer].rtp.last().unwrap();
    assert_eq!((sound.payload.len(), sound.at), (80, start), "at once");
    meeting.pass(500 * MS);
    let got = meeting.clients[viewer].rtp.clone();
    let pictures: Vec<&Got> = got.iter().filter(|got| got.payload.len() > 80).collect();
    assert_eq!(pictures.len(), 40);
    let in_order = |pair: &[&Got]| pair[1].sequence == pair[0].sequence.wrapping_add(1);
    assert!(pictures.windows(2).all(in_order));
    // 40 packets of 1.1 kB at the 5 Mbit/s that a transport begins with.
    let took = pictures[39].at - pictures[0].at;
    assert!((55 * MS..75 * MS).contains(&took), "{took:?}");
    let waited = adaptation(&mut meeting, viewer).longest_wait;
    assert_eq!(waited, took);
    assert_eq!(
        adaptation(&mut meeting, viewer).longest_wait,
        Duration::ZERO
    );
    let numbers: Vec<u16> = got.iter().filter_map(number).collect();
    assert_eq!(
        numbers,
        (0..41).collect::<Vec<_>>(),
        "in the order of leaving"
    );
}

#[test]
fn feedback_moves_the_estimate_and_with_it_the_pace() {
    let mut meeting = Meeting::new();
    let camera = meeting.publisher(1, MediaKind::Video, &[]);
    let viewer = meeting.viewer(1, MediaKind::Video);
    let payload = [large(true), large(false)];
    let first = adaptation(&mut meeting, viewer);
    assert_eq!(first.sent, first.repairs + first.padding);
    let mut told = 0;
    // 1 Mbit/s.
    for n in 0..800 {
        meeting.send(camera, &picture(n, &payload[usize::from(n > 0)]));
        meeting.pass(8 * MS);
        if n % 10 == 9 {
            feed_back(&mut meeting, viewer, told);
            told = meeting.clients[viewer].rtp.len();
        }
    }
    let last = adaptation(&mut meeting, viewer);
    assert!(last.estimate.bps() > 1_000_000, "{}", last.estimate);
    assert!(last.sent > 800_000, "{}", last.sent);
    assert!(last.longest_wait < 300 * MS, "{:?}", last.longest_wait);
    meeting.pass(20 * MS);
    adaptation(&mut meeting, viewer);
    meeting.send(camera, &picture(800, &payload[1]));
    meeting.pass(20 * MS);
    assert_eq!(
        adaptation(&mut meeting, viewer).longest_wait,
        Duration::ZERO
    );
}

#[test]
fn who_never_gives_feedback_is_not_held_back_for_long() {
    let mut meeting = Meeting::new();
    let camera = meeting.publisher(1, MediaKind::Video, &[]);
    let viewer = meeting.viewer(1, MediaKind::Video);
    send_keyframe(&mut meeting, camera, 20);
    meeting.pass(5000 * MS);
    adaptation(&mut meeting, viewer);
    let before = meeting.clients[viewer].rtp.len();
    let more = large(false);
    for n in 20..60 {
        meeting.send(camera, &picture(n, &more));
    }
    assert_eq!(meeting.clients[viewer].rtp.len() - before, 40);
}

#[test]
fn an_idle_subscriber_costs_no_wake_ups() {
    let mut meeting = Meeting::new();
    let camera = meeting.publisher(1, MediaKind::Video, &[]);
    let viewer = meeting.viewer(1, MediaKind::Video);
    let mut told = 0;
    let payload = [large(true), large(false)];
    for n in 0..100 {
        meeting.send(camera, &picture(n, &payload[usize::from(n > 0)]));
        meeting.pass(20 * MS);
        if n % 5 == 4 {
            feed_back(&mut meeting, viewer, told);
            told = meeting.clients[viewer].rtp.len();
        }
    }
    meeting.pass(3000 * MS);
    let mut wake_ups = 0;
    let end = meeting.now + 10_000 * MS;
    while let Some(at) = meeting.worker.poll_timeout().filter(|at| *at <= end) {
        wake_ups += 1;
        let until = at.max(meeting.now) - meeting.now;
        meeting.pass(until);
    }
    // Two participants: a report each second, and what ICE looks after.
    assert!(wake_ups <= 60, "{wake_ups} in 10 s");
}

/// Lets a reader get a message of 60 kB, while `each` is done in every millisecond: how long it took.
fn read_large(
    meeting: &mut Meeting,
    reader: &mut DataClient,
    mut each: impl FnMut(&mut Meeting),
) -> Duration {
    let start = meeting.now;
    tell(meeting, &[reader.client], "chat", &[7; 60_000]);
    loop {
        each(meeting);
        reader.carry(meeting);
        meeting.pass(MS);
        let took = meeting.now - start;
        if !reader.got().is_empty() {
            return took;
        }
        assert!(took < 10_000 * MS, "data is starved");
    }
}

#[test]
fn data_is_counted_and_paced_and_not_starved() {
    let mut meeting = Meeting::new();
    let camera = meeting.publisher(1, MediaKind::Video, &[]);
    let mut reader = DataClient::watching(&mut meeting, 1, "chat");
    let unknown = read_large(&mut meeting, &mut reader, |_| {});
    assert!(
        unknown < 100 * MS,
        "{unknown:?}: nothing is known of its network"
    );
    send_keyframe(&mut meeting, camera, 1);
    let before = adaptation(&mut meeting, reader.client).sent;
    let alone = read_large(&mut meeting, &mut reader, |_| {});
    let sent = adaptation(&mut meeting, reader.client).sent - before;
    assert!((60_000..70_000).contains(&sent), "{sent}");
    // At 5 Mbit/s.
    assert!((90 * MS..200 * MS).contains(&alone), "{alone:?}");
    let more = large(false);
    let mut n = 0;
    let beside = read_large(&mut meeting, &mut reader, |meeting| {
        // Ten times as much media as may be sent.
        n += 1;
        meeting.send(camera, &picture(n, &more));
    });
    assert!(beside > alone, "{beside:?}: media goes first");
}
