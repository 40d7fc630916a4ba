//! The outward half of a transport's SRTP.

use super::cipher::Cipher;
use super::profile::{Keys, SrtpError, SrtpProfile};
use super::{MAX_RTCP_INDEX, MAX_RTP_INDEX, MIN_RTP_HEADER_LEN, RTCP_CLEAR_LEN, rtcp_sender};
use crate::id::Ssrc;

/// Seals RTP and RTCP with our own keys. Holds no state of a stream: whoever numbers the packets
/// owns their indices.
pub struct SrtpSender {
    profile: SrtpProfile,
    rtp: Cipher,
    rtcp: Cipher,
    next_rtcp_index: u32,
}

impl SrtpSender {
    /// Derives the session keys and keys the ciphers.
    ///
    /// # Errors
    /// When `keys` are not of the profile's lengths, or the cryptographic library refuses them.
    pub fn new(profile: SrtpProfile, keys: &Keys) -> Result<Self, SrtpError> {
        let (rtp, rtcp) = Cipher::pair(profile, keys)?;
        Ok(Self::from_ciphers(profile, rtp, rtcp, 0))
    }

    pub(super) fn from_ciphers(
        profile: SrtpProfile,
        rtp: Cipher,
        rtcp: Cipher,
        next_rtcp_index: u32,
    ) -> Self {
        Self {
            profile,
            rtp,
            rtcp,
            next_rtcp_index,
        }
    }

    /// The profile in force.
    #[must_use]
    pub fn profile(&self) -> SrtpProfile {
        self.profile
    }

    /// Seals `payload` behind the RTP header that already stands in `out[..header_len]`, extensions
    /// included, and returns the packet's length: `header_len`, `payload` and
    /// [`SrtpProfile::rtp_overhead`]. The payload is read from where it lies and not changed, so
    /// that many subscribers share one copy.
    ///
    /// `index` is the 48-bit packet index, rollover counter above sequence number. The caller
    /// guarantees that an (SSRC, index) pair is sealed once: a second time with another payload
    /// gives the key stream away (RFC 3711 section 9.1, RFC 7714 section 10.1). A stream that
    /// begins below sequence number 0x8000 spares its receivers a wrong guess when the first
    /// packets around a wrap are lost.
    ///
    /// `None` when the packet does not fit `out`, the header is shorter than 12 bytes, or the
    /// index is past 2^48 - 1. `out` past the header is then unspecified.
    ///
    /// # Panics
    /// In debug builds, when the header names another SSRC or sequence number than `ssrc` and
    /// `index`: nobody could open that packet.
    #[must_use]
    pub fn seal_rtp(
        &self,
        index: u64,
        ssrc: Ssrc,
        header_len: usize,
        payload: &[u8],
        out: &mut [u8],
    ) -> Option<usize> {
        let (header, body, tag) = self.rtp_parts(index, header_len, payload.len(), out)?;
        debug_assert_names(header, ssrc, index);
        self.rtp
            .seal_rtp((ssrc, index), header, payload, body, tag)
            .ok()?;
        Some(header_len + payload.len() + self.profile.rtp_overhead())
    }

    /// [`Self::seal_rtp`] for a payload that already stands in
    /// `out[header_len..header_len + payload_len]`.
    ///
    /// # Panics
    /// As [`Self::seal_rtp`].
    #[must_use]
    pub fn seal_rtp_in_place(
        &self,
        index: u64,
        ssrc: Ssrc,
        out: &mut [u8],
        header_len: usize,
        payload_len: usize,
    ) -> Option<usize> {
        let (header, body, tag) = self.rtp_parts(index, header_len, payload_len, out)?;
        debug_assert_names(header, ssrc, index);
        self.rtp
            .seal_rtp_in_place((ssrc, index), header, body, tag)
            .ok()?;
        Some(header_len + payload_len + self.profile.rtp_overhead())
    }

    /// Splits `out` into header, body and tag.
    #[inline]
    fn rtp_parts<'out>(
        &self,
        index: u64,
        header_len: usize,
        payload_len: usize,
        out: &'out mut [u8],
    ) -> Option<(&'out [u8], &'out mut [u8], &'out mut [u8])> {
        if header_len < MIN_RTP_HEADER_LEN || index > MAX_RTP_INDEX {
            return None;
        }
        let (header, rest) = out.split_at_mut_checked(header_len)?;
        let (body, rest) = rest.split_at_mut_checked(payload_len)?;
        let tag = rest.get_mut(..self.profile.rtp_overhead())?;
        Some((header, body, tag))
    }

    /// Seals the RTCP packet, simple or compound, in `out[..len]`, and returns its length: `len`
    /// and [`SrtpProfile::rtcp_overhead`].
    ///
    /// `None` when it does not fit `out`, is shorter than its 8 clear bytes, or the session's 2^31
    /// SRTCP indices are used up: then only a new handshake helps (RFC 3711 section 9.2). A refused
    /// packet leaves `out` unspecified past its 8 clear bytes.
    #[must_use]
    pub fn seal_rtcp(&mut self, out: &mut [u8], len: usize) -> Option<usize> {
        if len < RTCP_CLEAR_LEN || self.next_rtcp_index > MAX_RTCP_INDEX {
            return None;
        }
        let total = len.checked_add(self.profile.rtcp_overhead())?;
        let packet = out.get_mut(..total)?;
        let ssrc = rtcp_sender(packet)?;
        let index = self.next_rtcp_index;
        // RFC 3711 section 3.4: zero for the first packet. One counter serves every SSRC of this
        // transport: each receives a rising index with gaps, and no (SSRC, index) comes twice. It
        // moves before the sealing, so that no failure can use an index again.
        self.next_rtcp_index += 1;
        self.rtcp.seal_rtcp(ssrc, index, packet, len).ok()?;
        Some(total)
    }
}

#[inline]
fn debug_assert_names(header: &[u8], ssrc: Ssrc, index: u64) {
    debug_assert_eq!(
        header[2..4],
        (index as u16).to_be_bytes(),
        "sequence number"
    );
    debug_assert_eq!(header[8..12], ssrc.0.to_be_bytes(), "SSRC");
}
