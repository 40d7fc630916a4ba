//! One subscription: which encoding it gets, and the numbers that it gets it under.
//!
//! A subscriber sees one stream that never restarts, whatever happens to the encodings behind it.
//! An [`Egress`] starts and switches video at keyframes only, counts sequence numbers, timestamps
//! and picture ids on over every seam, and remembers enough to send again what got lost. Of an
//! encoding it sends the layers that are wanted; what it leaves out makes no gap.
//!
//! What never happens: a sequence number is given twice. The rest of this room may be wrong and
//! pictures break; that wrong, and the SRTP key is spent.

mod epoch;
mod filler;
mod history;
mod keyframes;
mod left_out;
mod pictures;
mod repair;
mod reports;
mod rewrite;
mod seam;
mod selection;
mod settings;
mod source;
mod start;
mod timeline;

use std::time::Instant;

pub use filler::Padding;
pub use repair::Retransmission;
pub use settings::EgressSettings;
pub use source::SourceFacts;

use self::epoch::Epoch;
use self::history::History;
use self::reports::Reports;
use self::rewrite::Rewriter;
use self::selection::{Choice, Selection};
use crate::drop_reason::DropReason;
use crate::id::PayloadType;
use crate::media::codec::MediaKind;
use crate::media::delivery::{Deliveries, Delivery};
use crate::media::layer::{Layer, Layers};
use crate::media::outbound::OutboundPacket;
use crate::media::packet::{PacketFacts, PacketRef};

/// One subscription's stream.
#[derive(Clone, Debug)]
pub struct Egress {
    settings: EgressSettings,
    /// How the publisher's formats reach the subscriber.
    deliveries: Deliveries,
    /// The publisher's payload type of what is sent.
    format: Option<PayloadType>,
    enabled: bool,
    /// The layers wanted.
    target: Option<Layers>,
    /// The encoding sent. `None` before the start and until the keyframe after a pause.
    current: Option<u8>,
    /// The encodings, one bit each, that were left because the network did not carry them and have not been
    /// sent since. A fall often takes two steps, and what was left with the first is of no use after the
    /// second either.
    given_up: u8,
    /// A keyframe came to be needed since [`Egress::take_keyframe_wish`] last said so.
    wishes_keyframe: bool,
    selection: Selection,
    rewriter: Rewriter,
    history: History,
    reports: Reports,
    rtx_sequence: u64,
}

impl Egress {
    /// A subscription that wants nothing yet.
    #[must_use]
    pub fn new(settings: EgressSettings, deliveries: Deliveries) -> Self {
        Self {
            settings,
            deliveries,
            format: None,
            enabled: true,
            target: None,
            current: None,
            given_up: 0,
            wishes_keyframe: false,
            selection: Selection::default(),
            rewriter: Rewriter::new(&settings),
            history: History::new(settings.kind),
            reports: Reports::default(),
            rtx_sequence: u64::from(settings.rtx_first_sequence & 0x7fff),
        }
    }

    /// How the publisher's formats reach the subscriber.
    #[must_use]
    pub fn deliveries(&self) -> &[Delivery] {
        &self.deliveries
    }

    /// Takes what a new offer, of either side, agrees on.
    pub fn set_deliveries(&mut self, deliveries: Deliveries) {
        self.deliveries = deliveries;
    }

    /// How a format of the publisher's reaches the subscriber; `None` when it does not.
    fn delivery(&self, payload_type: PayloadType) -> Option<Delivery> {
        let mut all = self.deliveries.iter();
        all.find(|delivery| delivery.source == payload_type)
            .copied()
    }

    /// Wants `layers`, or nothing. Video goes on with the present encoding until the wanted one's
    /// keyframe; within an encoding it moves where the layers allow it. After nothing was wanted,
    /// video starts at a keyframe again.
    pub fn set_target(&mut self, layers: Option<Layers>) {
        self.target = layers;
        match layers {
            Some(layers) if self.current == Some(layers.encoding) => {
                self.selection.set_aim(layers.top);
            }
            Some(_) => {}
            None => self.pause(),
        }
    }

    /// While the wanted encoding's keyframe has not come, the present one goes on up to `top`; `None`:
    /// nothing is sent until then.
    pub fn go_on_with(&mut self, top: Option<Layer>) {
        if self.target.map(|target| target.encoding) == self.current {
            return;
        }
        self.given_up |= self.current.map_or(0, repair::bit);
        match top {
            Some(top) => self.selection.set_aim(top),
            None => self.pause(),
        }
    }

    /// The layers wanted.
    #[must_use]
    pub const fn target(&self) -> Option<Layers> {
        self.target
    }

    /// The encoding sent; `None` while nothing is: before the start, after a pause until the
    /// keyframe.
    #[must_use]
    pub const fn current(&self) -> Option<u8> {
        self.current
    }

