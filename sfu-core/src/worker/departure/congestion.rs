//! Feedback by the streams' own numbers (RFC 8888), for an estimator that counts over all streams:
//! each packet by the transport-wide number that it left with.

use std::time::Instant;

use arrayvec::ArrayVec;

use crate::bandwidth::departure::ToldPacket;
use crate::wire::rtcp::CongestionFeedback;
use crate::wire::rtcp::congestion_feedback::MAX_REPORTS;
use crate::worker::peer::Peer;

/// Packets of one stream that are remembered with their transport-wide numbers, a power of two: two
/// seconds of 2.5 Mbit/s. Raising it costs 24 bytes each for every stream of every subscription of who gives such
/// feedback; lowering it makes nothing of feedback that comes late.
const REMEMBERED: usize = 512;

/// Where a receiver's clock ends, in 1/65536 s: after eight years, which a hostile one's jumps reach in
/// minutes.
///
/// Higher: what is counted from there on overflows. Lower: nothing, down to what the longest call
/// takes.
const LATEST: u64 = 1 << 44;

/// The numbers that left in one stream: each with its transport-wide one.
#[derive(Clone, Debug)]
struct Stream {
    ring: Box<[Option<(u16, u64)>]>,
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            ring: vec![None; REMEMBERED].into_boxed_slice(),
        }
    }
}

impl Stream {
    fn note(&mut self, sequence: u16, number: u64) {
        self.ring[usize::from(sequence) % REMEMBERED] = Some((sequence, number));
    }

    fn number_of(&self, sequence: u16) -> Option<u64> {
        let (held, number) = self.ring[usize::from(sequence) % REMEMBERED]?;
        (held == sequence).then_some(number)
    }
}

/// What left of one subscription: of its stream and of that of its repairs.
#[derive(Clone, Debug, Default)]
pub(in crate::worker) struct Numbered {
    media: Stream,
    repairs: Stream,
}

impl Numbered {
    /// The packet `sequence` has left with this transport-wide `number`.
    pub(in crate::worker) fn note(&mut self, is_repair: bool, sequence: u16, number: u64) {
        match is_repair {
            true => self.repairs.note(sequence, number),
            false => self.media.note(sequence, number),
        }
    }

    fn number_of(&self, is_repair: bool, sequence: u16) -> Option<u64> {
        match is_repair {
            true => self.repairs.number_of(sequence),
            false => self.media.number_of(sequence),
        }
    }
}

/// Tells the estimator of what a feedback says.
pub(in crate::worker) fn take(peer: &mut Peer, now: Instant, feedback: &CongestionFeedback<'_>) {
    // The report's time in 1/65536 s; offsets are before it, in 1/1024 s (section 3.1).
    let made = peer.receiver_clock.unwrap(feedback.timestamp).min(LATEST);
    let next = peer.departures.next_number();
    // The parser's limit is the array's size.
    let mut told = ArrayVec::<ToldPacket, { MAX_REPORTS as usize }>::new();
    for stream in feedback.streams() {
        let Some((key, is_repair)) = peer.sent_as(stream.ssrc) else {
            continue;
        };
        let Some(numbered) = &peer.egresses[key].header.numbered else {
            continue;
        };
        for packet in stream.packets() {
            let number = numbered.number_of(is_repair, packet.sequence);
            // The low 16 bits of an older number are a newer packet's.
            let number = number.filter(|number| next - number <= u64::from(u16::MAX));
            let Some(number) = number else { continue };
            let arrival = match packet.arrival {
                None => None,
                // At an unknown time: it neither shows a queue nor is it lost.
                Some(arrival) if arrival.before.is_none() => continue,
                Some(arrival) => arrival.before.map(|before| micros(made, before)),
            };
            let _ = told.try_push(ToldPacket {
                number: number as u16,
                arrival,
            });
        }
    }
    // In the order of leaving, which the streams share.
    told.sort_unstable_by_key(|told| told.number.wrapping_sub(next as u16));
    if !told.is_empty() {
        peer.bandwidth.on_told_packets(now, &told);
    }
}

/// The microseconds of `before` in 1/1024 s ahead of `made` in 1/65536 s.
fn micros(made: u64, before: u16) -> i64 {
    let at = made.saturating_sub(u64::from(before) << 6);
    // A 65,536th of a second is 15,625 / 1024 us.
    (at * 15_625 / 1024).cast_signed()
}
