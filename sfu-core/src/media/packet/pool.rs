//! Packets at rest: a pool of fixed slots, written once at ingress and shared from then on.
//!
//! A [`PacketRef`] is a slot and a generation: cheap to copy, and stale once its slot is reused.
//! The encoding's cache owns one count of each packet it holds; a queue that must still find the
//! packet later pins it by another. At zero the slot is free. So is that of a packet which no cache
//! has any more when too many wait in queues only.

use super::PacketFacts;
use crate::media::send_batch::MAX_DATAGRAM;

/// The part of the pool, as a divisor, that packets may take which wait in queues only: those of
/// subscribers that are sent less than they take, too late to be asked for.
///
/// Higher: fewer of them keep what they wait for when a worker is busy. Lower: fewer publishers find
/// room beside those who say that their networks carry next to nothing.
const MAX_LEFT: usize = 8;

/// A packet in the pool, by slot and generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PacketRef {
    slot: u32,
    generation: u32,
}

struct Slot {
    generation: u32,
    /// Holders of this packet; zero while the slot is free.
    count: u32,
    /// The room that the packet belongs to, so that a poisoned room's slots can be reclaimed.
    owner: u32,
    /// Its cache has let go of it, and others hold it.
    is_left: bool,
    facts: Option<PacketFacts>,
    len: u16,
    bytes: [u8; MAX_DATAGRAM],
}

/// The fixed slots of one worker.
pub struct PacketPool {
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// Packets that their caches have let go of, and that others hold.
    left: usize,
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
            is_left: false,
            facts: None,
            len: 0,
            bytes: [0; MAX_DATAGRAM],
        };
        Self {
            slots: std::iter::repeat_with(empty).take(slots as usize).collect(),
            free: (0..slots).rev().collect(),
            left: 0,
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
            self.set_free(packet.slot);
        }
    }

    /// Gives up a cache's count: whoever else holds the packet keeps it, unless too many are held by
    /// such alone. It is gone for them then, as if it had been lost on its way.
    pub fn let_go(&mut self, packet: PacketRef) {
        if self.slot(packet).is_none() {
            return;
        }
        let has_room = self.left < self.slots.len().div_ceil(MAX_LEFT);
        let slot = &mut self.slots[packet.slot as usize];
        slot.count -= 1;
        if slot.count == 0 || !has_room {
            self.set_free(packet.slot);
        } else {
            slot.is_left = true;
            self.left += 1;
        }
    }

    fn set_free(&mut self, index: u32) {
        let slot = &mut self.slots[index as usize];
        slot.count = 0;
        slot.generation = slot.generation.wrapping_add(1);
        self.left -= usize::from(std::mem::take(&mut slot.is_left));
        self.free.push(index);
    }

    /// Frees every packet of `owner`, whoever holds it: for a room that is dropped whole.
    pub fn reclaim(&mut self, owner: u32) {
        for index in 0..self.slots.len() {
            let slot = &self.slots[index];
            if slot.count > 0 && slot.owner == owner {
                self.set_free(index as u32);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::id::PayloadType;
    use crate::media::packet::{CarriedExtensions, PayloadFacts, VideoFacts};

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
    fn of_what_no_cache_has_any_more_queues_keep_a_part_of_the_pool() {
        let mut pool = PacketPool::new(2 * MAX_LEFT as u32);
        let packets = [(); 4].map(|()| pool.insert(1, facts(), b"late").unwrap());
        for &packet in &packets[..3] {
            assert!(pool.pin(packet));
        }
        for packet in packets {
            pool.let_go(packet);
        }
        let kept = packets.map(|packet| pool.get(packet).is_some());
        assert_eq!(kept, [true, true, false, false]);
        // What leaves its queue makes room for another, and what is gone is not given up twice.
        for packet in packets {
            pool.release(packet);
        }
        assert_eq!((pool.free(), pool.left), (pool.slots.len(), 0));
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
