//! How a source's numbers become a subscriber's: continuous over every seam.

use std::time::{Duration, Instant};

use arrayvec::ArrayVec;

use super::EgressSettings;
use crate::media::outbound::OutboundPacket;
use crate::media::packet::{PacketFacts, VideoFacts};
use crate::media::source_clock::SourceClock;

/// Widest jump of sequence numbers that is passed on as a gap. Beyond it the numbers go on without
/// one, from a keyframe. Raising it passes on gaps that no cache can repair, and past 32,768 breaks
/// the receiver's guess at the rollover counter (RFC 3711 section 3.3.1); lowering it asks for
/// keyframes where repair would do.
pub(super) const MAX_SEQUENCE_JUMP: u64 = 512;

/// Seams remembered, so that packets from before one can still be repaired. Raising it helps only
/// a subscription that switches this often within a cache's length; lowering it gives up on repairs
/// before the last switches.
pub(super) const MAX_EPOCHS: usize = 8;

/// How far a timestamp may be from what the time of arrival suggests at a seam. Raising it trusts
/// publishers' clocks that jump; lowering it throws away clocks that are right while packets queue.
pub(super) const MAX_CLOCK_SKEW: Duration = Duration::from_secs(1);

/// Longest step of the timestamp over a seam, in ticks: 3.3 hours of video. A step of 2^31 or more
/// reads as one backwards; any shorter bound is as good, and a pause that is longer just reads as
/// shorter.
const MAX_STEP: u32 = 1 << 30;

/// A stretch of one source's numbers, and how they map: by adding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Epoch {
    /// `None`: its numbers mean something else by now.
    pub(super) encoding: Option<u8>,
    first_sequence: u64,
    first_source: u64,
    timestamp: u32,
    picture_id: u16,
    tl0: u8,
}

impl Epoch {
    /// The subscriber's number of the source's; `None` for a packet from before the stretch.
    pub(super) fn sequence_of(&self, source: u64) -> Option<u64> {
        Some(source.checked_sub(self.first_source)? + self.first_sequence)
    }

    /// The source's number of the subscriber's, which lies in the stretch.
    pub(super) fn source_of(&self, sequence: u64) -> u64 {
        sequence - self.first_sequence + self.first_source
    }

    pub(super) const fn timestamp_of(&self, source: u32) -> u32 {
        source.wrapping_add(self.timestamp)
    }

    pub(super) fn picture_id_of(&self, facts: &VideoFacts) -> Option<u16> {
        let source = facts.picture_id?;
        Some(source.wrapping_add(self.picture_id) & picture_mask(facts))
    }

    pub(super) fn tl0_of(&self, facts: &VideoFacts) -> Option<u8> {
        Some(facts.tl0_picture_index?.wrapping_add(self.tl0))
    }
}

/// RFC 7741 section 4.2: a picture id has 7 or 15 bits, and wraps by its width.
const fn picture_mask(facts: &VideoFacts) -> u16 {
    if facts.wide_picture_id { 0x7fff } else { 0x7f }
}

/// The newest packet sent.
#[derive(Clone, Copy, Debug)]
struct Newest {
    timestamp: u32,
    arrived: Instant,
}

/// The stretches of a subscription so far.
#[derive(Clone, Debug)]
pub(super) struct Rewriter {
    clock_rate: u32,
    /// Oldest first.
    epochs: ArrayVec<Epoch, MAX_EPOCHS>,
    newest: Option<Newest>,
    /// The current encoding's.
    clock: Option<SourceClock>,
    /// Where the numbers go on after a seam.
    next_sequence: u64,
    first_timestamp: u32,
    next_picture_id: u16,
    next_tl0: u8,
}

impl Rewriter {
    pub(super) fn new(settings: &EgressSettings) -> Self {
        Self {
            clock_rate: settings.codec.clock_rate(),
            epochs: ArrayVec::new(),
            newest: None,
            clock: None,
            next_sequence: u64::from(settings.first_sequence & 0x7fff),
            first_timestamp: settings.first_timestamp,
            next_picture_id: settings.first_picture_id,
            next_tl0: settings.first_tl0,
        }
    }

    pub(super) fn current_epoch(&self) -> Option<Epoch> {
        self.epochs.last().copied()
    }

    /// The stretch that the subscriber's `sequence` lies in, if it is remembered.
    pub(super) fn epoch_of(&self, sequence: u64) -> Option<Epoch> {
        let mut newest_first = self.epochs.iter().rev();
        newest_first
            .find(|epoch| epoch.first_sequence <= sequence)
            .copied()
    }

