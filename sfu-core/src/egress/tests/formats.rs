//! Several formats on one stream, and the numbers of codecs other than VP8.

use super::*;
use crate::media::outbound::NumbersToWrite;
use crate::media::packet::DescriptorPlace;

fn egress_with(deliveries: &[Delivery]) -> Egress {
    let kind = deliveries[0].codec.kind();
    let settings = EgressSettings {
        kind,
        ..settings(Codec::Vp8)
    };
    let mut egress = Egress::new(settings, deliveries.iter().copied().collect());
    egress.set_target(Some(Layers::all_of(0)));
    egress
}

/// The facts of the source's next frame, as of another codec.
fn frame(source: &mut Source, number: u8, keyframe: bool, payload: PayloadFacts) -> PacketFacts {
    PacketFacts {
        payload_type: PayloadType(number),
        payload,
        ..source.next(keyframe)
    }
}

fn vp9_numbers(facts: &PacketFacts) -> FrameNumbers {
    let (PayloadFacts::Vp8(numbers) | PayloadFacts::Vp9(numbers)) = facts.payload else {
        panic!("{facts:?}");
    };
    numbers
}

fn next_vp9(source: &mut Source, keyframe: bool) -> PacketFacts {
    let facts = source.next(keyframe);
    PacketFacts {
        payload: PayloadFacts::Vp9(vp9_numbers(&facts)),
        ..facts
    }
}

#[test]
fn vp9_keeps_its_sources_numbers_until_one_follows_another() {
    let start = Instant::now();
    let (mut low, mut high) = (Source::new(0, 70_000, start), Source::new(1, 90_000, start));
    let mut egress = egress_with(&[delivery(Codec::Vp9, 96)]);
    let mut last = None;
    for at in 0..10 {
        let facts = next_vp9(&mut low, at == 0);
        let sent = send(&mut egress, 0, &facts).unwrap();
        let numbers = vp9_numbers(&facts);
        // Written all the same: the stored bytes may show another subscriber's.
        let written = NumbersToWrite {
            picture_id: numbers.picture_id.map(|id| id.value),
            tl0_picture_index: numbers.tl0_picture_index,
        };
        assert_eq!(sent.rewrite, PayloadRewrite::Vp9(written));
        last = Some(numbers);
    }
    egress.set_target(Some(Layers::all_of(1)));
    let (last, mut steps) = (last.unwrap(), 0);
    for at in 0..10 {
        let sent = send(&mut egress, 1, &next_vp9(&mut high, at == 0)).unwrap();
        steps += 1;
        let PayloadRewrite::Vp9(numbers) = sent.rewrite else {
            panic!("{sent:?}");
        };
        let picture_id = last.picture_id.unwrap().value.wrapping_add(steps) & 0x7fff;
        assert_eq!(numbers.picture_id, Some(picture_id));
        let tl0 = last.tl0_picture_index.unwrap().wrapping_add(steps as u8);
        assert_eq!(numbers.tl0_picture_index, Some(tl0));
    }
}

#[test]
fn a_descriptors_frame_numbers_go_on_over_a_seam() {
    let start = Instant::now();
    let mut sources = [Source::new(0, 70_000, start), Source::new(1, 90_000, start)];
    let mut numbers = [0xfffe_u16, 0x0100];
    let mut egress = egress_with(&[delivery(Codec::Av1, 96)]);
    let mut seen = Vec::new();
    for encoding in [0, 0, 0, 1, 1, 0, 0] {
        let switches = egress.current() != Some(encoding as u8);
        egress.set_target(Some(Layers::all_of(encoding as u8)));
        let mut facts = frame(&mut sources[encoding], 96, switches, PayloadFacts::Opaque);
        facts.extensions.descriptor = Some(DescriptorPlace {
            start: 20,
            len: 3,
            frame_number: numbers[encoding],
            mask: None,
        });
        numbers[encoding] = numbers[encoding].wrapping_add(1);
        let sent = send(&mut egress, encoding as u8, &facts).unwrap();
        seen.push(sent.frame_number.unwrap());
    }
    // As the first source has them, and on from there.
    assert_eq!(seen, [0xfffe, 0xffff, 0, 1, 2, 3, 4]);
}