    /// What is sent: the encoding, and its layers up to which. `None` as for [`Self::current`].
    #[must_use]
    pub fn current_layers(&self) -> Option<Layers> {
        let top = if self.is_video() {
            self.selection.top()
        } else {
            Layer::default()
        };
        self.current.map(|encoding| Layers { encoding, top })
    }

    /// Pauses, or goes on: video with the next keyframe.
    pub fn set_enabled(&mut self, enabled: bool) {
        if !enabled {
            self.pause();
        }
        self.enabled = enabled;
    }

    /// False while paused.
    #[must_use]
    pub const fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// An encoding's own numbers started afresh, as with a new stream: what was sent of it before
    /// can no longer be repaired, and where it is sent now, video waits for a keyframe. The
    /// subscriber's numbers go on.
    pub fn source_restarted(&mut self, encoding: u8) {
        if self.current == Some(encoding) {
            self.pause();
        }
        self.rewriter.forget_source(encoding);
        self.selection.forget_source(encoding);
    }

    /// Packets of the source are left out on purpose: the subscriber's numbers go on without a gap
    /// where the next one comes, video at a keyframe.
    pub fn interrupt(&mut self) {
        self.pause();
    }

    /// Sends nothing more before the next keyframe.
    fn pause(&mut self) {
        self.current = None;
    }

    /// Decides about one packet of `encoding`, of which `source` tells what is known by now, and
    /// rewrites it.
    ///
    /// A packet sent is remembered as sent: the caller queues it or loses it, but never asks again.
    /// One that is not wanted, but whose number the subscriber would miss, is sent as padding.
    ///
    /// # Errors
    ///
    /// `SubscriptionInactive` while paused or without a target; `FormatNotAgreed`;
    /// `AwaitingKeyframe` before the start, where another format begins, and of a structure whose
    /// keyframe has yet to come; `OtherEncoding`; `LayerLeftOut`; `Duplicate` and `TooOld` for a
    /// number already given, or too long ago to know.
    pub fn forward(
        &mut self,
        now: Instant,
        encoding: u8,
        packet: PacketRef,
        facts: &PacketFacts,
        source: SourceFacts<'_>,
    ) -> Result<OutboundPacket, DropReason> {
        let target = self.target.filter(|_| self.enabled);
        let target = target.ok_or(DropReason::SubscriptionInactive)?;
        let Some(delivery) = self.delivery(facts.payload_type) else {
            self.pass_over(encoding, facts);
            return Err(DropReason::FormatNotAgreed);
        };
        self.enter_stretch(encoding, target, facts, source)?;
        let epoch = self.rewriter.current_epoch();
        let epoch = epoch.ok_or(DropReason::AwaitingKeyframe)?;
        self.format = Some(facts.payload_type);
        let number = epoch
            .number_of(facts.sequence)
            .ok_or(DropReason::AwaitingKeyframe)?;
        let choice = self.choose(number, facts, source);
        let choice = choice.ok_or(DropReason::AwaitingKeyframe)?;
        if !choice.sends && self.rewriter.leave_out(number, &epoch, &facts.payload) {
            return Err(DropReason::LayerLeftOut);
        }
        let sequence = self.rewriter.sequence_of(number);
        let sequence = sequence.ok_or(DropReason::TooOld)?;
        self.history.give(now, sequence)?;
        self.reports.on_given(sequence);
        if !choice.sends {
            self.history.note_empty(sequence);
            let sent = self.outbound(&epoch, &delivery, sequence, &choice, packet, facts);
            return Ok(sent.without_payload());
        }
        self.rewriter.keep(number, &epoch, &facts.payload);
        let sent = self.outbound(&epoch, &delivery, sequence, &choice, packet, facts);
        self.rewriter.sent(&sent, facts, source.clock);
        Ok(sent)
    }

    fn outbound(
        &self,
        epoch: &Epoch,
        delivery: &Delivery,
        sequence: u64,
        choice: &Choice,
        packet: PacketRef,
        facts: &PacketFacts,
    ) -> OutboundPacket {
        let descriptor = facts.extensions.descriptor;
        let pictures = self.rewriter.pictures();
        OutboundPacket {
            packet,
            ssrc: self.settings.ssrc,
            payload_type: delivery.payload_type,
            sequence,
            timestamp: epoch.timestamp_of(facts.timestamp),
            marker: choice.ends_picture(facts),
            rewrite: epoch.rewrite(&facts.payload, delivery.red, pictures),
            frame_number: descriptor.map(|place| epoch.frame_number_of(place.frame_number)),
            active_targets: descriptor.and(choice.active),
            rtx_original: None,
        }
    }

    fn is_video(&self) -> bool {
        self.settings.kind == MediaKind::Video
    }
}

#[cfg(test)]
mod tests;
