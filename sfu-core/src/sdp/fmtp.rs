//! `a=fmtp` lines: which format of a codec a payload type is.

use std::fmt::{self, Write as _};

use crate::id::PayloadType;
use crate::media::codec::Codec;
use crate::media::format::{
    Av1Parameters, CodecWishes, FormatParameters, H264Parameters, H265Parameters,
};
use crate::wire::codec::h264::Profile;

/// Longest `a=fmtp` value that is read, in bytes. Those of browsers are below 200; a longer one
/// counts as absent. Raising it lets a line cost more; lowering it takes formats for others.
const MAX_LEN: usize = 512;

/// What an `a=fmtp` value (`""` where there is none) says of a format of `codec`.
///
/// `None` for a format that the engine does not forward: another packetization of H.264 than mode 1,
/// an unknown profile, RED of anything but one codec.
pub(super) fn read(codec: Codec, value: &str) -> Option<FormatParameters> {
    let value = if value.len() > MAX_LEN { "" } else { value };
    match codec {
        Codec::H264 => h264(value),
        Codec::OpusRed => red(value),
        Codec::Vp9 => match number(value, "profile-id") {
            None => Some(FormatParameters::None),
            Some(profile) => (profile <= 3).then_some(FormatParameters::Vp9 { profile }),
        },
        Codec::Av1 => av1(value),
        Codec::H265 => h265(value),
        Codec::Opus | Codec::Pcmu | Codec::Pcma | Codec::Vp8 => Some(FormatParameters::None),
    }
}

/// The value of `name` in `name=value;name=value`; names compare without case (RFC 6838 section
/// 4.3).
pub(super) fn parameter<'v>(value: &'v str, name: &str) -> Option<&'v str> {
    value.split(';').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn number(value: &str, name: &str) -> Option<u8> {
    // What is out of range is not taken for the default.
    parameter(value, name).map(|text| text.parse().unwrap_or(u8::MAX))
}

/// RFC 6184 section 8.1: without `packetization-mode` it is mode 0, without `profile-level-id`
/// Baseline of level 1.
fn h264(value: &str) -> Option<FormatParameters> {
    if number(value, "packetization-mode") != Some(1) {
        return None;
    }
    let profile_level_id = match parameter(value, "profile-level-id") {
        None => [0x42, 0x00, 0x0a],
        Some(text) => hex(text)?,
    };
    let [idc, iop, _] = profile_level_id;
    Some(FormatParameters::H264(H264Parameters {
        profile_level_id,
        profile: Profile::of(idc, iop)?,
        level_asymmetry: number(value, "level-asymmetry-allowed") == Some(1),
    }))
}

/// Six hexadecimal digits.
fn hex(text: &str) -> Option<[u8; 3]> {
    let digits = text.len() == 6 && text.bytes().all(|c| c.is_ascii_hexdigit());
    let [_, bytes @ ..] = u32::from_str_radix(text, 16)
        .ok()
        .filter(|_| digits)?
        .to_be_bytes();
    Some(bytes)
}

/// RTP Payload Format For AV1, section 7.2.2: profile 0, level 5 (3.1), tier 0 where not said.
fn av1(value: &str) -> Option<FormatParameters> {
    let (profile, level) = (number(value, "profile"), number(value, "level-idx"));
    let tier = number(value, "tier");
    if profile.or(level).or(tier).is_none() {
        return Some(FormatParameters::None);
    }
    let parameters = Av1Parameters {
        profile: profile.unwrap_or(0),
        level_index: level.unwrap_or(5),
        tier: tier.unwrap_or(0),
    };
    let valid = parameters.profile <= 2 && parameters.level_index <= 31 && parameters.tier <= 1;
    valid.then_some(FormatParameters::Av1(parameters))
}

