//! How a source's numbers become a subscriber's: continuous over every seam.

use std::time::{Duration, Instant};

use arrayvec::ArrayVec;

use super::EgressSettings;
use super::epoch::Epoch;
use super::left_out::LeftOut;
use super::pictures::Pictures;
use super::timeline::{MAX_CLOCK_SKEW, Slew, Timeline};
use crate::media::outbound::OutboundPacket;
use crate::media::packet::{PacketFacts, PayloadFacts};
use crate::media::packet_cache::VIDEO_CACHE_PACKETS;
use crate::media::source_clock::SourceClock;

/// Widest jump of sequence numbers that is passed on as a gap. Beyond it the numbers go on without
/// one, from a keyframe. Raising it passes on gaps that no cache can repair, and past 32,768 breaks
/// the receiver's guess at the rollover counter (RFC 3711 section 3.3.1); lowering it asks for
/// keyframes where repair would do.
pub(super) const MAX_SEQUENCE_JUMP: u64 = 512;

/// Words of packets remembered as left out: what is older is in no cache.
const WORDS: usize = VIDEO_CACHE_PACKETS / u64::BITS as usize;

/// Seams remembered, so that packets from before one can still be repaired. Raising it helps only
/// a subscription that switches this often within a cache's length; lowering it gives up on repairs
/// before the last switches.
pub(super) const MAX_EPOCHS: usize = 8;

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
    /// The places of all packets, and which were left out.
    packets: LeftOut<WORDS>,
    /// One past the newest number sent.
    next_sequence: u64,
    newest: Option<Newest>,
    timeline: Timeline,
    /// Oldest first.
    epochs: ArrayVec<Epoch, MAX_EPOCHS>,
    pictures: Pictures,
    first_timestamp: u32,
    first_picture_id: u16,
    first_tl0: u8,
    next_picture_id: Option<u16>,
    next_tl0: Option<u8>,
    next_frame_number: Option<u16>,
}

