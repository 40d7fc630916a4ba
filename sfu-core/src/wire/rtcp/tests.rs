//! Examples by the byte, and both directions against `rtc-rtcp`.

use rtc_rtcp::goodbye::Goodbye;
use rtc_rtcp::packet::{Packet, marshal, unmarshal};
use rtc_rtcp::payload_feedbacks::full_intra_request::{FirEntry, FullIntraRequest};
use rtc_rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc_rtcp::payload_feedbacks::receiver_estimated_maximum_bitrate::ReceiverEstimatedMaximumBitrate;
use rtc_rtcp::receiver_report::ReceiverReport;
use rtc_rtcp::reception_report::ReceptionReport;
use rtc_rtcp::sender_report::SenderReport;
use rtc_rtcp::source_description::{SdesType, SourceDescription};
use rtc_rtcp::transport_feedbacks::transport_layer_nack::{NackPair, TransportLayerNack};

use super::*;

mod congestion;
mod feedback;

fn items(compound: &[u8]) -> Vec<RtcpItem<'_>> {
    let mut items = Vec::new();
    read(compound, |item| items.push(item)).unwrap();
    items
}

/// The one packet of `bytes`, as the other implementation reads it.
fn theirs<P: Packet + Clone + 'static>(mut bytes: &[u8]) -> P {
    let packets = unmarshal(&mut bytes).unwrap();
    assert_eq!(packets.len(), 1);
    packets[0].as_any().downcast_ref::<P>().unwrap().clone()
}

fn their_bytes(packet: impl Packet + 'static) -> Vec<u8> {
    marshal(&[Box::new(packet)]).unwrap().to_vec()
}

fn block(seed: u32) -> ReportBlock {
    ReportBlock {
        ssrc: Ssrc(seed),
        fraction_lost: 17,
        cumulative_lost: 0x12_3456,
        extended_highest: 0x0001_ffff,
        jitter: 90,
        last_sr: 0xaabb_ccdd,
        delay_since_last_sr: 65_536,
    }
}

fn their_block(seed: u32) -> ReceptionReport {
    ReceptionReport {
        ssrc: seed,
        fraction_lost: 17,
        total_lost: 0x12_3456,
        last_sequence_number: 0x0001_ffff,
        jitter: 90,
        last_sender_report: 0xaabb_ccdd,
        delay: 65_536,
    }
}

const SENDER: SenderInfo = SenderInfo {
    ssrc: Ssrc(0x9000_0001),
    ntp: 0x0123_4567_89ab_cdef,
    rtp_timestamp: 3_000_000_000,
    packets: 12,
    octets: 3456,
};

#[test]
fn a_sender_report_and_its_name_cross_both_ways() {
    let mut out = [0; 300];
    let len = sender_report(&mut out, SENDER, &[block(5), block(6)], Some("a name")).unwrap();
    let packets = unmarshal(&mut &out[..len]).unwrap();
    let report = packets[0].as_any().downcast_ref::<SenderReport>().unwrap();
    let want = SenderReport {
        ssrc: SENDER.ssrc.0,
        ntp_time: SENDER.ntp,
        rtp_time: SENDER.rtp_timestamp,
        packet_count: SENDER.packets,
        octet_count: SENDER.octets,
        reports: vec![their_block(5), their_block(6)],
        ..Default::default()
    };
    assert_eq!(*report, want);
    let name = packets[1].as_any().downcast_ref::<SourceDescription>();
    let chunk = &name.unwrap().chunks[0];
    assert_eq!(chunk.source, SENDER.ssrc.0);
    assert_eq!(chunk.items.len(), 1);
    assert_eq!(chunk.items[0].sdes_type, SdesType::SdesCname);
    assert_eq!(chunk.items[0].text, "a name");

    let bytes = their_bytes(want);
    let read = items(&bytes);
    let [RtcpItem::SenderReport { sender, reports }] = &read[..] else {
        panic!("{read:?}");
    };
    assert_eq!(*sender, SENDER);
    assert_eq!(reports.clone().collect::<Vec<_>>(), [block(5), block(6)]);
}

