//! Transport-wide congestion control feedback
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1).

use super::write::{Body, packet};
use super::{format, packet_type, ssrc};
use crate::id::Ssrc;
use crate::wire::{be16, be32};

/// Most packets that one feedback, and all feedback in one compound packet, may speak of. A receiver sends one every 50 to 250 ms, so this is
/// 32,000 packets a second at the least. Raising it lets 20 hostile bytes cost more steps of the
/// reader, up to 65,535; lowering it would refuse the first feedback after a long pause.
pub const MAX_STATUSES: u16 = 8192;

/// Where the packet chunks start in a body: behind the SSRCs and the two words of the header.
const CHUNKS: usize = 16;

/// Packet statuses (section 3.1.1). 3 is reserved.
const NOT_RECEIVED: u16 = 0;
const SMALL_DELTA: u16 = 1;
const LARGE_DELTA: u16 = 2;

/// Longest run in one chunk: 13 bits (section 3.1.3).
const MAX_RUN: usize = 0x1fff;
/// Statuses in a vector chunk of one-bit symbols (section 3.1.4).
const ONE_BIT_SYMBOLS: usize = 14;
/// Statuses in a vector chunk of two-bit symbols (section 3.1.4).
const TWO_BIT_SYMBOLS: usize = 7;

/// What a feedback says before its list of packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedbackHeader {
    /// Who received.
    pub sender: Ssrc,
    /// One of the streams that it is about.
    pub media: Ssrc,
    /// The transport-wide sequence number of the first packet in the list.
    pub base_sequence: u16,
    /// What the first arrival is measured from, in 64 ms on a clock of the receiver's own: 24 bits,
    /// wraps.
    pub reference_time: u32,
    /// Counts the feedbacks of this sender; wraps.
    pub feedback_count: u8,
}

/// A feedback whose list was walked once and holds together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportFeedback<'p> {
    /// What stands before the list.
    pub header: FeedbackHeader,
    /// Packets in the list, 1..=[`MAX_STATUSES`].
    pub status_count: u16,
    chunks: &'p [u8],
    deltas: &'p [u8],
}

/// What became of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Its transport-wide sequence number.
    pub sequence: u16,
    /// When it arrived, in 250 us after the one received before it in the list, or after the
    /// reference time for the first: 16 bits, negative when it overtook. `None`: not received.
    pub delta: Option<i32>,
}

impl<'p> TransportFeedback<'p> {
    /// Reads the packet behind its RTCP header, with the padding cut off; `None` where its list does
    /// not hold together.
    #[must_use]
    pub fn parse(body: &'p [u8]) -> Option<Self> {
        let status_count = be16(body, 10)?;
        if !(1..=MAX_STATUSES).contains(&status_count) {
            return None;
        }
        let times = be32(body, 12)?;
        let list = body.get(CHUNKS..)?;
        let (chunks_len, deltas_len) = measure(list, status_count)?;
        let (chunks, deltas) = list.split_at_checked(chunks_len)?;
        Some(Self {
            header: FeedbackHeader {
                sender: ssrc(body, 0)?,
                media: ssrc(body, 4)?,
                base_sequence: be16(body, 8)?,
                reference_time: times >> 8,
                feedback_count: times as u8,
            },
            status_count,
            chunks,
            // What follows is padding to 32 bits.
            deltas: deltas.get(..deltas_len)?,
        })
    }

    /// What stands behind the header: the list's chunks and its deltas, as they came.
    #[must_use]
    pub const fn list(&self) -> [&'p [u8]; 2] {
        [self.chunks, self.deltas]
    }

    /// What became of each packet, in order of their numbers: [`Self::status_count`] of them.
    #[must_use]
    pub const fn arrivals(&self) -> Arrivals<'p> {
        Arrivals {
            sequence: self.header.base_sequence,
            remaining: self.status_count,
            chunks: self.chunks,
            deltas: self.deltas,
            chunk: Chunk(0),
            at: 0,
        }
    }
}

/// Bytes of the chunks that cover `status_count` packets, and of the deltas that they promise.
/// `None` when the chunks end too soon or use the reserved status.
fn measure(list: &[u8], status_count: u16) -> Option<(usize, usize)> {
    let mut remaining = status_count;
    let mut chunks_len = 0;
    let mut deltas_len = 0;
    while remaining > 0 {
        let chunk = Chunk(be16(list, chunks_len)?);
        chunks_len += 2;
        let covered = chunk.len().min(remaining);
        remaining -= covered;
        if chunk.is_run() {
            deltas_len += usize::from(covered) * delta_len(chunk.symbol(0))?;
        } else {
            for at in 0..covered {
                deltas_len += delta_len(chunk.symbol(at))?;
            }
        }
    }
    Some((chunks_len, deltas_len))
}

/// Bytes of the delta of a packet with this status (section 3.1.5).
const fn delta_len(symbol: u16) -> Option<usize> {
    match symbol {
        NOT_RECEIVED => Some(0),
        SMALL_DELTA => Some(1),
        LARGE_DELTA => Some(2),
        _ => None,
    }
}

/// A packet chunk as on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Chunk(u16);

impl Chunk {
    const fn is_run(self) -> bool {
        self.0 & 0x8000 == 0
    }

