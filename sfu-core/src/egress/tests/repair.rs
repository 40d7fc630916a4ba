//! Retransmission.

use super::super::history::{DEFAULT_REPAIR_INTERVAL, MAX_REPAIRS_PER_SECOND};
use super::super::rewrite::MAX_EPOCHS;
use super::*;

#[test]
fn a_repair_says_what_was_said_on_its_own_stream() {
    let start = Instant::now();
    let mut source = Source::new(0, 70_000, start);
    let mut egress = video();
    let facts: Vec<_> = (0..5).map(|frame| source.next(frame == 0)).collect();
    let sent: Vec<_> = facts
        .iter()
        .map(|f| send(&mut egress, 0, f).unwrap())
        .collect();
    for (at, (facts, sent)) in facts.iter().zip(&sent).enumerate() {
        let found = egress.retransmit(start, sent.sequence as u16).unwrap();
        assert_eq!((found.encoding, found.source_sequence), (0, facts.sequence));
        let repair = egress.repair(found, sent.packet, facts).unwrap();
        let want = OutboundPacket {
            ssrc: Ssrc(2),
            payload_type: PayloadType(97),
            sequence: 0x7fff + at as u64,
            rtx_original: Some(sent.sequence as u16),
            ..*sent
        };
        assert_eq!(repair, want);
    }
}

#[test]
fn packets_from_before_a_switch_are_repaired_as_they_were() {
    let start = Instant::now();
    let mut sources = [Source::new(0, 70_000, start), Source::new(1, 90_000, start)];
    let mut egress = video();
    let mut sent = Vec::new();
    for switch in 0..MAX_EPOCHS + 1 {
        let encoding = switch % 2;
        egress.set_target(Some(Layers::all_of(encoding as u8)));
        for frame in 0..2 {
            let facts = sources[encoding].next(frame == 0);
            let out = send(&mut egress, encoding as u8, &facts).unwrap();
            sent.push((encoding as u8, facts, out));
        }
    }
    for (at, (encoding, facts, out)) in sent.iter().enumerate() {
        let found = egress.retransmit(start, out.sequence as u16);
        // The seams that are remembered.
        assert_eq!(found.is_some(), at >= 2);
        if let Some(found) = found {
            assert_eq!(
                (found.encoding, found.source_sequence),
                (*encoding, facts.sequence)
            );
            let repair = egress.repair(found, out.packet, facts).unwrap();
            assert_eq!(repair.timestamp, out.timestamp);
            assert_eq!(
                repair.rewrite.numbers().picture_id,
                out.rewrite.numbers().picture_id
            );
            assert_eq!(
                repair.rewrite.numbers().tl0_picture_index,
                out.rewrite.numbers().tl0_picture_index
            );
            assert_eq!(repair.rtx_original, Some(out.sequence as u16));
        }
    }
}

#[test]
fn what_was_given_up_in_a_fall_of_two_steps_is_not_repaired_after_it() {
    let start = Instant::now();
    let mut egress = video();
    let mut sent = Vec::new();
    for encoding in [2, 1, 0] {
        let mut source = Source::new(encoding, 70_000, start);
        egress.set_target(Some(Layers::all_of(encoding)));
        if !sent.is_empty() {
            // The network does not carry what is sent until the keyframe.
            egress.go_on_with(None);
        }
        let before = egress.current();
        let out = send(&mut egress, encoding, &source.next(true)).unwrap();
        assert_eq!(egress.has_given_up(before), !sent.is_empty());
        sent.push(out.sequence as u16);
    }
    let repaired = |egress: &mut Egress, at: usize| egress.retransmit(start, sent[at]).is_some();
    let all = [0, 1, 2].map(|at| repaired(&mut egress, at));
    assert_eq!(all, [false, false, true]);
    // What is sent again is repaired again.
    egress.set_target(Some(Layers::all_of(2)));
    send(&mut egress, 2, &Source::new(2, 80_000, start).next(true)).unwrap();
    assert!(!repaired(&mut egress, 1));
    assert!(repaired(&mut egress, 2));
}

#[test]
fn the_rest_of_a_keyframe_whose_first_packet_came_late_can_be_asked_for() {
    let start = Instant::now();
    let mut source = Source::new(0, 70_000, start);
    let parts: Vec<_> = (0..5).map(|at| source.part(at == 0, at == 4)).collect();
    source.frame += 1;
    let next = source.next(false);
    let mut egress = video();
    let waiting = Err(DropReason::AwaitingKeyframe);
    for part in &parts[1..] {
        assert_eq!(send(&mut egress, 0, part), waiting);
    }
    let first = send(&mut egress, 0, &parts[0]).unwrap();
    assert_eq!(
        send(&mut egress, 0, &next).unwrap().sequence,
        first.sequence + 5
    );
    for (sequence, part) in (first.sequence..).zip(&parts).skip(1) {
        let found = egress.retransmit(start, sequence as u16).unwrap();
        assert_eq!(found.source_sequence, part.sequence);
        let repair = egress.repair(found, first.packet, part).unwrap();
        assert_eq!(repair.timestamp, first.timestamp);
        assert_eq!(
            repair.rewrite.numbers().picture_id,
            first.rewrite.numbers().picture_id
        );
        assert_eq!(repair.marker, part.marker);
        // Said once, and not again on the stream itself.
        assert_eq!(send(&mut egress, 0, part), Err(DropReason::Duplicate));
    }
}

