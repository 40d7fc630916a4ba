//! Sending again what a subscriber has lost, on its repair stream (RFC 4588).

use std::time::Instant;

use super::Egress;
use super::epoch::Epoch;
use super::selection::Choice;
use crate::id::{PayloadType, Ssrc};
use crate::media::outbound::{OutboundPacket, PayloadRewrite};
use crate::media::packet::{PacketFacts, PacketRef};

/// A packet that a subscriber has lost, by where it came from.
#[derive(Clone, Copy, Debug)]
pub struct Retransmission {
    /// The encoding that it came from.
    pub encoding: u8,
    /// Its number there: what the encoding's cache knows it by.
    pub source_sequence: u64,
    /// The number that the subscriber has missed.
    pub sequence: u64,
    /// It was repaired before, and that repair was lost too.
    pub is_again: bool,
    pub(super) number: u64,
    pub(super) asked: Instant,
    pub(super) epoch: Epoch,
    pub(super) ssrc: Ssrc,
}

impl Egress {
    /// Looks for what the subscriber saw as `sequence`, and has lost. The worker then takes
    /// [`Retransmission::source_sequence`] from that encoding's cache and calls [`Self::repair`].
    ///
    /// What was never forwarded can be asked for too, when it lies between packets that were: the
    /// rest of a keyframe whose first packet came late.
    ///
    /// `None` when it is unknown, too old, or of an encoding that was given up; when it waits to be
    /// sent, since it came late and waits behind those that its subscriber missed it by; when it was
    /// repaired a moment ago, when repairs are spent for this second, and where RTX is not agreed on: nothing but a repair stream may say a thing
    /// twice.
    #[must_use]
    pub fn retransmit(&mut self, now: Instant, sequence: u16) -> Option<Retransmission> {
        let ssrc = self.settings.rtx_ssrc?;
        if !self.enabled {
            return None;
        }
        let sequence = self.history.extend(sequence)?;
        let (number, epoch) = self.rewriter.origin_of(sequence)?;
        if self.is_given_up(&epoch) || self.history.is_waiting(sequence) {
            return None;
        }
        let allowed = self.history.may_repair(now, sequence, self.reports.rtt());
        allowed.then_some(Retransmission {
            encoding: epoch.encoding?,
            source_sequence: epoch.source_of(number),
            asked: now,
            sequence,
            is_again: self.history.was_repaired(sequence),
            number,
            epoch,
            ssrc,
        })
    }

    /// Gives up all that the subscriber has lost by now: some of it cannot be repaired, and the
    /// keyframe that makes up for that makes up for the rest, which would only delay it.
    pub fn write_off_losses(&mut self) {
        self.history.write_off();
    }

    /// Whether a packet was given up by that.
    #[must_use]
    pub const fn has_written_off(&self, retransmission: &Retransmission) -> bool {
        self.history.is_written_off(retransmission.sequence)
    }

    /// The packet of that number, not a repair, waits to be sent.
    pub fn queued(&mut self, sequence: u64) {
        self.history.set_waiting(sequence, true);
    }

    /// It waits no more: it has left, or came to nothing.
    pub fn left(&mut self, sequence: u64) {
        self.history.set_waiting(sequence, false);
    }

    /// None of its packets waits any more.
    pub fn all_given_up(&mut self) {
        self.history.clear_waiting();
    }

    /// Whether pictures are of an encoding that the network did not carry: the keyframe of another is
    /// sent in its place, which needs none of them, and which their repairs would only delay.
    fn is_given_up(&self, epoch: &Epoch) -> bool {
        epoch.encoding.is_some_and(|of| self.was_left(of)) && self.current != epoch.encoding
    }

    const fn was_left(&self, encoding: u8) -> bool {
        self.given_up & bit(encoding) != 0
    }

    /// Whether pictures were those of encoding `before`, which the network did not carry, and are
    /// another's now: what waits of it is of no use.
    #[must_use]
    pub fn has_given_up(&self, before: Option<u8>) -> bool {
        let is_other = self.current.is_some_and(|current| !self.was_left(current));
        is_other && before.map_or(self.given_up != 0, |before| self.was_left(before))
    }

    /// Sends what `retransmission` asked for on the repair stream, with the timestamp and the
    /// picture ids that it has or would have had on the stream itself. What was left out, and is
    /// missed since it came late, is answered without a payload: a receiver that asks for it then
    /// knows that it has all.
    ///
    /// `None` for a format without repairs.
    #[must_use]
    pub fn repair(
        &mut self,
        retransmission: Retransmission,
        packet: PacketRef,
        facts: &PacketFacts,
    ) -> Option<OutboundPacket> {
        let (original, payload_type) = self.original(&retransmission, packet, facts)?;
        let sequence = retransmission.sequence;
        self.history.repaired(retransmission.asked, sequence);
        if original.rewrite == PayloadRewrite::Padding {
            self.history.note_empty(sequence);
        }
        Some(self.on_repair_stream(&retransmission, payload_type, original))
    }

    /// The packet as it went or would have gone, and the payload type of its format's repairs.
    pub(super) fn original(
        &mut self,
        retransmission: &Retransmission,
        packet: PacketRef,
        facts: &PacketFacts,
    ) -> Option<(OutboundPacket, PayloadType)> {
        let Retransmission {
            sequence,
            number,
            epoch,
            ..
        } = retransmission;
        let delivery = self.delivery(facts.payload_type)?;
        let payload_type = delivery.rtx?;
        let choice = self.choice_of_missing(*sequence, *number, epoch, facts)?;
        let original = self.outbound(epoch, &delivery, *sequence, &choice, packet, facts);
        let original = match choice.sends {
            true => original,
            false => original.without_payload(),
        };
        Some((original, payload_type))
    }

    /// A packet on the stream of repairs (RFC 4588), under the next number there.
    pub(super) fn on_repair_stream(
        &mut self,
        retransmission: &Retransmission,
        payload_type: PayloadType,
        original: OutboundPacket,
    ) -> OutboundPacket {
        OutboundPacket {
            ssrc: retransmission.ssrc,
            payload_type,
            sequence: self.next_rtx_sequence(),
            // RFC 4588 section 4: the number as on the wire.
            rtx_original: Some(retransmission.sequence as u16),
            ..original
        }
    }

    /// What was decided about a packet that the subscriber misses. `None` when that is forgotten.
    fn choice_of_missing(
        &mut self,
        sequence: u64,
        number: u64,
        epoch: &Epoch,
        facts: &PacketFacts,
    ) -> Option<Choice> {
        if !self.is_video() {
            return Some(Choice::ALL);
        }
        let is_current = self.rewriter.current_epoch() == Some(*epoch);
        let choice = if is_current {
            self.selection.choose(number, false, facts, None)?
        } else {
            Choice::ALL
        };
        // What went once goes again, and as it went.
        if self.history.is_given(sequence) {
            let sends = !self.history.is_empty(sequence);
            return Some(Choice { sends, ..choice });
        }
        // It never went. What would have been decided about it before the last seam is forgotten.
        let is_known = is_current || self.rewriter.is_whole_since(epoch);
        is_known.then_some(choice)
    }
}

/// An encoding in a set of them.
pub(super) const fn bit(encoding: u8) -> u8 {
    1 << (encoding & 7)
}
