//! How a source's numbers become a subscriber's: continuous over every seam.

use std::time::Instant;

use arrayvec::ArrayVec;

use super::EgressSettings;
use super::epoch::Epoch;
use super::left_out::LeftOut;
use super::pictures::Pictures;
use super::timeline::Timeline;
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

/// The newest packet sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Newest {
    pub(super) timestamp: u32,
    pub(super) arrived: Instant,
}

/// The stretches of a subscription so far.
#[derive(Clone, Debug)]
pub(super) struct Rewriter {
    /// The places of all packets, and which were left out.
    pub(super) packets: LeftOut<WORDS>,
    /// One past the newest number sent.
    next_sequence: u64,
    pub(super) newest: Option<Newest>,
    pub(super) timeline: Timeline,
    /// Oldest first.
    pub(super) epochs: ArrayVec<Epoch, MAX_EPOCHS>,
    pub(super) pictures: Pictures,
    pub(super) first_timestamp: u32,
    pub(super) first_picture_id: u16,
    pub(super) first_tl0: u8,
    pub(super) next_picture_id: Option<u16>,
    pub(super) next_tl0: Option<u8>,
    pub(super) next_frame_number: Option<u16>,
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

    /// One past the newest number sent.
    #[cfg(test)]
    pub(super) const fn next_sequence(&self) -> u64 {
        self.next_sequence
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

    /// Whether the current stretch reaches as far as the source's `source`.
    pub(super) fn reaches(&self, source: u64) -> bool {
        let Some(epoch) = self.epochs.last() else {
            return false;
        };
        epoch.number_of(source).is_none_or(|number| {
            // What is not known any more is far behind.
            let sequence = self.packets.sent(number);
            sequence.is_none_or(|sequence| sequence < self.next_sequence + MAX_SEQUENCE_JUMP)
        })
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
}