#[test]
fn a_format_goes_by_the_subscribers_payload_type() {
    let renamed = Delivery {
        payload_type: PayloadType(120),
        rtx: Some(PayloadType(124)),
        ..delivery(Codec::H264, 108)
    };
    let mut egress = egress_with(&[delivery(Codec::Vp8, 96), renamed]);
    let start = Instant::now();
    let mut source = Source::new(0, 70_000, start);
    let facts = frame(&mut source, 108, true, PayloadFacts::Opaque);
    let sent = send(&mut egress, 0, &facts).unwrap();
    assert_eq!(sent.payload_type, PayloadType(120));
    assert_eq!(sent.rewrite, PayloadRewrite::Unchanged);
    let found = egress.retransmit(start, sent.sequence as u16).unwrap();
    let repair = egress.repair(found, sent.packet, &facts).unwrap();
    assert_eq!(repair.payload_type, PayloadType(124));
}

#[test]
fn what_the_subscriber_cannot_decode_is_not_sent() {
    let mut egress = egress_with(&[delivery(Codec::Vp8, 96)]);
    let mut source = Source::new(0, 70_000, Instant::now());
    let first = send(&mut egress, 0, &source.next(true)).unwrap();
    let other = frame(&mut source, 98, true, PayloadFacts::Opaque);
    assert_eq!(
        send(&mut egress, 0, &other),
        Err(DropReason::FormatNotAgreed)
    );
    let next = send(&mut egress, 0, &source.next(true)).unwrap();
    // Nobody is to ask for what it cannot be sent.
    assert_eq!(next.sequence, first.sequence + 1);
    for at in 0..2000 {
        let other = frame(&mut source, 98, at == 0, PayloadFacts::Opaque);
        let _ = send(&mut egress, 0, &other);
    }
    let last = send(&mut egress, 0, &source.next(true)).unwrap();
    assert_eq!(last.sequence, first.sequence + 2);
}

#[test]
fn pictures_in_another_format_begin_at_a_keyframe() {
    let mut egress = egress_with(&[delivery(Codec::Vp8, 96), delivery(Codec::H264, 98)]);
    let mut source = Source::new(0, 70_000, Instant::now());
    let first = send(&mut egress, 0, &source.next(true)).unwrap();
    let late = source.next(false);
    let rest = frame(&mut source, 98, false, PayloadFacts::Opaque);
    let waiting = Err(DropReason::AwaitingKeyframe);
    assert_eq!(send(&mut egress, 0, &rest), waiting);
    assert_eq!(egress.wants_keyframe_of(), Some(0));
    let key = frame(&mut source, 98, true, PayloadFacts::Opaque);
    let switched = send(&mut egress, 0, &key).unwrap();
    assert_eq!(switched.payload_type, PayloadType(98));
    assert_eq!(switched.sequence, first.sequence + 1);
    // What is late of the former format is over.
    assert!(send(&mut egress, 0, &late).is_err());
    let more = frame(&mut source, 98, false, PayloadFacts::Opaque);
    let more = send(&mut egress, 0, &more).unwrap();
    assert_eq!(more.sequence, switched.sequence + 1);
}

#[test]
fn a_keyframe_that_is_late_of_the_former_format_changes_nothing_back() {
    let mut egress = egress_with(&[delivery(Codec::Vp8, 96), delivery(Codec::H264, 98)]);
    let mut source = Source::new(0, 70_000, Instant::now());
    send(&mut egress, 0, &source.next(true)).unwrap();
    let late = source.next(true);
    let key = frame(&mut source, 98, true, PayloadFacts::Opaque);
    let switched = send(&mut egress, 0, &key).unwrap();
    assert_eq!(send(&mut egress, 0, &late), Err(DropReason::TooOld));
    let more = frame(&mut source, 98, false, PayloadFacts::Opaque);
    let more = send(&mut egress, 0, &more).unwrap();
    assert_eq!(more.sequence, switched.sequence + 1);
}

#[test]
fn redundant_audio_is_kept_renamed_or_stripped() {
    let facts = |source: &mut Source| {
        let red = PayloadFacts::Red { primary_start: 17 };
        frame(source, 63, false, red)
    };
    for (red, expected) in [
        (RedTreatment::Kept, PayloadRewrite::Unchanged),
        (
            RedTreatment::Renamed(PayloadType(109)),
            PayloadRewrite::RedBlocks(PayloadType(109)),
        ),
        (
            RedTreatment::Stripped,
            PayloadRewrite::RedPrimary { skipped: 17 },
        ),
    ] {
        let delivery = Delivery {
            red,
            ..delivery(Codec::OpusRed, 63)
        };
        let mut source = Source::new(0, 70_000, Instant::now());
        let mut egress = egress_with(&[delivery]);
        let sent = send(&mut egress, 0, &facts(&mut source)).unwrap();
        assert_eq!(sent.rewrite, expected);
    }
}

