//! The packets of one encoding that can still be sent again.

use std::time::{Duration, Instant};

use super::codec::MediaKind;
use super::packet::{PacketPool, PacketRef};

/// Packets kept of a video encoding, a power of two: two seconds of 2.5 Mbit/s. Raising it repairs
/// packets over longer round trips, and pins 1.6 kB of the pool for each; lowering it makes a
/// burst push out what a subscriber is about to ask for.
pub const VIDEO_CACHE_PACKETS: usize = 512;

/// Packets kept of an audio stream, a power of two: 1.3 s of 20 ms each. Raising it pins memory
/// that sound too late to be played never needs; lowering it refuses packets that are merely
/// reordered.
pub const AUDIO_CACHE_PACKETS: usize = 64;

/// How long a packet is kept at most. Raising it repairs over longer round trips, and lets the pool
/// serve fewer encodings at once: it holds what arrives in this time. Lowering it below a few round
/// trips makes repairs fail whose first try was lost.
pub const CACHE_AGE: Duration = Duration::from_secs(2);

/// How many packets an encoding of this kind keeps.
#[must_use]
pub const fn capacity_for(kind: MediaKind) -> usize {
    match kind {
        MediaKind::Audio => AUDIO_CACHE_PACKETS,
        MediaKind::Video => VIDEO_CACHE_PACKETS,
    }
}

/// A ring of packets by their extended sequence number. It owns one count of each that it holds.
///
/// Dropping it gives nothing back, as that needs the pool: [`Self::clear`] first.
#[derive(Debug)]
pub struct PacketCache {
    ring: Box<[Option<(u64, PacketRef)>]>,
    /// No packet held is below `oldest` or above `newest`.
    oldest: u64,
    newest: u64,
}

impl PacketCache {
    /// A cache of [`capacity_for`] this kind, allocated now and never again.
    #[must_use]
    pub fn new(kind: MediaKind) -> Self {
        Self {
            ring: vec![None; capacity_for(kind)].into_boxed_slice(),
            oldest: u64::MAX,
            newest: 0,
        }
    }

    fn index(&self, sequence: u64) -> usize {
        // The capacity is a power of two well below 2^32: nothing is cut off that counts.
        sequence as usize & (self.ring.len() - 1)
    }

    /// Takes over the caller's count of `packet`. What stood in its place is released: the packet a
    /// whole ring older.
    ///
    /// False when a packet a whole ring newer, or the same one, stands there: then `packet` is
    /// released instead, and is gone unless something else pins it.
    pub fn insert(&mut self, pool: &mut PacketPool, sequence: u64, packet: PacketRef) -> bool {
        let place = self.index(sequence);
        match self.ring[place] {
            Some((held, _)) if held >= sequence => {
                pool.release(packet);
                false
            }
            held => {
                if let Some((_, old)) = held {
                    pool.let_go(old);
                }
                self.ring[place] = Some((sequence, packet));
                self.newest = self.newest.max(sequence);
                let reach = (self.newest + 1).saturating_sub(self.ring.len() as u64);
                self.oldest = self.oldest.min(sequence).max(reach);
                true
            }
        }
    }

    /// Releases what is older than [`CACHE_AGE`]. Each packet is looked at once more at most.
    pub fn expire(&mut self, pool: &mut PacketPool, now: Instant) {
        while self.oldest <= self.newest {
            let place = self.index(self.oldest);
            if let Some((held, packet)) = self.ring[place]
                && held == self.oldest
            {
                let arrived = pool.get(packet).map(|(facts, _)| facts.arrived);
                let age = arrived.map(|at| now.saturating_duration_since(at));
                if age.is_some_and(|age| age < CACHE_AGE) {
                    return;
                }
                pool.let_go(packet);
                self.ring[place] = None;
            }
            self.oldest += 1;
        }
    }

    /// The packet of this number, while it is held.
    #[must_use]
    pub fn get(&self, sequence: u64) -> Option<PacketRef> {
        match self.ring[self.index(sequence)] {
            Some((held, packet)) if held == sequence => Some(packet),
            _ => None,
        }
    }

    /// Whether a number is one of those that were let go of: it came once, or was waited for in vain.
    #[must_use]
    pub fn has_let_go_of(&self, sequence: u64) -> bool {
        sequence < self.oldest && sequence <= self.newest
    }

