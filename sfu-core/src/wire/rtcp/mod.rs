//! RTCP: the reports and requests that a forwarder reads and writes (RFC 3550, 4585, 5104).
//!
//! Read and written by hand rather than by a crate. `rtc-rtcp` boxes every packet, keeps a NACK's
//! padding for sequence numbers and a report's negative loss for a huge one; the formats are tiny,
//! and the tests here check both directions against it.

use crate::id::Ssrc;
use crate::unit::Bitrate;
use crate::wire::{be16, be32};

pub mod congestion_feedback;
pub mod report;
pub mod request;
pub mod transport_feedback;
mod write;

pub use congestion_feedback::{CongestionFeedback, congestion_feedback};
pub use report::{ReportBlock, ReportBlocks, SenderInfo};
pub use request::{NackSequences, Ssrcs};
pub use transport_feedback::{
    Arrival, Arrivals, FeedbackHeader, TransportFeedback, transport_feedback,
};
pub use write::{bye, fir, nack, pli, receiver_report, sdes_cname, sender_report};

/// Longest compound packet that is read, in bytes: an Ethernet frame's payload. Raising it raises
/// what one hostile datagram can cost, in particular the 17 sequence numbers that each 4 bytes of a
/// NACK name; lowering it would refuse reports that fill a datagram.
pub const MAX_COMPOUND_LEN: usize = 1500;

/// Most report blocks, sources or chunks in one packet: the header's count has five bits (RFC 3550
/// section 6.4.1).
pub const MAX_COUNT: usize = 31;

/// Bytes of the header that every packet starts with (RFC 3550 section 6.4.1).
const HEADER_LEN: usize = 4;

/// Packet types (RFC 3550 section 12.1, RFC 4585 section 6.1).
mod packet_type {
    pub(super) const SENDER_REPORT: u8 = 200;
    pub(super) const RECEIVER_REPORT: u8 = 201;
    pub(super) const SOURCE_DESCRIPTION: u8 = 202;
    pub(super) const BYE: u8 = 203;
    pub(super) const TRANSPORT_FEEDBACK: u8 = 205;
    pub(super) const PAYLOAD_FEEDBACK: u8 = 206;
}

/// Formats within the two feedback packet types.
mod format {
    /// Generic NACK (RFC 4585 section 6.2.1).
    pub(super) const NACK: u8 = 1;
    /// Congestion control feedback (RFC 8888 section 3.1).
    pub(super) const CONGESTION_CONTROL: u8 = 11;
    /// draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1.
    pub(super) const TRANSPORT_CC: u8 = 15;
    /// Picture loss indication (RFC 4585 section 6.3.1).
    pub(super) const PLI: u8 = 1;
    /// Full intra request (RFC 5104 section 4.3.1).
    pub(super) const FIR: u8 = 4;
    /// Application layer feedback (RFC 4585 section 6.4): REMB.
    pub(super) const APPLICATION: u8 = 15;
}