#[test]
fn what_is_unknown_is_not_found() {
    let start = Instant::now();
    let mut source = Source::new(0, 70_000, start);
    let mut egress = video();
    assert!(egress.retransmit(start, 0x7ffe).is_none(), "nothing sent");
    let first = send(&mut egress, 0, &source.next(true)).unwrap();
    for unknown in [0x7ffd, 0x7fff, 0, 0xfffe, 0x7ffe + 512] {
        assert!(egress.retransmit(start, unknown).is_none());
    }
    for _ in 0..511 {
        send(&mut egress, 0, &source.next(false)).unwrap();
    }
    assert!(egress.retransmit(start, first.sequence as u16).is_some());
    // What comes next was not sent yet.
    let next = first.sequence + 512;
    assert!(egress.retransmit(start, next as u16).is_none());
    assert!(egress.retransmit(start, next as u16 + 100).is_none());
    send(&mut egress, 0, &source.next(false)).unwrap();
    assert!(egress.retransmit(start, first.sequence as u16).is_none());
    egress.set_enabled(false);
    assert!(
        egress
            .retransmit(start, first.sequence as u16 + 1)
            .is_none()
    );
}

#[test]
fn without_rtx_nothing_is_repaired() {
    let without = Delivery {
        rtx: None,
        ..delivery(Codec::Vp8, 96)
    };
    for (rtx_ssrc, delivery) in [(None, delivery(Codec::Vp8, 96)), (Some(Ssrc(2)), without)] {
        let settings = EgressSettings {
            rtx_ssrc,
            ..settings(Codec::Vp8)
        };
        let mut egress = Egress::new(settings, [delivery].into_iter().collect());
        egress.set_target(Some(Layers::all_of(0)));
        let facts = Source::new(0, 70_000, Instant::now()).next(true);
        let sent = send(&mut egress, 0, &facts).unwrap();
        let found = egress.retransmit(facts.arrived, sent.sequence as u16);
        let repair = found.and_then(|found| egress.repair(found, sent.packet, &facts));
        assert_eq!(repair, None);
    }
}

/// How many of a request every millisecond for the same packet are met within a second.
fn repairs_in_a_second(egress: &mut Egress, sent: &OutboundPacket, facts: &PacketFacts) -> u32 {
    let from = facts.arrived + 10_000 * MS;
    let mut repairs = 0;
    for at in 0..1000 {
        if let Some(found) = egress.retransmit(from + at * MS, sent.sequence as u16) {
            let _ = egress.repair(found, sent.packet, facts);
            repairs += 1;
        }
    }
    repairs
}

#[test]
fn one_packet_is_repaired_once_in_a_round_trip() {
    let mut egress = video();
    let facts = Source::new(0, 70_000, Instant::now()).next(true);
    let sent = send(&mut egress, 0, &facts).unwrap();
    let unknown = repairs_in_a_second(&mut egress.clone(), &sent, &facts);
    assert_eq!(
        u128::from(unknown),
        1000 / DEFAULT_REPAIR_INTERVAL.as_millis()
    );
    for (rtt, want) in [(0, 50), (25, 40), (250, 4), (9000, 2)] {
        let mut egress = egress.clone();
        let at = facts.arrived;
        egress.on_sent(at, 1);
        let clock = SourceClock {
            ntp: 1 << 40,
            rtp: 0,
            arrived: at,
        };
        let report = egress.sender_report(at, Some(&clock)).unwrap();
        let block = reports::block((report.ntp >> 16) as u32, 0);
        egress.on_report(at + rtt * MS, &block).unwrap();
        assert_eq!(
            repairs_in_a_second(&mut egress, &sent, &facts),
            want,
            "{rtt} ms"
        );
    }
}

#[test]
fn repairs_are_bounded_in_every_second() {
    let start = Instant::now();
    let mut source = Source::new(0, 70_000, start);
    let mut egress = video();
    let facts = source.next(true);
    let mut sent = vec![(facts, send(&mut egress, 0, &facts).unwrap())];
    for _ in 0..400 {
        let facts = source.next(false);
        sent.push((facts, send(&mut egress, 0, &facts).unwrap()));
    }
    for second in 0..3 {
        let now = start + (second * 1000) * MS;
        let mut repairs = 0;
        for (facts, out) in &sent {
            if let Some(found) = egress.retransmit(now, out.sequence as u16) {
                let _ = egress.repair(found, out.packet, facts);
                repairs += 1;
            }
        }
        assert_eq!(repairs, MAX_REPAIRS_PER_SECOND);
    }
}
