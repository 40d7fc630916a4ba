//! Sender and receiver reports (RFC 3550 section 6.4).

use super::{RtcpItem, ssrc};
use crate::id::Ssrc;
use crate::wire::be32;

/// Bytes of a report block.
pub(super) const BLOCK_LEN: usize = 24;

/// Bytes of a sender report before its blocks, header left out.
const SENDER_INFO_LEN: usize = 24;

/// A sender's own part of its report (RFC 3550 section 6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderInfo {
    /// The stream.
    pub ssrc: Ssrc,
    /// The sender's wall clock: seconds since 1900 in 32.32 fixed point.
    pub ntp: u64,
    /// The same instant on the stream's media clock.
    pub rtp_timestamp: u32,
    /// Packets sent so far; wraps.
    pub packets: u32,
    /// Payload bytes sent so far, without headers and padding; wraps.
    pub octets: u32,
}

/// What one receiver says about one stream (RFC 3550 section 6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportBlock {
    /// The stream.
    pub ssrc: Ssrc,
    /// Share of packets lost since the report before, in 1/256.
    pub fraction_lost: u8,
    /// Packets lost since the start: 24 bits, negative when more came than were expected.
    pub cumulative_lost: i32,
    /// Highest sequence number received, under the count of its wraps.
    pub extended_highest: u32,
    /// Interarrival jitter in ticks of the stream's media clock.
    pub jitter: u32,
    /// Middle 32 bits of the NTP time in the last sender report received; 0 if there was none.
    pub last_sr: u32,
    /// Time since that report arrived, in 1/65536 s.
    pub delay_since_last_sr: u32,
}

impl ReportBlock {
    fn read(block: &[u8; BLOCK_LEN]) -> Option<Self> {
        let loss = be32(block, 4)?;
        Some(Self {
            ssrc: ssrc(block, 0)?,
            fraction_lost: (loss >> 24) as u8,
            // A signed number of 24 bits: shifted up and back, its sign spreads.
            cumulative_lost: (loss << 8).cast_signed() >> 8,
            extended_highest: be32(block, 8)?,
            jitter: be32(block, 12)?,
            last_sr: be32(block, 16)?,
            delay_since_last_sr: be32(block, 20)?,
        })
    }

    /// The block's bytes. Loss beyond 24 bits stays at the limit (RFC 3550 appendix A.3).
    pub(super) fn to_bytes(self) -> [u8; BLOCK_LEN] {
        let lost = self.cumulative_lost.clamp(-0x80_0000, 0x7f_ffff);
        let loss = u32::from(self.fraction_lost) << 24 | lost.cast_unsigned() & 0xff_ffff;
        let mut bytes = [0; BLOCK_LEN];
        let words = [
            self.ssrc.0,
            loss,
            self.extended_highest,
            self.jitter,
            self.last_sr,
            self.delay_since_last_sr,
        ];
        for (out, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *out = word.to_be_bytes();
        }
        bytes
    }
}

/// The blocks of a report, 0 to 31.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportBlocks<'p> {
    bytes: &'p [u8],
}

impl Iterator for ReportBlocks<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let (block, rest) = self.bytes.split_first_chunk()?;
        self.bytes = rest;
        ReportBlock::read(block)
    }
}

/// The `count` blocks that start at byte `at`; what follows them is the profile's own.
fn blocks(body: &[u8], at: usize, count: u8) -> Option<ReportBlocks<'_>> {
    let bytes = body.get(at..)?.get(..BLOCK_LEN * usize::from(count))?;
    Some(ReportBlocks { bytes })
}

pub(super) fn read_sender_report(body: &[u8], count: u8) -> Option<RtcpItem<'_>> {
    let reports = blocks(body, SENDER_INFO_LEN, count)?;
    let sender = SenderInfo {
        ssrc: ssrc(body, 0)?,
        ntp: u64::from(be32(body, 4)?) << 32 | u64::from(be32(body, 8)?),
        rtp_timestamp: be32(body, 12)?,
        packets: be32(body, 16)?,
        octets: be32(body, 20)?,
    };
    Some(RtcpItem::SenderReport { sender, reports })
}

pub(super) fn read_receiver_report(body: &[u8], count: u8) -> Option<RtcpItem<'_>> {
    let reports = blocks(body, 4, count)?;
    let ssrc = ssrc(body, 0)?;
    Some(RtcpItem::ReceiverReport { ssrc, reports })
}
