//! Each codec's facts, and several formats in one stream.

use super::*;
use crate::media::format::{H264Parameters, Payloads};
use crate::media::packet::DescriptorPlace;
use crate::wire::codec::h264::Profile;

fn receive_as(
    ingress: &mut Ingress,
    now: Instant,
    sequence: u16,
    number: u8,
    payload: &[u8],
) -> Result<PacketFacts, DropReason> {
    let header = RtpHeader {
        payload_type: PayloadType(number),
        ..header(sequence)
    };
    ingress.receive(now, &incoming(header, payload))
}

fn red() -> PayloadMapping {
    PayloadMapping {
        parameters: FormatParameters::Red {
            blocks: PayloadType(111),
        },
        ..format(Codec::OpusRed, 63)
    }
}

#[test]
fn each_codec_tells_its_keyframes() {
    let cases: [(Codec, &[u8], &[u8]); 5] = [
        (Codec::Vp8, &KEYFRAME, &INTERFRAME),
        (Codec::Vp9, &[0x88, 0x05, 0x82], &[0xc8, 0x06, 0x86]),
        (Codec::H264, &[0x67, 0x42, 0xe0], &[0x61, 0xe0]),
        (Codec::H265, &[0x40, 0x01, 0x0c], &[0x02, 0x01, 0xd0]),
        (Codec::Av1, &[0x18, 0x0a, 0x01], &[0x10, 0x30, 0x01]),
    ];
    for (codec, keyframe, inter) in cases {
        let (mut ingress, start) = ingress(codec);
        let key = receive(&mut ingress, start, 1, keyframe).unwrap();
        assert!(
            key.video.keyframe_start && key.video.frame_start,
            "{codec:?}"
        );
        let inter = receive(&mut ingress, start, 2, inter).unwrap();
        assert!(!inter.video.keyframe_start, "{codec:?}");
        let opaque = !matches!(codec, Codec::Vp8 | Codec::Vp9);
        assert_eq!(inter.payload == PayloadFacts::Opaque, opaque);
    }
}

#[test]
fn a_keyframe_of_an_upper_spatial_layer_is_no_start() {
    let (mut ingress, start) = ingress(Codec::Av1);
    // A sequence header in spatial layer 1.
    let upper = receive(&mut ingress, start, 1, &[0x10, 0x0c, 0x08, 0]).unwrap();
    assert!(!upper.video.keyframe_start);
    assert_eq!(upper.video.layer.spatial, 1);
}

#[test]
fn what_a_codec_cannot_be_is_malformed() {
    for (codec, payload) in [
        (Codec::H264, &[0x7d, 0x85, 1][..]),
        (Codec::H265, &[0x02]),
        (Codec::Vp9, &[0x80]),
        (Codec::Av1, &[0x98, 1]),
    ] {
        let (mut ingress, start) = ingress(codec);
        let result = receive(&mut ingress, start, 1, payload);
        assert_eq!(result.unwrap_err(), DropReason::CodecMalformed, "{codec:?}");
    }
}

#[test]
fn redundant_audio_tells_where_its_own_sound_is() {
    let (mut ingress, start) = of_formats(&[red(), format(Codec::Opus, 111)]);
    let payload = [0xef, 0, 0, 3, 111, 1, 2, 3, 9, 9];
    let facts = receive_as(&mut ingress, start, 1, 63, &payload).unwrap();
    assert_eq!(facts.payload, PayloadFacts::Red { primary_start: 8 });
    // Plain Opus in the same stream, and RED of another codec than the section's.
    let plain = receive_as(&mut ingress, start, 2, 111, &[0x78, 1]).unwrap();
    assert_eq!(plain.payload, PayloadFacts::Opaque);
    let foreign = receive_as(&mut ingress, start, 3, 63, &[0, 1, 2]);
    assert_eq!(foreign.unwrap_err(), DropReason::CodecMalformed);
}

#[test]
fn a_stream_goes_on_in_formats_of_one_clock_only() {
    let formats = [red(), format(Codec::Opus, 111), format(Codec::Pcmu, 0)];
    let (mut ingress, start) = of_formats(&formats);
    assert!(ingress.goes_on_as(PayloadType(111)));
    assert!(!ingress.goes_on_as(PayloadType(0)), "another clock");
    assert!(!ingress.goes_on_as(PayloadType(8)), "not agreed on");
    for number in [0, 8] {
        let result = receive_as(&mut ingress, start, 1, number, &[1]);
        assert_eq!(result.unwrap_err(), DropReason::PayloadTypeUnknown);
    }
    let only: Payloads = formats[..1].iter().copied().collect();
    ingress.set_formats(only);
    assert!(!ingress.goes_on_as(PayloadType(111)));
}

