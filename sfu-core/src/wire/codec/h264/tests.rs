use super::Profile::*;
use super::*;

fn read(payload: &[u8]) -> (bool, bool) {
    let packet = parse(payload).unwrap();
    (packet.frame_start, packet.is_keyframe)
}

/// A STAP-A of these units.
fn stap_a(units: &[&[u8]]) -> Vec<u8> {
    let mut payload = vec![0x78];
    for unit in units {
        payload.extend((unit.len() as u16).to_be_bytes());
        payload.extend(*unit);
    }
    payload
}

const SPS_UNIT: &[u8] = &[0x67, 0x42, 0xe0, 0x1f, 0x8c];
const PPS_UNIT: &[u8] = &[0x68, 0xce, 0x3c, 0x80];
/// First slices: first_mb_in_slice is 0, one bit.
const IDR_UNIT: &[u8] = &[0x65, 0xb8, 0x00];
const SLICE_UNIT: &[u8] = &[0x61, 0xe0, 0x00];

#[test]
fn a_single_unit_is_told_by_its_type() {
    assert_eq!(read(IDR_UNIT), (true, true));
    assert_eq!(read(SPS_UNIT), (true, true));
    assert_eq!(read(PPS_UNIT), (true, false));
    assert_eq!(read(SLICE_UNIT), (true, false));
    assert_eq!(read(&[0x06, 0xff]), (true, false), "SEI");
    assert_eq!(read(&[0x0c, 0xff]), (false, false), "filler");
}

#[test]
fn a_later_slice_of_an_idr_picture_is_no_start() {
    // first_mb_in_slice 1 and more begin with a 0 bit.
    assert_eq!(read(&[0x65, 0x40, 0]), (false, false));
    assert_eq!(read(&[0x61, 0x01, 0]), (false, false));
}

#[test]
fn an_aggregate_is_a_keyframe_by_any_of_its_units() {
    // RFC 6184 section 5.7.1, as libwebrtc sends a keyframe: SPS and PPS, then the IDR in FU-A.
    assert_eq!(read(&stap_a(&[SPS_UNIT, PPS_UNIT])), (true, true));
    assert_eq!(read(&stap_a(&[PPS_UNIT, IDR_UNIT])), (true, true));
    assert_eq!(read(&stap_a(&[PPS_UNIT, SLICE_UNIT])), (true, false));
    assert_eq!(read(&stap_a(&[&[0x61, 0x40], SLICE_UNIT])), (false, false));
}

#[test]
fn only_a_first_fragment_starts_anything() {
    // RFC 6184 section 5.8: S is the top bit of the FU header.
    assert_eq!(read(&[0x7c, 0x85, 0xb8]), (true, true));
    assert_eq!(read(&[0x7c, 0x05, 0xb8]), (false, false));
    assert_eq!(read(&[0x7c, 0x45, 0xb8]), (false, false), "the last one");
    assert_eq!(read(&[0x7c, 0x81, 0xe0]), (true, false));
    assert_eq!(read(&[0x7c, 0x87, 0x42]), (true, true), "a long SPS");
    assert_eq!(read(&[0x7c, 0x85, 0x40]), (false, false), "a later slice");
}

#[test]
fn what_mode_1_does_not_have_is_refused() {
    assert_eq!(parse(&[]), None);
    for nal_type in [0, 25, 26, 27, 29, 30, 31] {
        assert_eq!(parse(&[0x60 | nal_type, 0x85, 1, 2, 3]), None, "{nal_type}");
    }
    assert_eq!(parse(&[0xe5, 0xb8]), None, "the forbidden bit");
}

#[test]
fn packets_cut_short_are_refused() {
    let whole = stap_a(&[SPS_UNIT, PPS_UNIT]);
    for len in 0..whole.len() {
        // Behind the first unit, the packet is whole again.
        let whole_unit = len == 1 + 2 + SPS_UNIT.len();
        assert_eq!(parse(&whole[..len]).is_some(), whole_unit, "{len}");
    }
    assert_eq!(parse(&stap_a(&[&[]])), None, "an empty unit");
    assert_eq!(parse(&[0x7c]), None);
    assert_eq!(parse(&[0x7c, 0x85]), None, "a fragment of nothing");
}

#[test]
fn profiles_are_told_by_the_constraint_flags() {
    // What browsers offer.
    assert_eq!(Profile::of(0x42, 0xe0), Some(ConstrainedBaseline));
    assert_eq!(Profile::of(0x42, 0x00), Some(Baseline));
    assert_eq!(Profile::of(0x4d, 0x00), Some(Main));
    assert_eq!(Profile::of(0x64, 0x00), Some(High));
    assert_eq!(Profile::of(0x64, 0x0c), Some(ConstrainedHigh));
    assert_eq!(Profile::of(0xf4, 0x00), Some(PredictiveHigh444));
    // RFC 6184 table 5: other ways to say them.
    assert_eq!(Profile::of(0x42, 0xc0), Some(ConstrainedBaseline));
    assert_eq!(Profile::of(0x4d, 0x80), Some(ConstrainedBaseline));
    assert_eq!(Profile::of(0x58, 0xc0), Some(ConstrainedBaseline));
    assert_eq!(Profile::of(0x58, 0x80), Some(Baseline));
    assert_eq!(Profile::of(0x4d, 0x40), Some(Main));
    for unknown in [(0x58, 0x00), (0x6e, 0), (0x42, 0x01), (0x64, 0x08), (0, 0)] {
        assert_eq!(Profile::of(unknown.0, unknown.1), None, "{unknown:x?}");
    }
}

#[test]
fn a_larger_profile_decodes_a_smaller_one() {
    let all = [
        ConstrainedBaseline,
        Baseline,
        Main,
        ConstrainedHigh,
        High,
        PredictiveHigh444,
    ];
    for one in all {
        assert!(one.decodes(one));
        assert!(one.decodes(ConstrainedBaseline));
        assert_eq!(one.decodes(Baseline), one == Baseline);
    }
    assert!(High.decodes(Main) && High.decodes(ConstrainedHigh));
    assert!(!ConstrainedHigh.decodes(Main) && !Main.decodes(High));
    assert!(!ConstrainedHigh.decodes(High));
}
