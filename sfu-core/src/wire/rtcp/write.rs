//! RTCP into a caller's buffer. A compound is written packet by packet, each behind the one before.
//!
//! Every function writes to the front of `out` and returns the packet's length in bytes, a multiple
//! of 4. On `None` what `out` holds is unspecified.

use super::report::{ReportBlock, SenderInfo};
use super::{HEADER_LEN, MAX_COUNT, format, packet_type};
use crate::id::Ssrc;

/// The SDES item type of a canonical name (RFC 3550 section 6.5.1).
const CNAME: u8 = 1;

/// What is being written behind an RTCP header.
pub(super) struct Body<'b> {
    out: &'b mut [u8],
    len: usize,
}

impl Body<'_> {
    /// Appends `bytes`; `None` when the buffer is full.
    pub(super) fn put<const N: usize>(&mut self, bytes: [u8; N]) -> Option<()> {
        self.put_slice(&bytes)
    }

    fn put_slice(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.len + bytes.len();
        self.out.get_mut(self.len..end)?.copy_from_slice(bytes);
        self.len = end;
        Some(())
    }
}

/// Writes a packet of a count (or format) and a packet type, whose body `fill` writes, padded with
/// zeros to 32 bits.
pub(super) fn packet(
    out: &mut [u8],
    (count, packet_type): (u8, u8),
    fill: impl FnOnce(&mut Body<'_>) -> Option<()>,
) -> Option<usize> {
    let mut body = Body {
        out,
        len: HEADER_LEN,
    };
    fill(&mut body)?;
    while !body.len.is_multiple_of(4) {
        body.put([0])?;
    }
    // RFC 3550 section 6.4.1: version 2, no padding; the length counts 32-bit words, less one.
    let len = body.len;
    let [high, low] = u16::try_from(len / 4 - 1).ok()?.to_be_bytes();
    let header = [0x80 | count & 0x1f, packet_type, high, low];
    out.get_mut(..HEADER_LEN)?.copy_from_slice(&header);
    Some(len)
}

/// Writes a sender report with up to [`MAX_COUNT`] blocks, and behind it the stream's canonical name
/// if one is given: every compound packet carries one (RFC 3550 section 6.1).
///
/// `None` when `out` is too short, or for more blocks or a longer name than fit.
pub fn sender_report(
    out: &mut [u8],
    sender: SenderInfo,
    reports: &[ReportBlock],
    cname: Option<&str>,
) -> Option<usize> {
    let count = count(reports.len())?;
    let len = packet(out, (count, packet_type::SENDER_REPORT), |body| {
        body.put(sender.ssrc.0.to_be_bytes())?;
        body.put(sender.ntp.to_be_bytes())?;
        body.put(sender.rtp_timestamp.to_be_bytes())?;
        body.put(sender.packets.to_be_bytes())?;
        body.put(sender.octets.to_be_bytes())?;
        reports
            .iter()
            .try_for_each(|block| body.put(block.to_bytes()))
    })?;
    match cname {
        Some(cname) => Some(len + sdes_cname(&mut out[len..], sender.ssrc, cname)?),
        None => Some(len),
    }
}

/// Writes a receiver report of `ssrc` with up to [`MAX_COUNT`] blocks.
///
/// `None` when `out` is too short, or for more blocks than fit.
pub fn receiver_report(out: &mut [u8], ssrc: Ssrc, reports: &[ReportBlock]) -> Option<usize> {
    let count = count(reports.len())?;
    packet(out, (count, packet_type::RECEIVER_REPORT), |body| {
        body.put(ssrc.0.to_be_bytes())?;
        reports
            .iter()
            .try_for_each(|block| body.put(block.to_bytes()))
    })
}

/// Writes the canonical name of `ssrc` (RFC 3550 section 6.5.1).
///
/// `None` when `out` is too short, or the name is longer than 255 bytes.
pub fn sdes_cname(out: &mut [u8], ssrc: Ssrc, cname: &str) -> Option<usize> {
    let name_len = u8::try_from(cname.len()).ok()?;
    packet(out, (1, packet_type::SOURCE_DESCRIPTION), |body| {
        body.put(ssrc.0.to_be_bytes())?;
        body.put([CNAME, name_len])?;
        body.put_slice(cname.as_bytes())?;
        // RFC 3550 section 6.5: one zero byte at least ends the chunk, and zeros fill its word.
        body.put([0])
    })
}

/// Writes the end of up to [`MAX_COUNT`] streams (RFC 3550 section 6.6).
///
/// `None` when `out` is too short, or for no streams or more than fit.
pub fn bye(out: &mut [u8], ssrcs: &[Ssrc]) -> Option<usize> {
    let count = count(ssrcs.len()).filter(|&count| count > 0)?;
    packet(out, (count, packet_type::BYE), |body| {
        ssrcs
            .iter()
            .try_for_each(|ssrc| body.put(ssrc.0.to_be_bytes()))
    })
}

/// Writes a picture loss indication for `media` (RFC 4585 section 6.3.1).
///
/// `None` when `out` is too short.
pub fn pli(out: &mut [u8], sender: Ssrc, media: Ssrc) -> Option<usize> {
    packet(out, (format::PLI, packet_type::PAYLOAD_FEEDBACK), |body| {
        body.put(sender.0.to_be_bytes())?;
        body.put(media.0.to_be_bytes())
    })
}

/// Writes a full intra request for `media` (RFC 5104 section 4.3.1). `sequence` goes up by one for
/// each new request, and stays for a repeated one.
///
/// `None` when `out` is too short.
pub fn fir(out: &mut [u8], sender: Ssrc, media: Ssrc, sequence: u8) -> Option<usize> {
    packet(out, (format::FIR, packet_type::PAYLOAD_FEEDBACK), |body| {
        body.put(sender.0.to_be_bytes())?;
        // RFC 5104 section 4.3.1.2: the packet's own media SSRC is not used, and is 0.
        body.put([0; 4])?;
        body.put(media.0.to_be_bytes())?;
        body.put([sequence, 0, 0, 0])
    })
}

/// Writes a NACK for `sequences` of `media` (RFC 4585 section 6.2.1). Ascending numbers, the wrap
/// included, share entries; any order is right.
///
/// `None` when `out` is too short, or for no sequences.
pub fn nack(out: &mut [u8], sender: Ssrc, media: Ssrc, sequences: &[u16]) -> Option<usize> {
    let (&first, rest) = sequences.split_first()?;
    packet(
        out,
        (format::NACK, packet_type::TRANSPORT_FEEDBACK),
        |body| {
            body.put(sender.0.to_be_bytes())?;
            body.put(media.0.to_be_bytes())?;
            let (mut base, mut following) = (first, 0u16);
            for &sequence in rest {
                match sequence.wrapping_sub(base) {
                    0 => {}
                    ahead @ 1..=16 => following |= 1 << (ahead - 1),
                    _ => {
                        body.put(base.to_be_bytes())?;
                        body.put(following.to_be_bytes())?;
                        (base, following) = (sequence, 0);
                    }
                }
            }
            body.put(base.to_be_bytes())?;
            body.put(following.to_be_bytes())
        },
    )
}

/// The header's five bits of count.
fn count(items: usize) -> Option<u8> {
    u8::try_from(items).ok().filter(|_| items <= MAX_COUNT)
}
