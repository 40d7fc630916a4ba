//! Formats: a codec with the parameters that make it another payload type, and which of them a
//! section accepts.

use arrayvec::ArrayVec;

use super::codec::Codec;
use crate::id::PayloadType;
use crate::wire::codec::h264::Profile;

/// Most payload types kept of one section. Chromium offers 11 of video to receive: H.264 in four
/// profiles, VP9 in four, AV1 in two. Raising it costs 20 bytes in each section; lowering it leaves
/// out the codecs that a peer likes least.
pub const MAX_PAYLOADS: usize = 16;

/// Payload types of one section, in the order of preference.
pub type Payloads = ArrayVec<PayloadMapping, MAX_PAYLOADS>;

/// One codec of a section with its payload types and feedback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadMapping {
    /// The codec.
    pub codec: Codec,
    /// What `a=fmtp` says that makes it another format of the codec.
    pub parameters: FormatParameters,
    /// Its payload type.
    pub payload_type: PayloadType,
    /// The payload type of its retransmissions (RFC 4588), where offered.
    pub rtx: Option<PayloadType>,
    /// `a=rtcp-fb` names generic NACK (RFC 4585).
    pub nack: bool,
    /// `a=rtcp-fb` names `nack pli` (RFC 4585).
    pub pli: bool,
    /// `a=rtcp-fb` names `ccm fir` (RFC 5104).
    pub fir: bool,
    /// `a=rtcp-fb` names `transport-cc`.
    pub transport_cc: bool,
}

/// What `a=fmtp` says of a format that is part of its identity. Defaults stand where a line says
/// nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FormatParameters {
    /// Nothing that counts.
    #[default]
    None,
    /// H.264 (RFC 6184 section 8.1), of packetization mode 1.
    H264(H264Parameters),
    /// VP9's `profile-id` (RFC 9628 section 6).
    Vp9 {
        /// 0..=3; 0 is 8 bits with 4:2:0 sampling.
        profile: u8,
    },
    /// AV1 (RTP Payload Format For AV1, version 1.0, section 7.2).
    Av1(Av1Parameters),
    /// H.265 (RFC 7798 section 7.1).
    H265(H265Parameters),
    /// RED (RFC 2198 section 4): the payload type of every block.
    Red {
        /// That of Opus in the same section.
        blocks: PayloadType,
    },
}

/// H.264's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct H264Parameters {
    /// `profile-level-id`: profile_idc, profile-iop, level_idc.
    pub profile_level_id: [u8; 3],
    /// The profile that it names.
    pub profile: Profile,
    /// `level-asymmetry-allowed`: each side may send at the other's level.
    pub level_asymmetry: bool,
}

/// AV1's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Av1Parameters {
    /// `profile`, 0..=2.
    pub profile: u8,
    /// `level-idx`, 0..=31.
    pub level_index: u8,
    /// `tier`, 0 or 1.
    pub tier: u8,
}

/// H.265's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct H265Parameters {
    /// `profile-id`, 0..=31.
    pub profile: u8,
    /// `tier-flag`, 0 or 1.
    pub tier: u8,
    /// `level-id`, 0..=255: 30 times the level.
    pub level: u8,
}

/// RFC 7798 section 7.1: Main, main tier, level 3.1.
const H265_DEFAULT: H265Parameters = H265Parameters {
    profile: 1,
    tier: 0,
    level: 93,
};

/// How well a receiver's format fits a sender's, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// The same.
    Same,
    /// A larger one, which decodes the sender's.
    Larger,
    /// One that decodes what senders of this name really send.
    Practical,
}

impl PayloadMapping {
    /// How well this format of a receiver fits `sent`; `None` when it cannot decode it.
    pub(super) fn fit(&self, sent: &Self) -> Option<Fit> {
        if self.codec != sent.codec {
            return None;
        }
        let (own, sent) = (self.parameters, sent.parameters);
        match self.codec {
            Codec::H264 => h264_fit(own, sent),
            // Profiles of VP9 differ in depth and sampling, and none contains another.
            Codec::Vp9 => (vp9_profile(own) == vp9_profile(sent)).then_some(Fit::Same),
            // AV1 specification section 6.4.1: profile 1 decodes profile 0, profile 2 both.
            Codec::Av1 => same_or_larger(av1_profile(own), av1_profile(sent)),
            // H.265 section A.3.3: a decoder of Main 10 decodes Main.
            Codec::H265 => h265_fit(own, sent),
            _ => Some(Fit::Same),
        }
    }
}

