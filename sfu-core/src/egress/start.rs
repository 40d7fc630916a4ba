//! Where a subscription's stream starts, switches and goes on.

use super::repair::bit;
use super::{Egress, SourceFacts};
use crate::drop_reason::DropReason;
use crate::media::layer::Layers;
use crate::media::packet::{PacketFacts, PayloadFacts};

impl Egress {
    /// Makes the stretch that a packet is of the current one: it is, or starts with the packet.
    pub(super) fn enter_stretch(
        &mut self,
        encoding: u8,
        target: Layers,
        facts: &PacketFacts,
        source: SourceFacts<'_>,
    ) -> Result<(), DropReason> {
        if self.current != Some(encoding) {
            self.start_at(encoding, target, facts, source)
        } else if self.keeps_decoder(facts) {
            self.go_on(encoding, target, facts, source)
        } else {
            self.change_format(encoding, target, facts, source)
        }
    }

    /// Whether the subscriber's decoder goes on with this packet: pictures in another format than
    /// the last begin at a keyframe. Sound can change with any packet.
    fn keeps_decoder(&self, facts: &PacketFacts) -> bool {
        !self.is_video()
            || self
                .format
                .is_none_or(|format| format == facts.payload_type)
    }

    /// The mapping where the current encoding comes in another format than before.
    fn change_format(
        &mut self,
        encoding: u8,
        target: Layers,
        facts: &PacketFacts,
        source: SourceFacts<'_>,
    ) -> Result<(), DropReason> {
        if !self.rewriter.is_ahead(facts.sequence) {
            // The rest of the former format, which its decoder no longer waits for.
            return Err(DropReason::TooOld);
        }
        self.break_off();
        self.start_at(encoding, Layers { encoding, ..target }, facts, source)
    }

    /// The mapping for one more packet of the current encoding.
    fn go_on(
        &mut self,
        encoding: u8,
        target: Layers,
        facts: &PacketFacts,
        source: SourceFacts<'_>,
    ) -> Result<(), DropReason> {
        if self.rewriter.reaches(facts.sequence) {
            return Ok(());
        }
        // Too much is missing to be repaired, and the receiver's guess at the rollover counter must
        // never be put to the test: the numbers go on without a gap.
        self.break_off();
        self.start_at(encoding, Layers { encoding, ..target }, facts, source)
    }

    /// Leaves out a packet that the subscriber cannot be sent: it is not to ask for it in vain.
    pub(super) fn pass_over(&mut self, encoding: u8, facts: &PacketFacts) {
        if self.current != Some(encoding) {
            return;
        }
        if self.rewriter.reaches(facts.sequence)
            && let Some(epoch) = self.rewriter.current_epoch()
            && let Some(number) = epoch.number_of(facts.sequence)
        {
            // Its numbers are another format's.
            let payload = PayloadFacts::Opaque;
            self.rewriter.leave_out(number, &epoch, &payload);
        }
    }

    /// The mapping from this packet on, where the stream may start or switch here.
    fn start_at(
        &mut self,
        encoding: u8,
        target: Layers,
        facts: &PacketFacts,
        source: SourceFacts<'_>,
    ) -> Result<(), DropReason> {
        if encoding != target.encoding {
            return Err(DropReason::OtherEncoding);
        }
        let delivery = self.delivery(facts.payload_type);
        let delivery = delivery.ok_or(DropReason::FormatNotAgreed)?;
        if self.is_video() {
            let number = self.rewriter.next_number();
            let starts = facts.video.keyframe_start
                && self
                    .selection
                    .start(encoding, number, facts, source.targets, target.top);
            if !starts {
                if self.current.is_none() {
                    self.wishes_keyframe |= self.selection.hear(encoding, facts);
                }
                return Err(match self.current {
                    Some(_) => DropReason::OtherEncoding,
                    None => DropReason::AwaitingKeyframe,
                });
            }
        }
        // What is sent once more is not given up any longer.
        self.given_up &= !bit(encoding);
        self.current = Some(encoding);
        self.reports.begin_stretch();
        let clock_rate = delivery.codec.clock_rate();
        self.rewriter
            .start(encoding, clock_rate, facts, source.clock);
        Ok(())
    }
}
