//! Feedback by the streams' own numbers (RFC 8888), for an estimator that counts over all streams:
//! it is told as transport-wide feedback that says the same.

use std::time::Instant;

use arrayvec::ArrayVec;

use crate::id::Ssrc;
use crate::wire::rtcp::congestion_feedback::MAX_REPORTS;
use crate::wire::rtcp::{self, CongestionFeedback, FeedbackHeader, RtcpItem};
use crate::wire::seq::TimestampUnwrapper;
use crate::worker::peer::Peer;

/// Packets of one stream that are remembered with their transport-wide numbers, a power of two: two
/// seconds of 2.5 Mbit/s. Raising it costs 16 bytes each for every subscription of who gives such
/// feedback; lowering it makes nothing of feedback that comes late.
const REMEMBERED: usize = 512;

/// Most packets in one feedback for the estimator, lost ones included; what does not fit goes into
/// the next. Raising it past what a datagram may hold makes feedback that is refused; lowering it
/// makes more of them.
const MAX_TOLD: u64 = 400;

/// Most lost packets told of before the first that arrived. Raising it lets one hostile feedback cost
/// more steps; lowering it hides losses after an outage.
const MAX_LEADING: u64 = 200;

/// Packets that one datagram's feedback tells the estimator of, about: named ones that lie far apart
/// make all between them missing. Raising it lets a hostile datagram cost more; lowering it makes
/// less of the feedback after a stall.
const MAX_STEPS: usize = 2048;

/// Ticks of 250 us in a second, and in the reference time's unit of 64 ms
/// (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1).
const TICKS: u64 = 4000;
const REFERENCE_TICKS: u64 = 256;

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

/// What one transport's feedback is read by.
#[derive(Debug, Default)]
pub(in crate::worker) struct CongestionReader {
    clock: TimestampUnwrapper,
    /// The number after the highest that was told of.
    next: u64,
    count: u8,
}

/// A transport-wide number, and when it arrived in ticks of its receiver's clock.
type ArrivedAt = (u64, u64);

/// Tells the estimator of what a feedback says: of how many packets, missing ones included.
pub(in crate::worker) fn take(
    peer: &mut Peer,
    now: Instant,
    feedback: &CongestionFeedback<'_>,
) -> u32 {
    let mut arrived = ArrayVec::<ArrivedAt, { MAX_REPORTS as usize }>::new();
    // The report's time in 1/65536 s; offsets are before it, in 1/1024 s (section 3.1).
    let at = (peer.congestion.clock.unwrap(feedback.timestamp) * TICKS) >> 16;
    for stream in feedback.streams() {
        let Some((key, is_repair)) = peer.sent_as(stream.ssrc) else {
            continue;
        };
        let Some(numbered) = &peer.egresses[key].header.numbered else {
            continue;
        };
        for packet in stream.packets() {
            let number = numbered.number_of(is_repair, packet.sequence);
            if let (Some(number), Some(arrival)) = (number, packet.arrival) {
                let before = (u64::from(arrival.before.unwrap_or(0)) * TICKS) >> 10;
                // The parser's limit is the array's size.
                let _ = arrived.try_push((number, at.saturating_sub(before)));
            }
        }
    }
    arrived.sort_unstable();
    let mut rest = &arrived[..];
    let mut steps = 0;
    while let Some((told, after)) = split(rest).filter(|_| steps < MAX_STEPS) {
        rest = after;
        steps += tell(peer, now, told);
    }
    steps as u32
}

/// The arrivals of the next feedback for the estimator, and the rest.
fn split(arrived: &[ArrivedAt]) -> Option<(&[ArrivedAt], &[ArrivedAt])> {
    let &(first, _) = arrived.first()?;
    let fits = |pair: &[ArrivedAt]| {
        let [(_, before), (number, at)] = pair else {
            return false;
        };
        let step = i64::try_from(*at).unwrap_or(0) - i64::try_from(*before).unwrap_or(0);
        number - first < MAX_TOLD && i16::try_from(step).is_ok()
    };
    let count = arrived.windows(2).take_while(|pair| fits(pair)).count();
    arrived.split_at_checked(count + 1)
}

/// Tells of `arrived`, which is not empty, and of what is missing before and between: of how many
/// packets in all.
fn tell(peer: &mut Peer, now: Instant, arrived: &[ArrivedAt]) -> usize {
    let (first, first_at) = arrived[0];
    let reader = &mut peer.congestion;
    let base = match reader.next {
        next if next < first && next > 0 => next.max(first.saturating_sub(MAX_LEADING)),
        _ => first,
    };
    let reference = first_at / REFERENCE_TICKS;
    let mut deltas = ArrayVec::<Option<i32>, { (MAX_TOLD + MAX_LEADING) as usize }>::new();
    let (mut number, mut before) = (base, reference * REFERENCE_TICKS);
    for &(arrived, at) in arrived {
        if arrived < number {
            continue; // Named twice.
        }
        while number < arrived && !deltas.is_full() {
            deltas.push(None);
            number += 1;
        }
        let step = i64::try_from(at).unwrap_or(0) - i64::try_from(before).unwrap_or(0);
        let _ = deltas.try_push(i32::try_from(step).ok());
        (number, before) = (arrived + 1, at);
    }
    reader.next = reader.next.max(number);
    reader.count = reader.count.wrapping_add(1);
    let header = FeedbackHeader {
        sender: Ssrc(0),
        media: Ssrc(0),
        base_sequence: base as u16,
        reference_time: (reference & 0xff_ffff) as u32,
        feedback_count: reader.count,
    };
    let mut bytes = [0; rtcp::MAX_COMPOUND_LEN];
    let Some(len) = rtcp::transport_feedback(&mut bytes, header, &deltas) else {
        return deltas.len();
    };
    // It is what was written a line before.
    let _ = rtcp::read(&bytes[..len], |item| {
        if let RtcpItem::TransportFeedback(feedback) = item {
            peer.bandwidth.on_transport_feedback(now, &feedback);
        }
    });
    deltas.len()
}
