#![allow(clippy::disallowed_methods, reason = "a base for virtual time")]

use std::collections::BTreeMap;

use rtc_rtcp::packet::unmarshal;
use rtc_rtcp::transport_feedbacks::transport_layer_cc::{PacketStatusChunk, TransportLayerCc};

use super::*;
use crate::id::Ssrc;
use crate::wire::rtcp::FeedbackHeader;
use crate::wire::rtcp::transport_feedback::transport_feedback;

const US: Duration = Duration::from_micros(1);
const MS: Duration = Duration::from_millis(1);

/// A feedback, owned: base, reference time, count, deltas.
type Told = (u16, u32, u8, Vec<Option<i32>>);

/// Every feedback that is due.
fn poll(recorder: &mut TwccRecorder, now: Instant) -> Vec<Told> {
    let mut told = Vec::new();
    while let Some(feedback) = recorder.poll_feedback(now) {
        let deltas = feedback.deltas.to_vec();
        assert!(deltas.len() <= MAX_FEEDBACK_PACKETS);
        assert!(deltas.last().unwrap().is_some());
        check_on_the_wire(&feedback);
        told.push((
            feedback.base_sequence,
            feedback.reference_time,
            feedback.feedback_count,
            deltas,
        ));
    }
    told
}

/// Writes the feedback, and has the other implementation read the same out of it.
fn check_on_the_wire(feedback: &TwccFeedback<'_>) {
    let mut out = [0; 950];
    let header = FeedbackHeader {
        sender: Ssrc(1),
        media: Ssrc(2),
        base_sequence: feedback.base_sequence,
        reference_time: feedback.reference_time,
        feedback_count: feedback.feedback_count,
    };
    let len = transport_feedback(&mut out, header, feedback.deltas).unwrap();
    let packets = unmarshal(&mut &out[..len]).unwrap();
    let theirs = packets[0]
        .as_any()
        .downcast_ref::<TransportLayerCc>()
        .unwrap();
    assert_eq!(theirs.base_sequence_number, feedback.base_sequence);
    assert_eq!(theirs.reference_time, feedback.reference_time);
    assert_eq!(theirs.fb_pkt_count, feedback.feedback_count);
    assert_eq!(
        usize::from(theirs.packet_status_count),
        feedback.deltas.len()
    );
    let arrived: Vec<_> = feedback
        .deltas
        .iter()
        .flatten()
        .map(|&d| i64::from(d) * 250)
        .collect();
    let deltas: Vec<_> = theirs.recv_deltas.iter().map(|delta| delta.delta).collect();
    assert_eq!(deltas, arrived);
    assert!(matches!(
        theirs.packet_chunks[0],
        PacketStatusChunk::RunLengthChunk(_) | PacketStatusChunk::StatusVectorChunk(_)
    ));
}

#[test]
fn arrivals_are_told_in_quarter_milliseconds_after_the_reference() {
    let start = Instant::now();
    let mut recorder = TwccRecorder::new(start);
    assert_eq!(recorder.next_timeout(), None);
    recorder.record(start + 130 * MS, 65_534);
    recorder.record(start + 130 * MS + 600 * US, 65_535);
    recorder.record(start + 131 * MS, 1);
    assert_eq!(recorder.next_timeout(), Some(start + 130 * MS));
    // 128 ms of reference; 2 ms are 8 ticks, then 2.4 rounded down, then up to 12.
    let want = vec![(65_534, 2, 0, vec![Some(8), Some(2), None, Some(2)])];
    assert_eq!(poll(&mut recorder, start + 131 * MS), want);
    assert_eq!(recorder.next_timeout(), None);
    assert_eq!(poll(&mut recorder, start + 500 * MS), vec![]);
}

#[test]
fn feedback_keeps_its_interval_while_packets_come() {
    let start = Instant::now();
    let mut recorder = TwccRecorder::new(start);
    let mut times = Vec::new();
    for at in 0..1000u32 {
        let now = start + at * MS;
        recorder.record(now, at as u16);
        for told in poll(&mut recorder, now) {
            times.push(at);
            assert_eq!(told.2, (times.len() - 1) as u8);
        }
    }
    let want: Vec<_> = (0..1000)
        .step_by(FEEDBACK_INTERVAL.as_millis() as usize)
        .collect();
    assert_eq!(times, want);
}

#[test]
fn losses_between_two_feedbacks_are_told() {
    let start = Instant::now();
    let mut recorder = TwccRecorder::new(start);
    recorder.record(start, 10);
    assert_eq!(poll(&mut recorder, start), vec![(10, 0, 0, vec![Some(0)])]);
    recorder.record(start + 60 * MS, 13);
    let want = vec![(11, 0, 1, vec![None, None, Some(240)])];
    assert_eq!(poll(&mut recorder, start + 60 * MS), want);
}

#[test]
fn a_late_packet_is_told_alone_and_nothing_twice() {
    let start = Instant::now();
    let mut recorder = TwccRecorder::new(start);
    for sequence in [10, 11, 14] {
        recorder.record(start, sequence);
    }
    let want = vec![(10, 0, 0, vec![Some(0), Some(0), None, None, Some(0)])];
    assert_eq!(poll(&mut recorder, start), want);
    // 12 and 13 come late, the other way round; 15 and 16 as usual; 11 and 14 again.
    for (after, sequence) in [(64, 13), (65, 12), (66, 16), (66, 15), (66, 11), (66, 14)] {
        recorder.record(start + after * MS, sequence);
    }
    let want = vec![
        (12, 1, 1, vec![Some(4), Some(-4)]),
        (15, 1, 2, vec![Some(8), Some(0)]),
    ];
    assert_eq!(poll(&mut recorder, start + 70 * MS), want);
    assert_eq!(recorder.next_timeout(), None);
}

