//! What receivers ask for: packets again, keyframes, a bitrate.

use super::{RtcpItem, ssrc};
use crate::id::Ssrc;
use crate::unit::Bitrate;
use crate::wire::{be16, be32};

/// Where feedback control information starts: behind the sender's and the media's SSRC (RFC 4585
/// section 6.1).
const FCI: usize = 8;

/// Bytes of a FIR entry (RFC 5104 section 4.3.1.1).
const FIR_ENTRY: usize = 8;

/// What marks application layer feedback as REMB (draft-alvestrand-rmcat-remb-03 section 2.2).
pub(super) const REMB_IDENTIFIER: &[u8] = b"REMB";

/// The sequence numbers of a NACK in the order that it names them, at most 17 for each 4 bytes. A
/// hostile NACK names one number many times over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NackSequences<'p> {
    entries: &'p [u8],
    base: u16,
    /// Bit `n` set: `base + n` is still to come.
    pending: u32,
}

impl Iterator for NackSequences<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        if self.pending == 0 {
            // RFC 4585 section 6.2.1: PID, and BLP, whose bit i says that PID + i + 1 is lost too.
            let (&[base_high, base_low, high, low], rest) = self.entries.split_first_chunk()?;
            self.entries = rest;
            self.base = u16::from_be_bytes([base_high, base_low]);
            self.pending = 1 | u32::from(u16::from_be_bytes([high, low])) << 1;
        }
        let ahead = self.pending.trailing_zeros();
        self.pending &= self.pending - 1;
        // At most 16, as `pending` has 17 bits.
        Some(self.base.wrapping_add(ahead as u16))
    }
}

/// A list of SSRCs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ssrcs<'p> {
    bytes: &'p [u8],
}

impl<'p> Ssrcs<'p> {
    pub(super) const fn new(bytes: &'p [u8]) -> Self {
        Self { bytes }
    }
}

impl Iterator for Ssrcs<'_> {
    type Item = Ssrc;

    fn next(&mut self) -> Option<Ssrc> {
        let (raw, rest) = self.bytes.split_first_chunk()?;
        self.bytes = rest;
        Some(Ssrc(u32::from_be_bytes(*raw)))
    }
}

pub(super) fn read_nack(body: &[u8]) -> Option<RtcpItem<'_>> {
    let entries = body.get(FCI..)?;
    // RFC 4585 section 6.2.1: at least one entry.
    if entries.is_empty() || !entries.len().is_multiple_of(4) {
        return None;
    }
    Some(RtcpItem::Nack {
        sender: ssrc(body, 0)?,
        media: ssrc(body, 4)?,
        sequences: NackSequences {
            entries,
            base: 0,
            pending: 0,
        },
    })
}

pub(super) fn read_pli(body: &[u8]) -> Option<RtcpItem<'_>> {
    Some(RtcpItem::KeyframeRequest {
        sender: ssrc(body, 0)?,
        media: ssrc(body, 4)?,
        fir_sequence: None,
    })
}

pub(super) fn read_fir<'p>(body: &'p [u8], f: &mut impl FnMut(RtcpItem<'p>)) -> Option<()> {
    let sender = ssrc(body, 0)?;
    let entries = body.get(FCI..)?;
    if entries.is_empty() || !entries.len().is_multiple_of(FIR_ENTRY) {
        return None;
    }
    // RFC 5104 section 4.3.1.2: the media SSRC of the packet means nothing, the entries' do.
    for entry in entries.as_chunks::<FIR_ENTRY>().0 {
        f(RtcpItem::KeyframeRequest {
            sender,
            media: ssrc(entry, 0)?,
            fir_sequence: Some(entry[4]),
        });
    }
    Some(())
}

/// Reads a body already known to hold [`REMB_IDENTIFIER`].
pub(super) fn read_remb(body: &[u8]) -> Option<RtcpItem<'_>> {
    // draft-alvestrand-rmcat-remb-03 section 2.2: 8 bits of count, 6 of exponent, 18 of mantissa.
    let word = be32(body, FCI + 4)?;
    let exponent = word >> 18 & 0x3f;
    let mantissa = u128::from(word & 0x3_ffff);
    let bps = u64::try_from(mantissa << exponent).unwrap_or(u64::MAX);
    let count = usize::from(be16(body, FCI + 4)? >> 8);
    Some(RtcpItem::Remb {
        sender: ssrc(body, 0)?,
        bitrate: Bitrate::from_bps(bps),
        ssrcs: Ssrcs::new(body.get(FCI + 8..)?.get(..4 * count)?),
    })
}
