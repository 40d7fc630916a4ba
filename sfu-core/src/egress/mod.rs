//! One subscription: which encoding it gets, and the numbers that it gets it under.
//!
//! A subscriber sees one stream that never restarts, whatever happens to the encodings behind it.
//! An [`Egress`] starts and switches video at keyframes only, counts sequence numbers, timestamps
//! and picture ids on over every seam, and remembers enough to send again what got lost.
//!
//! What never happens: a sequence number is given twice. The rest of this room may be wrong and
//! pictures break; that wrong, and the SRTP key is spent.

mod history;
mod repair;
mod reports;
mod rewrite;

use std::time::{Duration, Instant};

pub use repair::Retransmission;

use self::history::History;
use self::reports::Reports;
use self::rewrite::{Epoch, Rewriter};
use crate::drop_reason::DropReason;
use crate::event::LinkStatistics;
use crate::id::{PayloadType, Ssrc};
use crate::media::codec::{Codec, MediaKind};
use crate::media::outbound::OutboundPacket;
use crate::media::packet::{PacketFacts, PacketRef};
use crate::media::source_clock::SourceClock;
use crate::wire::rtcp::{ReportBlock, SenderInfo};

/// What a subscription's stream is called, and where its numbers start: random, and given by the
/// worker, as the engine draws nothing itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EgressSettings {
    /// The codec.
    pub codec: Codec,
    /// The stream.
    pub ssrc: Ssrc,
    /// The stream of its repairs, where RTX is agreed on (RFC 4588).
    pub rtx_ssrc: Option<Ssrc>,
    /// The payload type.
    pub payload_type: PayloadType,
    /// The payload type of its repairs.
    pub rtx_payload_type: Option<PayloadType>,
    /// First sequence number. The top bit is ignored: a start below 0x8000 keeps a first packet
    /// that is lost from leaving the receiver a rollover behind (RFC 3711 section 3.3.1).
    pub first_sequence: u16,
    /// First timestamp.
    pub first_timestamp: u32,
    /// First VP8 picture id, of which the low 15 bits count.
    pub first_picture_id: u16,
    /// First VP8 TL0PICIDX.
    pub first_tl0: u8,
    /// First sequence number of the repairs; as [`Self::first_sequence`].
    pub rtx_first_sequence: u16,
}

/// One subscription's stream.
#[derive(Clone, Debug)]
pub struct Egress {
    settings: EgressSettings,
    enabled: bool,
    /// The encoding wanted.
    target: Option<u8>,
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
    pub fn new(settings: EgressSettings) -> Self {
        Self {
            settings,
            enabled: true,
            target: None,
            current: None,
            rewriter: Rewriter::new(&settings),
            history: History::new(settings.codec.kind()),
            reports: Reports::default(),
            rtx_sequence: u64::from(settings.rtx_first_sequence & 0x7fff),
        }
    }

    /// The settings that it was made with, its SSRCs and payload types among them.
    #[must_use]
    pub const fn settings(&self) -> &EgressSettings {
        &self.settings
    }

    /// Wants `encoding`, or nothing. Video goes on with the present encoding until the wanted one's
    /// keyframe. After nothing was wanted, video starts at a keyframe again.
    pub fn set_target(&mut self, encoding: Option<u8>) {
        self.target = encoding;
        if encoding.is_none() {
            self.pause();
        }
    }

    /// The encoding wanted.
    #[must_use]
    pub const fn target(&self) -> Option<u8> {
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
        let waits = self.enabled && self.is_video() && self.current != self.target;
        self.target.filter(|_| waits)
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
    /// `SubscriptionInactive` while paused or without a target; `AwaitingKeyframe` before the start;
    /// `OtherEncoding`; `Duplicate` and `TooOld` for a number already given, or too long ago to know.
    pub fn forward(
        &mut self,
        now: Instant,
        encoding: u8,
        packet: PacketRef,
        facts: &PacketFacts,
        clock: Option<&SourceClock>,
    ) -> Result<OutboundPacket, DropReason> {
        let target = self.target.filter(|_| self.enabled);
        let target = target.ok_or(DropReason::SubscriptionInactive)?;
        let epoch = if self.current == Some(encoding) {
            self.go_on(encoding, facts, clock)?
        } else {
            self.start_at(encoding, target, facts, clock)?
        };
        let sequence = epoch
            .sequence_of(facts.sequence)
            .ok_or(DropReason::AwaitingKeyframe)?;
        self.history.give(now, sequence)?;
        self.reports.on_given(sequence);
        let sent = self.outbound(&epoch, sequence, packet, facts);
        self.rewriter.sent(&sent, facts.arrived, clock);
        Ok(sent)
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
        self.current = Some(encoding);
        Ok(self.rewriter.start(encoding, facts, clock))
    }

    /// Counts one packet of the stream itself, not a repair, as sent with `payload_bytes` of
    /// payload.
    pub fn on_sent(&mut self, now: Instant, payload_bytes: usize) {
        self.reports.on_sent(now, payload_bytes);
    }

    /// What a sender report of this stream says now (RFC 3550 section 6.4.1), by the `clock` of the
    /// [`Self::current`] encoding. The wall clock is the publisher's, so that its sound and its
    /// pictures keep together. `None` while nothing is sent or no
    /// clock is known.
    #[must_use]
    pub fn sender_report(
        &mut self,
        now: Instant,
        clock: Option<&SourceClock>,
    ) -> Option<SenderInfo> {
        self.current?;
        let epoch = self.rewriter.current_epoch()?;
        let clock = clock?;
        let rtp = clock.rtp_at(now, self.settings.codec.clock_rate());
        let (ssrc, ntp) = (self.settings.ssrc, clock.ntp_at(now));
        self.reports
            .sender_report(now, ssrc, ntp, epoch.timestamp_of(rtp))
    }

    /// Takes note of what the subscriber reports about this stream. Returns the round-trip time
    /// (RFC 3550 section 6.4.1), when the block is about a sender report of late.
    pub fn on_report(&mut self, now: Instant, block: &ReportBlock) -> Option<Duration> {
        let ours = block.ssrc == self.settings.ssrc;
        ours.then(|| self.reports.on_report(now, block))?
    }

    /// How the stream fared since the last call, by the subscriber's reports.
    pub fn link_statistics(&mut self) -> LinkStatistics {
        let clock_rate = self.settings.codec.clock_rate();
        self.reports.link_statistics(clock_rate)
    }

    fn outbound(
        &self,
        epoch: &Epoch,
        sequence: u64,
        packet: PacketRef,
        facts: &PacketFacts,
    ) -> OutboundPacket {
        OutboundPacket {
            packet,
            ssrc: self.settings.ssrc,
            payload_type: self.settings.payload_type,
            sequence,
            timestamp: epoch.timestamp_of(facts.timestamp),
            marker: facts.marker,
            picture_id: epoch.picture_id_of(&facts.video),
            tl0_picture_index: epoch.tl0_of(&facts.video),
            rtx_original: None,
            audio_level: facts.audio_level,
        }
    }

    fn is_video(&self) -> bool {
        self.settings.codec.kind() == MediaKind::Video
    }
}

#[cfg(test)]
mod tests;
