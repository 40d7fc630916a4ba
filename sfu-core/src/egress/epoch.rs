//! A stretch of one source's numbers, and how they become a subscriber's.

use crate::media::delivery::RedTreatment;
use crate::media::outbound::{NumbersToWrite, PayloadRewrite};
use crate::media::packet::{FrameNumbers, PayloadFacts};

/// A stretch of one source's numbers, and how they map: by adding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Epoch {
    /// `None`: its numbers mean something else by now.
    pub(super) encoding: Option<u8>,
    pub(super) first_sequence: u64,
    pub(super) first_source: u64,
    /// Ticks of the media clock in a second.
    pub(super) clock_rate: u32,
    pub(super) timestamp: u32,
    pub(super) picture_id: u16,
    pub(super) tl0: u8,
    pub(super) frame_number: u16,
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

    pub(super) const fn frame_number_of(&self, source: u16) -> u16 {
        source.wrapping_add(self.frame_number)
    }

    /// What changes in a payload of this stretch. Numbers are written wherever the payload has any,
    /// even the source's own over themselves: the stored bytes may show another subscriber's.
    pub(super) fn rewrite(&self, payload: &PayloadFacts, red: RedTreatment) -> PayloadRewrite {
        match *payload {
            PayloadFacts::Opaque => PayloadRewrite::Unchanged,
            PayloadFacts::Vp8(numbers) | PayloadFacts::Vp9(numbers)
                if numbers == FrameNumbers::default() =>
            {
                PayloadRewrite::Unchanged
            }
            PayloadFacts::Vp8(numbers) => PayloadRewrite::Vp8(self.numbers_of(numbers)),
            PayloadFacts::Vp9(numbers) => PayloadRewrite::Vp9(self.numbers_of(numbers)),
            PayloadFacts::Red { primary_start } => match red {
                RedTreatment::Kept => PayloadRewrite::Unchanged,
                RedTreatment::Renamed(payload_type) => PayloadRewrite::RedBlocks(payload_type),
                RedTreatment::Stripped => PayloadRewrite::RedPrimary {
                    skipped: primary_start,
                },
            },
        }
    }

    fn numbers_of(&self, source: FrameNumbers) -> NumbersToWrite {
        let picture_id = source.picture_id.map(|id| {
            // RFC 7741 and RFC 9628, section 4.2 of both: 7 or 15 bits, and it wraps by its width.
            let mask = if id.wide { 0x7fff } else { 0x7f };
            id.value.wrapping_add(self.picture_id) & mask
        });
        let tl0 = source.tl0_picture_index;
        NumbersToWrite {
            picture_id,
            tl0_picture_index: tl0.map(|tl0| tl0.wrapping_add(self.tl0)),
        }
    }
}
