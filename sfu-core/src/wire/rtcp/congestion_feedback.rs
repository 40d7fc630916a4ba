//! Congestion control feedback (RFC 8888): when the packets of each stream arrived, by the numbers
//! that the streams have anyway.

use super::write::{Body, packet};
use super::{RtcpItem, format, packet_type, ssrc};
use crate::id::Ssrc;
use crate::wire::{be16, be32};

/// Most packets that one feedback, and all feedback in one compound packet, may speak of. A datagram
/// of 1500 bytes holds 700. Raising it past that changes nothing; lowering it refuses the feedback
/// that follows a stall at a high rate.
pub const MAX_REPORTS: u16 = 1024;

/// Most streams in one feedback: those of a large call, each with one packet. Raising it past what a
/// datagram holds (180) changes nothing; lowering it refuses the feedback of whoever watches many.
pub const MAX_STREAMS: u16 = 256;

/// Bytes of a stream's header: SSRC, first number, how many (section 3.1).
const STREAM_HEADER: usize = 8;

/// The largest arrival offset that is a time, in 1/1024 s: 0x1FFE is "longer ago", and 0x1FFF "after
/// the report's time, or unknown" (section 3.1).
pub const MAX_OFFSET: u16 = 0x1ffd;
const LONG_AGO: u16 = 0x1ffe;
const UNKNOWN: u16 = 0x1fff;

/// A feedback whose lists were walked once and hold together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CongestionFeedback<'p> {
    /// Who received.
    pub sender: Ssrc,
    /// When the feedback was made, by its sender's clock: the middle 32 bits of an NTP time, which
    /// are 1/65536 s and wrap after 18 hours.
    pub timestamp: u32,
    streams: &'p [u8],
}

/// What became of some packets of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamFeedback<'p> {
    /// The stream.
    pub ssrc: Ssrc,
    /// The RTP sequence number of the first packet in the list.
    pub first: u16,
    reports: &'p [u8],
}

/// What became of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketFeedback {
    /// Its RTP sequence number.
    pub sequence: u16,
    /// How it arrived; `None`: it has not.
    pub arrival: Option<PacketArrival>,
}

/// How a packet arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PacketArrival {
    /// The network's congestion mark (RFC 3168), 0..=3; 3: congestion experienced.
    pub ecn: u8,
    /// How long before the feedback's time, in 1/1024 s, up to [`MAX_OFFSET`]; `None`: longer ago
    /// than can be said, or unknown.
    pub before: Option<u16>,
}

impl<'p> CongestionFeedback<'p> {
    /// Reads the packet behind its RTCP header, with the padding cut off.
    fn parse(body: &'p [u8]) -> Option<Self> {
        let end = body.len().checked_sub(4)?;
        let streams = body.get(4..end)?;
        let (mut reports, mut count) = (0u16, 0);
        let mut rest = streams;
        while !rest.is_empty() {
            let (stream, after) = split(rest)?;
            // The sum of what a datagram can name fits: the lists lie within it.
            reports = reports.checked_add(u16::try_from(stream.reports.len() / 2).ok()?)?;
            count += 1;
            rest = after;
        }
        (reports <= MAX_REPORTS && count <= MAX_STREAMS).then_some(())?;
        Some(Self {
            sender: ssrc(body, 0)?,
            timestamp: be32(body, end)?,
            streams,
        })
    }

    /// What became of the packets of each stream. A hostile feedback names a stream, or a packet,
    /// more than once.
    pub fn streams(&self) -> impl Iterator<Item = StreamFeedback<'p>> + use<'p> {
        let mut rest = self.streams;
        std::iter::from_fn(move || {
            let (stream, after) = split(rest)?;
            rest = after;
            Some(stream)
        })
    }

    /// Packets that it speaks of, up to [`MAX_REPORTS`].
    #[must_use]
    pub fn reports(&self) -> u16 {
        self.streams()
            .map(|stream| (stream.reports.len() / 2) as u16)
            .sum()
    }
}

