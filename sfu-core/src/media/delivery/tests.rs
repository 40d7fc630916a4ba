use super::super::format::{Av1Parameters, H264Parameters, H265Parameters};
use super::*;
use crate::wire::codec::h264::Profile;

fn payload(codec: Codec, number: u8, parameters: FormatParameters) -> PayloadMapping {
    PayloadMapping {
        codec,
        parameters,
        payload_type: PayloadType(number),
        rtx: Some(PayloadType(number + 1)),
        nack: true,
        pli: true,
        fir: false,
        transport_cc: true,
    }
}

fn plain(codec: Codec, number: u8) -> PayloadMapping {
    payload(codec, number, FormatParameters::None)
}

fn red(number: u8, blocks: u8) -> PayloadMapping {
    let blocks = PayloadType(blocks);
    payload(Codec::OpusRed, number, FormatParameters::Red { blocks })
}

fn h264(number: u8, idc: u8, iop: u8) -> PayloadMapping {
    let parameters = H264Parameters {
        profile_level_id: [idc, iop, 0x1f],
        profile: Profile::of(idc, iop).unwrap(),
        level_asymmetry: true,
    };
    payload(Codec::H264, number, FormatParameters::H264(parameters))
}

/// The payload type that the one format `sent` reaches a subscriber of `taken` with.
fn reaches(sent: PayloadMapping, taken: &[PayloadMapping]) -> Option<u8> {
    let all = deliveries(&[sent], taken);
    all.first().map(|delivery| delivery.payload_type.0)
}

#[test]
fn a_format_keeps_its_codec_and_takes_the_subscribers_numbers() {
    let sent = [plain(Codec::Vp8, 96), plain(Codec::Vp9, 98)];
    let taken = [plain(Codec::Vp9, 121), plain(Codec::Vp8, 120)];
    let all = deliveries(&sent, &taken);
    let expected = |source, codec, number| Delivery {
        source: PayloadType(source),
        codec,
        payload_type: PayloadType(number),
        rtx: Some(PayloadType(number + 1)),
        red: RedTreatment::Kept,
    };
    let both = [expected(96, Codec::Vp8, 120), expected(98, Codec::Vp9, 121)];
    assert_eq!(all.as_slice(), both);
    assert!(deliveries(&sent, &[plain(Codec::Av1, 45)]).is_empty());
}

#[test]
fn h264_goes_by_profile_and_not_by_level() {
    let taken = [
        h264(102, 0x42, 0x00),
        h264(108, 0x42, 0xe0),
        h264(116, 0x4d, 0x00),
        h264(127, 0x64, 0x00),
    ];
    for (idc, iop, number) in [
        (0x42, 0, 102),
        (0x42, 0xc0, 108),
        (0x4d, 0, 116),
        (0x64, 0, 127),
    ] {
        let mut sent = h264(96, idc, iop);
        if let FormatParameters::H264(parameters) = &mut sent.parameters {
            parameters.profile_level_id[2] = 0x34;
        }
        assert_eq!(reaches(sent, &taken), Some(number), "{idc:x} {iop:x}");
    }
}

#[test]
fn without_the_same_profile_of_h264_the_nearest_that_decodes_it() {
    let constrained = h264(96, 0x42, 0xe0);
    let taken = [h264(127, 0x64, 0x00), h264(116, 0x4d, 0x00)];
    assert_eq!(
        reaches(constrained, &taken),
        Some(127),
        "the subscriber's first"
    );
    // Constrained Baseline cannot decode High, and nothing is sent that cannot be decoded.
    assert_eq!(reaches(h264(96, 0x64, 0), &[h264(108, 0x42, 0xe0)]), None);
    assert_eq!(
        reaches(h264(96, 0x64, 0x0c), &[h264(127, 0x64, 0)]),
        Some(127)
    );
    // What encoders name Baseline, every browser decodes; a true match goes before.
    let baseline = h264(96, 0x42, 0);
    assert_eq!(reaches(baseline, &[h264(108, 0x42, 0xe0)]), Some(108));
    let with_same = [h264(108, 0x42, 0xe0), h264(102, 0x42, 0)];
    assert_eq!(reaches(baseline, &with_same), Some(102));
}

#[test]
fn vp9_goes_by_profile() {
    let vp9 = |number, profile| payload(Codec::Vp9, number, FormatParameters::Vp9 { profile });
    let taken = [vp9(100, 2), vp9(98, 0)];
    assert_eq!(reaches(vp9(96, 0), &taken), Some(98));
    assert_eq!(reaches(vp9(96, 2), &taken), Some(100));
    assert_eq!(reaches(vp9(96, 1), &taken), None);
    // RFC 9628 section 6: without a line it is 0.
    assert_eq!(reaches(plain(Codec::Vp9, 96), &taken), Some(98));
}

#[test]
fn av1_and_h265_reach_larger_profiles() {
    let av1 = |number, profile| {
        let parameters = Av1Parameters {
            profile,
            level_index: 5,
            tier: 0,
        };
        payload(Codec::Av1, number, FormatParameters::Av1(parameters))
    };
    assert_eq!(reaches(av1(96, 0), &[av1(47, 1), av1(45, 0)]), Some(45));
    assert_eq!(reaches(av1(96, 0), &[av1(47, 1)]), Some(47));
    assert_eq!(reaches(av1(96, 1), &[plain(Codec::Av1, 45)]), None);
    let h265 = |number, profile, tier| {
        let parameters = H265Parameters {
            profile,
            tier,
            level: 93,
        };
        payload(Codec::H265, number, FormatParameters::H265(parameters))
    };
    assert_eq!(reaches(plain(Codec::H265, 96), &[h265(49, 2, 0)]), Some(49));
    assert_eq!(reaches(h265(96, 2, 0), &[h265(49, 1, 0)]), None);
    assert_eq!(reaches(h265(96, 1, 1), &[h265(49, 1, 0)]), None);
}

#[test]
fn red_is_kept_renamed_or_stripped() {
    let sent = [red(63, 111), plain(Codec::Opus, 111)];
    let treatment = |taken: &[PayloadMapping]| {
        let all = deliveries(&sent, taken);
        (all[0].payload_type.0, all[0].codec, all[0].red)
    };
    let opus = plain(Codec::Opus, 111);
    let kept = (63, Codec::OpusRed, RedTreatment::Kept);
    assert_eq!(treatment(&[opus, red(63, 111)]), kept);
    let renamed = RedTreatment::Renamed(PayloadType(109));
    let other = [plain(Codec::Opus, 109), red(70, 109)];
    assert_eq!(treatment(&other), (70, Codec::OpusRed, renamed));
    let stripped = (111, Codec::Opus, RedTreatment::Stripped);
    assert_eq!(treatment(&[opus]), stripped);
    // Plain Opus never becomes RED.
    let plain_opus = deliveries(&sent[1..], &[red(63, 111), opus]);
    assert_eq!(plain_opus[0].payload_type, PayloadType(111));
    assert!(deliveries(&sent, &[plain(Codec::Pcmu, 0)]).is_empty());
}