    /// Statuses that the chunk has room for.
    const fn len(self) -> u16 {
        if self.is_run() {
            self.0 & MAX_RUN as u16
        } else if self.0 & 0x4000 == 0 {
            ONE_BIT_SYMBOLS as u16
        } else {
            TWO_BIT_SYMBOLS as u16
        }
    }

    /// The status at `at`, which is under [`Self::len`], or 0.
    const fn symbol(self, at: u16) -> u16 {
        if self.is_run() {
            self.0 >> 13 & 0x3
        } else if self.0 & 0x4000 == 0 {
            self.0 >> (13 - at) & 0x1
        } else {
            self.0 >> (12 - 2 * at) & 0x3
        }
    }
}

/// The packets of a feedback. Made by [`TransportFeedback::arrivals`].
#[derive(Clone, Debug)]
pub struct Arrivals<'p> {
    sequence: u16,
    remaining: u16,
    chunks: &'p [u8],
    deltas: &'p [u8],
    chunk: Chunk,
    /// Statuses of `chunk` that are behind.
    at: u16,
}

impl Iterator for Arrivals<'_> {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        self.remaining = self.remaining.checked_sub(1)?;
        while self.at >= self.chunk.len() {
            let (raw, rest) = self.chunks.split_first_chunk()?;
            self.chunks = rest;
            self.chunk = Chunk(u16::from_be_bytes(*raw));
            self.at = 0;
        }
        let symbol = self.chunk.symbol(self.at);
        self.at += 1;
        let (raw, rest) = self.deltas.split_at_checked(delta_len(symbol)?)?;
        self.deltas = rest;
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        let delta = match *raw {
            [small] => Some(i32::from(small)),
            [high, low] => Some(i32::from(i16::from_be_bytes([high, low]))),
            _ => None,
        };
        Some(Arrival { sequence, delta })
    }
}

/// Writes a feedback to the front of `out` and returns its length in bytes. `deltas` tells of the
/// packets from `base_sequence` on, as [`Arrival::delta`] does; of `reference_time` the low 24 bits
/// count.
///
/// `None` when `out` is too short, for no packets or more than [`MAX_STATUSES`], and for a delta of
/// more than 16 bits, which calls for a new feedback with a reference time of its own.
pub fn transport_feedback(
    out: &mut [u8],
    header: FeedbackHeader,
    deltas: &[Option<i32>],
) -> Option<usize> {
    let count = u16::try_from(deltas.len()).ok()?;
    if !(1..=MAX_STATUSES).contains(&count) {
        return None;
    }
    let count_and_type = (format::TRANSPORT_CC, packet_type::TRANSPORT_FEEDBACK);
    packet(out, count_and_type, |body| {
        body.put(header.sender.0.to_be_bytes())?;
        body.put(header.media.0.to_be_bytes())?;
        body.put(header.base_sequence.to_be_bytes())?;
        body.put(count.to_be_bytes())?;
        let times = header.reference_time << 8 | u32::from(header.feedback_count);
        body.put(times.to_be_bytes())?;
        let mut rest = deltas;
        while !rest.is_empty() {
            let (chunk, covered) = next_chunk(rest);
            body.put(chunk.0.to_be_bytes())?;
            rest = &rest[covered..];
        }
        // The draft pads with zeros and leaves the padding bit alone, so that another packet may
        // follow: RFC 3550 section 6.4.1 allows the bit on the last one only.
        deltas
            .iter()
            .flatten()
            .try_for_each(|&d| put_delta(body, d))
    })
}

fn put_delta(body: &mut Body<'_>, delta: i32) -> Option<()> {
    // Section 3.1.5: 8 bits unsigned, or 16 bits signed.
    match u8::try_from(delta) {
        Ok(small) => body.put([small]),
        Err(_) => body.put(i16::try_from(delta).ok()?.to_be_bytes()),
    }
}

fn symbol(delta: Option<i32>) -> u16 {
    match delta {
        None => NOT_RECEIVED,
        Some(0..=255) => SMALL_DELTA,
        Some(_) => LARGE_DELTA,
    }
}

/// The chunk that tells most of the front of `deltas`, which is not empty, and how many it tells.
fn next_chunk(deltas: &[Option<i32>]) -> (Chunk, usize) {
    let first = symbol(deltas[0]);
    let same = |delta: &&Option<i32>| symbol(**delta) == first;
    let run = deltas.iter().take(MAX_RUN).take_while(same).count();
    let window = &deltas[..deltas.len().min(ONE_BIT_SYMBOLS)];
    let one_bit = window.iter().all(|&delta| symbol(delta) != LARGE_DELTA);
    let vector = if one_bit {
        window.len()
    } else {
        window.len().min(TWO_BIT_SYMBOLS)
    };
    if run >= vector {
        return (Chunk(first << 13 | run as u16), run);
    }
    // Symbols start below the two bits of type and size; those past the end stay `not received`,
    // and the packet's status count says that they mean nothing (section 3.1.4).
    let width = if one_bit { 1 } else { 2 };
    let mut word = if one_bit { 0x8000 } else { 0xc000 };
    for (at, &delta) in window[..vector].iter().enumerate() {
        word |= symbol(delta) << (14 - width * (at + 1));
    }
    (Chunk(word), vector)
}
