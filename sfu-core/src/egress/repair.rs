//! Sending again what a subscriber has lost, on its repair stream (RFC 4588).

use std::time::Instant;

use super::Egress;
use super::epoch::Epoch;
use crate::id::Ssrc;
use crate::media::outbound::OutboundPacket;
use crate::media::packet::{PacketFacts, PacketRef};

/// A packet that a subscriber has lost, by where it came from.
#[derive(Clone, Copy, Debug)]
pub struct Retransmission {
    /// The encoding that it came from.
    pub encoding: u8,
    /// Its number there: what the encoding's cache knows it by.
    pub source_sequence: u64,
    sequence: u64,
    asked: Instant,
    epoch: Epoch,
    ssrc: Ssrc,
}

impl Egress {
    /// Looks for what the subscriber saw as `sequence`, and has lost. The worker then takes
    /// [`Retransmission::source_sequence`] from that encoding's cache and calls [`Self::repair`].
    ///
    /// What was never forwarded can be asked for too, when it lies between packets that were: the
    /// rest of a keyframe whose first packet came late.
    ///
    /// `None` when it is unknown or too old, was repaired a moment ago, when repairs are spent for
    /// this second, and where RTX is not agreed on: nothing but a repair stream may say a thing
    /// twice.
    #[must_use]
    pub fn retransmit(&mut self, now: Instant, sequence: u16) -> Option<Retransmission> {
        let ssrc = self.settings.rtx_ssrc?;
        if !self.enabled {
            return None;
        }
        let sequence = self.history.extend(sequence)?;
        let epoch = self.rewriter.epoch_of(sequence)?;
        let allowed = self.history.may_repair(now, sequence, self.reports.rtt());
        allowed.then_some(Retransmission {
            encoding: epoch.encoding?,
            source_sequence: epoch.source_of(sequence),
            asked: now,
            sequence,
            epoch,
            ssrc,
        })
    }

    /// Sends what `retransmission` asked for on the repair stream, with the timestamp and the
    /// picture ids that it has or would have had on the stream itself. `None` for a format without
    /// repairs.
    #[must_use]
    pub fn repair(
        &mut self,
        retransmission: Retransmission,
        packet: PacketRef,
        facts: &PacketFacts,
    ) -> Option<OutboundPacket> {
        let Retransmission {
            asked,
            sequence,
            epoch,
            ssrc,
            ..
        } = retransmission;
        let delivery = self.delivery(facts.payload_type)?;
        let payload_type = delivery.rtx?;
        self.history.repaired(asked, sequence);
        let original = self.outbound(&epoch, &delivery, sequence, packet, facts);
        let rtx_sequence = self.rtx_sequence;
        self.rtx_sequence += 1;
        Some(OutboundPacket {
            ssrc,
            payload_type,
            sequence: rtx_sequence,
            // RFC 4588 section 4: the number as on the wire.
            rtx_original: Some(sequence as u16),
            ..original
        })
    }
}
