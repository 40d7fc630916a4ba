//! The RTP header (RFC 3550 section 5.1): a view over bytes, and its writer.

use std::ops::Range;

use super::extensions::ExtensionWriter;
use super::{be16, be32};
use crate::id::{PayloadType, Ssrc};

/// Bytes of the header before CSRCs and extensions (RFC 3550 section 5.1).
pub const FIXED_HEADER_LEN: usize = 12;

/// What an RTP packet's header says; offsets are into the packet that it was parsed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpHeader {
    /// The marker bit: for video the last packet of a frame.
    pub marker: bool,
    /// Payload type, 0..=127.
    pub payload_type: PayloadType,
    /// Sequence number as on the wire.
    pub sequence: u16,
    /// Media timestamp in ticks of the payload type's clock.
    pub timestamp: u32,
    /// The stream.
    pub ssrc: Ssrc,
    /// Contributing sources in the header, 0..=15.
    pub csrc_count: u8,
    /// The extension's `defined by profile` word, 0 if there is none. It tells the form of the
    /// elements: see [`super::extensions::iter`].
    pub extension_profile: u16,
    /// Where the extension's data starts, in bytes from the packet's start; 0 if there is none.
    pub extension_start: u16,
    /// Bytes of the extension's data; 0 if there is none.
    pub extension_len: u16,
    /// Bytes of the whole header, which is where the payload starts.
    pub header_len: u16,
    /// The padding bit. How much padding there is stands in the packet's encrypted last byte.
    pub has_padding: bool,
    /// Bytes of padding at the packet's end. 0 from [`Self::parse`], which must not look there.
    pub padding_len: u8,
}

impl RtpHeader {
    /// Parses the header of a packet whose payload may still be encrypted: SRTP leaves the header
    /// in the clear (RFC 3711 section 3.1), but not the count of padding bytes.
    ///
    /// `None` unless the version is 2 and the whole header lies within `packet`.
    #[must_use]
    pub fn parse(packet: &[u8]) -> Option<Self> {
        let fixed: &[u8; FIXED_HEADER_LEN] = packet.first_chunk()?;
        // RFC 3550 section 5.1: version 2, in the two most significant bits.
        if fixed[0] >> 6 != 2 {
            return None;
        }
        let csrc_count = fixed[0] & 0x0f;
        let mut header_len = FIXED_HEADER_LEN + 4 * usize::from(csrc_count);
        let mut extension_profile = 0;
        let mut extension = 0..0;
        if fixed[0] & 0x10 != 0 {
            // RFC 3550 section 5.3.1: a profile word, then the count of 32-bit words that follow.
            extension_profile = be16(packet, header_len)?;
            let words = usize::from(be16(packet, header_len + 2)?);
            extension = header_len + 4..header_len + 4 + 4 * words;
            header_len = extension.end;
        }
        if header_len > packet.len() {
            return None;
        }
        Some(Self {
            marker: fixed[1] & 0x80 != 0,
            payload_type: PayloadType(fixed[1] & 0x7f),
            sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
            timestamp: be32(fixed, 4)?,
            ssrc: Ssrc(be32(fixed, 8)?),
            csrc_count,
            extension_profile,
            extension_start: u16::try_from(extension.start).ok()?,
            extension_len: u16::try_from(extension.len()).ok()?,
            header_len: u16::try_from(header_len).ok()?,
            has_padding: fixed[0] & 0x20 != 0,
            padding_len: 0,
        })
    }

    /// Parses the header of a decrypted packet, padding included.
    ///
    /// `None` when [`Self::parse`] or [`Self::parse_padding`] gives none.
    #[must_use]
    pub fn parse_decrypted(packet: &[u8]) -> Option<Self> {
        let mut header = Self::parse(packet)?;
        header.padding_len = header.parse_padding(packet)?;
        Some(header)
    }

    /// The count of padding bytes of a decrypted packet, 0 without the padding bit. `packet` is the
    /// one that this header was parsed from, less the authentication tag.
    ///
    /// `None` for a count of 0, or of more bytes than follow the header.
    #[must_use]
    pub fn parse_padding(&self, packet: &[u8]) -> Option<u8> {
        if !self.has_padding {
            return Some(0);
        }
        // RFC 3550 section 5.1: the last byte counts the padding, itself included.
        let body = packet.get(usize::from(self.header_len)..)?;
        let count = *body.last()?;
        (count != 0 && usize::from(count) <= body.len()).then_some(count)
    }

    /// The extension's data within the packet that this header was parsed from; empty if there is
    /// none.
    #[must_use]
    pub fn extension<'p>(&self, packet: &'p [u8]) -> &'p [u8] {
        let start = usize::from(self.extension_start);
        let end = start + usize::from(self.extension_len);
        packet.get(start..end).unwrap_or_default()
    }

    /// Where the payload lies in a decrypted packet of `packet_len` bytes, padding left out. Empty
    /// for a packet of padding only, and for a length that this header does not fit.
    #[must_use]
    pub fn payload_range(&self, packet_len: usize) -> Range<usize> {
        let start = usize::from(self.header_len);
        start
            ..packet_len
                .saturating_sub(usize::from(self.padding_len))
                .max(start)
    }
}

/// The fields of a header to write. It never has CSRCs: what is forwarded was mixed by nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpWriter {
    /// The marker bit.
    pub marker: bool,
    /// Payload type, 0..=127.
    pub payload_type: PayloadType,
    /// Sequence number.
    pub sequence: u16,
    /// Media timestamp in ticks of the payload type's clock.
    pub timestamp: u32,
    /// The stream.
    pub ssrc: Ssrc,
    /// The padding bit: the packet ends in what [`write_padding`] wrote.
    pub padding: bool,
}

impl RtpWriter {
    /// Writes the header with `extensions` to the front of `out` and returns its length in bytes,
    /// [`FIXED_HEADER_LEN`] plus [`ExtensionWriter::encoded_len`].
    ///
    /// `None`, and nothing written, when `out` is shorter than that.
    pub fn write_header(&self, out: &mut [u8], extensions: &ExtensionWriter<'_>) -> Option<usize> {
        let len = FIXED_HEADER_LEN + extensions.encoded_len();
        let out = out.get_mut(..len)?;
        let (fixed, rest) = out.split_at_mut(FIXED_HEADER_LEN);
        fixed[0] = 0x80 | u8::from(self.padding) << 5 | u8::from(!extensions.is_empty()) << 4;
        fixed[1] = u8::from(self.marker) << 7 | self.payload_type.0 & 0x7f;
        fixed[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        fixed[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        fixed[8..12].copy_from_slice(&self.ssrc.0.to_be_bytes());
        extensions.write(rest);
        Some(len)
    }
}

/// Fills `out`, the end of a packet, with padding: zeros and their count (RFC 3550 section 5.1).
///
/// `None`, and nothing written, unless `out` has 1 to 255 bytes.
pub fn write_padding(out: &mut [u8]) -> Option<()> {
    let count = u8::try_from(out.len()).ok()?;
    let (last, zeros) = out.split_last_mut()?;
    zeros.fill(0);
    *last = count;
    Some(())
}

#[cfg(test)]
mod tests;