impl Rewriter {
    pub(super) fn new(settings: &EgressSettings) -> Self {
        let first_sequence = u64::from(settings.first_sequence & 0x7fff);
        Self {
            packets: LeftOut::from(first_sequence),
            next_sequence: first_sequence,
            newest: None,
            timeline: Timeline::default(),
            epochs: ArrayVec::new(),
            pictures: Pictures::from(settings.first_picture_id),
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

    /// The place of what the subscriber saw as `sequence`, and its stretch, if it is remembered.
    pub(super) fn origin_of(&self, sequence: u64) -> Option<(u64, Epoch)> {
        let number = self.packets.number_of(sequence)?;
        let mut newest_first = self.epochs.iter().rev();
        let epoch = newest_first.find(|epoch| epoch.first <= number)?;
        Some((number, *epoch))
    }

    /// Whether every packet of that stretch, and since, that came in order was sent.
    pub(super) const fn is_whole_since(&self, epoch: &Epoch) -> bool {
        self.packets.is_whole_from(epoch.first)
    }

    pub(super) const fn pictures(&self) -> &Pictures {
        &self.pictures
    }

    /// The place of a packet that starts a stretch.
    pub(super) const fn next_number(&self) -> u64 {
        self.packets.next()
    }

    /// Whether the source's `source` comes after all that was decided on of the current stretch.
    pub(super) fn is_ahead(&self, source: u64) -> bool {
        let number = self
            .current_epoch()
            .and_then(|epoch| epoch.number_of(source));
        number.is_some_and(|number| number >= self.packets.next())
    }

    /// The current stretch, if it reaches as far as the source's `source`.
    pub(super) fn reach(&self, source: u64) -> Option<Epoch> {
        let epoch = self.current_epoch()?;
        let in_reach = epoch.number_of(source).is_none_or(|number| {
            // What is not known any more is far behind.
            let sequence = self.packets.sent(number);
            sequence.is_none_or(|sequence| sequence < self.next_sequence + MAX_SEQUENCE_JUMP)
        });
        in_reach.then_some(epoch)
    }

    /// The number under which a packet is sent; `None` when it is too old to know.
    pub(super) fn sequence_of(&self, number: u64) -> Option<u64> {
        self.packets.sent(number)
    }

    /// The packet goes.
    pub(super) fn keep(&mut self, number: u64, epoch: &Epoch, payload: &PayloadFacts) {
        self.packets.keep(number);
        if let PayloadFacts::Vp8(numbers) = payload
            && let Some(id) = numbers.picture_id
        {
            self.pictures.keep(id, epoch.picture);
        }
    }

    /// The packet does not go. False when the subscriber will miss its number.
    pub(super) fn leave_out(&mut self, number: u64, epoch: &Epoch, payload: &PayloadFacts) -> bool {
        if let PayloadFacts::Vp8(numbers) = payload
            && let Some(id) = numbers.picture_id
        {
            self.pictures.leave_out(id, epoch.picture);
        }
        self.packets.leave_out(number)
    }

    /// Starts a stretch with this packet: its numbers follow the newest ones sent.
    pub(super) fn start(
        &mut self,
        encoding: u8,
        clock_rate: u32,
        facts: &PacketFacts,
        clock: Option<&SourceClock>,
    ) -> Epoch {
        self.packets.close();
        let timestamp = self.next_timestamp(encoding, clock_rate, facts, clock);
        let (picture, picture_id, tl0) = self.next_numbers(&facts.payload);
        let descriptor = facts.extensions.descriptor;
        let frame_number = descriptor.map_or(0, |place| {
            let next = self.next_frame_number.unwrap_or(place.frame_number);
            next.wrapping_sub(place.frame_number)
        });
        let epoch = Epoch {
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
        };
        if self.epochs.is_full() {
            self.epochs.remove(0);
        }
        self.epochs.push(epoch);
        epoch
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
        // What fills a gap is older than the newest, in every one of its numbers.
        if sent.sequence < self.next_sequence {
            return;
        }
        self.next_sequence = sent.sequence + 1;
        self.newest = Some(Newest {
            timestamp: sent.timestamp,
            arrived: facts.arrived,
        });
        if let Some(clock) = clock.filter(|clock| !self.timeline.knows(clock)) {
            self.hear(clock, facts.timestamp);
        }
        let after = |number: u16| number.wrapping_add(1);
        let numbers = sent.rewrite.numbers();
        self.next_picture_id = numbers.picture_id.map(after).or(self.next_picture_id);
        let tl0 = numbers.tl0_picture_index.map(|tl0| tl0.wrapping_add(1));
        self.next_tl0 = tl0.or(self.next_tl0);
        self.next_frame_number = sent.frame_number.map(after).or(self.next_frame_number);
    }

    /// Takes note of a new report of the current encoding's clock; `newest` is the newest timestamp
    /// of its.
    fn hear(&mut self, clock: &SourceClock, newest: u32) {
        let Some(epoch) = self.epochs.last_mut() else {
            return;
        };
        let settled = epoch.slew.settle(newest, epoch.clock_rate);
        epoch.timestamp = epoch.timestamp.wrapping_add_signed(settled);
        let (here, rate) = (epoch.timestamp_of(clock.rtp), epoch.clock_rate);
        let slew = self.timeline.hear(clock, here, epoch.slew, newest, rate);
        epoch.slew = slew.unwrap_or(epoch.slew);
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
        let is_adrift = by_clock.is_none() || same.is_some() && was_adrift;
        self.timeline.start(is_adrift, before.is_some());
        let step = by_clock.map_or(by_arrival, |step| step.max(0).cast_unsigned());
        // A new frame, however close: never the timestamp of the one before it.
        newest.timestamp.wrapping_add(step.max(1))
    }
}

/// `span` in ticks of a clock, as many as fit.
fn ticks(span: Duration, clock_rate: u32) -> u32 {
    let ticks = span.as_nanos() * u128::from(clock_rate) / 1_000_000_000;
    u32::try_from(ticks).unwrap_or(u32::MAX)
}