fn same_or_larger(own: u8, sent: u8) -> Option<Fit> {
    match own.cmp(&sent) {
        std::cmp::Ordering::Equal => Some(Fit::Same),
        std::cmp::Ordering::Greater => Some(Fit::Larger),
        std::cmp::Ordering::Less => None,
    }
}

/// RFC 6184 section 8.2.2: the profile must match, whatever flags name it; the level is each side's
/// own, as browsers allow by `level-asymmetry-allowed`.
fn h264_fit(own: FormatParameters, sent: FormatParameters) -> Option<Fit> {
    let (FormatParameters::H264(own), FormatParameters::H264(sent)) = (own, sent) else {
        return None;
    };
    if own.profile == sent.profile {
        return Some(Fit::Same);
    }
    if own.profile.decodes(sent.profile) {
        return Some(Fit::Larger);
    }
    // No encoder of a browser uses what Baseline has beyond Constrained Baseline, which RFC 7742
    // section 6.2 asks of every browser.
    let named_baseline = sent.profile == Profile::Baseline;
    named_baseline.then_some(Fit::Practical)
}

const fn vp9_profile(parameters: FormatParameters) -> u8 {
    match parameters {
        FormatParameters::Vp9 { profile } => profile,
        _ => 0,
    }
}

const fn av1_profile(parameters: FormatParameters) -> u8 {
    match parameters {
        FormatParameters::Av1(parameters) => parameters.profile,
        _ => 0,
    }
}

fn h265_fit(own: FormatParameters, sent: FormatParameters) -> Option<Fit> {
    let read = |parameters| match parameters {
        FormatParameters::H265(parameters) => parameters,
        _ => H265_DEFAULT,
    };
    let (own, sent) = (read(own), read(sent));
    if own.tier < sent.tier {
        return None;
    }
    match (own.profile, sent.profile) {
        (own, sent) if own == sent => Some(Fit::Same),
        // Main 10 and Main.
        (2, 1) => Some(Fit::Larger),
        _ => None,
    }
}

/// What a publisher has said of a track's coding when it announced it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodecWishes {
    /// The only codec that it is to be sent in; `None`: any.
    pub codec: Option<Codec>,
    /// Opus may come with redundancy.
    pub red: bool,
    /// Opus may leave out silence.
    pub dtx: bool,
    /// Opus comes in two channels.
    pub stereo: bool,
}

impl Default for CodecWishes {
    /// What clients do that say nothing.
    fn default() -> Self {
        Self {
            codec: None,
            red: true,
            dtx: true,
            stereo: false,
        }
    }
}

/// What is accepted of a publisher's `offered` formats, the one that it is to send first.
///
/// A codec that was announced is the only one, if it is offered: some clients send by their own
/// order, whatever an answer prefers. RED goes before its Opus, or out. Of H.264 the profile that
/// most receivers decode goes first.
#[must_use]
pub fn accepted(offered: &[PayloadMapping], wishes: &CodecWishes) -> Payloads {
    let announced = wishes
        .codec
        .filter(|codec| offered.iter().any(|payload| payload.codec == *codec));
    let red_of = |payload: &PayloadMapping| {
        let blocks = FormatParameters::Red {
            blocks: payload.payload_type,
        };
        let red = offered.iter().find(|red| red.parameters == blocks);
        red.filter(|_| wishes.red && payload.codec == Codec::Opus)
    };
    let mut accepted = Payloads::new();
    for payload in offered {
        let is_wanted = announced.is_none_or(|codec| codec == payload.codec);
        if payload.codec == Codec::OpusRed || !is_wanted {
            continue;
        }
        for format in red_of(payload).into_iter().chain([payload]) {
            // No longer than what is offered, but for a RED that two formats of Opus share.
            let _ = accepted.try_push(*format);
        }
    }
    by_h264_reach(&mut accepted);
    accepted
}

/// Puts the formats of H.264 into the order of their profiles, at the places that they have among
/// the others.
fn by_h264_reach(payloads: &mut Payloads) {
    let profile = |payload: &PayloadMapping| match payload.parameters {
        FormatParameters::H264(parameters) => Some(parameters.profile),
        _ => None,
    };
    let mut formats: Payloads = payloads
        .iter()
        .copied()
        .filter(|p| profile(p).is_some())
        .collect();
    formats.sort_by_key(|payload| profile(payload));
    let places = payloads
        .iter_mut()
        .filter(|payload| profile(payload).is_some());
    for (place, format) in places.zip(formats) {
        *place = format;
    }
}

#[cfg(test)]
mod tests;
