//! One subscription: which encoding it gets, and the numbers that it gets it under.
//!
//! A subscriber sees one stream that never restarts, whatever happens to the encodings behind it.
//! An [`Egress`] starts and switches video at keyframes only, counts sequence numbers, timestamps
//! and picture ids on over every seam, and remembers enough to send again what got lost.
//!
//! What never happens: a sequence number is given twice. The rest of this room may be wrong and
//! pictures break; that wrong, and the SRTP key is spent.

mod epoch;
mod history;
mod repair;
mod reports;
mod rewrite;
mod settings;

use std::time::Instant;

pub use repair::Retransmission;
pub use settings::EgressSettings;

use self::epoch::Epoch;
use self::history::History;
use self::reports::Reports;
use self::rewrite::Rewriter;
use crate::drop_reason::DropReason;
use crate::id::PayloadType;
use crate::media::codec::MediaKind;
use crate::media::delivery::{Deliveries, Delivery};
use crate::media::layer::Layers;
use crate::media::outbound::OutboundPacket;
use crate::media::packet::{PacketFacts, PacketRef};
use crate::media::source_clock::SourceClock;

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
    /// keyframe. After nothing was wanted, video starts at a keyframe again.
    pub fn set_target(&mut self, layers: Option<Layers>) {
        self.target = layers;
        if layers.is_none() {
            self.pause();
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

    /// The encoding whose keyframe this waits for; `None` when it has what it wants.
    #[must_use]
    pub fn wants_keyframe_of(&self) -> Option<u8> {
        let target = self.target?.encoding;
        let waits = self.enabled && self.is_video() && self.current != Some(target);
        waits.then_some(target)
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
    }

    /// Sends nothing more before the next keyframe.
    fn pause(&mut self) {
        self.current = None;
    }

    /// Decides about one packet of `encoding`, and rewrites it. `clock` is that encoding's, once its
    /// publisher has reported one.
    ///
    /// A packet sent is remembered as sent: the caller queues it or loses it, but never asks again.
    ///
    /// # Errors
    ///
    /// `SubscriptionInactive` while paused or without a target; `FormatNotAgreed`;
    /// `AwaitingKeyframe` before the start, and where another format begins; `OtherEncoding`;
    /// `Duplicate` and `TooOld` for a number already given, or too long ago to know.
    pub fn forward(
        &mut self,
        now: Instant,
        encoding: u8,
        packet: PacketRef,
        facts: &PacketFacts,
        clock: Option<&SourceClock>,
    ) -> Result<OutboundPacket, DropReason> {
        let target = self.target.filter(|_| self.enabled);
        let target = target.ok_or(DropReason::SubscriptionInactive)?.encoding;
        let delivery = self.delivery(facts.payload_type);
        let delivery = delivery.ok_or(DropReason::FormatNotAgreed)?;
        let epoch = if self.current != Some(encoding) {
            self.start_at(encoding, target, facts, clock)?
        } else if self.keeps_decoder(facts) {
            self.go_on(encoding, facts, clock)?
        } else {
            self.change_format(encoding, facts, clock)?
        };
        self.format = Some(facts.payload_type);
        let sequence = epoch
            .sequence_of(facts.sequence)
            .ok_or(DropReason::AwaitingKeyframe)?;
        self.history.give(now, sequence)?;
        self.reports.on_given(sequence);
        let sent = self.outbound(&epoch, &delivery, sequence, packet, facts);
        self.rewriter.sent(&sent, facts, clock);
        Ok(sent)
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
        facts: &PacketFacts,
        clock: Option<&SourceClock>,
    ) -> Result<Epoch, DropReason> {
        if !self.rewriter.is_ahead(facts.sequence) {
            // The rest of the former format, which its decoder no longer waits for.
            return Err(DropReason::TooOld);
        }
        self.pause();
        self.start_at(encoding, encoding, facts, clock)
    }

    /// The mapping for one more packet of the current encoding.
    fn go_on(
        &mut self,
        encoding: u8,
        facts: &PacketFacts,
        clock: Option<&SourceClock>,
    ) -> Result<Epoch, DropReason> {
        if let Some(epoch) = self.rewriter.reach(facts.sequence) {
            return Ok(epoch);
        }
        // Too much is missing to be repaired, and the receiver's guess at the rollover counter must
        // never be put to the test: the numbers go on without a gap.
        self.pause();
        self.start_at(encoding, encoding, facts, clock)
    }

    /// The mapping from this packet on, where the stream may start or switch here.
    fn start_at(
        &mut self,
        encoding: u8,
        target: u8,
        facts: &PacketFacts,
        clock: Option<&SourceClock>,
    ) -> Result<Epoch, DropReason> {
        if encoding != target {
            return Err(DropReason::OtherEncoding);
        }
        if self.is_video() && !facts.video.keyframe_start {
            return Err(match self.current {
                Some(_) => DropReason::OtherEncoding,
                None => DropReason::AwaitingKeyframe,
            });
        }
        let delivery = self.delivery(facts.payload_type);
        let delivery = delivery.ok_or(DropReason::FormatNotAgreed)?;
        self.current = Some(encoding);
        self.reports.begin_stretch();
        Ok(self
            .rewriter
            .start(encoding, delivery.codec.clock_rate(), facts, clock))
    }

    fn outbound(
        &self,
        epoch: &Epoch,
        delivery: &Delivery,
        sequence: u64,
        packet: PacketRef,
        facts: &PacketFacts,
    ) -> OutboundPacket {
        let descriptor = facts.extensions.descriptor;
        OutboundPacket {
            packet,
            ssrc: self.settings.ssrc,
            payload_type: delivery.payload_type,
            sequence,
            timestamp: epoch.timestamp_of(facts.timestamp),
            marker: facts.marker,
            rewrite: epoch.rewrite(&facts.payload, delivery.red),
            frame_number: descriptor.map(|place| epoch.frame_number_of(place.frame_number)),
            rtx_original: None,
        }
    }

    fn is_video(&self) -> bool {
        self.settings.kind == MediaKind::Video
    }
}

#[cfg(test)]
mod tests;
