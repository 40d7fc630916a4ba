//! A packet that egress has decided to send, on its way to the pacer and the seal.

use super::packet::PacketRef;
use crate::id::{PayloadType, Ssrc};
use crate::wire::codec::{red, vp8, vp9};

/// What changes in a payload on its way to one subscriber.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PayloadRewrite {
    /// Nothing: it is sealed straight from where it is stored.
    #[default]
    Unchanged,
    /// VP8's numbers: those of the subscriber's own stream.
    Vp8(NumbersToWrite),
    /// VP9's numbers.
    Vp9(NumbersToWrite),
    /// Only the packet's own sound of redundant audio is sent: this many bytes are left out in
    /// front of it.
    RedPrimary {
        /// Bytes left out.
        skipped: u16,
    },
    /// The blocks of redundant audio get the payload type that the subscriber knows their codec by.
    RedBlocks(PayloadType),
    /// Nothing of it is sent: only padding, under a number that the subscriber would miss.
    Padding,
}

/// The numbers of a frame as the subscriber is to see them; `None`: there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NumbersToWrite {
    /// The picture id, already in the width of the source's.
    pub picture_id: Option<u16>,
    /// TL0PICIDX.
    pub tl0_picture_index: Option<u8>,
}

impl PayloadRewrite {
    /// The part of a stored payload that is sent; `None` when it has not even that.
    #[must_use]
    pub fn part<'p>(&self, payload: &'p [u8]) -> Option<&'p [u8]> {
        match *self {
            Self::RedPrimary { skipped } => payload.get(usize::from(skipped)..),
            Self::Padding => Some(&[]),
            _ => Some(payload),
        }
    }

    /// Whether [`Self::apply`] writes anything: then a copy of the payload is needed.
    #[must_use]
    pub const fn writes(&self) -> bool {
        !matches!(
            self,
            Self::Unchanged | Self::RedPrimary { .. } | Self::Padding
        )
    }

    /// Whether each subscriber writes all that [`Self::apply`] writes, at the same places: then the
    /// stored payload itself may be rewritten for each in turn, and no copy is needed.
    #[must_use]
    pub const fn is_everyones(&self) -> bool {
        // A frame's numbers are there for all or for none; how redundant audio is treated differs.
        matches!(self, Self::Vp8(_) | Self::Vp9(_))
    }

    /// Rewrites a copy of [`Self::part`] in place. `None` for a payload that is not what it was
    /// taken for at ingress.
    pub fn apply(&self, part: &mut [u8]) -> Option<()> {
        match *self {
            Self::Unchanged | Self::RedPrimary { .. } | Self::Padding => Some(()),
            Self::Vp8(numbers) => vp8::patch(part, numbers.picture_id, numbers.tl0_picture_index),
            Self::Vp9(numbers) => vp9::patch(part, numbers.picture_id, numbers.tl0_picture_index),
            Self::RedBlocks(payload_type) => red::patch(part, payload_type),
        }
    }

    /// The frame's numbers to write, where there are any.
    #[must_use]
    pub fn numbers(&self) -> NumbersToWrite {
        match *self {
            Self::Vp8(numbers) | Self::Vp9(numbers) => numbers,
            _ => NumbersToWrite::default(),
        }
    }
}

/// One packet towards one subscriber: where its payload lies, and everything that is rewritten.
///
/// Small and `Copy`, so that the queues hold values. What depends on the moment of sending (the
/// transport-wide sequence number, the send time) is given when the packet leaves the pacer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboundPacket {
    /// The stored packet whose payload is sent. The queue that holds this pins it.
    pub packet: PacketRef,
    /// The stream that it leaves on: the subscription's own, or that of its repairs.
    pub ssrc: Ssrc,
    /// The payload type that it leaves with.
    pub payload_type: PayloadType,
    /// Sequence number, extended from a start below 0x8000: the low 16 bits go on the wire, and the
    /// rest is the rollover counter of the SRTP index (RFC 3711 section 3.3.1). A stream never
    /// gives a number twice.
    pub sequence: u64,
    /// Timestamp in ticks of the codec's clock.
    pub timestamp: u32,
    /// The marker bit.
    pub marker: bool,
    /// What changes in the payload.
    pub rewrite: PayloadRewrite,
    /// The frame's number to write into the dependency descriptor that goes with it; `None`: there
    /// is none.
    pub frame_number: Option<u16>,
    /// The decode targets to call active in that descriptor, bit i for target i; `None`: it says of
    /// them what the publisher says.
    pub active_targets: Option<u32>,
    /// The original sequence number, which stands before the payload (RFC 4588 section 4). `Some`
    /// makes this a repair.
    pub rtx_original: Option<u16>,
}

impl OutboundPacket {
    /// Its number and nothing else.
    #[must_use]
    pub const fn without_payload(self) -> Self {
        Self {
            marker: false,
            rewrite: PayloadRewrite::Padding,
            frame_number: None,
            active_targets: None,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_packets_own_sound_is_left_of_redundant_audio() {
        let mut payload = vec![0x80 | 111, 0, 0, 5, 111];
        payload.extend(b"olderown");
        let skipped = red::parse(&payload).unwrap().primary_start;
        let rewrite = PayloadRewrite::RedPrimary { skipped };
        assert_eq!(rewrite.part(&payload).unwrap(), b"own");
        assert!(!rewrite.writes());
        assert_eq!(rewrite.part(&payload[..3]), None);
    }

    #[test]
    fn what_is_unchanged_is_whole_and_not_copied() {
        let rewrite = PayloadRewrite::Unchanged;
        assert_eq!(rewrite.part(b"abc").unwrap(), b"abc");
        assert!(!rewrite.writes());
    }

    #[test]
    fn each_codecs_numbers_are_written_where_it_has_them() {
        let numbers = NumbersToWrite {
            picture_id: Some(0x0102),
            tl0_picture_index: Some(3),
        };
        let mut payload = [0x90, 0xc0, 0x80, 0, 0, 1];
        PayloadRewrite::Vp8(numbers).apply(&mut payload).unwrap();
        assert_eq!(payload, [0x90, 0xc0, 0x81, 2, 3, 1]);
        let mut payload = [0xa8, 0x80, 0, 0, 0, 1];
        PayloadRewrite::Vp9(numbers).apply(&mut payload).unwrap();
        assert_eq!(payload, [0xa8, 0x81, 2, 0, 3, 1]);
        assert_eq!(PayloadRewrite::Vp9(numbers).apply(&mut [0xa8]), None);
    }
}
