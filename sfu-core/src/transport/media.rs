//! The transport's leg for media: SRTP and SRTCP, opened and sealed once there are keys.

use super::Transport;
use super::srtp::SrtpSender;
use crate::drop_reason::DropReason;
use crate::id::Ssrc;

impl Transport {
    /// Opens an SRTP packet in place, whose header of `header_len` bytes names `ssrc` and
    /// `sequence`. Returns the length of the RTP packet, and its index.
    ///
    /// # Errors
    /// [`DropReason::MediaBeforeKeys`], or as [`srtp::SrtpReceiver::open_rtp`].
    pub fn open_rtp(
        &mut self,
        packet: &mut [u8],
        header_len: usize,
        ssrc: Ssrc,
        sequence: u16,
    ) -> Result<(usize, u64), DropReason> {
        let keys = self.keys.as_mut().ok_or(DropReason::MediaBeforeKeys)?;
        keys.receiver.open_rtp(packet, header_len, ssrc, sequence)
    }

    /// Opens an SRTCP packet in place. Returns the length of the RTCP.
    ///
    /// # Errors
    /// [`DropReason::MediaBeforeKeys`], or as [`srtp::SrtpReceiver::open_rtcp`].
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, DropReason> {
        let keys = self.keys.as_mut().ok_or(DropReason::MediaBeforeKeys)?;
        keys.receiver.open_rtcp(packet)
    }

    /// What seals packets to the peer, once there are keys.
    pub fn srtp_sender(&mut self) -> Option<&mut SrtpSender> {
        self.keys.as_mut().map(|keys| &mut keys.sender)
    }
}
