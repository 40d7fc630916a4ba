//! The whole of an offer: its bounds, its BUNDLE group, its transport.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;

use arrayvec::ArrayString;
use rtc_sdp::description::common::Attribute;
use rtc_sdp::description::session::SessionDescription;

use super::section::{self, SessionDefaults};
use super::{excerpt, value, values};
use crate::config::{MAX_MEDIA_LINE_LEN, MAX_SDP_LEN, MAX_SDP_LINES, MAX_SECTIONS};
use crate::media::session::{
    Direction, DtlsRole, Fingerprint, IceCredentials, OfferError, OfferedSection, OfferedSession,
    TransportParameters,
};

/// Reads an offer.
///
/// Codecs, header extensions and attributes that the engine does not know are left out, so that an
/// answer leaves them out too; what it cannot do without is refused.
///
/// # Errors
///
/// An [`OfferError`] that names the field, with at most 40 characters of the offer in it.
pub fn read_offer(text: &str) -> Result<OfferedSession, OfferError> {
    let session = parse(text)?;
    let defaults = SessionDefaults {
        direction: session
            .attributes
            .iter()
            .find_map(|attribute| section::direction_named(&attribute.key))
            .unwrap_or(Direction::SendRecv),
        allow_mixed: session.has_attribute("extmap-allow-mixed"),
    };
    let mut sections = Vec::with_capacity(session.media_descriptions.len());
    for (index, media) in session.media_descriptions.iter().enumerate() {
        sections.push(section::read(index, media, defaults)?);
    }
    check_mids(&sections)?;
    let tagged = tagged_section(&session, &sections)?;
    // The transport is that of the offerer-tagged section (RFC 9143 section 7.2.1); the others'
    // lines repeat it or are absent.
    let tagged = tagged.map_or(&[][..], |index| {
        session.media_descriptions[index].attributes.as_slice()
    });
    Ok(OfferedSession {
        transport: transport(tagged, &session.attributes)?,
        sections,
    })
}

/// Bounds the text before anything is kept of it.
fn parse(text: &str) -> Result<SessionDescription, OfferError> {
    if text.len() > MAX_SDP_LEN {
        return Err(OfferError::TooLarge {
            got: text.len(),
            limit: MAX_SDP_LEN,
        });
    }
    let got = text.split('\n').count();
    if got > MAX_SDP_LINES {
        return Err(OfferError::TooManyLines {
            got,
            limit: MAX_SDP_LINES,
        });
    }
    // The syntax skips carriage returns before a line, and so must whoever counts lines.
    let lines = text.split('\n').map(|line| line.trim_start_matches('\r'));
    let mut got = 0;
    for line in lines.filter(|line| line.starts_with("m=")) {
        if line.len() > MAX_MEDIA_LINE_LEN {
            return Err(OfferError::BadMediaLine(got));
        }
        got += 1;
    }
    if got > MAX_SECTIONS {
        return Err(OfferError::TooManySections {
            got,
            limit: MAX_SECTIONS,
        });
    }
    SessionDescription::unmarshal(&mut Cursor::new(text.as_bytes()))
        .map_err(|error| OfferError::Syntax(excerpt(&error.to_string())))
}

fn check_mids(sections: &[OfferedSection]) -> Result<(), OfferError> {
    let mut seen = BTreeSet::new();
    for section in sections {
        if !section.mid.is_empty() && !seen.insert(section.mid.as_str()) {
            return Err(OfferError::BadMid(section.mid.to_string()));
        }
    }
    Ok(())
}

/// Checks that one BUNDLE group names every section in use; gives the index of the section that
/// the group names first, which is `None` when no section is in use.
fn tagged_section(
    session: &SessionDescription,
    sections: &[OfferedSection],
) -> Result<Option<usize>, OfferError> {
    let group = values(&session.attributes, "group")
        .find_map(|group| group.strip_prefix("BUNDLE "))
        .unwrap_or_default();
    let mut places = BTreeMap::new();
    for (place, mid) in group.split_ascii_whitespace().enumerate() {
        places.entry(mid).or_insert(place);
    }
    let mut first = None;
    let in_use = sections.iter().enumerate();
    for (index, section) in in_use.filter(|(_, section)| !section.stopped) {
        let Some(&place) = places.get(section.mid.as_str()) else {
            return Err(OfferError::NotBundled(section.mid.to_string()));
        };
        if first.is_none_or(|(best, _)| place < best) {
            first = Some((place, index));
        }
    }
    Ok(first.map(|(_, index)| index))
}

fn transport(
    tagged: &[Attribute],
    session: &[Attribute],
) -> Result<TransportParameters, OfferError> {
    let either = |key| value(tagged, key).or_else(|| value(session, key));
    let ice = match (either("ice-ufrag"), either("ice-pwd")) {
        (Some(ufrag), Some(pwd)) => credentials(ufrag, pwd),
        _ => None,
    }
    .ok_or(OfferError::NoIceCredentials)?;
    let fingerprint = values(tagged, "fingerprint")
        .chain(values(session, "fingerprint"))
        .find_map(sha_256)
        .ok_or(OfferError::NoFingerprint)?;
    // RFC 8842 section 5.3: an answerer prefers to wait where it may choose.
    let dtls_role = match either("setup") {
        Some("actpass" | "active") => DtlsRole::Passive,
        Some("passive") => DtlsRole::Active,
        _ => return Err(OfferError::BadSetup),
    };
    Ok(TransportParameters {
        ice,
        fingerprint,
        dtls_role,
    })
}

/// RFC 8839 section 5.4: at least 4 and 22 ice-chars.
fn credentials(ufrag: &str, pwd: &str) -> Option<IceCredentials> {
    let is_ice_char = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/');
    let valid =
        ufrag.len() >= 4 && pwd.len() >= 22 && ufrag.bytes().chain(pwd.bytes()).all(is_ice_char);
    valid.then_some(())?;
    Some(IceCredentials {
        ufrag: ArrayString::from(ufrag).ok()?,
        pwd: ArrayString::from(pwd).ok()?,
    })
}

/// `sha-256 AB:CD:...` (RFC 8122 section 5), in any case; another hash gives `None`.
fn sha_256(line: &str) -> Option<Fingerprint> {
    let (hash, digits) = line.split_once(' ')?;
    if !hash.eq_ignore_ascii_case("sha-256") {
        return None;
    }
    let mut digest = [0; 32];
    let mut pairs = digits.trim().split(':');
    for byte in &mut digest {
        let pair = pairs.next().filter(|pair| pair.len() == 2)?;
        // `from_str_radix` alone would take a sign.
        let hex = pair.bytes().all(|c| c.is_ascii_hexdigit());
        *byte = u8::from_str_radix(pair, 16).ok().filter(|_| hex)?;
    }
    pairs.next().is_none().then_some(Fingerprint(digest))
}
