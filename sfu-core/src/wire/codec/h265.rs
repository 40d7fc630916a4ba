//! What shows of an H.265 picture in an RTP payload (RFC 7798): single NAL units, aggregation
//! packets and fragmentation units, without decoding order numbers, which are never agreed on.

use crate::wire::be16;

/// The last of the slice types (H.265 table 7-1).
const LAST_SLICE: u8 = 31;
/// The pictures that rest on no earlier one: IRAP (H.265 section 7.4.2.2).
const FIRST_IRAP: u8 = 16;
const LAST_IRAP: u8 = 23;
/// Temporal sub-layer access pictures, step-wise ones included (H.265 section 7.4.2.2): neither they
/// nor later pictures of their sub-layer rest on earlier ones of it.
const FIRST_SUB_LAYER_ACCESS: u8 = 2;
const LAST_SUB_LAYER_ACCESS: u8 = 5;
/// Video and sequence parameter set.
const VPS: u8 = 32;
const SPS: u8 = 33;
/// Picture parameter set, delimiter, and what ends a sequence: all before a picture's slices.
const PPS: u8 = 34;
const DELIMITER: u8 = 35;
/// Supplemental information that stands before the picture.
const PREFIX_SEI: u8 = 39;
/// Several NAL units of one picture (RFC 7798 section 4.4.2).
const AGGREGATION: u8 = 48;
/// A part of one NAL unit (RFC 7798 section 4.4.3).
const FRAGMENTATION: u8 = 49;

/// What the front of an H.265 payload says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct H265Packet {
    /// A picture may start here: with what stands before its first slice, or with that slice.
    pub frame_start: bool,
    /// A receiver may start here: with a video or sequence parameter set, which stand before each
    /// IRAP picture, or with an IRAP picture's first slice.
    pub is_keyframe: bool,
    /// It has a video parameter set, before which a keyframe has nothing that counts.
    pub has_parameters: bool,
    /// The temporal sub-layer, 0..=6.
    pub temporal_id: u8,
    /// A receiver of the sub-layers below may be sent this one from this picture on. False on a
    /// packet without a slice.
    pub temporal_switch: bool,
}

/// What is known of a picture by its NAL units.
#[derive(Clone, Copy, Default)]
struct Shown {
    starts: bool,
    keyframe: bool,
    parameters: bool,
    switch: bool,
}

/// Reads an RTP payload. At most the payload's bytes are looked at, once.
///
/// `None` for one that is cut short, and for a header that cannot be (RFC 7798 section 1.1.4: a set
/// forbidden bit, a temporal id of 0 where one more is written).
#[must_use]
pub fn parse(payload: &[u8]) -> Option<H265Packet> {
    let (nal_type, temporal_id) = header(payload)?;
    let rest = payload.get(2..)?;
    let shown = match nal_type {
        AGGREGATION => aggregate(rest)?,
        FRAGMENTATION => fragment(rest)?,
        _ => slice_or_prefix(nal_type, rest.first().copied()),
    };
    Some(H265Packet {
        frame_start: shown.starts,
        is_keyframe: shown.keyframe,
        has_parameters: shown.parameters,
        temporal_id,
        // H.265 section 7.4.2.2: such a picture is never of sub-layer 0.
        temporal_switch: shown.switch && temporal_id > 0,
    })
}

/// RFC 7798 section 1.1.4: F, six bits of type, six of layer, three of temporal id plus 1.
fn header(unit: &[u8]) -> Option<(u8, u8)> {
    let &[first, second] = unit.first_chunk()?;
    let temporal_id = (second & 0x07).checked_sub(1)?;
    (first & 0x80 == 0).then_some((first >> 1, temporal_id))
}

/// What a unit shows by its type and the byte behind its header.
fn slice_or_prefix(nal_type: u8, next: Option<u8>) -> Shown {
    // H.265 section 7.3.6.1: a slice begins with first_slice_segment_in_pic_flag.
    let first_slice = next.is_some_and(|byte| byte & 0x80 != 0);
    let (starts, keyframe) = match nal_type {
        FIRST_IRAP..=LAST_IRAP => (first_slice, first_slice),
        0..=LAST_SLICE => (first_slice, false),
        VPS | SPS => (true, true),
        PPS | DELIMITER | PREFIX_SEI => (true, false),
        _ => (false, false),
    };
    Shown {
        starts,
        keyframe,
        parameters: nal_type == VPS,
        switch: is_sub_layer_access(nal_type),
    }
}

const fn is_sub_layer_access(nal_type: u8) -> bool {
    matches!(nal_type, FIRST_SUB_LAYER_ACCESS..=LAST_SUB_LAYER_ACCESS)
}

/// RFC 7798 section 4.4.2: units behind two bytes of length each.
fn aggregate(mut rest: &[u8]) -> Option<Shown> {
    let mut all: Option<Shown> = None;
    while !rest.is_empty() {
        let len = usize::from(be16(rest, 0)?);
        let (unit, after) = rest.get(2..)?.split_at_checked(len)?;
        let (nal_type, _) = header(unit)?;
        let one = slice_or_prefix(nal_type, unit.get(2).copied());
        all = Some(all.map_or(one, |all| Shown {
            starts: all.starts,
            keyframe: all.keyframe || one.keyframe,
            parameters: all.parameters || one.parameters,
            switch: all.switch || one.switch,
        }));
        rest = after;
    }
    all
}