#[test]
fn each_format_has_its_own_repairs() {
    let parameters = H264Parameters {
        profile_level_id: [0x42, 0xe0, 0x1f],
        profile: Profile::ConstrainedBaseline,
        level_asymmetry: true,
    };
    let h264 = PayloadMapping {
        parameters: FormatParameters::H264(parameters),
        ..format(Codec::H264, 108)
    };
    let (ingress, _) = of_formats(&[format(Codec::Vp8, 96), h264]);
    assert_eq!(ingress.repaired_by(PayloadType(97)), Some(PayloadType(96)));
    assert_eq!(
        ingress.repaired_by(PayloadType(109)),
        Some(PayloadType(108))
    );
    assert_eq!(ingress.repaired_by(PayloadType(108)), None);
}

#[test]
fn silence_left_out_asks_for_nothing_and_is_no_loss() {
    let (mut ingress, start) = ingress(Codec::Opus);
    for at in 0..25u16 {
        // A packet every 400 ms, numbered without a gap.
        let now = start + u32::from(at) * 400 * MS;
        let facts = receive(&mut ingress, now, at, &[0x78]).unwrap();
        assert_eq!(facts.video, VideoFacts::default());
        assert_eq!(nacks(&mut ingress, now + 399 * MS), []);
    }
    let report = ingress.report(start + 10_000 * MS).unwrap();
    assert_eq!((report.cumulative_lost, report.fraction_lost), (0, 0));
}

/// A keyframe's descriptor of one layer, and a later frame's, as Chromium sends them.
const DESCRIPTORS: [&[u8]; 2] = [
    &[0xc0, 0x00, 0x01, 0x80, 0x00, 0x3a, 0x41, 0x01, 0x00],
    &[0xc1, 0x00, 0x02],
];

/// A payload that is encrypted from its first byte on, or cannot be.
const OPAQUE: &[u8] = &[0xff];

#[test]
fn what_a_descriptor_tells_is_not_asked_of_the_payload() {
    for codec in [Codec::Vp8, Codec::Vp9, Codec::H264, Codec::H265, Codec::Av1] {
        let (mut ingress, start) = ingress(codec);
        let mut described = |sequence: u16, descriptor| {
            let packet = Incoming {
                descriptor,
                ..incoming(header(sequence), OPAQUE)
            };
            ingress.receive(start, &packet)
        };
        // Unknown yet, and without one.
        let unknown = described(1, Some(DESCRIPTORS[1])).unwrap();
        assert_eq!(unknown.video.dependencies, None);
        assert!(unknown.video.frame_start && unknown.video.frame_end);
        assert!(!unknown.video.keyframe_start);
        let bare = described(2, None);
        assert_eq!(bare.unwrap_err(), DropReason::CodecMalformed, "{codec:?}");
        let key = described(3, Some(DESCRIPTORS[0])).unwrap();
        assert!(key.video.keyframe_start, "{codec:?}");
        let later = described(4, Some(DESCRIPTORS[1])).unwrap();
        assert_eq!(later.video.dependencies.unwrap().references[0], 1);
        assert_eq!(later.payload, PayloadFacts::Opaque);
        let cut = described(5, Some(&DESCRIPTORS[1][..2]));
        assert_eq!(cut.unwrap_err(), DropReason::DescriptorMalformed);
    }
}

#[test]
fn a_descriptors_mask_is_placed_for_whoever_writes_it_anew() {
    let (mut ingress, start) = ingress(Codec::Vp8);
    let place = DescriptorPlace {
        start: 16,
        len: 3,
        frame_number: 2,
        mask: None,
    };
    let mut masks = Vec::new();
    for (sequence, descriptor) in [(1, 1), (2, 0), (3, 1)] {
        let packet = Incoming {
            descriptor: Some(DESCRIPTORS[descriptor]),
            extensions: CarriedExtensions {
                descriptor: Some(place),
                ..PLAIN
            },
            ..incoming(header(sequence), &KEYFRAME)
        };
        let facts = ingress.receive(start, &packet).unwrap();
        let read = facts.extensions.descriptor.unwrap();
        assert_eq!(DescriptorPlace { mask: None, ..read }, place);
        masks.push(read.mask.is_some());
    }
    assert_eq!(masks, [false, true, true]);
}

#[test]
fn a_keyframe_without_a_descriptor_ends_the_structure() {
    let (mut ingress, start) = ingress(Codec::Vp8);
    let described = Incoming {
        descriptor: Some(DESCRIPTORS[0]),
        ..incoming(header(1), &KEYFRAME)
    };
    ingress.receive(start, &described).unwrap();
    assert!(ingress.decode_targets().is_some() && ingress.structure().is_some());
    receive(&mut ingress, start, 2, &INTERFRAME).unwrap();
    assert_eq!(ingress.active_decode_targets(), Some(1));
    receive(&mut ingress, start, 3, &KEYFRAME).unwrap();
    assert!(ingress.decode_targets().is_none() && ingress.structure().is_none());
}

