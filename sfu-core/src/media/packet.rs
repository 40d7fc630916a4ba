//! Packets at rest: a pool of fixed slots, written once at ingress and shared from then on.
//!
//! A [`PacketRef`] is a slot and a generation: cheap to copy, and stale once its slot is reused.
//! The encoding's cache owns one count of each packet it holds; a queue that must still find the
//! packet later pins it by another. At zero the slot is free.

use std::time::Instant;

use super::layer::{FrameDependencies, Layer};
use super::send_batch::MAX_DATAGRAM;
use crate::id::PayloadType;
use crate::wire::codec::picture_id::PictureId;
use crate::wire::dependency_descriptor::MaskPlace;

/// A packet in the pool, by slot and generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PacketRef {
    slot: u32,
    generation: u32,
}

/// What forwarding needs to know of a video packet, read from the payload once at ingress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VideoFacts {
    /// First packet of a frame, as far as the payload tells it. With spatial layers a picture is
    /// several frames.
    pub frame_start: bool,
    /// Last packet of a frame, as far as the payload tells it.
    pub frame_end: bool,
    /// First packet of a keyframe: a subscription may start or switch here. By a descriptor it is a
    /// frame that needs no other and brings the structure: each layer that rests on none below has
    /// its own.
    pub keyframe_start: bool,
    /// The layer that the frame is of.
    pub layer: Layer,
    /// The frame, and all later ones of its temporal layer, need nothing above the layers below it:
    /// whoever was sent those may be sent this temporal layer from here on.
    pub temporal_switch: bool,
    /// What its dependency descriptor says, where there is one: it then overrules the rest.
    pub dependencies: Option<FrameDependencies>,
}

/// The numbers that VP8 (RFC 7741 section 4.2) and VP9 (RFC 9628 section 4.2) give their frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameNumbers {
    /// The picture id as sent.
    pub picture_id: Option<PictureId>,
    /// TL0PICIDX.
    pub tl0_picture_index: Option<u8>,
}

/// What stands in a payload that a subscriber may have to see otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PayloadFacts {
    /// Nothing: it goes as it came.
    #[default]
    Opaque,
    /// VP8's descriptor.
    Vp8(FrameNumbers),
    /// VP9's descriptor.
    Vp9(FrameNumbers),
    /// Redundant audio.
    Red {
        /// Where the packet's own sound starts, in bytes from the payload's start.
        primary_start: u16,
    },
}

/// Header extensions that go from the publisher to its subscribers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CarriedExtensions {
    /// Audio level and voice flag as sent (RFC 6464), where sent.
    pub audio_level: Option<u8>,
    /// Rotation and flip (3GPP TS 26.114), where sent: receivers turn the picture by it.
    pub video_orientation: Option<u8>,
    /// When its media was captured, where sent.
    pub capture_time: Option<CaptureTime>,
    /// Bounds of the receiver's delay as sent, where sent.
    pub playout_delay: Option<[u8; 3]>,
    /// The dependency descriptor, where sent.
    pub descriptor: Option<DescriptorPlace>,
}

/// When a packet's media was captured, as its subscribers are to see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaptureTime {
    /// On the capturer's wall clock: seconds since 1900 in 32.32 fixed point.
    pub captured: u64,
    /// What to add to the wall clock of our sender reports for the capturer's: seconds in 32.32
    /// fixed point.
    pub clock_offset: i64,
}

/// Where a packet's dependency descriptor lies in the stored bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DescriptorPlace {
    /// Its first byte.
    pub start: u16,
    /// Its bytes.
    pub len: u8,
    /// The frame's number in it.
    pub frame_number: u16,
    /// Where its mask of active decode targets goes when it is written anew; `None` while the
    /// structure that it is of is unknown.
    pub mask: Option<MaskPlace>,
}

impl DescriptorPlace {
    /// The descriptor in the bytes of its packet.
    #[must_use]
    pub fn of(self, packet: &[u8]) -> Option<&[u8]> {
        packet.get(self.start.into()..)?.get(..self.len.into())
    }
}

/// What the engine knows of a stored packet.
#[derive(Clone, Copy, Debug)]
pub struct PacketFacts {
    /// When it arrived.
    pub arrived: Instant,
    /// Its place in its stream: the sequence number, unwrapped, less the padding-only packets before
    /// it, which nobody is sent and which must leave no gap.
    pub sequence: u64,
    /// RTP timestamp as sent.
    pub timestamp: u32,
    /// RTP marker bit.
    pub marker: bool,
    /// Where the payload starts in the stored bytes.
    pub payload_start: u16,
    /// Payload bytes, padding excluded.
    pub payload_len: u16,
    /// The payload type that it came with: which format it is.
    pub payload_type: PayloadType,
    /// What goes with it outside the payload.
    pub extensions: CarriedExtensions,
    /// Video facts; default for audio.
    pub video: VideoFacts,
    /// What may be rewritten in the payload.
    pub payload: PayloadFacts,
}

struct Slot {
    generation: u32,
    /// Holders of this packet; zero while the slot is free.
    count: u32,
    /// The room that the packet belongs to, so that a poisoned room's slots can be reclaimed.
    owner: u32,
    facts: Option<PacketFacts>,
    len: u16,
    bytes: [u8; MAX_DATAGRAM],
}

/// The fixed slots of one worker.
pub struct PacketPool {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

impl std::fmt::Debug for PacketPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PacketPool")
            .field("slots", &self.slots.len())
            .field("free", &self.free.len())
            .finish()
    }
}