    /// The current stretch, if it reaches as far as the source's `source`.
    pub(super) fn reach(&self, source: u64) -> Option<Epoch> {
        let epoch = self.current_epoch()?;
        let in_reach = epoch
            .sequence_of(source)
            .is_none_or(|sequence| sequence < self.next_sequence + MAX_SEQUENCE_JUMP);
        in_reach.then_some(epoch)
    }

    /// Starts a stretch with this packet: its numbers follow the newest ones sent.
    pub(super) fn start(
        &mut self,
        encoding: u8,
        facts: &PacketFacts,
        clock: Option<&SourceClock>,
    ) -> Epoch {
        let timestamp = self.next_timestamp(encoding, facts, clock);
        let video = &facts.video;
        let epoch = Epoch {
            encoding: Some(encoding),
            first_sequence: self.next_sequence,
            first_source: facts.sequence,
            timestamp: timestamp.wrapping_sub(facts.timestamp),
            picture_id: self
                .next_picture_id
                .wrapping_sub(video.picture_id.unwrap_or(0)),
            tl0: self
                .next_tl0
                .wrapping_sub(video.tl0_picture_index.unwrap_or(0)),
        };
        if self.epochs.is_full() {
            self.epochs.remove(0);
        }
        self.epochs.push(epoch);
        self.clock = clock.copied();
        epoch
    }

    /// An encoding's numbers mean something else from now on.
    pub(super) fn forget_source(&mut self, encoding: u8) {
        let of_it = |epoch: &&mut Epoch| epoch.encoding == Some(encoding);
        for epoch in self.epochs.iter_mut().filter(of_it) {
            epoch.encoding = None;
        }
    }

    /// Takes note of what was sent.
    pub(super) fn sent(
        &mut self,
        sent: &OutboundPacket,
        arrived: Instant,
        clock: Option<&SourceClock>,
    ) {
        self.clock = clock.copied().or(self.clock);
        // What fills a gap is older than the newest, in every one of its numbers.
        if sent.sequence < self.next_sequence {
            return;
        }
        self.next_sequence = sent.sequence + 1;
        self.newest = Some(Newest {
            timestamp: sent.timestamp,
            arrived,
        });
        if let Some(picture_id) = sent.picture_id {
            self.next_picture_id = picture_id.wrapping_add(1);
        }
        if let Some(tl0) = sent.tl0_picture_index {
            self.next_tl0 = tl0.wrapping_add(1);
        }
    }

    /// The timestamp of the first packet behind a seam.
    fn next_timestamp(
        &self,
        encoding: u8,
        facts: &PacketFacts,
        clock: Option<&SourceClock>,
    ) -> u32 {
        let Some(newest) = self.newest else {
            return self.first_timestamp;
        };
        let elapsed = facts.arrived.saturating_duration_since(newest.arrived);
        let by_arrival = ticks(elapsed, self.clock_rate).min(MAX_STEP);
        let by_clock = self
            .by_clock(encoding, facts, clock)
            .map(|timestamp| timestamp.wrapping_sub(newest.timestamp).cast_signed())
            .filter(|step| {
                let skew = i64::from(*step) - i64::from(by_arrival);
                skew.unsigned_abs() <= u64::from(ticks(MAX_CLOCK_SKEW, self.clock_rate))
            });
        let step = by_clock.map_or(by_arrival, |step| step.max(0).cast_unsigned());
        // A new frame, however close: never the timestamp of the one before it.
        newest.timestamp.wrapping_add(step.max(1))
    }

    /// This packet's timestamp as if the stretch before had gone on: the same wall clock of the
    /// publisher, seen by the clock of the encoding before.
    fn by_clock(
        &self,
        encoding: u8,
        facts: &PacketFacts,
        clock: Option<&SourceClock>,
    ) -> Option<u32> {
        let before = self.epochs.last()?;
        let source = if before.encoding == Some(encoding) {
            facts.timestamp
        } else {
            let ntp = clock?.ntp_of(facts.timestamp, self.clock_rate);
            self.clock?.rtp_of(ntp, self.clock_rate)
        };
        Some(before.timestamp_of(source))
    }
}

/// `span` in ticks of a clock, as many as fit.
fn ticks(span: Duration, clock_rate: u32) -> u32 {
    let ticks = span.as_nanos() * u128::from(clock_rate) / 1_000_000_000;
    u32::try_from(ticks).unwrap_or(u32::MAX)
}