#[test]
fn receiver_reports_of_every_size_cross_both_ways() {
    for count in 0..=31 {
        let ours: Vec<_> = (0..count).map(block).collect();
        let mut out = [0; 800];
        let len = receiver_report(&mut out, Ssrc(9), &ours).unwrap();
        let want = ReceiverReport {
            ssrc: 9,
            reports: (0..count).map(their_block).collect(),
            ..Default::default()
        };
        assert_eq!(theirs::<ReceiverReport>(&out[..len]), want);
        let bytes = their_bytes(want);
        assert_eq!(bytes, out[..len]);
        let read = items(&bytes);
        let [RtcpItem::ReceiverReport { ssrc, reports }] = &read[..] else {
            panic!("{read:?}");
        };
        assert_eq!(*ssrc, Ssrc(9));
        assert_eq!(reports.clone().collect::<Vec<_>>(), ours);
    }
    let too_many: Vec<_> = (0..32).map(block).collect();
    assert_eq!(receiver_report(&mut [0; 1500], Ssrc(9), &too_many), None);
    assert_eq!(sender_report(&mut [0; 1500], SENDER, &too_many, None), None);
}

#[test]
fn cumulative_loss_is_signed_and_stays_at_its_limits() {
    for (lost, want) in [
        (-1, -1),
        (0, 0),
        (0x7f_ffff, 0x7f_ffff),
        (-0x80_0000, -0x80_0000),
        (0x80_0000, 0x7f_ffff),
        (i32::MIN, -0x80_0000),
    ] {
        let mut out = [0; 32];
        let report = ReportBlock {
            cumulative_lost: lost,
            ..block(1)
        };
        receiver_report(&mut out, Ssrc(2), &[report]).unwrap();
        let read = items(&out);
        let [RtcpItem::ReceiverReport { reports, .. }] = &read[..] else {
            panic!("{read:?}");
        };
        let read = reports.clone().next().unwrap();
        assert_eq!(read.cumulative_lost, want);
        assert_eq!(
            read.fraction_lost, 17,
            "loss does not spill into its neighbour"
        );
    }
}

#[test]
fn names_of_every_length_end_in_zeros() {
    for len in 0..=255 {
        let name = "n".repeat(len);
        let mut out = [0xff; 300];
        let written = sdes_cname(&mut out, Ssrc(3), &name).unwrap();
        // Header, SSRC, type and length, the text, and 1 to 4 zeros.
        assert!((1..=4).contains(&(written - 10 - len)));
        assert!(out[10 + len..written].iter().all(|&byte| byte == 0));
        let read = theirs::<SourceDescription>(&out[..written]);
        assert_eq!(read.chunks[0].items[0].text, name.as_bytes());
        assert_eq!(items(&out[..written]), []);
    }
    let name = "n".repeat(256);
    assert_eq!(sdes_cname(&mut [0; 400], Ssrc(3), &name), None);
}

#[test]
fn a_nack_crosses_both_ways_through_the_wrap() {
    let missing = [65_530, 65_531, 65_535, 0, 10, 11, 27, 28, 1000];
    let mut out = [0; 100];
    let len = nack(&mut out, Ssrc(1), Ssrc(2), &missing).unwrap();
    // 65530 to 10 are 16 apart and share an entry; so do 11 and 27.
    let want = TransportLayerNack {
        sender_ssrc: 1,
        media_ssrc: 2,
        nacks: vec![
            NackPair {
                packet_id: 65_530,
                lost_packets: 0b1000_0000_0011_0001,
            },
            NackPair {
                packet_id: 11,
                lost_packets: 0x8000,
            },
            NackPair::new(28),
            NackPair::new(1000),
        ],
    };
    assert_eq!(theirs::<TransportLayerNack>(&out[..len]), want);
    let bytes = their_bytes(want);
    let read = items(&bytes);
    let [
        RtcpItem::Nack {
            sender: Ssrc(1),
            media: Ssrc(2),
            sequences,
        },
    ] = &read[..]
    else {
        panic!("{read:?}");
    };
    assert_eq!(sequences.clone().collect::<Vec<_>>(), missing);
}

#[test]
fn one_nack_entry_names_at_most_17() {
    let packet = [
        0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xf8, 0xff, 0xff,
    ];
    let read = items(&packet);
    let [RtcpItem::Nack { sequences, .. }] = &read[..] else {
        panic!("{read:?}");
    };
    let want: Vec<u16> = (0..17u16).map(|n| 0xfff8u16.wrapping_add(n)).collect();
    assert_eq!(sequences.clone().collect::<Vec<_>>(), want);
}