/// RFC 7798 section 7.1. Only one stream for one SSRC is forwarded (`tx-mode=SRST`), and no
/// decoding order numbers.
fn h265(value: &str) -> Option<FormatParameters> {
    let single = parameter(value, "tx-mode").is_none_or(|mode| mode.eq_ignore_ascii_case("SRST"));
    let ordered = matches!(number(value, "sprop-max-don-diff"), None | Some(0));
    if !single || !ordered {
        return None;
    }
    let (profile, level) = (number(value, "profile-id"), number(value, "level-id"));
    let tier = number(value, "tier-flag");
    if profile.or(level).or(tier).is_none() {
        return Some(FormatParameters::None);
    }
    let parameters = H265Parameters {
        profile: profile.unwrap_or(1),
        tier: tier.unwrap_or(0),
        level: level.unwrap_or(93),
    };
    let valid = parameters.profile <= 31 && parameters.tier <= 1;
    valid.then_some(FormatParameters::H265(parameters))
}

/// RFC 2198 section 4: the payload types of the blocks, which are all the same here.
fn red(value: &str) -> Option<FormatParameters> {
    let mut types = value.trim().split('/');
    let first = super::payload::payload_type(types.next()?)?;
    let same = types.all(|text| super::payload::payload_type(text) == Some(first));
    same.then_some(FormatParameters::Red {
        blocks: PayloadType(first),
    })
}

/// The `a=fmtp` value of an answer; `None` where nothing needs to be said.
///
/// A format's own parameters are those of the offer: within a bundle one payload type has one
/// meaning (RFC 9143 section 9.1). `wishes` are of the publisher whose section it is.
pub(super) struct Fmtp<'w>(
    pub(super) FormatParameters,
    pub(super) Option<&'w CodecWishes>,
);

impl Fmtp<'_> {
    /// The value for a payload of `codec`.
    pub(super) fn value(&self, codec: Codec) -> Option<String> {
        let mut value = String::new();
        let written = match self.0 {
            FormatParameters::None if codec == Codec::Opus => self.opus(&mut value),
            FormatParameters::None => return None,
            FormatParameters::H264(parameters) => h264_value(&mut value, parameters),
            FormatParameters::Vp9 { profile } => write!(value, "profile-id={profile}"),
            FormatParameters::Av1(Av1Parameters {
                profile,
                level_index,
                tier,
            }) => write!(
                value,
                "level-idx={level_index};profile={profile};tier={tier}"
            ),
            FormatParameters::H265(H265Parameters {
                profile,
                tier,
                level,
            }) => write!(
                value,
                "level-id={level};profile-id={profile};tier-flag={tier};tx-mode=SRST"
            ),
            FormatParameters::Red { blocks } => write!(value, "{blocks}/{blocks}"),
        };
        written.expect("writing to a String never fails");
        Some(value)
    }

    /// RFC 7587 section 6.1: what we take; forwarded packets keep their in-band FEC. Browsers leave
    /// out silence, and send two channels, only where the answer asks for it.
    fn opus(&self, value: &mut String) -> fmt::Result {
        value.push_str("minptime=10;useinbandfec=1");
        if self.1.is_some_and(|wishes| wishes.dtx) {
            value.push_str(";usedtx=1");
        }
        if self.1.is_some_and(|wishes| wishes.stereo) {
            write!(value, ";stereo=1;maxaveragebitrate={STEREO_BITRATE}")?;
        }
        Ok(())
    }
}

/// Most bits a second of Opus in two channels: all that the codec has (RFC 7587 section 7.1). The
/// publisher's own settings stay below.
const STEREO_BITRATE: u32 = 510_000;

fn h264_value(value: &mut String, parameters: H264Parameters) -> fmt::Result {
    if parameters.level_asymmetry {
        value.push_str("level-asymmetry-allowed=1;");
    }
    let [idc, iop, level] = parameters.profile_level_id;
    write!(
        value,
        "packetization-mode=1;profile-level-id={idc:02x}{iop:02x}{level:02x}"
    )
}