#[test]
fn sound_changes_its_format_with_any_packet() {
    let mut egress = egress_with(&[delivery(Codec::OpusRed, 63), delivery(Codec::Opus, 111)]);
    let mut source = Source::new(0, 70_000, Instant::now());
    source.ticks = 1920;
    let red = frame(&mut source, 63, false, PayloadFacts::Opaque);
    let plain = frame(&mut source, 111, false, PayloadFacts::Opaque);
    let again = frame(&mut source, 63, false, PayloadFacts::Opaque);
    // The second and the third come in the wrong order.
    let sent: Vec<_> = [red, again, plain]
        .iter()
        .map(|facts| send(&mut egress, 0, facts).unwrap())
        .collect();
    let first = sent[0].sequence;
    let numbers: Vec<_> = sent.iter().map(|sent| sent.sequence - first).collect();
    assert_eq!(numbers, [0, 2, 1]);
    let types: Vec<_> = sent.iter().map(|sent| sent.payload_type.0).collect();
    assert_eq!(types, [63, 63, 111]);
    assert_eq!(sent[1].timestamp.wrapping_sub(sent[0].timestamp), 2 * 1920);
}

#[test]
fn another_clock_counts_on_in_its_own_ticks() {
    let mut egress = egress_with(&[delivery(Codec::Opus, 111), delivery(Codec::Pcmu, 0)]);
    let start = Instant::now();
    let mut source = Source::new(0, 70_000, start);
    source.ticks = 1920;
    let before = send(
        &mut egress,
        0,
        &frame(&mut source, 111, false, PayloadFacts::Opaque),
    );
    // A new ingress, whose clock runs at 8 kHz: frames of 40 ms are 320 ticks.
    egress.source_restarted(0);
    source.ticks = 320;
    let mut sent = Vec::new();
    for _ in 0..3 {
        let facts = frame(&mut source, 0, false, PayloadFacts::Opaque);
        sent.push(send(&mut egress, 0, &facts).unwrap());
    }
    let before = before.unwrap();
    assert_eq!(sent[0].sequence, before.sequence + 1);
    let steps = [
        sent[0].timestamp.wrapping_sub(before.timestamp),
        sent[1].timestamp.wrapping_sub(sent[0].timestamp),
        sent[2].timestamp.wrapping_sub(sent[1].timestamp),
    ];
    assert_eq!(steps, [320; 3]);
    // Its reports count in the same clock.
    let now = start + 2000 * MS;
    egress.on_sent(now, 160);
    let clock = SourceClock {
        ntp: 100 << 32,
        rtp: 7,
        arrived: now,
    };
    let report = egress.sender_report(now, Some(&clock)).unwrap();
    let later = egress.sender_report(now + 1000 * MS, Some(&clock)).unwrap();
    let ticks = later.rtp_timestamp.wrapping_sub(report.rtp_timestamp);
    assert_eq!(ticks, 8000);
}

#[test]
fn silence_left_out_is_neither_loss_nor_an_end() {
    // Discontinuous transmission: a packet every 400 ms, numbered without a gap, and timestamps
    // that tell the pause (RFC 7587 section 3.1.3).
    let mut egress = egress_with(&[delivery(Codec::Opus, 111)]);
    let start = Instant::now();
    let mut source = Source::new(0, 70_000, start);
    source.ticks = 1920;
    let first = frame(&mut source, 111, false, PayloadFacts::Opaque);
    let first = send(&mut egress, 0, &first).unwrap();
    for silence in 1..20u32 {
        source.frame += 9;
        let facts = frame(&mut source, 111, false, PayloadFacts::Opaque);
        let sent = send(&mut egress, 0, &facts).unwrap();
        assert_eq!(sent.sequence, first.sequence + u64::from(silence));
        let elapsed = sent.timestamp.wrapping_sub(first.timestamp);
        assert_eq!(elapsed, silence * 10 * 1920);
    }
}