#[test]
fn what_a_payload_tells_of_switches_and_ends() {
    let upper = |payload: &[u8], codec| {
        let (mut ingress, start) = ingress(codec);
        let mut packet = incoming(header(1), payload);
        packet.header.marker = true;
        ingress.receive(start, &packet).unwrap().video
    };
    // VP8: temporal layer 1 with Y and without, and Y in layer 0, which means nothing.
    for (byte, expected) in [(0x60, true), (0x40, false), (0x20, false)] {
        let video = upper(&[0x90, 0x20, byte, 0x51, 1], Codec::Vp8);
        assert_eq!(video.temporal_switch, expected);
        assert!(video.frame_end);
    }
    // VP9: an upper spatial layer of a key picture, and of a later one; E, not the marker.
    let key = upper(&[0xa8, 5, 0x02, 9, 1], Codec::Vp9);
    assert!(!key.frame_end && !key.keyframe_start);
    let later = upper(&[0xec, 5, 0x02, 9, 1], Codec::Vp9);
    assert!(later.frame_end);
    // H.265: a TSA picture.
    let access = upper(&[0x06, 0x02, 0x80], Codec::H265);
    assert!(access.temporal_switch && access.frame_end);
    assert!(upper(&[0x61, 0xe0], Codec::H264).frame_end);
    let (mut opus, start) = ingress(Codec::Opus);
    let mut packet = incoming(header(1), &[1]);
    packet.header.marker = true;
    assert!(!opus.receive(start, &packet).unwrap().video.frame_end);
}

/// A picture's packets in their order, each with its number, and which of them are starts.
fn starts(codec: Codec, packets: &[(u16, u32, &[u8])]) -> Vec<bool> {
    let (mut ingress, start) = ingress(codec);
    let read = packets.iter().map(|&(sequence, timestamp, payload)| {
        let mut packet = incoming(header(sequence), payload);
        packet.header.timestamp = timestamp;
        let video = ingress.receive(start, &packet).unwrap().video;
        video.keyframe_start
    });
    read.collect()
}

#[test]
fn a_keyframe_starts_with_its_first_packet_alone() {
    const SPS: &[u8] = &[0x67, 0x42, 0xe0];
    const PPS: &[u8] = &[0x68, 0xce];
    const SETS: &[u8] = &[0x78, 0, 3, 0x67, 0x42, 0xe0, 0, 2, 0x68, 0xce];
    const IDR: &[u8] = &[0x7c, 0x85, 0xb8, 4];
    const SLICE: &[u8] = &[0x61, 0xe0];
    let of = |packets: &[(u16, u32, &[u8])]| starts(Codec::H264, packets);
    assert_eq!(of(&[(1, 9, SETS), (2, 9, IDR)]), [true, false]);
    assert_eq!(
        of(&[(1, 9, SPS), (2, 9, PPS), (3, 9, IDR)]),
        [true, false, false]
    );
    // Without what stands before it, nobody could decode the slice: whether anything does shows by
    // the packet before.
    assert_eq!(of(&[(1, 9, SLICE), (3, 12, IDR)]), [false, false]);
    assert_eq!(
        of(&[(1, 9, SLICE), (3, 12, IDR), (2, 12, SETS)]),
        [false, false, true]
    );
    assert_eq!(of(&[(2, 9, IDR)]), [false]);
    // An encoder that sends its parameters elsewhere.
    assert_eq!(of(&[(1, 9, SLICE), (2, 12, IDR)]), [false, true]);
}

#[test]
fn an_h265_keyframe_starts_with_its_first_packet_alone() {
    const VPS: &[u8] = &[0x40, 0x01, 0x0c];
    const SPS: &[u8] = &[0x42, 0x01, 0x01];
    const IDR: &[u8] = &[0x26, 0x01, 0xaf];
    const SLICE: &[u8] = &[0x02, 0x01, 0xd0];
    let of = |packets: &[(u16, u32, &[u8])]| starts(Codec::H265, packets);
    assert_eq!(
        of(&[(1, 9, VPS), (2, 9, SPS), (3, 9, IDR)]),
        [true, false, false]
    );
    assert_eq!(of(&[(1, 9, SLICE), (3, 12, SPS), (4, 12, IDR)]), [false; 3]);
    assert_eq!(
        of(&[(1, 9, SLICE), (2, 12, SPS), (3, 12, IDR)]),
        [false, true, false]
    );
    assert_eq!(of(&[(1, 9, SLICE), (2, 12, IDR)]), [false, true]);
}

#[test]
fn padding_before_a_keyframe_hides_nothing() {
    let (mut ingress, start) = ingress(Codec::H264);
    receive(&mut ingress, start, 1, &[0x61, 0xe0]).unwrap();
    let padding = Incoming {
        padding_len: 200,
        ..incoming(header(2), &[])
    };
    assert_eq!(
        ingress.receive(start, &padding).unwrap_err(),
        DropReason::PaddingOnly
    );
    let idr = receive(&mut ingress, start, 3, &[0x65, 0xb8, 4]).unwrap();
    assert!(idr.video.keyframe_start);
}