/// RFC 7798 section 4.4.3: S and E bits with the unit's type; the unit's header is not repeated.
fn fragment(rest: &[u8]) -> Option<Shown> {
    let (&fu_header, data) = rest.split_first()?;
    let next = *data.first()?;
    let nal_type = fu_header & 0x3f;
    let starts = fu_header & 0x80 != 0;
    Some(if starts {
        slice_or_prefix(nal_type, Some(next))
    } else {
        Shown {
            switch: is_sub_layer_access(nal_type),
            ..Shown::default()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A unit's header: `nal_type`, layer 0, `temporal_id`.
    const fn unit_header(nal_type: u8, temporal_id: u8) -> [u8; 2] {
        [nal_type << 1, temporal_id + 1]
    }

    fn unit(nal_type: u8, first: u8) -> Vec<u8> {
        let [a, b] = unit_header(nal_type, 0);
        vec![a, b, first, 0x11]
    }

    fn read(payload: &[u8]) -> (bool, bool) {
        let packet = parse(payload).unwrap();
        (packet.frame_start, packet.is_keyframe)
    }

    fn aggregation(units: &[Vec<u8>]) -> Vec<u8> {
        let mut payload = unit_header(48, 0).to_vec();
        for unit in units {
            payload.extend((unit.len() as u16).to_be_bytes());
            payload.extend(unit);
        }
        payload
    }

    #[test]
    fn a_single_unit_is_told_by_its_type() {
        for irap in 16..=23 {
            assert_eq!(read(&unit(irap, 0x80)), (true, true), "{irap}");
            assert_eq!(read(&unit(irap, 0x40)), (false, false), "a later slice");
        }
        for trailing in [0, 1, 9, 21 + 3, 31] {
            assert_eq!(read(&unit(trailing, 0x80)), (true, false));
            assert_eq!(read(&unit(trailing, 0x00)), (false, false));
        }
        assert_eq!(read(&unit(32, 0)), (true, true), "VPS");
        assert_eq!(read(&unit(33, 0)), (true, true), "SPS");
        assert_eq!(read(&unit(34, 0)), (true, false), "PPS");
        assert_eq!(read(&unit(40, 0x80)), (false, false), "suffix SEI");
        assert_eq!(read(&unit(50, 0x80)), (false, false), "PACI");
    }

    #[test]
    fn an_aggregate_is_a_keyframe_by_any_of_its_units() {
        let parameters = [unit(32, 0), unit(33, 0), unit(34, 0)];
        assert_eq!(read(&aggregation(&parameters)), (true, true));
        let late = [unit(34, 0), unit(19, 0x80)];
        assert_eq!(read(&aggregation(&late)), (true, true));
        assert_eq!(
            read(&aggregation(&[unit(1, 0), unit(1, 0x80)])),
            (false, false)
        );
    }

    #[test]
    fn only_a_first_fragment_starts_anything() {
        let [a, b] = unit_header(49, 0);
        assert_eq!(read(&[a, b, 0x80 | 19, 0x80]), (true, true));
        assert_eq!(read(&[a, b, 0x80 | 1, 0x80]), (true, false));
        assert_eq!(read(&[a, b, 19, 0x80]), (false, false));
        assert_eq!(read(&[a, b, 0x40 | 19, 0x80]), (false, false), "the last");
    }

    #[test]
    fn the_temporal_layer_is_read() {
        for temporal_id in 0..=6 {
            let [a, b] = unit_header(1, temporal_id);
            assert_eq!(parse(&[a, b, 0x80]).unwrap().temporal_id, temporal_id);
        }
    }

    #[test]
    fn sub_layer_access_pictures_are_switches() {
        for nal_type in 0..=9 {
            for temporal_id in 0..=6 {
                let [a, b] = unit_header(nal_type, temporal_id);
                let [fa, fb] = unit_header(49, temporal_id);
                let [aa, ab] = unit_header(48, temporal_id);
                let expected = (2..=5).contains(&nal_type) && temporal_id > 0;
                for payload in [
                    vec![a, b, 0x80, 1],
                    vec![fa, fb, 0x80 | nal_type, 0x80],
                    vec![fa, fb, nal_type, 0x80],
                    vec![aa, ab, 0, 3, a, b, 0x80, 0, 3, a, b, 0x00],
                ] {
                    let packet = parse(&payload).unwrap();
                    assert_eq!(packet.temporal_switch, expected, "{payload:?}");
                }
            }
        }
    }

    #[test]
    fn headers_that_cannot_be_and_packets_cut_short_are_refused() {
        assert_eq!(parse(&[]), None);
        assert_eq!(parse(&[0x02]), None);
        assert_eq!(parse(&[0x82, 0x01, 0x80]), None, "the forbidden bit");
        assert_eq!(parse(&[0x02, 0x00, 0x80]), None, "no temporal id");
        let whole = aggregation(&[unit(32, 0), unit(33, 0)]);
        for len in 0..whole.len() {
            let whole_unit = len == 2 + 2 + 4;
            assert_eq!(parse(&whole[..len]).is_some(), whole_unit, "{len}");
        }
        let [a, b] = unit_header(49, 0);
        assert_eq!(parse(&[a, b]), None);
        assert_eq!(parse(&[a, b, 0x93]), None, "a fragment of nothing");
    }
}
