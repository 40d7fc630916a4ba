//! The inward half of a transport's SRTP.

use super::cipher::Cipher;
use super::profile::{Keys, SrtpError, SrtpProfile};
use super::streams::{Lookup, SILENT_RTCP, SILENT_RTP, Streams};
use super::{MIN_RTP_HEADER_LEN, RTCP_ENCRYPTED, rollover, rtcp_sender};
use crate::drop_reason::DropReason;
use crate::id::Ssrc;

/// Opens RTP and RTCP with the peer's keys. A packet that fails changes nothing here: a stream's
/// state begins with its first authentic packet and moves with each further one.
pub struct SrtpReceiver {
    profile: SrtpProfile,
    rtp: Cipher,
    rtcp: Cipher,
    rtp_streams: Streams,
    rtcp_streams: Streams,
}

impl SrtpReceiver {
    /// Derives the session keys and keys the ciphers.
    ///
    /// # Errors
    /// When `keys` are not of the profile's lengths, or the cryptographic library refuses them.
    pub fn new(profile: SrtpProfile, keys: &Keys) -> Result<Self, SrtpError> {
        let (rtp, rtcp) = Cipher::pair(profile, keys)?;
        Ok(Self::from_ciphers(profile, rtp, rtcp))
    }

    pub(super) fn from_ciphers(profile: SrtpProfile, rtp: Cipher, rtcp: Cipher) -> Self {
        Self {
            profile,
            rtp,
            rtcp,
            rtp_streams: Streams::new(SILENT_RTP),
            rtcp_streams: Streams::new(SILENT_RTCP),
        }
    }

    /// The profile in force.
    #[must_use]
    pub fn profile(&self) -> SrtpProfile {
        self.profile
    }

    /// Opens an SRTP packet in place: `header_len` bytes of header, extensions included, then the
    /// sealed payload. `header_len`, `ssrc` and `sequence` are what the packet's own header says.
    /// Returns the length of header and payload, and the packet's 48-bit index.
    ///
    /// # Errors
    /// [`DropReason::SrtpReplayed`] when the index was opened before or is older than
    /// [`super::REPLAY_WINDOW`]; [`DropReason::StreamLimit`] when a new SSRC is one more than
    /// [`super::MAX_RECEIVE_STREAMS`], whether authentic or not; [`DropReason::SrtpAuthFailed`]
    /// when the tag is wrong or missing. The payload is then unspecified.
    pub fn open_rtp(
        &mut self,
        packet: &mut [u8],
        header_len: usize,
        ssrc: Ssrc,
        sequence: u16,
    ) -> Result<(usize, u64), DropReason> {
        let tag_len = self.profile.rtp_overhead();
        let (header, sealed) = packet
            .split_at_mut_checked(header_len)
            .filter(|(header, sealed)| {
                header.len() >= MIN_RTP_HEADER_LEN && sealed.len() >= tag_len
            })
            .ok_or(DropReason::SrtpAuthFailed)?;
        let lookup = self.rtp_streams.find(ssrc);
        let index = match lookup {
            Lookup::Known(position) => {
                let window = self.rtp_streams.window(position);
                let index = rollover::estimate(window.highest(), sequence)
                    .ok_or(DropReason::SrtpAuthFailed)?;
                if !window.accepts(index) {
                    return Err(DropReason::SrtpReplayed);
                }
                index
            }
            // RFC 3711 section 3.3.1: the rollover counter is zero when a session begins.
            Lookup::New => u64::from(sequence),
            Lookup::Full => return Err(DropReason::StreamLimit),
        };
        let len = header.len() + sealed.len() - tag_len;
        self.rtp
            .open_rtp((ssrc, index), header, sealed)
            .map_err(|_| DropReason::SrtpAuthFailed)?;
        self.rtp_streams.accept(&lookup, ssrc, index);
        Ok((len, index))
    }

    /// Opens an SRTCP packet in place and returns the length of the RTCP, simple or compound.
    ///
    /// # Errors
    /// As [`Self::open_rtp`], with a table of streams of its own. Packets without encryption are
    /// refused as [`DropReason::SrtpAuthFailed`]: nobody who negotiated by DTLS sends them.
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, DropReason> {
        let word = self
            .rtcp
            .rtcp_index_word(packet)
            .filter(|word| word & RTCP_ENCRYPTED != 0)
            .ok_or(DropReason::SrtpAuthFailed)?;
        let index = u64::from(word & !RTCP_ENCRYPTED);
        let ssrc = rtcp_sender(packet).ok_or(DropReason::SrtpAuthFailed)?;
        let lookup = self.rtcp_streams.find(ssrc);
        match lookup {
            Lookup::Known(position) if !self.rtcp_streams.window(position).accepts(index) => {
                return Err(DropReason::SrtpReplayed);
            }
            Lookup::Known(_) | Lookup::New => {}
            Lookup::Full => return Err(DropReason::StreamLimit),
        }
        self.rtcp
            .open_rtcp((ssrc, index), packet)
            .map_err(|_| DropReason::SrtpAuthFailed)?;
        self.rtcp_streams.accept(&lookup, ssrc, index);
        Ok(packet.len() - self.profile.rtcp_overhead())
    }
}