impl PacketPool {
    /// A pool of `slots` packets, about 1.6 kB each, allocated now and never again.
    #[must_use]
    pub fn new(slots: u32) -> Self {
        let empty = || Slot {
            generation: 0,
            count: 0,
            owner: 0,
            facts: None,
            len: 0,
            bytes: [0; MAX_DATAGRAM],
        };
        Self {
            slots: std::iter::repeat_with(empty).take(slots as usize).collect(),
            free: (0..slots).rev().collect(),
        }
    }

    /// Free slots.
    #[must_use]
    pub fn free(&self) -> usize {
        self.free.len()
    }

    /// Stores `packet` with one count held by the caller. `None` when the pool is exhausted or the
    /// packet is longer than a datagram.
    pub fn insert(&mut self, owner: u32, facts: PacketFacts, packet: &[u8]) -> Option<PacketRef> {
        let len = u16::try_from(packet.len()).ok()?;
        if packet.len() > MAX_DATAGRAM {
            return None;
        }
        let index = self.free.pop()?;
        let slot = &mut self.slots[index as usize];
        slot.count = 1;
        slot.owner = owner;
        slot.facts = Some(facts);
        slot.len = len;
        slot.bytes[..packet.len()].copy_from_slice(packet);
        Some(PacketRef {
            slot: index,
            generation: slot.generation,
        })
    }

    fn slot(&self, packet: PacketRef) -> Option<&Slot> {
        self.slots
            .get(packet.slot as usize)
            .filter(|slot| slot.count > 0 && slot.generation == packet.generation)
    }

    /// The packet's facts and bytes (header and payload); `None` once its slot was reused.
    #[must_use]
    pub fn get(&self, packet: PacketRef) -> Option<(&PacketFacts, &[u8])> {
        let slot = self.slot(packet)?;
        Some((slot.facts.as_ref()?, &slot.bytes[..usize::from(slot.len)]))
    }

    /// [`Self::get`], with bytes to change. They are shared: only what every reader writes anew
    /// before it reads may be changed.
    pub fn get_mut(&mut self, packet: PacketRef) -> Option<(&PacketFacts, &mut [u8])> {
        self.slot(packet)?;
        let slot = &mut self.slots[packet.slot as usize];
        Some((
            slot.facts.as_ref()?,
            &mut slot.bytes[..usize::from(slot.len)],
        ))
    }

    /// The packet's facts, to be put right, and its bytes.
    pub fn facts_mut(&mut self, packet: PacketRef) -> Option<(&mut PacketFacts, &[u8])> {
        self.slot(packet)?;
        let slot = &mut self.slots[packet.slot as usize];
        Some((slot.facts.as_mut()?, &slot.bytes[..usize::from(slot.len)]))
    }

    /// Adds a count; false when the packet is already gone.
    pub fn pin(&mut self, packet: PacketRef) -> bool {
        let alive = self.slot(packet).is_some();
        if alive {
            self.slots[packet.slot as usize].count += 1;
        }
        alive
    }

    /// Gives up a count; the slot is free when none is left.
    pub fn release(&mut self, packet: PacketRef) {
        if self.slot(packet).is_none() {
            return;
        }
        let slot = &mut self.slots[packet.slot as usize];
        slot.count -= 1;
        if slot.count == 0 {
            slot.generation = slot.generation.wrapping_add(1);
            self.free.push(packet.slot);
        }
    }

    /// Frees every packet of `owner`, whoever holds it: for a room that is dropped whole.
    pub fn reclaim(&mut self, owner: u32) {
        for (index, slot) in (0..).zip(&mut self.slots) {
            if slot.count > 0 && slot.owner == owner {
                slot.count = 0;
                slot.generation = slot.generation.wrapping_add(1);
                self.free.push(index);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
    fn facts() -> PacketFacts {
        PacketFacts {
            arrived: Instant::now(),
            sequence: 1,
            timestamp: 2,
            marker: false,
            payload_start: 12,
            payload_len: 3,
            payload_type: PayloadType(96),
            extensions: CarriedExtensions::default(),
            video: VideoFacts::default(),
            payload: PayloadFacts::default(),
        }
    }

    #[test]
    fn a_packet_lives_as_long_as_its_last_holder() {
        let mut pool = PacketPool::new(1);
        let packet = pool.insert(7, facts(), b"abc").unwrap();
        assert!(pool.insert(7, facts(), b"no room").is_none());
        assert!(pool.pin(packet));
        pool.release(packet);
        assert_eq!(pool.get(packet).unwrap().1, b"abc");
        pool.release(packet);
        assert!(pool.get(packet).is_none());
        let next = pool.insert(7, facts(), b"def").unwrap();
        assert_ne!(packet, next);
        assert!(!pool.pin(packet), "a stale reference pins nothing");
        pool.release(packet);
        assert_eq!(pool.get(next).unwrap().1, b"def");
    }

    #[test]
    fn a_dropped_rooms_packets_are_reclaimed_and_no_others() {
        let mut pool = PacketPool::new(3);
        let mine = pool.insert(1, facts(), b"mine").unwrap();
        assert!(pool.pin(mine));
        let other = pool.insert(2, facts(), b"other").unwrap();
        pool.reclaim(1);
        assert!(pool.get(mine).is_none());
        assert!(pool.get(other).is_some());
        assert_eq!(pool.free(), 2);
    }

    #[test]
    fn a_packet_longer_than_a_datagram_is_refused() {
        let mut pool = PacketPool::new(1);
        assert!(pool.insert(1, facts(), &[0; MAX_DATAGRAM + 1]).is_none());
        assert_eq!(pool.free(), 1);
    }
}
