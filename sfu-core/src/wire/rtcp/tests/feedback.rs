//! Transport-wide feedback: the draft's chunks, and both directions against `rtc-rtcp`.

use rtc_rtcp::transport_feedbacks::transport_layer_cc::{
    PacketStatusChunk, SymbolTypeTcc, TransportLayerCc,
};

use super::super::transport_feedback::MAX_STATUSES;
use super::*;

pub(super) const HEADER: FeedbackHeader = FeedbackHeader {
    sender: Ssrc(1),
    media: Ssrc(2),
    base_sequence: 65_530,
    reference_time: 0xab_cdef,
    feedback_count: 9,
};

fn written(deltas: &[Option<i32>]) -> Vec<u8> {
    let mut out = [0xff; 1500];
    let len = transport_feedback(&mut out, HEADER, deltas).unwrap();
    out[..len].to_vec()
}

/// What a packet reads as; there is nothing else in it.
fn deltas(packet: &[u8]) -> Vec<Option<i32>> {
    let read = items(packet);
    let [RtcpItem::TransportFeedback(feedback)] = &read[..] else {
        panic!("{read:?}");
    };
    let arrivals: Vec<_> = feedback.arrivals().collect();
    assert_eq!(arrivals.len(), usize::from(feedback.status_count));
    for (ahead, arrival) in arrivals.iter().enumerate() {
        let want = feedback.header.base_sequence.wrapping_add(ahead as u16);
        assert_eq!(arrival.sequence, want);
    }
    arrivals.into_iter().map(|arrival| arrival.delta).collect()
}

/// The statuses and deltas as the other implementation reads them.
fn their_deltas(packet: &TransportLayerCc) -> Vec<Option<i32>> {
    let mut received = packet.recv_deltas.iter();
    let mut statuses = Vec::new();
    for chunk in &packet.packet_chunks {
        match chunk {
            PacketStatusChunk::RunLengthChunk(run) => {
                let run_length = usize::from(run.run_length);
                statuses.extend(std::iter::repeat_n(run.packet_status_symbol, run_length));
            }
            PacketStatusChunk::StatusVectorChunk(vector) => statuses.extend(&vector.symbol_list),
        }
    }
    statuses.truncate(packet.packet_status_count.into());
    let read = statuses.into_iter().map(|status| {
        (status != SymbolTypeTcc::PacketNotReceived).then(|| {
            let micros = received.next().unwrap().delta;
            i32::try_from(micros / 250).unwrap()
        })
    });
    read.collect()
}

/// Writes, and reads by both implementations.
fn crosses(list: &[Option<i32>]) {
    let packet = written(list);
    assert_eq!(deltas(&packet), list);
    let theirs = theirs::<TransportLayerCc>(&packet);
    assert_eq!(their_deltas(&theirs), list);
    assert_eq!(theirs.sender_ssrc, 1);
    assert_eq!(theirs.media_ssrc, 2);
    assert_eq!(theirs.base_sequence_number, 65_530);
    assert_eq!(theirs.reference_time, 0xab_cdef);
    assert_eq!(theirs.fb_pkt_count, 9);
    // And what they write of it is read the same.
    let bytes = their_bytes(theirs);
    assert_eq!(deltas(&bytes), list);
}

#[test]
fn a_feedback_has_the_drafts_layout() {
    let packet = written(&[Some(1), None, Some(-2), Some(256)]);
    let want = [
        0x8f,
        205,
        0,
        6, // version 2, no padding bit, format 15; seven words
        0,
        0,
        0,
        1,
        0,
        0,
        0,
        2, // sender, media
        0xff,
        0xfa,
        0,
        4, // base sequence, status count
        0xab,
        0xcd,
        0xef,
        9, // reference time, feedback count
        0b1101_0010,
        0b1000_0000, // two-bit vector: small, none, large, large
        1,
        0xff,
        0xfe,
        1,
        0,
        0, // deltas and zeros
    ];
    assert_eq!(packet.len() % 4, 0);
    assert_eq!(packet, want);
}