#[test]
fn any_set_of_missing_packets_reads_back() {
    for step in 1..40u16 {
        let missing: Vec<_> = (0..300u16)
            .map(|n| 65_000u16.wrapping_add(n.wrapping_mul(step)))
            .collect();
        let mut out = [0; 1500];
        let len = nack(&mut out, Ssrc(1), Ssrc(2), &missing).unwrap();
        let read = items(&out[..len]);
        let [RtcpItem::Nack { sequences, .. }] = &read[..] else {
            panic!("{read:?}");
        };
        assert_eq!(sequences.clone().collect::<Vec<_>>(), missing);
    }
    assert_eq!(nack(&mut [0; 100], Ssrc(1), Ssrc(2), &[]), None);
    // The same number twice is one.
    let mut out = [0; 100];
    assert_eq!(nack(&mut out, Ssrc(1), Ssrc(2), &[7, 7, 8]), Some(16));
}

#[test]
fn a_nacks_padding_is_no_sequence_number() {
    let mut packet = vec![0xa1, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0, 5, 0, 0];
    packet.extend([0, 0, 0, 4]);
    let read = items(&packet);
    let [RtcpItem::Nack { sequences, .. }] = &read[..] else {
        panic!("{read:?}");
    };
    assert_eq!(sequences.clone().collect::<Vec<_>>(), [5]);
}

#[test]
fn keyframe_requests_cross_both_ways() {
    let mut out = [0; 40];
    let len = pli(&mut out, Ssrc(1), Ssrc(2)).unwrap();
    let want = PictureLossIndication {
        sender_ssrc: 1,
        media_ssrc: 2,
    };
    assert_eq!(theirs::<PictureLossIndication>(&out[..len]), want);
    let request = |media, fir_sequence| RtcpItem::KeyframeRequest {
        sender: Ssrc(1),
        media: Ssrc(media),
        fir_sequence,
    };
    assert_eq!(items(&out[..len]), [request(2, None)]);

    let len = fir(&mut out, Ssrc(1), Ssrc(2), 200).unwrap();
    let entry = |ssrc, sequence_number| FirEntry {
        ssrc,
        sequence_number,
    };
    let mut want = FullIntraRequest {
        sender_ssrc: 1,
        media_ssrc: 0,
        fir: vec![entry(2, 200)],
    };
    assert_eq!(theirs::<FullIntraRequest>(&out[..len]), want);
    want.fir.push(entry(3, 4));
    let bytes = their_bytes(want);
    assert_eq!(items(&bytes), [request(2, Some(200)), request(3, Some(4))]);
}

#[test]
fn goodbyes_cross_both_ways() {
    for count in 1..=31 {
        let ours: Vec<_> = (0..count).map(Ssrc).collect();
        let mut out = [0; 128];
        let len = bye(&mut out, &ours).unwrap();
        let want = Goodbye {
            sources: (0..count).collect(),
            reason: "left".into(),
        };
        assert_eq!(theirs::<Goodbye>(&out[..len]).sources, want.sources);
        let bytes = their_bytes(want);
        let want: Vec<_> = ours.iter().map(|&ssrc| RtcpItem::Bye { ssrc }).collect();
        assert_eq!(items(&bytes), want);
    }
    assert_eq!(bye(&mut [0; 256], &[]), None);
    assert_eq!(bye(&mut [0; 256], &[Ssrc(1); 32]), None);
}

#[test]
fn a_remb_is_read() {
    let bytes = their_bytes(ReceiverEstimatedMaximumBitrate {
        sender_ssrc: 1,
        bitrate: 8_927_168.0,
        ssrcs: vec![7, 8],
    });
    let read = items(&bytes);
    let [RtcpItem::Remb { bitrate, ssrcs, .. }] = &read[..] else {
        panic!("{read:?}");
    };
    assert_eq!(*bitrate, Bitrate::from_bps(8_927_168));
    assert_eq!(ssrcs.clone().collect::<Vec<_>>(), [Ssrc(7), Ssrc(8)]);

    // An exponent that no 64 bits hold.
    let mut packet = [0; 20];
    packet[..4].copy_from_slice(&[0x8f, 206, 0, 4]);
    packet[12..].copy_from_slice(b"REMB\0\xff\xff\xff");
    let read = items(&packet);
    let [RtcpItem::Remb { bitrate, .. }] = &read[..] else {
        panic!("{read:?}");
    };
    assert_eq!(*bitrate, Bitrate::from_bps(u64::MAX));
    packet[16] = 1;
    assert_eq!(read_errs(&packet), 0, "more SSRCs than there are");
    packet[12] = b'X';
    assert_eq!(items(&packet), [], "other application feedback is skipped");
}

