//! What a section says of the streams that the peer sends in it: rids, SSRCs, the track's name.

use std::collections::BTreeSet;

use arrayvec::ArrayVec;
use rtc_sdp::description::common::Attribute;

use super::{excerpt, is_token, value, values};
use crate::config::MAX_TRACK_CID_LEN;
use crate::id::{Rid, Ssrc};
use crate::media::session::{MAX_ENCODINGS, OfferError};

/// FID and FEC groups kept of one section: one of each per encoding.
const MAX_GROUPS: usize = 2 * MAX_ENCODINGS;

/// The encodings that the peer will send, in the order of `a=simulcast` (RFC 8853 section 5.1).
///
/// Of alternatives the first is taken; a paused encoding (`~`) counts, for it can start at any
/// time; a name without its `a=rid:<name> send` line (RFC 8851) does not. Further ones than
/// [`MAX_ENCODINGS`] are left out, and so out of the answer.
pub(super) fn rids(attributes: &[Attribute]) -> Result<ArrayVec<Rid, MAX_ENCODINGS>, OfferError> {
    let mut rids = ArrayVec::new();
    let Some(simulcast) = value(attributes, "simulcast") else {
        return Ok(rids);
    };
    // `send <list>`, `recv <list>`, or both in any order.
    let mut words = simulcast.split_ascii_whitespace();
    words.by_ref().find(|&word| word == "send");
    let list = words.next().unwrap_or_default();
    let declared = declared(attributes);
    for alternatives in list.split(';') {
        let first = alternatives.split(',').next().unwrap_or_default();
        let name = first.strip_prefix('~').unwrap_or(first);
        if rids.is_full() || !declared.contains(name) {
            continue;
        }
        let rid = rid(name)?;
        if !rids.contains(&rid) {
            rids.push(rid);
        }
    }
    Ok(rids)
}

/// The names of the section's `a=rid:<name> send` lines.
fn declared(attributes: &[Attribute]) -> BTreeSet<&str> {
    let names = values(attributes, "rid").filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let name = words.next()?;
        (words.next() == Some("send")).then_some(name)
    });
    names.collect()
}

fn rid(name: &str) -> Result<Rid, OfferError> {
    // RFC 8851 section 10: rid-id.
    let valid = name
        .bytes()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'));
    Rid::from(name)
        .ok()
        .filter(|_| valid && !name.is_empty())
        .ok_or_else(|| OfferError::BadRid(excerpt(name)))
}

/// The peer's own name of the track: `a=msid`'s second word (RFC 8830), or what older clients say
/// in `a=ssrc:<n> msid:<stream> <track>`.
pub(super) fn track_cid(attributes: &[Attribute]) -> Result<Option<String>, OfferError> {
    let of_ssrc = || {
        values(attributes, "ssrc").find_map(|line| line.split_once(" msid:").map(|(_, msid)| msid))
    };
    let Some(msid) = value(attributes, "msid").or_else(of_ssrc) else {
        return Ok(None);
    };
    match msid.split_ascii_whitespace().nth(1) {
        None => Ok(None),
        Some(track) if track.len() <= MAX_TRACK_CID_LEN && is_token(track) => {
            Ok(Some(track.to_owned()))
        }
        Some(track) => Err(OfferError::BadMsid(excerpt(track))),
    }
}

/// The announced SSRCs that carry media, each with its FID partner.
pub(super) fn ssrcs(attributes: &[Attribute]) -> ArrayVec<(Ssrc, Option<Ssrc>), MAX_ENCODINGS> {
    let mut order: ArrayVec<Ssrc, MAX_ENCODINGS> = ArrayVec::new();
    let mut repairs: ArrayVec<(Ssrc, Ssrc, bool), MAX_GROUPS> = ArrayVec::new();
    for line in values(attributes, "ssrc-group") {
        let mut words = line.split_ascii_whitespace();
        let semantics = words.next().unwrap_or_default();
        let mut numbers = words.filter_map(ssrc);
        match semantics {
            "SIM" => order.extend(numbers.take(order.remaining_capacity())),
            "FID" | "FEC-FR" => {
                if let (Some(first), Some(second)) = (numbers.next(), numbers.next()) {
                    let _ = repairs.try_push((first, second, semantics == "FID"));
                }
            }
            _ => {}
        }
    }
    for line in values(attributes, "ssrc") {
        let Some(number) = line.split_ascii_whitespace().next().and_then(ssrc) else {
            continue;
        };
        let is_repair = repairs.iter().any(|&(_, second, _)| second == number);
        if !is_repair && !order.contains(&number) && !order.is_full() {
            order.push(number);
        }
    }
    let partner = |primary| {
        let fid = repairs
            .iter()
            .find(|&&(first, _, is_fid)| is_fid && first == primary);
        fid.map(|&(_, second, _)| second)
    };
    order
        .into_iter()
        .map(|primary| (primary, partner(primary)))
        .collect()
}

fn ssrc(text: &str) -> Option<Ssrc> {
    text.parse().ok().map(Ssrc)
}
