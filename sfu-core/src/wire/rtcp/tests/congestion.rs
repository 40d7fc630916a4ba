//! Congestion control feedback (RFC 8888): its layout, its limits, and `rtc-rtcp`'s reading of it.

use rtc_rtcp::transport_feedbacks::cc_feedback_report::CcFeedbackReport;

use super::super::congestion_feedback::{
    MAX_OFFSET, MAX_REPORTS, MAX_STREAMS, PacketArrival, StreamToWrite,
};
use super::*;

fn arrived(ecn: u8, before: u16) -> Option<PacketArrival> {
    let before = Some(before);
    Some(PacketArrival { ecn, before })
}

fn written(streams: &[StreamToWrite<'_>]) -> Vec<u8> {
    let mut out = [0xff; 1500];
    let len = congestion_feedback(&mut out, (Ssrc(1), 0xaabb_ccdd), streams.iter().copied());
    out[..len.unwrap()].to_vec()
}

type Stream = (Ssrc, u16, Vec<Option<PacketArrival>>);

/// What a packet reads as; there is nothing else in it.
fn streams(packet: &[u8]) -> Vec<Stream> {
    let read = items(packet);
    let [RtcpItem::CongestionFeedback(feedback)] = &read[..] else {
        panic!("{read:?}");
    };
    assert_eq!(
        (feedback.sender, feedback.timestamp),
        (Ssrc(1), 0xaabb_ccdd)
    );
    let streams = feedback.streams().map(|stream| {
        let packets: Vec<_> = stream.packets().collect();
        for (ahead, packet) in (0..).zip(&packets) {
            assert_eq!(packet.sequence, stream.first.wrapping_add(ahead));
        }
        let arrivals = packets.into_iter().map(|packet| packet.arrival);
        (stream.ssrc, stream.first, arrivals.collect())
    });
    streams.collect()
}

#[test]
fn it_has_the_layout_of_section_3_1() {
    let first = [arrived(0, 1), None, arrived(3, MAX_OFFSET)];
    let packet = written(&[(Ssrc(2), 0xffff, &first), (Ssrc(3), 7, &[])]);
    let header = [0x8b, 205, 0, 8, 0, 0, 0, 1];
    let one = [
        0, 0, 0, 2, 0xff, 0xff, 0, 3, 0x80, 1, 0, 0, 0xff, 0xfd, 0, 0,
    ];
    let other = [0, 0, 0, 3, 0, 7, 0, 0];
    let timestamp = [0xaa, 0xbb, 0xcc, 0xdd];
    let want = [&header[..], &one, &other, &timestamp].concat();
    assert_eq!(packet, want);
    let read = [(Ssrc(2), 0xffff, first.to_vec()), (Ssrc(3), 7, Vec::new())];
    assert_eq!(streams(&packet), read);
}

#[test]
fn the_other_implementation_reads_and_writes_the_same() {
    let lists: Vec<Vec<_>> = (0..5u16)
        .map(|len| {
            (0..len)
                .map(|at| {
                    (at % 3 != 1)
                        .then(|| arrived(at as u8 & 3, 100 * at))
                        .flatten()
                })
                .collect()
        })
        .collect();
    let all: Vec<_> = (0u16..)
        .zip(&lists)
        .map(|(at, list)| (Ssrc(at.into()), 65_534 + (at & 1), &list[..]))
        .collect();
    let packet = written(&all);
    let theirs = theirs::<CcFeedbackReport>(&packet);
    assert_eq!(theirs.report_timestamp, 0xaabb_ccdd);
    assert_eq!(theirs.sender_ssrc, 1);
    let read: Vec<Stream> = theirs
        .report_blocks
        .iter()
        .map(|block| {
            let arrivals = block.metric_blocks.iter().map(|metric| {
                let arrival = arrived(metric.ecn as u8, metric.arrival_time_offset);
                arrival.filter(|_| metric.received)
            });
            (
                Ssrc(block.media_ssrc),
                block.begin_sequence,
                arrivals.collect(),
            )
        })
        .collect();
    assert_eq!(read, streams(&packet));
    assert_eq!(streams(&their_bytes(theirs)), read);
}

#[test]
fn an_offset_that_is_no_time_is_an_arrival_all_the_same() {
    let mut packet = written(&[(Ssrc(2), 0, &[arrived(1, 5), arrived(1, 5)])]);
    packet[16..20].copy_from_slice(&[0xbf, 0xfe, 0xbf, 0xff]);
    let untold = Some(PacketArrival {
        ecn: 1,
        before: None,
    });
    assert_eq!(streams(&packet), [(Ssrc(2), 0, vec![untold; 2])]);
    // Section 3.1: what did not arrive has zeros behind the bit, and whatever else is there is none.
    packet[16..20].copy_from_slice(&[0x7f, 0xff, 0, 1]);
    assert_eq!(streams(&packet), [(Ssrc(2), 0, vec![None; 2])]);
}

#[test]
fn lists_that_lead_past_the_end_are_malformed() {
    let good = written(&[(Ssrc(2), 0, &[None; 3]), (Ssrc(3), 0, &[None; 2])]);
    // The last of the packet is the report's time, which no list may take.
    for (at, count) in [(15, 255), (14, 255), (31, 3), (30, 1)] {
        let mut packet = good.clone();
        packet[at] = count;
        assert_eq!(read_errs(&packet), 0, "{count} at {at}");
    }
    for words in 0..3u8 {
        let short = [0x8b, 205, 0, words, 0, 0, 0, 1, 0, 0, 0, 2];
        let wanted = usize::from(words == 2);
        let len = 4 * usize::from(words + 1);
        let mut read_items = 0;
        let _ = read(&short[..len], |_| read_items += 1);
        assert_eq!(read_items, wanted, "{words} words");
    }
}

#[test]
fn a_feedback_speaks_of_so_many_packets_and_streams() {
    let most = vec![None; usize::from(MAX_REPORTS) + 1];
    let mut out = vec![0; 8000];
    let write = |out: &mut [u8], list| congestion_feedback(out, (Ssrc(1), 0), [list]);
    assert!(write(&mut out, (Ssrc(2), 0, &most[1..])).is_some());
    assert_eq!(write(&mut out, (Ssrc(2), 0, &most)), None);
    let streams = std::iter::repeat((Ssrc(2), 0, &most[..0]));
    let count = usize::from(MAX_STREAMS);
    let mut write =
        |count| congestion_feedback(&mut out, (Ssrc(1), 0), streams.clone().take(count));
    assert!(write(count).is_some());
    assert_eq!(write(count + 1), None);
}

#[test]
fn one_datagram_speaks_of_no_more_packets_than_one_feedback_may() {
    // A hundred packets in 224 bytes, six times, are what a datagram holds.
    let one = written(&[(Ssrc(2), 0, &[None; 100])]);
    let all = one.repeat(1500 / one.len());
    let mut reports = 0;
    read(&all, |item| match item {
        RtcpItem::CongestionFeedback(feedback) => {
            reports += feedback
                .streams()
                .map(|one| one.packets().count())
                .sum::<usize>();
        }
        other => panic!("{other:?}"),
    })
    .unwrap();
    assert!(reports <= usize::from(MAX_REPORTS));
}
