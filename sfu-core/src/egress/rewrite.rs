//! How a source's numbers become a subscriber's: continuous over every seam.

use std::time::{Duration, Instant};

use arrayvec::ArrayVec;

use super::EgressSettings;
use super::epoch::Epoch;
use crate::media::outbound::OutboundPacket;
use crate::media::packet::{PacketFacts, PayloadFacts};
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

/// The newest packet sent.
#[derive(Clone, Copy, Debug)]
struct Newest {
    timestamp: u32,
    arrived: Instant,
}

/// The stretches of a subscription so far.
#[derive(Clone, Debug)]
pub(super) struct Rewriter {
    /// Oldest first.
    epochs: ArrayVec<Epoch, MAX_EPOCHS>,
    newest: Option<Newest>,
    /// The current encoding's.
    clock: Option<SourceClock>,
    /// Where the numbers go on after a seam.
    next_sequence: u64,
    first_timestamp: u32,
    first_picture_id: u16,
    first_tl0: u8,
    next_picture_id: Option<u16>,
    next_tl0: Option<u8>,
    next_frame_number: Option<u16>,
}

impl Rewriter {
    pub(super) fn new(settings: &EgressSettings) -> Self {
        Self {
            epochs: ArrayVec::new(),
            newest: None,
            clock: None,
            next_sequence: u64::from(settings.first_sequence & 0x7fff),
            first_timestamp: settings.first_timestamp,
            first_picture_id: settings.first_picture_id,
            first_tl0: settings.first_tl0,
            next_picture_id: None,
            next_tl0: None,
            next_frame_number: None,
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

    /// Whether the source's `source` comes after all that was sent of the current stretch.
    pub(super) fn is_ahead(&self, source: u64) -> bool {
        let sequence = self
            .current_epoch()
            .and_then(|epoch| epoch.sequence_of(source));
        sequence.is_some_and(|sequence| sequence >= self.next_sequence)
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
        clock_rate: u32,
        facts: &PacketFacts,
        clock: Option<&SourceClock>,
    ) -> Epoch {
        let timestamp = self.next_timestamp(encoding, clock_rate, facts, clock);
        let (picture_id, tl0) = self.next_numbers(&facts.payload);
        let descriptor = facts.extensions.descriptor;
        let frame_number = descriptor.map_or(0, |place| {
            let next = self.next_frame_number.unwrap_or(place.frame_number);
            next.wrapping_sub(place.frame_number)
        });
        let epoch = Epoch {
            encoding: Some(encoding),
            first_sequence: self.next_sequence,
            first_source: facts.sequence,
            clock_rate,
            timestamp: timestamp.wrapping_sub(facts.timestamp),
            picture_id,
            tl0,
            frame_number,
        };
        if self.epochs.is_full() {
            self.epochs.remove(0);
        }
        self.epochs.push(epoch);
        self.clock = clock.copied();
        epoch
    }

    /// What a stretch that starts with `payload` adds to its picture id and TL0PICIDX. VP8's numbers
    /// are the subscriber's own from the first; VP9's are the source's until one source follows
    /// another.
    fn next_numbers(&self, payload: &PayloadFacts) -> (u16, u8) {
        let (source, first_picture_id, first_tl0) = match *payload {
            PayloadFacts::Vp8(numbers) => {
                (numbers, Some(self.first_picture_id), Some(self.first_tl0))
            }
            PayloadFacts::Vp9(numbers) => (numbers, None, None),
            PayloadFacts::Opaque | PayloadFacts::Red { .. } => return (0, 0),
        };
        let picture_id = source.picture_id.map_or(0, |id| id.value);
        let tl0 = source.tl0_picture_index.unwrap_or(0);
        let next_picture_id = self.next_picture_id.or(first_picture_id);
        let next_tl0 = self.next_tl0.or(first_tl0);
        (
            next_picture_id
                .unwrap_or(picture_id)
                .wrapping_sub(picture_id),
            next_tl0.unwrap_or(tl0).wrapping_sub(tl0),
        )
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
        facts: &PacketFacts,
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
            arrived: facts.arrived,
        });
        let after = |number: u16| number.wrapping_add(1);
        let numbers = sent.rewrite.numbers();
        self.next_picture_id = numbers.picture_id.map(after).or(self.next_picture_id);
        let tl0 = numbers.tl0_picture_index.map(|tl0| tl0.wrapping_add(1));
        self.next_tl0 = tl0.or(self.next_tl0);
        self.next_frame_number = sent.frame_number.map(after).or(self.next_frame_number);
    }

    /// The timestamp of the first packet behind a seam.
    fn next_timestamp(
        &self,
        encoding: u8,
        clock_rate: u32,
        facts: &PacketFacts,
        clock: Option<&SourceClock>,
    ) -> u32 {
        let Some(newest) = self.newest else {
            return self.first_timestamp;
        };
        let elapsed = facts.arrived.saturating_duration_since(newest.arrived);
        let by_arrival = ticks(elapsed, clock_rate).min(MAX_STEP);
        let by_clock = self
            .by_clock(encoding, clock_rate, facts, clock)
            .map(|timestamp| timestamp.wrapping_sub(newest.timestamp).cast_signed())
            .filter(|step| {
                let skew = i64::from(*step) - i64::from(by_arrival);
                skew.unsigned_abs() <= u64::from(ticks(MAX_CLOCK_SKEW, clock_rate))
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
        clock_rate: u32,
        facts: &PacketFacts,
        clock: Option<&SourceClock>,
    ) -> Option<u32> {
        let before = self.epochs.last();
        let before = before.filter(|before| before.clock_rate == clock_rate)?;
        let source = if before.encoding == Some(encoding) {
            facts.timestamp
        } else {
            let ntp = clock?.ntp_of(facts.timestamp, clock_rate);
            self.clock?.rtp_of(ntp, clock_rate)
        };
        Some(before.timestamp_of(source))
    }
}

/// `span` in ticks of a clock, as many as fit.
fn ticks(span: Duration, clock_rate: u32) -> u32 {
    let ticks = span.as_nanos() * u128::from(clock_rate) / 1_000_000_000;
    u32::try_from(ticks).unwrap_or(u32::MAX)
}
