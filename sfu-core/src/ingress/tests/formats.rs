//! Each codec's facts, and several formats in one stream.

use super::*;
use crate::media::format::{H264Parameters, Payloads};
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
        (Codec::H265, &[0x26, 0x01, 0xaf], &[0x02, 0x01, 0xd0]),
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