#[test]
fn a_delta_beyond_16_bits_starts_a_new_feedback() {
    let start = Instant::now();
    // The widest delta is 32,767 ticks of 250 us.
    for (gap, feedbacks) in [(8191, 1), (8192, 2)] {
        let mut recorder = TwccRecorder::new(start);
        recorder.record(start, 1);
        recorder.record(start + gap * MS, 2);
        let told = poll(&mut recorder, start + gap * MS);
        assert_eq!(told.len(), feedbacks);
        let last = told.last().unwrap();
        let delta = last.3.last().unwrap().unwrap();
        assert_eq!(
            i64::from(last.1) * 256 * i64::from(feedbacks == 2) + i64::from(delta),
            i64::from(gap) * 4
        );
    }
    // Backwards too: what came first was sent last.
    let mut recorder = TwccRecorder::new(start);
    recorder.record(start, 2);
    recorder.record(start + 9000 * MS, 1);
    let told = poll(&mut recorder, start + 9000 * MS);
    assert_eq!(
        told,
        vec![(1, 140, 0, vec![Some(160)]), (2, 0, 1, vec![Some(0)])]
    );
}

#[test]
fn a_burst_takes_several_feedbacks_and_an_outage_tells_its_end() {
    let start = Instant::now();
    let mut recorder = TwccRecorder::new(start);
    for sequence in 0..1000 {
        recorder.record(start, sequence);
    }
    let sizes: Vec<_> = poll(&mut recorder, start)
        .iter()
        .map(|told| told.3.len())
        .collect();
    assert_eq!(sizes, [400, 400, 200]);
    recorder.record(start + 60 * MS, 30_000);
    let told = poll(&mut recorder, start + 60 * MS);
    assert_eq!(told[0].0, 30_000 - MAX_LEADING_LOSSES as u16);
    assert_eq!(told[0].3.len(), MAX_LEADING_LOSSES as usize + 1);
}

#[test]
fn arrivals_pushed_out_untold_are_forgotten_and_the_rest_is_told() {
    let start = Instant::now();
    let mut recorder = TwccRecorder::new(start);
    let count = WINDOW as u16 + 500;
    for sequence in 0..count {
        recorder.record(start, sequence);
    }
    // Too old by now.
    recorder.record(start, 100);
    let told = poll(&mut recorder, start);
    let arrived: usize = told
        .iter()
        .map(|told| told.3.iter().flatten().count())
        .sum();
    assert_eq!(arrived, WINDOW);
    assert_eq!(told[0].0, 500);
    assert_eq!((recorder.untold, recorder.next_timeout()), (0, None));
}

#[test]
fn the_reference_time_and_the_count_wrap() {
    let start = Instant::now();
    let mut recorder = TwccRecorder::new(start);
    let day = Duration::from_secs(86_400);
    // 2^24 times 64 ms are 12.4 days.
    recorder.record(start + 13 * day, 1);
    let told = poll(&mut recorder, start + 13 * day);
    assert_eq!(told[0].1, (13 * 86_400_000 / 64) & 0xff_ffff);
    for at in 1..300u32 {
        let now = start + 13 * day + at * FEEDBACK_INTERVAL;
        recorder.record(now, 1 + at as u16);
        assert_eq!(poll(&mut recorder, now)[0].2, at as u8);
    }
}

/// Random arrivals over a lossy, reordering path: by the feedbacks alone, each arrival is known once
/// and at its time.
#[test]
fn random_arrivals_are_told_once_each_and_at_their_time() {
    for seed in 1..30u64 {
        let mut state = seed;
        let mut dice = |sides: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % sides
        };
        let mut flight: Vec<(u64, u64)> = (0..5000u64)
            .filter_map(|number| {
                let lost = dice(100) < seed;
                let arrives = number * 700 + dice(1 + seed * 3000);
                (!lost).then_some((arrives, number))
            })
            .collect();
        flight.sort_unstable();
        let start = Instant::now();
        let mut recorder = TwccRecorder::new(start);
        let mut told = BTreeMap::new();
        let offset = 63_000u16;
        let last = flight.last().unwrap().0;
        let mut arrivals = flight.iter().peekable();
        for millis in 0..=last as u32 / 1000 + 200 {
            let now = start + millis * MS;
            while let Some(&&(micros, number)) = arrivals.peek()
                && micros <= u64::from(millis) * 1000
            {
                arrivals.next();
                recorder.record(
                    start + micros as u32 * US,
                    offset.wrapping_add(number as u16),
                );
            }
            for (base, reference, _, deltas) in poll(&mut recorder, now) {
                let mut tick = i64::from(reference) * 256;
                for (at, delta) in deltas.iter().enumerate() {
                    let number = base.wrapping_add(at as u16).wrapping_sub(offset);
                    if let Some(delta) = delta {
                        tick += i64::from(*delta);
                        assert!(told.insert(u64::from(number), tick).is_none(), "told twice");
                    } else {
                        assert!(!told.contains_key(&u64::from(number)), "taken back");
                    }
                }
            }
        }
        let want: BTreeMap<_, _> = flight
            .iter()
            .map(|&(micros, number)| (number, micros as i64 / 250))
            .collect();
        assert_eq!(told, want);
    }
}
