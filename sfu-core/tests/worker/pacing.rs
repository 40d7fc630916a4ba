//! When packets leave: what waits, what overtakes, and what an estimate is made of.

use std::time::Duration;

use sfu_core::bandwidth::departure::Adaptation;
use sfu_core::id::Ssrc;
use sfu_core::media::codec::MediaKind;
use sfu_core::wire::rtcp::{self, FeedbackHeader};
use sfu_core::worker::TrafficKind;

use crate::client::{Got, MS, Packet, RTX, TRANSPORT_CC};
use crate::data_client::{DataClient, tell};
use crate::meeting::{Meeting, audio, participant, video, vp8};

/// A picture of many packets, sent in one instant: its `n`th packet.
fn picture<'p>(n: u64, payload: &'p [u8]) -> Packet<'p> {
    Packet {
        timestamp: 0,
        ..video(n, payload)
    }
}

/// The `n`th of pictures of a packet each, 8 ms apart: 1 Mbit/s.
fn frame<'p>(n: u64, payload: &'p [u8]) -> Packet<'p> {
    Packet {
        timestamp: 720 * n as u32,
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
pub(crate) fn feed_back(meeting: &mut Meeting, viewer: usize, from: usize) {
    feed_back_over(meeting, viewer, from, Duration::ZERO);
}

/// [`feed_back`], as behind a link that takes so long for a byte.
fn feed_back_over(meeting: &mut Meeting, viewer: usize, from: usize, byte: Duration) {
    let start = meeting.clients[viewer].rtp[0].at;
    let mut free = start;
    let arrived = meeting.clients[viewer].rtp.iter().map(|got| {
        free = free.max(got.at) + byte * got.len as u32;
        let ticks = (free - start).as_micros() as i32 / 250;
        (number(got).unwrap(), ticks)
    });
    let numbered: Vec<(u16, i32)> = arrived.skip(from).collect();
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
    assert!((1..10).contains(&at_once), "{at_once} at once");
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
fn what_waits_is_not_repaired_and_what_has_left_is() {
    let mut meeting = Meeting::new();
    let camera = meeting.publisher(1, MediaKind::Video, &[]);
    let viewer = meeting.viewer(1, MediaKind::Video);
    send_keyframe(&mut meeting, camera, 40);
    let got = meeting.clients[viewer].rtp.len();
    assert!(got < 10, "the rest waits: {got}");
    let first = meeting.clients[viewer].rtp[0].clone();
    let ask = |meeting: &mut Meeting| {
        let all: Vec<u16> = (0..40).map(|n| first.sequence.wrapping_add(n)).collect();
        meeting.clients[viewer].send_rtcp(|out| rtcp::nack(out, Ssrc(1), Ssrc(first.ssrc), &all));
        meeting.drain();
        meeting.pass(400 * MS);
        meeting.worker.stats().rtx_out
    };
    assert_eq!(ask(&mut meeting), got as u64);
    let left = meeting.clients[viewer].rtp.iter();
    let left = left.filter(|got| got.payload_type != RTX).count();
    assert_eq!(left, 40, "all that waited");
    // What was repaired before goes twice.
    assert_eq!(ask(&mut meeting), got as u64 + 40 + got as u64);
}

#[test]
fn feedback_moves_the_estimate_and_what_fills_its_probes_is_numbered_once() {
    let mut meeting = Meeting::new();
    let camera = meeting.publisher(1, MediaKind::Video, &[]);
    let viewer = meeting.viewer(1, MediaKind::Video);
    let payload = large(true);
    let mut told = 0;
    for n in 0..800 {
        meeting.send(camera, &frame(n, &payload));
        meeting.pass(8 * MS);
        if n % 10 == 9 {
            feed_back(&mut meeting, viewer, told);
            told = meeting.clients[viewer].rtp.len();
        }
    }
    let last = adaptation(&mut meeting, viewer);
    assert!(last.estimate.bps() > 1_000_000, "{}", last.estimate);
    assert!(last.sent > 300_000, "{}", last.sent);
    let stats = meeting.worker.stats();
    assert!(stats.probes_out > 0);
    let filler = stats.sent.get(TrafficKind::Padding);
    let got = &meeting.clients[viewer].rtp;
    let on_repairs: Vec<&Got> = got.iter().filter(|got| got.payload_type == RTX).collect();
    assert_eq!(on_repairs.len() as u64, filler.packets);
    assert_eq!(last.padding, filler.bytes + 28 * filler.packets);
    // Each is authentic and came once: the client sees to that. None is left out either.
    let in_order = |pair: &[&Got]| pair[1].sequence == pair[0].sequence.wrapping_add(1);
    assert!(on_repairs.windows(2).all(in_order));
    let numbers: Vec<u16> = got.iter().filter_map(number).collect();
    assert_eq!(numbers, (0..got.len() as u16).collect::<Vec<_>>());
    // What was sent again is what had been sent.
    for got in on_repairs.iter().filter(|got| !got.payload.is_empty()) {
        assert_eq!(got.payload[6..], payload[4..], "but for its numbers");
    }
}

#[test]
fn padding_alone_fills_the_probes_of_who_is_sent_nothing() {
    let mut meeting = Meeting::new();
    let camera = meeting.publisher(1, MediaKind::Video, &[]);
    let viewer = meeting.viewer(1, MediaKind::Video);
    let payload = large(true);
    let mut told = 0;
    for n in 0..1500 {
        meeting.send(camera, &frame(n, &payload));
        meeting.pass(8 * MS);
        if n % 10 == 9 {
            // 400 kbit/s: nothing fits, and more is asked for again and again.
            feed_back_over(&mut meeting, viewer, told, Duration::from_micros(20));
            told = meeting.clients[viewer].rtp.len();
        }
    }
    let got = &meeting.clients[viewer].rtp;
    let on_repairs: Vec<&Got> = got.iter().filter(|got| got.payload_type == RTX).collect();
    let alone = on_repairs.iter().filter(|got| got.payload.is_empty());
    let alone: Vec<&&Got> = alone.collect();
    assert!(alone.len() > 20, "{}", alone.len());
    let of_one_size = alone.iter().filter(|got| got.len == alone[0].len);
    assert_eq!(of_one_size.count(), alone.len(), "they leave in runs");
    let in_order = |pair: &[&Got]| pair[1].sequence == pair[0].sequence.wrapping_add(1);
    assert!(on_repairs.windows(2).all(in_order));
    let numbers: Vec<u16> = got.iter().filter_map(number).collect();
    assert_eq!(numbers, (0..got.len() as u16).collect::<Vec<_>>());
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
    assert!(alone < 200 * MS, "{alone:?}");
    let more = large(false);
    let mut n = 0;
    let beside = read_large(&mut meeting, &mut reader, |meeting| {
        // Ten times as much media as may be sent.
        n += 1;
        meeting.send(camera, &picture(n, &more));
    });
    assert!(beside > alone, "{beside:?}: media goes first");
}
