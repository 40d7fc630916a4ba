//! What an unknown stream is: by its name in the header extensions, else by the SDP's SSRC lines.

use super::peer::{Peer, Section, SectionUse};
use super::streams::Stream;
use crate::drop_reason::DropReason;
use crate::id::{Mid, PayloadType, Rid, Ssrc};

/// What a packet's header extensions say of its stream.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StreamNames {
    pub(super) mid: Option<Mid>,
    pub(super) rid: Option<Rid>,
    pub(super) repaired_rid: Option<Rid>,
}

/// Tells what an unknown SSRC carries: by rid or repaired rid within the section of its mid (RFC 8852
/// section 3), else by the SDP's SSRC lines, else by the mid alone.
pub(super) fn identify(
    peer: &Peer,
    ssrc: Ssrc,
    payload_type: PayloadType,
    names: &StreamNames,
) -> Result<Stream, DropReason> {
    if let Some(stream) = by_announced_ssrc(&peer.sections, ssrc, names) {
        return Ok(stream);
    }
    let section = match &names.mid {
        Some(mid) => peer.section(mid),
        // A rid is unique within its section only: without a mid it must be in exactly one.
        None => only_section_with_rid(&peer.sections, names),
    }
    .ok_or(DropReason::StreamUnknown)?;
    let SectionUse::Receives(track) = section.used else {
        return Err(DropReason::NotPermitted);
    };
    let rids = &section.offered.rids;
    let place = |rid: &Rid| rids.iter().position(|known| known == rid);
    let (encoding, rtx) = if let Some(rid) = &names.repaired_rid {
        (place(rid).ok_or(DropReason::StreamUnknown)?, true)
    } else if let Some(rid) = &names.rid {
        (place(rid).ok_or(DropReason::StreamUnknown)?, false)
    } else if rids.is_empty() {
        let rtx = section
            .offered
            .payloads
            .iter()
            .any(|p| p.rtx == Some(payload_type));
        (0, rtx)
    } else {
        return Err(DropReason::StreamUnknown);
    };
    Ok(Stream {
        ssrc,
        track,
        encoding: narrow(encoding),
        rtx,
    })
}

fn narrow(encoding: usize) -> u8 {
    u8::try_from(encoding).expect("a section has at most MAX_ENCODINGS")
}

/// Where encodings have names, SSRCs are announced in any order: taken by their places, the best picture can go
/// for the worst.
fn by_announced_ssrc(sections: &[Section], ssrc: Ssrc, names: &StreamNames) -> Option<Stream> {
    let has_name = names.rid.is_some() || names.repaired_rid.is_some();
    let by_place = |section: &&Section| !has_name || section.offered.rids.is_empty();
    sections.iter().filter(by_place).find_map(|section| {
        let SectionUse::Receives(track) = section.used else {
            return None;
        };
        section
            .offered
            .ssrcs
            .iter()
            .enumerate()
            .find_map(|(encoding, &(media, repair))| {
                let rtx = repair == Some(ssrc);
                (media == ssrc || rtx).then(|| Stream {
                    ssrc,
                    track,
                    encoding: narrow(encoding),
                    rtx,
                })
            })
    })
}

fn only_section_with_rid<'s>(sections: &'s [Section], names: &StreamNames) -> Option<&'s Section> {
    let rid = names.repaired_rid.as_ref().or(names.rid.as_ref())?;
    let mut with_rid = sections.iter().filter(|section| {
        matches!(section.used, SectionUse::Receives(_)) && section.offered.rids.contains(rid)
    });
    let first = with_rid.next()?;
    with_rid.next().is_none().then_some(first)
}
