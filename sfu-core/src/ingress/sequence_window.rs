//! Which of a stream's numbers have come, and what those are called that are forwarded.

use crate::drop_reason::DropReason;
use crate::media::packet_cache::VIDEO_CACHE_PACKETS;
use crate::wire::seq::SeqUnwrapper;

const WORD: u64 = u64::BITS as u64;

/// One bit for each of the last [`VIDEO_CACHE_PACKETS`] numbers, the longest cache there is.
const BITS: u64 = VIDEO_CACHE_PACKETS as u64;

/// A ring of bits by number.
#[derive(Clone, Copy, Debug, Default)]
struct Bits([u64; (BITS / WORD) as usize]);

impl Bits {
    const fn place(number: u64) -> (usize, u64) {
        (((number % BITS) / WORD) as usize, 1 << (number % WORD))
    }

    const fn get(&self, number: u64) -> bool {
        let (word, bit) = Self::place(number);
        self.0[word] & bit != 0
    }

    const fn set(&mut self, number: u64, on: bool) {
        let (word, bit) = Self::place(number);
        if on {
            self.0[word] |= bit;
        } else {
            self.0[word] &= !bit;
        }
    }
}

/// The last numbers of one stream.
///
/// Packets of padding only are never forwarded and must leave no gap, or every subscriber would ask
/// for them again. So what is forwarded is numbered densely: by the stream's own number less the
/// count of skipped ones before it. A number once told never changes, because only a packet newer
/// than all before it is skipped; one that comes late leaves its gap, which was told already.
#[derive(Clone, Copy, Debug)]
pub(super) struct SequenceWindow {
    unwrapper: SeqUnwrapper,
    /// How far back numbers are known, at most [`BITS`].
    len: u64,
    came: Bits,
    skipped: Bits,
    /// Numbers skipped since the start.
    skips: u64,
}

/// A number that came for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fresh {
    /// The stream's own number, extended.
    pub(super) sequence: u64,
    /// The highest one before; `None` at the first packet.
    pub(super) highest_before: Option<u64>,
}

impl SequenceWindow {
    /// A window of the last `len` numbers, at most [`BITS`].
    pub(super) fn new(len: usize) -> Self {
        Self {
            unwrapper: SeqUnwrapper::new(),
            len: (len as u64).min(BITS),
            came: Bits::default(),
            skipped: Bits::default(),
            skips: 0,
        }
    }

    /// The extended number, without taking note of it.
    pub(super) fn peek(&self, sequence: u16) -> u64 {
        self.unwrapper.peek(sequence)
    }

    /// Takes note of a number: fresh, `Duplicate`, or `TooOld` to know.
    pub(super) fn receive(&mut self, sequence: u16) -> Result<Fresh, DropReason> {
        let highest_before = self.unwrapper.highest();
        let sequence = self.unwrapper.unwrap(sequence);
        if let Some(highest) = highest_before {
            if sequence + self.len <= highest {
                return Err(DropReason::TooOld);
            }
            if sequence <= highest && self.came.get(sequence) {
                return Err(DropReason::Duplicate);
            }
            // The places of the numbers in between still tell of older ones.
            let new = sequence.saturating_sub(highest).min(BITS);
            for number in sequence + 1 - new..=sequence {
                self.came.set(number, false);
                self.skipped.set(number, false);
            }
        }
        self.came.set(sequence, true);
        Ok(Fresh {
            sequence,
            highest_before,
        })
    }

    /// Leaves a number that has just come out of the dense numbering, if none after it is out yet.
    pub(super) fn skip(&mut self, fresh: Fresh) {
        if fresh
            .highest_before
            .is_none_or(|highest| highest < fresh.sequence)
        {
            self.skipped.set(fresh.sequence, true);
            self.skips += 1;
        }
    }

    /// What a number that has come is called among those that are forwarded.
    pub(super) fn dense(&self, sequence: u64) -> u64 {
        let highest = self.unwrapper.highest().unwrap_or(sequence);
        let above = (sequence + 1..=highest).filter(|&number| self.skipped.get(number));
        // Never more than there are numbers in the first cycle and after (`SeqUnwrapper`).
        sequence + above.count() as u64 - self.skips
    }
}

#[cfg(test)]
mod tests;