/// One fact out of a compound packet. Lists borrow the packet's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RtcpItem<'p> {
    /// A sender's clocks and counts, and what it receives (RFC 3550 section 6.4.1).
    SenderReport {
        /// The sender's own part.
        sender: SenderInfo,
        /// What it receives.
        reports: ReportBlocks<'p>,
    },
    /// What a participant receives (RFC 3550 section 6.4.2).
    ReceiverReport {
        /// Who reports.
        ssrc: Ssrc,
        /// What it receives.
        reports: ReportBlocks<'p>,
    },
    /// Sequence numbers that did not arrive (RFC 4585 section 6.2.1).
    Nack {
        /// Who asks.
        sender: Ssrc,
        /// The stream with the gaps.
        media: Ssrc,
        /// The missing numbers.
        sequences: NackSequences<'p>,
    },
    /// A keyframe is wanted: PLI (RFC 4585 section 6.3.1), or one entry of a FIR (RFC 5104 section
    /// 4.3.1).
    KeyframeRequest {
        /// Who asks.
        sender: Ssrc,
        /// The stream to start afresh.
        media: Ssrc,
        /// The request's number if it is a FIR: the same number again is the same request.
        fir_sequence: Option<u8>,
    },
    /// When packets arrived (draft-holmer-rmcat-transport-wide-cc-extensions-01).
    TransportFeedback(TransportFeedback<'p>),
    /// When packets arrived (RFC 8888).
    CongestionFeedback(CongestionFeedback<'p>),
    /// How much a receiver thinks it can take (draft-alvestrand-rmcat-remb-03).
    Remb {
        /// Who estimates.
        sender: Ssrc,
        /// The estimate, over all of `ssrcs` together.
        bitrate: Bitrate,
        /// The streams that it covers.
        ssrcs: Ssrcs<'p>,
    },
    /// A stream has ended (RFC 3550 section 6.6). One item for each stream.
    Bye {
        /// The stream.
        ssrc: Ssrc,
    },
}

/// RTCP whose lengths or contents do not hold together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed RTCP")]
pub struct Malformed;

/// Walks a decrypted compound packet and hands each known item to `f`, in order. Unknown packet
/// types and formats are skipped (RFC 3550 section 6.1). A packet may also stand alone, without a
/// report before it (RFC 5506).
///
/// # Errors
///
/// [`Malformed`] when it is empty or longer than [`MAX_COMPOUND_LEN`], when a length word leads past
/// its end, or when a known packet's contents do not hold together. The walk stops at the former two
/// and goes on after the last, so that one odd packet costs a peer no other.
pub fn read<'p>(compound: &'p [u8], mut f: impl FnMut(RtcpItem<'p>)) -> Result<(), Malformed> {
    if compound.is_empty() || compound.len() > MAX_COMPOUND_LEN {
        return Err(Malformed);
    }
    // For all of them together: runs would let one datagram hold sixty such lists.
    let mut left = Left {
        statuses: transport_feedback::MAX_STATUSES,
        reports: congestion_feedback::MAX_REPORTS,
    };
    let mut outcome = Ok(());
    let mut rest = compound;
    while !rest.is_empty() {
        let (packet, after) = split(rest).ok_or(Malformed)?;
        rest = after;
        if read_packet(packet, &mut left, &mut f).is_none() {
            outcome = Err(Malformed);
        }
    }
    outcome
}

/// The first packet of a compound, and the rest.
fn split(compound: &[u8]) -> Option<(&[u8], &[u8])> {
    // RFC 3550 section 6.4.1: version 2; the length counts 32-bit words, less one.
    if compound.first()? >> 6 != 2 {
        return None;
    }
    let words = usize::from(be16(compound, 2)?) + 1;
    compound.split_at_checked(4 * words)
}

/// How many packets a compound's feedback may still speak of.
struct Left {
    statuses: u16,
    reports: u16,
}

/// Hands on one packet's items; `None` when its contents do not hold together.
fn read_packet<'p>(
    packet: &'p [u8],
    left: &mut Left,
    f: &mut impl FnMut(RtcpItem<'p>),
) -> Option<()> {
    let (&[first, packet_type, _, _], mut body) = packet.split_first_chunk::<HEADER_LEN>()?;
    // RFC 3550 section 6.4.1: with the padding bit, the last byte counts the bytes to ignore.
    if first & 0x20 != 0 {
        let padding = usize::from(*body.last()?);
        let end = body.len().checked_sub(padding)?;
        body = body.get(..end).filter(|_| padding != 0)?;
    }
    let count = first & 0x1f;
    match (packet_type, count) {
        (packet_type::SENDER_REPORT, _) => f(report::read_sender_report(body, count)?),
        (packet_type::RECEIVER_REPORT, _) => f(report::read_receiver_report(body, count)?),
        (packet_type::BYE, _) => {
            let sources = body.get(..4 * usize::from(count))?;
            Ssrcs::new(sources).for_each(|ssrc| f(RtcpItem::Bye { ssrc }));
        }
        (packet_type::TRANSPORT_FEEDBACK, format::NACK) => f(request::read_nack(body)?),
        (packet_type::TRANSPORT_FEEDBACK, format::TRANSPORT_CC) => {
            let feedback = TransportFeedback::parse(body)?;
            left.statuses = left.statuses.checked_sub(feedback.status_count)?;
            f(RtcpItem::TransportFeedback(feedback));
        }
        (packet_type::TRANSPORT_FEEDBACK, format::CONGESTION_CONTROL) => {
            f(congestion_feedback::read(body, &mut left.reports)?);
        }
        (packet_type::PAYLOAD_FEEDBACK, format::PLI) => f(request::read_pli(body)?),
        (packet_type::PAYLOAD_FEEDBACK, format::FIR) => request::read_fir(body, f)?,
        // Application layer feedback other than REMB is none of ours.
        (packet_type::PAYLOAD_FEEDBACK, format::APPLICATION)
            if body.get(8..12) == Some(request::REMB_IDENTIFIER) =>
        {
            f(request::read_remb(body)?);
        }
        _ => {}
    }
    Some(())
}

/// The SSRC at byte `at`.
fn ssrc(bytes: &[u8], at: usize) -> Option<Ssrc> {
    be32(bytes, at).map(Ssrc)
}

#[cfg(test)]
mod tests;
