//! One media section of an offer.

use rtc_sdp::description::media::MediaDescription;

use super::{data, encoding, excerpt, extmap, is_token, payload, value};
use crate::id::Mid;
use crate::media::codec::MediaKind;
use crate::media::session::{Direction, OfferError, OfferedSection, SectionKind};

/// What a section takes from the session's lines.
#[derive(Clone, Copy)]
pub(super) struct SessionDefaults {
    /// The direction of sections that name none.
    pub(super) direction: Direction,
    /// `a=extmap-allow-mixed` at session level.
    pub(super) allow_mixed: bool,
}

/// Reads the section at `index` (from 0, for errors).
pub(super) fn read(
    index: usize,
    media: &MediaDescription,
    defaults: SessionDefaults,
) -> Result<OfferedSection, OfferError> {
    let name = &media.media_name;
    let attributes = &media.attributes;
    // An answer repeats these words (RFC 3264 section 6).
    let words = name.protos.iter().chain(&name.formats);
    if !words.into_iter().all(|word| is_token(word)) {
        return Err(OfferError::BadMediaLine(index));
    }
    // RFC 9143 section 6: a bundle-only section has port 0 and is not stopped.
    let stopped = name.port.value == 0 && !media.has_attribute("bundle-only");
    let kind = kind(media);
    let mut section = OfferedSection {
        mid: mid(value(attributes, "mid"), stopped)?,
        kind,
        media: name.media.clone(),
        protocol: name.protos.join("/"),
        formats: name.formats.clone(),
        direction: direction(media).unwrap_or(defaults.direction),
        stopped,
        payloads: Default::default(),
        extensions: Default::default(),
        extmap_allow_mixed: defaults.allow_mixed || media.has_attribute("extmap-allow-mixed"),
        rtcp_rsize: media.has_attribute("rtcp-rsize"),
        congestion_feedback: false,
        rids: Default::default(),
        track_cid: None,
        ssrcs: Default::default(),
    };
    let SectionKind::Media(kind) = kind else {
        return Ok(section);
    };
    if stopped {
        return Ok(section);
    }
    if !media.has_attribute("rtcp-mux") {
        return Err(OfferError::NoRtcpMux(section.mid.to_string()));
    }
    section.payloads = payload::read(kind, &name.formats, attributes);
    // Where both are offered the one with the finer clock, and one list for all streams, is better.
    let is_transport_wide = section.payloads.iter().any(|payload| payload.transport_cc);
    section.congestion_feedback = !is_transport_wide && payload::congestion_feedback(attributes);
    section.extensions = extmap::read(attributes, section.extmap_allow_mixed);
    section.rids = encoding::rids(attributes)?;
    if section.direction.sends() {
        section.track_cid = encoding::track_cid(attributes)?;
        section.ssrcs = encoding::ssrcs(attributes);
    }
    Ok(section)
}

/// Audio and video count only over DTLS-SRTP's profiles (RFC 9429 section 5.1.2), data only over
/// SCTP over DTLS: whatever else is answered with port 0.
fn kind(media: &MediaDescription) -> SectionKind {
    let name = &media.media_name;
    let profile = name.protos.last().map_or("", String::as_str);
    match (name.media.as_str(), profile) {
        ("audio", "SAVPF" | "SAVP") => SectionKind::Media(MediaKind::Audio),
        ("video", "SAVPF" | "SAVP") => SectionKind::Media(MediaKind::Video),
        ("application", "SCTP") => data::read(&name.formats, &media.attributes)
            .map_or(SectionKind::Other, SectionKind::Data),
        _ => SectionKind::Other,
    }
}

fn mid(text: Option<&str>, stopped: bool) -> Result<Mid, OfferError> {
    match text {
        None if stopped => Ok(Mid::new()),
        // RFC 5888 section 4: a token.
        Some(text) if is_token(text) => {
            Mid::from(text).map_err(|_| OfferError::BadMid(excerpt(text)))
        }
        text => Err(OfferError::BadMid(excerpt(text.unwrap_or_default()))),
    }
}

fn direction(media: &MediaDescription) -> Option<Direction> {
    media
        .attributes
        .iter()
        .find_map(|attribute| direction_named(&attribute.key))
}

/// The direction that an attribute's key names.
pub(super) fn direction_named(key: &str) -> Option<Direction> {
    match key {
        "sendrecv" => Some(Direction::SendRecv),
        "sendonly" => Some(Direction::SendOnly),
        "recvonly" => Some(Direction::RecvOnly),
        "inactive" => Some(Direction::Inactive),
        _ => None,
    }
}
