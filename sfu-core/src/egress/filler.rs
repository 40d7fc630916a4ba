//! What a subscriber is sent to see what its network carries, when there is nothing else to send.
//!
//! Something of use first: the newest packets once more, on the repair stream, where each of them may
//! make up for a loss. Else padding alone, which only the repair stream can carry: on the stream
//! itself it would stand between two packets of a frame.

use std::time::Instant;

use super::{Egress, Retransmission};
use crate::id::{PayloadType, Ssrc};
use crate::media::outbound::OutboundPacket;
use crate::media::packet::{PacketFacts, PacketRef};

/// A packet of padding alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Padding {
    /// The stream of repairs.
    pub ssrc: Ssrc,
    /// Its payload type.
    pub payload_type: PayloadType,
    /// Its number there, given once as every number of the stream.
    pub sequence: u64,
    /// That of the newest packet.
    pub timestamp: u32,
}

impl Egress {
    /// Whether something has been sent, and there is a stream to repeat it on.
    #[must_use]
    pub fn can_repeat(&self) -> bool {
        let has_stream = self.settings.rtx_ssrc.is_some() && self.enabled;
        has_stream && self.history.before_newest(0).is_some()
    }

    /// The packet that was sent `back` numbers before the newest. The worker then takes it from the
    /// encoding's cache and calls [`Self::repeat`].
    ///
    /// `None` where there is nothing to repeat, or no stream to repeat it on.
    #[must_use]
    pub fn sent_before(&self, now: Instant, back: u64) -> Option<Retransmission> {
        let ssrc = self.settings.rtx_ssrc.filter(|_| self.enabled)?;
        let sequence = self.history.before_newest(back)?;
        let is_sent = self.history.is_given(sequence) && !self.history.is_empty(sequence);
        let (number, epoch) = self.rewriter.origin_of(sequence).filter(|_| is_sent)?;
        Some(Retransmission {
            encoding: epoch.encoding?,
            source_sequence: epoch.source_of(number),
            asked: now,
            sequence,
            is_again: false,
            number,
            epoch,
            ssrc,
        })
    }

    /// Sends a packet of [`Self::sent_before`] once more, as [`Self::repair`] would. It is no repair:
    /// whoever asks for the packet in this moment is answered.
    #[must_use]
    pub fn repeat(
        &mut self,
        sent: Retransmission,
        packet: PacketRef,
        facts: &PacketFacts,
    ) -> Option<OutboundPacket> {
        let (original, payload_type) = self.original(&sent, packet, facts)?;
        Some(self.on_repair_stream(&sent, payload_type, original))
    }

    /// Padding alone; `None` where there is no stream that can carry it.
    #[must_use]
    pub fn padding(&mut self) -> Option<Padding> {
        let ssrc = self.settings.rtx_ssrc.filter(|_| self.enabled)?;
        let format = self.format.and_then(|format| self.delivery(format));
        let payload_type = format.and_then(|delivery| delivery.rtx)?;
        let timestamp = self.rewriter.newest.map(|newest| newest.timestamp)?;
        let sequence = self.next_rtx_sequence();
        Some(Padding {
            ssrc,
            payload_type,
            sequence,
            timestamp,
        })
    }

    /// The next number of the repair stream, which is given by this.
    pub(super) const fn next_rtx_sequence(&mut self) -> u64 {
        let sequence = self.rtx_sequence;
        self.rtx_sequence += 1;
        sequence
    }
}
