//! A stretch of one source's numbers, and how they become a subscriber's.

use super::pictures::{self, Pictures};
use super::timeline::Slew;
use crate::media::delivery::RedTreatment;
use crate::media::outbound::{NumbersToWrite, PayloadRewrite};
use crate::media::packet::{FrameNumbers, PayloadFacts};

/// A stretch of one source's numbers, and how they map: by adding. Its packets and VP8's pictures
/// come to stand on axes from which some are left out; what is sent counts the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Epoch {
    /// `None`: its numbers mean something else by now.
    pub(super) encoding: Option<u8>,
    /// The first packet's place among all packets of the subscription's sources.
    pub(super) first: u64,
    pub(super) first_source: u64,
    /// Ticks of the media clock in a second.
    pub(super) clock_rate: u32,
    pub(super) timestamp: u32,
    pub(super) slew: Slew,
    /// From VP8's picture ids to their places.
    pub(super) picture: u16,
    /// From VP8's places, and from VP9's picture ids, to what is sent.
    pub(super) picture_id: u16,
    pub(super) tl0: u8,
    pub(super) frame_number: u16,
}

impl Epoch {
    /// The place of the source's packet; `None` for one from before the stretch.
    pub(super) fn number_of(&self, source: u64) -> Option<u64> {
        Some(source.checked_sub(self.first_source)? + self.first)
    }

    /// The source's number of what has the place `number`, which lies in the stretch.
    pub(super) const fn source_of(&self, number: u64) -> u64 {
        number - self.first + self.first_source
    }

    pub(super) fn timestamp_of(&self, source: u32) -> u32 {
        source
            .wrapping_add(self.timestamp)
            .wrapping_add_signed(self.slew.at(source))
    }

    /// The timestamp that `source` has once timestamps have glided to where they belong: what a
    /// report tells, which holds longer than the glide.
    pub(super) const fn settled_timestamp_of(&self, source: u32) -> u32 {
        source
            .wrapping_add(self.timestamp)
            .wrapping_add_signed(self.slew.whole())
    }

    pub(super) const fn frame_number_of(&self, source: u16) -> u16 {
        source.wrapping_add(self.frame_number)
    }

    /// What changes in a payload of this stretch. Numbers are written wherever the payload has any,
    /// even the source's own over themselves: the stored bytes may show another subscriber's.
    pub(super) fn rewrite(
        &self,
        payload: &PayloadFacts,
        red: RedTreatment,
        pictures: &Pictures,
    ) -> PayloadRewrite {
        match *payload {
            PayloadFacts::Opaque => PayloadRewrite::Unchanged,
            PayloadFacts::Vp8(numbers) | PayloadFacts::Vp9(numbers)
                if numbers == FrameNumbers::default() =>
            {
                PayloadRewrite::Unchanged
            }
            PayloadFacts::Vp8(numbers) => {
                let place = numbers.picture_id.map(|id| pictures.sent(id, self.picture));
                PayloadRewrite::Vp8(self.numbers_of(numbers, place))
            }
            PayloadFacts::Vp9(numbers) => {
                // What refers to another picture does so by a difference (RFC 9628 section 4.2), so
                // that a gap is harmless, and closing it is not.
                let place = numbers.picture_id.map(|id| id.value);
                PayloadRewrite::Vp9(self.numbers_of(numbers, place))
            }
            PayloadFacts::Red { primary_start } => match red {
                RedTreatment::Kept => PayloadRewrite::Unchanged,
                RedTreatment::Renamed(payload_type) => PayloadRewrite::RedBlocks(payload_type),
                RedTreatment::Stripped => PayloadRewrite::RedPrimary {
                    skipped: primary_start,
                },
            },
        }
    }

    fn numbers_of(&self, source: FrameNumbers, place: Option<u16>) -> NumbersToWrite {
        // RFC 7741 and RFC 9628, section 4.2 of both: 7 or 15 bits, and it wraps by its width.
        let ids = source.picture_id.zip(place);
        let picture_id =
            ids.map(|(id, place)| place.wrapping_add(self.picture_id) & pictures::mask(id));
        let tl0 = source.tl0_picture_index;
        NumbersToWrite {
            picture_id,
            tl0_picture_index: tl0.map(|tl0| tl0.wrapping_add(self.tl0)),
        }
    }
}