impl StreamFeedback<'_> {
    /// What became of each packet, in the order of their numbers.
    pub fn packets(&self) -> impl Iterator<Item = PacketFeedback> {
        let reports = self.reports.as_chunks::<2>().0.iter();
        (0..).zip(reports).map(|(ahead, &report)| PacketFeedback {
            sequence: self.first.wrapping_add(ahead),
            arrival: arrival(u16::from_be_bytes(report)),
        })
    }
}

/// The first stream of a list, and the rest.
fn split(list: &[u8]) -> Option<(StreamFeedback<'_>, &[u8])> {
    let len = 2 * usize::from(be16(list, 6)?);
    let reports = list.get(STREAM_HEADER..STREAM_HEADER + len)?;
    // Section 3.1: the list is padded with zeros to 32 bits.
    let rest = list.get(STREAM_HEADER + len.next_multiple_of(4)..)?;
    let stream = StreamFeedback {
        ssrc: ssrc(list, 0)?,
        first: be16(list, 4)?,
        reports,
    };
    Some((stream, rest))
}

/// Section 3.1: received (1 bit), the mark (2 bits), the arrival time offset (13 bits).
fn arrival(report: u16) -> Option<PacketArrival> {
    (report >> 15 == 1).then(|| PacketArrival {
        ecn: (report >> 13 & 0x3) as u8,
        before: Some(report & UNKNOWN).filter(|&offset| offset <= MAX_OFFSET),
    })
}

/// Reads the packet behind its RTCP header. `reports` is how many packets the compound may still
/// speak of.
pub(super) fn read<'p>(body: &'p [u8], reports: &mut u16) -> Option<RtcpItem<'p>> {
    let feedback = CongestionFeedback::parse(body)?;
    *reports = reports.checked_sub(feedback.reports())?;
    Some(RtcpItem::CongestionFeedback(feedback))
}

/// One stream of a feedback to be written: its SSRC, the number of its first packet, and what became
/// of that and each following one. An arrival without an offset is written as long ago.
pub type StreamToWrite<'r> = (Ssrc, u16, &'r [Option<PacketArrival>]);

/// Writes a feedback of `sender`, made at `timestamp`, to the front of `out` and returns its length
/// in bytes.
///
/// `None` when `out` is too short, for more streams than [`MAX_STREAMS`], or for more packets than
/// [`MAX_REPORTS`].
pub fn congestion_feedback<'r>(
    out: &mut [u8],
    (sender, timestamp): (Ssrc, u32),
    streams: impl IntoIterator<Item = StreamToWrite<'r>>,
) -> Option<usize> {
    let count_and_type = (format::CONGESTION_CONTROL, packet_type::TRANSPORT_FEEDBACK);
    let (mut left, mut streams_left) = (usize::from(MAX_REPORTS), MAX_STREAMS);
    packet(out, count_and_type, |body| {
        body.put(sender.0.to_be_bytes())?;
        for (ssrc, first, reports) in streams {
            left = left.checked_sub(reports.len())?;
            streams_left = streams_left.checked_sub(1)?;
            put_stream(body, ssrc, first, reports)?;
        }
        body.put(timestamp.to_be_bytes())
    })
}

fn put_stream(
    body: &mut Body<'_>,
    ssrc: Ssrc,
    first: u16,
    reports: &[Option<PacketArrival>],
) -> Option<()> {
    let count = u16::try_from(reports.len()).ok()?;
    body.put(ssrc.0.to_be_bytes())?;
    body.put(first.to_be_bytes())?;
    body.put(count.to_be_bytes())?;
    for report in reports {
        let word = report.map_or(0, |arrival| {
            let offset = arrival.before.map_or(LONG_AGO, |it| it.min(MAX_OFFSET));
            0x8000 | u16::from(arrival.ecn & 0x3) << 13 | offset
        });
        body.put(word.to_be_bytes())?;
    }
    if reports.len() % 2 == 1 {
        body.put([0; 2])?;
    }
    Some(())
}
