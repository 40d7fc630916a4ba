//! How one stretch follows another: every number goes on from the newest one sent.

use std::time::Duration;

use super::epoch::Epoch;
use super::rewrite::Rewriter;
use super::timeline::{MAX_CLOCK_SKEW, Slew};
use crate::media::packet::{PacketFacts, PayloadFacts};
use crate::media::source_clock::SourceClock;

/// Longest step of the timestamp over a seam, in ticks: 3.3 hours of video. A step of 2^31 or more
/// reads as one backwards; any shorter bound is as good, and a pause that is longer just reads as
/// shorter.
const MAX_STEP: u32 = 1 << 30;

impl Rewriter {
    /// Starts a stretch with this packet: its numbers follow the newest ones sent.
    pub(super) fn start(
        &mut self,
        encoding: u8,
        clock_rate: u32,
        facts: &PacketFacts,
        clock: Option<&SourceClock>,
    ) {
        self.packets.close();
        let timestamp = self.next_timestamp(encoding, clock_rate, facts, clock);
        let (picture, picture_id, tl0) = self.next_numbers(&facts.payload);
        let descriptor = facts.extensions.descriptor;
        let frame_number = descriptor.map_or(0, |place| {
            let next = self.next_frame_number.unwrap_or(place.frame_number);
            next.wrapping_sub(place.frame_number)
        });
        if self.epochs.is_full() {
            self.epochs.remove(0);
        }
        self.epochs.push(Epoch {
            encoding: Some(encoding),
            first: self.packets.next(),
            first_source: facts.sequence,
            clock_rate,
            timestamp: timestamp.wrapping_sub(facts.timestamp),
            slew: Slew::default(),
            picture,
            picture_id,
            tl0,
            frame_number,
        });
    }

    /// What a stretch that starts with `payload` adds to its picture id, in two steps for VP8, and to
    /// its TL0PICIDX. VP8's numbers are the subscriber's own from the first; VP9's are the source's
    /// until one source follows another.
    fn next_numbers(&mut self, payload: &PayloadFacts) -> (u16, u16, u8) {
        let (numbers, picture, from, next) = match *payload {
            PayloadFacts::Vp8(numbers) => {
                let first = numbers.picture_id.map(|id| self.pictures.start(id));
                let (picture, sent) = first.unwrap_or_default();
                (numbers, picture, sent, Some(self.first_picture_id))
            }
            PayloadFacts::Vp9(numbers) => {
                let id = numbers.picture_id.map_or(0, |id| id.value);
                (numbers, 0, id, None)
            }
            PayloadFacts::Opaque | PayloadFacts::Red { .. } => return (0, 0, 0),
        };
        let tl0 = numbers.tl0_picture_index.unwrap_or(0);
        let first_tl0 = next.map(|_| self.first_tl0);
        let next = self.next_picture_id.or(next).unwrap_or(from);
        let next_tl0 = self.next_tl0.or(first_tl0).unwrap_or(tl0);
        (picture, next.wrapping_sub(from), next_tl0.wrapping_sub(tl0))
    }

    /// The timestamp of the first packet behind a seam.
    fn next_timestamp(
        &mut self,
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
        let before = self.epochs.last();
        let before = before.filter(|before| before.clock_rate == clock_rate);
        // The same source's clock goes on; another's is found by the publisher's wall clock.
        let same = before.filter(|before| before.encoding == Some(encoding));
        let by_clock = match (same, before) {
            (Some(same), _) => Some(same.timestamp_of(facts.timestamp)),
            (None, Some(_)) => self.timeline.place(clock, facts.timestamp, clock_rate),
            (None, None) => None,
        };
        let by_clock = by_clock
            .map(|timestamp| timestamp.wrapping_sub(newest.timestamp).cast_signed())
            .filter(|step| {
                let skew = i64::from(*step) - i64::from(by_arrival);
                skew.unsigned_abs() <= u64::from(ticks(MAX_CLOCK_SKEW, clock_rate))
            });
        let was_adrift = self.timeline.is_adrift()
            || same.is_some_and(|same| !same.slew.is_whole(facts.timestamp));
        // Captured before the newest, it cannot have its place either.
        let is_late = by_clock.is_none_or(|step| step < 0);
        let is_adrift = is_late || same.is_some() && was_adrift;
        self.timeline.start(is_adrift, before.is_some());
        let step = by_clock.map_or(by_arrival, |step| step.max(0).cast_unsigned());
        // A new frame, however close and though it be captured before: never back, nor the same.
        newest.timestamp.wrapping_add(step.max(1))
    }
}

/// `span` in ticks of a clock, as many as fit.
fn ticks(span: Duration, clock_rate: u32) -> u32 {
    let ticks = span.as_nanos() * u128::from(clock_rate) / 1_000_000_000;
    u32::try_from(ticks).unwrap_or(u32::MAX)
}
