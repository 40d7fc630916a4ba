//! Which stream is which: an SSRC's track, encoding and role within a participant.

use crate::drop_reason::DropReason;
use crate::id::{Mid, PayloadType, Rid, Ssrc};
use crate::room::tracks::TrackIndex;

use super::peer::{Peer, Section, SectionUse};

/// Most streams that one participant may send: 10 simulcast tracks with their RTX.
///
/// Higher: a participant can make the engine look through a longer list for every packet. Lower:
/// fewer tracks at once.
pub(super) const MAX_STREAMS: usize = 64;

/// What a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stream {
    pub(super) ssrc: Ssrc,
    pub(super) track: TrackIndex,
    pub(super) encoding: u8,
    /// Retransmissions of the encoding, not the encoding itself.
    pub(super) rtx: bool,
}

/// What a packet's header extensions say of its stream.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct StreamNames {
    pub(super) mid: Option<Mid>,
    pub(super) rid: Option<Rid>,
    pub(super) repaired_rid: Option<Rid>,
}

/// The streams of one participant that have been told apart.
#[derive(Debug, Default)]
pub(super) struct Streams(Vec<Stream>);

impl Streams {
    /// The stream of an SSRC.
    pub(super) fn find(&self, ssrc: Ssrc) -> Option<Stream> {
        self.0.iter().find(|stream| stream.ssrc == ssrc).copied()
    }

    /// Adds a stream; an encoding's former stream of the same role gives way.
    pub(super) fn add(&mut self, stream: Stream) -> Result<(), DropReason> {
        let former = self.0.iter().position(|other| {
            (other.track, other.encoding, other.rtx) == (stream.track, stream.encoding, stream.rtx)
        });
        if let Some(at) = former {
            self.0[at] = stream;
            return Ok(());
        }
        if self.0.len() >= MAX_STREAMS {
            return Err(DropReason::StreamLimit);
        }
        self.0.push(stream);
        Ok(())
    }

    /// Forgets a track's streams.
    pub(super) fn remove_track(&mut self, track: TrackIndex) {
        self.0.retain(|stream| stream.track != track);
    }
}

/// Tells what an unknown SSRC carries: by the SDP's SSRC lines, else by rid or repaired rid within
/// the section of its mid (RFC 8852 section 3), else by the mid alone.
pub(super) fn identify(
    peer: &Peer,
    ssrc: Ssrc,
    payload_type: PayloadType,
    names: &StreamNames,
) -> Result<Stream, DropReason> {
    if let Some(stream) = by_announced_ssrc(&peer.sections, ssrc) {
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

fn by_announced_ssrc(sections: &[Section], ssrc: Ssrc) -> Option<Stream> {
    sections.iter().find_map(|section| {
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