    /// Releases everything: before the cache is dropped, or its stream starts afresh.
    pub fn clear(&mut self, pool: &mut PacketPool) {
        for place in &mut self.ring {
            if let Some((_, packet)) = place.take() {
                pool.let_go(packet);
            }
        }
        (self.oldest, self.newest) = (u64::MAX, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::id::PayloadType;
    use crate::media::packet::{CarriedExtensions, PacketFacts, PayloadFacts, VideoFacts};

    #[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
    fn stored(pool: &mut PacketPool, sequence: u64) -> PacketRef {
        let facts = PacketFacts {
            arrived: Instant::now(),
            sequence,
            timestamp: 0,
            marker: false,
            payload_start: 0,
            payload_len: 1,
            payload_type: PayloadType(96),
            extensions: CarriedExtensions::default(),
            video: VideoFacts::default(),
            payload: PayloadFacts::default(),
        };
        pool.insert(0, facts, &sequence.to_be_bytes()).unwrap()
    }

    #[test]
    fn the_ring_holds_the_newest_and_gives_the_rest_back() {
        let mut pool = PacketPool::new(AUDIO_CACHE_PACKETS as u32 + 1);
        let mut cache = PacketCache::new(MediaKind::Audio);
        let first = (1 << 16) - 10;
        for sequence in first..first + 1000 {
            let packet = stored(&mut pool, sequence);
            assert!(cache.insert(&mut pool, sequence, packet));
            assert_eq!(cache.get(sequence), Some(packet));
        }
        assert_eq!(pool.free(), 1);
        for sequence in first..first + 1000 {
            let held = cache.get(sequence).and_then(|packet| pool.get(packet));
            let held = held.map(|(facts, _)| facts.sequence);
            let kept = sequence + AUDIO_CACHE_PACKETS as u64 >= first + 1000;
            assert_eq!(held, kept.then_some(sequence));
        }
        cache.clear(&mut pool);
        assert_eq!(pool.free(), AUDIO_CACHE_PACKETS + 1);
        assert_eq!(cache.get(first + 999), None);
    }

    #[test]
    fn what_was_let_go_of_is_known_from_what_has_not_come() {
        let mut pool = PacketPool::new(AUDIO_CACHE_PACKETS as u32 + 1);
        let mut cache = PacketCache::new(MediaKind::Audio);
        assert!(!cache.has_let_go_of(7));
        for sequence in (1000..1100).filter(|sequence| *sequence != 1090) {
            let packet = stored(&mut pool, sequence);
            cache.insert(&mut pool, sequence, packet);
        }
        let oldest = 1100 - AUDIO_CACHE_PACKETS as u64;
        assert!(cache.has_let_go_of(oldest - 1) && !cache.has_let_go_of(oldest));
        assert!(!cache.has_let_go_of(1090) && !cache.has_let_go_of(1100));
    }

    #[test]
    fn a_late_packet_never_pushes_out_a_newer_one() {
        let mut pool = PacketPool::new(4);
        let mut cache = PacketCache::new(MediaKind::Audio);
        let newer = stored(&mut pool, 1000);
        assert!(cache.insert(&mut pool, 1000, newer));
        let old_number = 1000 - AUDIO_CACHE_PACKETS as u64;
        let older = stored(&mut pool, old_number);
        assert!(!cache.insert(&mut pool, old_number, older));
        assert!(pool.get(older).is_none(), "released");
        let again = stored(&mut pool, 1000);
        assert!(!cache.insert(&mut pool, 1000, again));
        assert_eq!(cache.get(1000), Some(newer));
        assert_eq!(pool.free(), 3);
    }

    #[test]
    fn a_pinned_packet_outlives_the_cache() {
        let mut pool = PacketPool::new(1);
        let mut cache = PacketCache::new(MediaKind::Video);
        let packet = stored(&mut pool, 7);
        assert!(pool.pin(packet));
        cache.insert(&mut pool, 7, packet);
        cache.clear(&mut pool);
        assert!(pool.get(packet).is_some());
        pool.release(packet);
        assert_eq!(pool.free(), 1);
    }
}