#[test]
fn the_drafts_chunk_examples_are_read() {
    // Section 3.1.3: a run of 221 packets not received, and then one that was.
    let mut packet = vec![0x8f, 205, 0, 6, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 222];
    packet.extend([0, 0, 0, 0, 0b0000_0000, 0b1101_1101, 0x20, 1, 44, 0, 0, 0]);
    let mut want = vec![None; 221];
    want.push(Some(44));
    assert_eq!(deltas(&packet), want);

    // Section 3.1.4: 1 lost, 5 received, 3 lost, 3 received, 2 lost.
    let mut packet = vec![0x8f, 205, 0, 7, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 14];
    packet.extend([0, 0, 0, 0, 0b1001_1111, 0b0001_1100]);
    packet.extend([1, 2, 3, 4, 5, 6, 7, 8, 0, 0]);
    let received = |delta| Some(delta);
    let want = [
        vec![None],
        (1..=5).map(received).collect(),
        vec![None; 3],
        (6..=8).map(received).collect(),
        vec![None; 2],
    ];
    assert_eq!(deltas(&packet), want.concat());
}

#[test]
fn every_pattern_of_short_lists_crosses_both_ways() {
    let choices = [None, Some(0), Some(255), Some(256), Some(-1)];
    for len in 1..=5u32 {
        for pattern in 0..5usize.pow(len) {
            let list: Vec<_> = (0..len)
                .map(|at| choices[pattern / 5usize.pow(at) % 5])
                .collect();
            if list.iter().all(Option::is_none) {
                // Theirs refuses a packet without a delta that fills its words exactly.
                assert_eq!(deltas(&written(&list)), list);
            } else {
                crosses(&list);
            }
        }
    }
}

#[test]
fn runs_around_every_chunks_size_cross_both_ways() {
    for before in 0..16 {
        for run in 0..32 {
            for (first, then) in [
                (Some(3), None),
                (None, Some(3)),
                (Some(300), Some(3)),
                (Some(3), Some(300)),
                (None, Some(-300)),
            ] {
                let mut list = vec![first; before];
                list.extend(vec![then; run]);
                list.extend([first, Some(1)]);
                crosses(&list);
            }
        }
    }
}

#[test]
fn the_longest_list_is_one_chunk_more_than_a_run() {
    let mut list = vec![None; usize::from(MAX_STATUSES)];
    *list.last_mut().unwrap() = Some(i16::MAX.into());
    crosses(&list);
    assert_eq!(written(&list).len(), 20 + 2 + 2 + 2 + 2);
    list.push(Some(1));
    assert_eq!(transport_feedback(&mut [0; 1500], HEADER, &list), None);
    assert_eq!(transport_feedback(&mut [0; 1500], HEADER, &[]), None);
}

#[test]
fn a_delta_beyond_16_bits_is_refused() {
    crosses(&[Some(i16::MIN.into()), Some(i16::MAX.into())]);
    for delta in [32_768, -32_769, i32::MAX, i32::MIN] {
        assert_eq!(
            transport_feedback(&mut [0; 100], HEADER, &[Some(delta)]),
            None
        );
    }
}

#[test]
fn a_run_longer_than_the_count_ends_with_the_count() {
    let mut packet = vec![0x8f, 205, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 2];
    packet.extend([0, 0, 0, 0, 0x3f, 0xff, 7, 8]);
    assert_eq!(deltas(&packet), [Some(7), Some(8)]);
}

#[test]
fn feedback_that_promises_more_than_it_holds_is_malformed() {
    let good = written(&[Some(1), Some(300), Some(2), None, Some(5)]);
    let with = |at: usize, value: u8| {
        let mut packet = good.clone();
        packet[at] = value;
        packet
    };
    // No packets at all; more than chunks; more than is taken.
    assert_eq!(read_errs(&with(15, 0)), 0);
    assert_eq!(read_errs(&with(15, 200)), 0);
    assert_eq!(read_errs(&with(14, 0x20)), 0);
    // A run of five large deltas, and one of the reserved status.
    let run = |high: u8| {
        let mut packet = with(20, high);
        packet[21] = 5;
        packet
    };
    assert_eq!(read_errs(&run(0x40)), 0);
    assert_eq!(read_errs(&run(0x60)), 0);
    assert_eq!(deltas(&run(0x00)), [None; 5]);
}

#[test]
fn one_datagram_speaks_of_no_more_packets_than_one_feedback_may() {
    let one = written(&vec![None; usize::from(MAX_STATUSES)]);
    let mut statuses = 0;
    let outcome = read(&one.repeat(1500 / one.len()), |item| match item {
        RtcpItem::TransportFeedback(feedback) => statuses += feedback.arrivals().count(),
        other => panic!("{other:?}"),
    });
    assert_eq!(outcome, Err(Malformed));
    assert_eq!(statuses, usize::from(MAX_STATUSES));
}