/// The items handed on before an error.
fn read_errs(compound: &[u8]) -> usize {
    let mut items = 0;
    assert_eq!(read(compound, |_| items += 1), Err(Malformed));
    items
}

#[test]
fn a_compound_is_walked_in_order_and_unknown_packets_skipped() {
    let mut out = [0; 400];
    let mut len = sender_report(&mut out, SENDER, &[], Some("x")).unwrap();
    // APP, an extended report, and feedback of formats 3 and 31.
    for header in [[0x80, 204], [0x80, 207], [0x83, 205], [0x9f, 206]] {
        out[len..len + 2].copy_from_slice(&header);
        out[len + 3] = 2;
        len += 12;
    }
    len += pli(&mut out[len..], Ssrc(1), Ssrc(2)).unwrap();
    len += bye(&mut out[len..], &[Ssrc(1)]).unwrap();
    let read = items(&out[..len]);
    assert!(matches!(
        read[..],
        [
            RtcpItem::SenderReport { .. },
            RtcpItem::KeyframeRequest { .. },
            RtcpItem::Bye { .. }
        ]
    ));
}

#[test]
fn one_odd_packet_costs_no_other() {
    let mut out = [0; 100];
    // A NACK without an entry.
    out[..4].copy_from_slice(&[0x81, 205, 0, 2]);
    let len = 12 + pli(&mut out[12..], Ssrc(1), Ssrc(2)).unwrap();
    assert_eq!(read_errs(&out[..len]), 1);
    // A length that leads past the end stops the walk.
    out[3] = 99;
    assert_eq!(read_errs(&out[..len]), 0);
}

#[test]
fn what_does_not_hold_together_is_malformed() {
    assert_eq!(read_errs(&[]), 0);
    assert_eq!(read_errs(&[0; 1504]), 0);
    assert_eq!(read_errs(&[0x80, 201, 0]), 0);
    for version in [0x00, 0x40, 0xc0] {
        assert_eq!(read_errs(&[version, 201, 0, 1, 0, 0, 0, 1]), 0);
    }
    // More blocks or sources than there are.
    assert_eq!(read_errs(&[0x81, 201, 0, 1, 0, 0, 0, 1]), 0);
    assert_eq!(read_errs(&[0x82, 203, 0, 1, 0, 0, 0, 1]), 0);
    // Padding of 0, and of more than there is.
    assert_eq!(read_errs(&[0xa0, 201, 0, 1, 0, 0, 0, 0]), 0);
    assert_eq!(read_errs(&[0xa0, 201, 0, 1, 0, 0, 0, 5]), 0);
    assert_eq!(read_errs(&[0xa0, 201, 0, 0]), 0);
    // FIR without an entry, and with half of one.
    assert_eq!(read_errs(&[0x84, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]), 0);
    let half = [0x84, 206, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
    assert_eq!(read_errs(&half), 0);
}

#[test]
fn the_longest_compound_is_read_and_one_byte_more_is_not() {
    let mut compound = Vec::new();
    while compound.len() < MAX_COMPOUND_LEN {
        compound.extend([0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]);
    }
    assert_eq!(compound.len(), MAX_COMPOUND_LEN);
    assert_eq!(items(&compound).len(), MAX_COMPOUND_LEN / 12);
    compound.push(0);
    assert_eq!(read_errs(&compound), 0);
}

#[test]
fn no_writer_runs_past_its_buffer() {
    type Writer = fn(&mut [u8]) -> Option<usize>;
    let writers: [Writer; 8] = [
        |out| sender_report(out, SENDER, &[block(1)], Some("name")),
        |out| receiver_report(out, Ssrc(1), &[block(1)]),
        |out| sdes_cname(out, Ssrc(1), "name"),
        |out| bye(out, &[Ssrc(1), Ssrc(2)]),
        |out| pli(out, Ssrc(1), Ssrc(2)),
        |out| fir(out, Ssrc(1), Ssrc(2), 3),
        |out| nack(out, Ssrc(1), Ssrc(2), &[1, 100]),
        |out| transport_feedback(out, feedback::HEADER, &[Some(1), None, Some(-1)]),
    ];
    for write in writers {
        let mut out = [0; 200];
        let len = write(&mut out).unwrap();
        assert_eq!(len % 4, 0);
        assert!((0..len).all(|short| write(&mut out[..short]).is_none()));
        assert_eq!(write(&mut out[..len]), Some(len));
        assert!(read(&out[..len], |_| {}).is_ok());
    }
}
