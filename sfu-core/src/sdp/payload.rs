//! Payload types: which of a section's formats the engine forwards, and with which feedback.

use rtc_sdp::description::common::Attribute;

use super::{fmtp, values};
use crate::id::PayloadType;
use crate::media::codec::{Codec, MediaKind};
use crate::media::format::{MAX_PAYLOADS, PayloadMapping, Payloads};

/// What an `a=rtpmap` line names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Codec(Codec),
    /// Retransmissions (RFC 4588).
    Rtx,
}

#[derive(Clone, Copy, Default)]
struct Feedback {
    nack: bool,
    pli: bool,
    fir: bool,
    transport_cc: bool,
}

/// What a section says of each payload type.
struct Formats<'a> {
    named: [Option<Format>; 128],
    /// The `a=fmtp` values; empty without one.
    parameters: [&'a str; 128],
    feedback: [Feedback; 128],
    /// What `a=rtcp-fb:*` says of all of them.
    feedback_of_all: Feedback,
}

/// The payload types of `formats` (the `m=` line's, in the peer's order of preference) that carry
/// a codec of `kind` which the engine knows. Further ones than [`MAX_PAYLOADS`] are left out.
pub(super) fn read(kind: MediaKind, formats: &[String], attributes: &[Attribute]) -> Payloads {
    let described = describe(kind, attributes);
    let mut listed = [false; 128];
    let mut order = Vec::with_capacity(16);
    for number in formats.iter().filter_map(|format| payload_type(format)) {
        // Each number once: the list is at most 128 long, whatever the text.
        if !std::mem::replace(&mut listed[usize::from(number)], true) {
            order.push(number);
        }
    }
    let mut rtx_of = [None; 128];
    for &number in &order {
        let at = usize::from(number);
        let repairs = fmtp::parameter(described.parameters[at], "apt").and_then(payload_type);
        if let (Some(Format::Rtx), Some(primary)) = (described.named[at], repairs) {
            rtx_of[usize::from(primary)].get_or_insert(PayloadType(number));
        }
    }
    let known = order.iter().filter_map(|&number| {
        let at = usize::from(number);
        let Some(Format::Codec(codec)) = described.named[at] else {
            return None;
        };
        let (own, all) = (described.feedback[at], described.feedback_of_all);
        Some(PayloadMapping {
            codec,
            parameters: fmtp::read(codec, described.parameters[at])?,
            payload_type: PayloadType(number),
            rtx: rtx_of[at],
            nack: own.nack || all.nack,
            pli: own.pli || all.pli,
            fir: own.fir || all.fir,
            transport_cc: own.transport_cc || all.transport_cc,
        })
    });
    known.take(MAX_PAYLOADS).collect()
}

/// Whether the section offers congestion control feedback (RFC 8888 section 6), which is of all its
/// payload types: the RFC allows `*` only, and others name each.
pub(super) fn congestion_feedback(attributes: &[Attribute]) -> bool {
    values(attributes, "rtcp-fb").any(|line| {
        let mut words = line.split_ascii_whitespace();
        words.next().is_some() && words.eq(["ack", "ccfb"])
    })
}

fn describe(kind: MediaKind, attributes: &[Attribute]) -> Formats<'_> {
    let mut formats = Formats {
        named: [None; 128],
        parameters: [""; 128],
        feedback: [Feedback::default(); 128],
        feedback_of_all: Feedback::default(),
    };
    for codec in Codec::ALL.into_iter().filter(|codec| codec.kind() == kind) {
        // RFC 3551 section 6: a static payload type needs no rtpmap.
        if let Some(number) = codec.static_payload_type() {
            formats.named[usize::from(number)] = Some(Format::Codec(codec));
        }
    }
    for line in values(attributes, "rtpmap") {
        if let Some((number, rest)) = numbered(line) {
            formats.named[usize::from(number)] = format(kind, rest);
        }
    }
    for line in values(attributes, "fmtp") {
        if let Some((number, rest)) = numbered(line) {
            formats.parameters[usize::from(number)] = rest;
        }
    }
    for line in values(attributes, "rtcp-fb") {
        // RFC 4585 section 4.2: `*` stands for every payload type of the section.
        if let Some(rest) = line.strip_prefix("* ") {
            add_feedback(&mut formats.feedback_of_all, rest);
        } else if let Some((number, rest)) = numbered(line) {
            add_feedback(&mut formats.feedback[usize::from(number)], rest);
        }
    }
    formats
}

/// `<payload type> <rest>`.
fn numbered(line: &str) -> Option<(u8, &str)> {
    let (number, rest) = line.split_once(' ')?;
    Some((payload_type(number)?, rest.trim()))
}

/// A payload type that rtcp-mux leaves to RTP (RFC 5761 section 4: not 64 to 95).
pub(super) fn payload_type(text: &str) -> Option<u8> {
    let number = text.trim().parse().ok()?;
    matches!(number, 0..=63 | 96..=127).then_some(number)
}

/// `<name>/<clock rate>[/<channels>]`; names compare without case (RFC 8866 section 6.6).
fn format(kind: MediaKind, text: &str) -> Option<Format> {
    let mut parts = text.split('/');
    let name = parts.next()?;
    if name.eq_ignore_ascii_case("rtx") {
        return Some(Format::Rtx);
    }
    let clock_rate: u32 = parts.next()?.parse().ok()?;
    let channels: Option<u8> = parts.next().and_then(|channels| channels.parse().ok());
    let codec = Codec::ALL
        .into_iter()
        .find(|codec| codec.kind() == kind && name.eq_ignore_ascii_case(codec.name()))?;
    // RFC 8866 section 6.6: without a number of channels there is one.
    let wanted = codec.channels().unwrap_or(1);
    let matches = codec.clock_rate() == clock_rate && channels.unwrap_or(1) == wanted;
    matches.then_some(Format::Codec(codec))
}

fn add_feedback(feedback: &mut Feedback, text: &str) {
    let mut words = text.split_ascii_whitespace();
    match (words.next(), words.next()) {
        (Some("nack"), None) => feedback.nack = true,
        (Some("nack"), Some("pli")) => feedback.pli = true,
        (Some("ccm"), Some("fir")) => feedback.fir = true,
        (Some("transport-cc"), None) => feedback.transport_cc = true,
        _ => {}
    }
}
