//! What shows of an H.264 picture in an RTP payload (RFC 6184), in packetization mode 1: single NAL
//! units, STAP-A and FU-A. The other packets belong to the interleaved mode, which is never agreed
//! on.

use crate::wire::be16;

/// Coded slice of a picture that is no IDR picture.
const SLICE: u8 = 1;
/// Coded slice of an IDR picture, which rests on no other.
const IDR: u8 = 5;
/// Supplemental information.
const SEI: u8 = 6;
/// Sequence parameter set.
const SPS: u8 = 7;
/// Access unit delimiter.
const DELIMITER: u8 = 9;
/// Several NAL units of one picture (RFC 6184 section 5.7.1).
const STAP_A: u8 = 24;
/// A part of one NAL unit (RFC 6184 section 5.8).
const FU_A: u8 = 28;

/// What the front of an H.264 payload says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct H264Packet {
    /// A picture may start here: with what stands before its first slice, or with that slice.
    pub frame_start: bool,
    /// A receiver may start here: with a sequence parameter set, which browsers send before each
    /// IDR picture, or with an IDR picture's first slice.
    pub is_keyframe: bool,
    /// It has a sequence parameter set, before which a keyframe has nothing that counts.
    pub has_parameters: bool,
}

/// Reads an RTP payload of packetization mode 1. At most the payload's bytes are looked at, once.
///
/// `None` for an empty payload, one that is cut short, a type that mode 1 does not have (RFC 6184
/// table 3), and a set forbidden bit.
#[must_use]
pub fn parse(payload: &[u8]) -> Option<H264Packet> {
    let (&indicator, rest) = payload.split_first()?;
    match nal_type(indicator)? {
        1..=23 => Some(unit(payload)),
        STAP_A => aggregate(rest),
        FU_A => fragment(rest),
        _ => None,
    }
}

/// RFC 6184 section 1.3: F, which must be 0 to be of use, two bits of NRI, five bits of type.
const fn nal_type(header: u8) -> Option<u8> {
    if header & 0x80 != 0 {
        return None;
    }
    Some(header & 0x1f)
}

/// One NAL unit, of which at least the header is there.
fn unit(unit: &[u8]) -> H264Packet {
    slice_or_prefix(unit[0] & 0x1f, unit.get(1).copied())
}

/// By a NAL unit's type and the byte behind its header.
fn slice_or_prefix(nal_type: u8, next: Option<u8>) -> H264Packet {
    // H.264 section 7.3.3: a slice begins with first_mb_in_slice in Exp-Golomb code, where 0 is
    // a single 1 bit.
    let first_slice = next.is_some_and(|byte| byte & 0x80 != 0);
    H264Packet {
        // H.264 section 7.4.1.2.3: a delimiter, parameter sets and SEI precede a picture's slices.
        frame_start: match nal_type {
            SLICE..=IDR => first_slice,
            SEI..=DELIMITER => true,
            _ => false,
        },
        is_keyframe: nal_type == SPS || nal_type == IDR && first_slice,
        has_parameters: nal_type == SPS,
    }
}

/// RFC 6184 section 5.7.1: units behind two bytes of length each.
fn aggregate(mut rest: &[u8]) -> Option<H264Packet> {
    let mut all: Option<H264Packet> = None;
    while !rest.is_empty() {
        let len = usize::from(be16(rest, 0)?);
        let (one, after) = rest.get(2..)?.split_at_checked(len)?;
        nal_type(*one.first()?)?;
        let one = unit(one);
        all = Some(match all {
            None => one,
            Some(all) => H264Packet {
                is_keyframe: all.is_keyframe || one.is_keyframe,
                has_parameters: all.has_parameters || one.has_parameters,
                ..all
            },
        });
        rest = after;
    }
    all
}

/// RFC 6184 section 5.8: S, E and R bits with the unit's type; the unit's header is not repeated.
fn fragment(rest: &[u8]) -> Option<H264Packet> {
    let (&header, data) = rest.split_first()?;
    let next = *data.first()?;
    let starts = header & 0x80 != 0;
    let nothing = H264Packet {
        frame_start: false,
        is_keyframe: false,
        has_parameters: false,
    };
    // A unit that is its own first and last fragment must not be sent so (RFC 6184 section 5.8);
    // it does no harm to be read.
    Some(if starts {
        slice_or_prefix(header & 0x1f, Some(next))
    } else {
        nothing
    })
}

/// A profile as streams of browsers tell it: which tools a stream may use (RFC 6184 section 8.1,
/// table 5; Constrained High by H.264 section A.2.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Profile {
    /// Constrained Baseline: every receiver decodes it (RFC 7742 section 6.2).
    ConstrainedBaseline,
    /// Baseline.
    Baseline,
    /// Main.
    Main,
    /// Constrained High: High without interlacing and B pictures.
    ConstrainedHigh,
    /// High.
    High,
    /// High 4:4:4 Predictive.
    PredictiveHigh444,
}

impl Profile {
    /// The profile that a `profile-level-id` names in its first two bytes: profile_idc and
    /// profile-iop, the constraint flags. `None` for one that no browser sends.
    #[must_use]
    pub const fn of(profile_idc: u8, profile_iop: u8) -> Option<Self> {
        // RFC 6184 table 5, where x is any bit: the flags from constraint_set0 at the top.
        Some(match (profile_idc, profile_iop) {
            (0x42, iop) if iop & 0x4f == 0x40 => Self::ConstrainedBaseline,
            (0x4d, iop) if iop & 0x8f == 0x80 => Self::ConstrainedBaseline,
            (0x58, iop) if iop & 0xcf == 0xc0 => Self::ConstrainedBaseline,
            (0x42, iop) if iop & 0x4f == 0x00 => Self::Baseline,
            (0x58, iop) if iop & 0xcf == 0x80 => Self::Baseline,
            (0x4d, iop) if iop & 0xaf == 0x00 => Self::Main,
            (0x64, 0x0c) => Self::ConstrainedHigh,
            (0x64, 0x00) => Self::High,
            (0xf4, 0x00) => Self::PredictiveHigh444,
            _ => return None,
        })
    }

    /// Whether a decoder of this profile decodes all streams of `stream` (H.264 section A.2).
    #[must_use]
    pub const fn decodes(self, stream: Self) -> bool {
        use Profile::{
            Baseline, ConstrainedBaseline, ConstrainedHigh, High, Main, PredictiveHigh444,
        };
        match stream {
            ConstrainedBaseline => true,
            // Its flexible macroblock order is in no other profile.
            Baseline => matches!(self, Baseline),
            Main => matches!(self, Main | High | PredictiveHigh444),
            ConstrainedHigh => matches!(self, ConstrainedHigh | High | PredictiveHigh444),
            High => matches!(self, High | PredictiveHigh444),
            PredictiveHigh444 => matches!(self, PredictiveHigh444),
        }
    }
}

#[cfg(test)]
mod tests;
