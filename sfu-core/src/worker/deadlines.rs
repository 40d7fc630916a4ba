//! Deadlines: one per participant, soonest first.
//!
//! A binary heap that knows where each participant stands in it. Every packet that arrives looks
//! here, so a change allocates nothing once the participant has been seen.

use std::collections::HashMap;
use std::time::Instant;

use slab::Slab;

use super::PeerKey;

/// Any seeds do: the keys are the worker's own numbers, which no client chooses.
const HASHER: ahash::RandomState = ahash::RandomState::with_seeds(1, 2, 3, 4);

/// A participant's place in [`Deadlines::heap`] while it has no deadline.
const NOWHERE: usize = usize::MAX;

/// The participants' deadlines.
#[derive(Debug)]
pub(super) struct Deadlines {
    /// Each one is no later than those at twice its place and one or two more.
    heap: Vec<Entry>,
    /// Where in the heap each known participant stands, or [`NOWHERE`], by its number here: an entry
    /// that moves says so with a plain write.
    places: Slab<usize>,
    /// The numbers of the known participants.
    numbers: HashMap<PeerKey, usize, ahash::RandomState>,
}

/// A deadline, sorted by time first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    at: Instant,
    peer: PeerKey,
    number: usize,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            heap: Vec::new(),
            places: Slab::new(),
            numbers: HashMap::with_hasher(HASHER),
        }
    }
}

impl Deadlines {
    /// The soonest deadline.
    pub(super) fn next(&self) -> Option<Instant> {
        self.heap.first().map(|entry| entry.at)
    }

    /// Brings a participant's deadline forward to `at`; a sooner one stays.
    pub(super) fn arm(&mut self, peer: PeerKey, at: Instant) {
        let places = &mut self.places;
        let number = self.numbers.entry(peer);
        let number = *number.or_insert_with(|| places.insert(NOWHERE));
        let mut place = self.places[number];
        match self.heap.get_mut(place) {
            Some(armed) if armed.at <= at => return,
            Some(armed) => armed.at = at,
            None => {
                place = self.heap.len();
                self.heap.push(Entry { at, peer, number });
            }
        }
        self.rise(place);
    }

    /// Forgets a participant.
    pub(super) fn cancel(&mut self, peer: PeerKey) {
        if let Some(number) = self.numbers.remove(&peer) {
            let place = self.places.remove(number);
            if place != NOWHERE {
                self.take(place);
            }
        }
    }

    /// Takes the soonest deadline that is due.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<PeerKey> {
        let &Entry { at, peer, number } = self.heap.first()?;
        if at > now {
            return None;
        }
        self.take(0);
        self.places[number] = NOWHERE;
        Some(peer)
    }

    /// Takes the entry at `place` out of the heap.
    fn take(&mut self, place: usize) {
        self.heap.swap_remove(place);
        if place < self.heap.len() {
            let place = self.rise(place);
            self.sink(place);
        }
    }

    /// Moves an entry towards the front as far as it belongs.
    fn rise(&mut self, mut place: usize) -> usize {
        while place > 0 {
            let parent = (place - 1) / 2;
            if self.heap[parent] <= self.heap[place] {
                break;
            }
            self.heap.swap(parent, place);
            self.note(place);
            place = parent;
        }
        self.note(place);
        place
    }

    /// Moves an entry towards the back as far as it belongs.
    fn sink(&mut self, mut place: usize) {
        loop {
            let first = 2 * place + 1;
            let last = (first + 2).min(self.heap.len());
            let Some(child) = (first..last).min_by_key(|&child| self.heap[child]) else {
                break;
            };
            if self.heap[place] <= self.heap[child] {
                break;
            }
            self.heap.swap(place, child);
            self.note(place);
            place = child;
        }
        self.note(place);
    }

    fn note(&mut self, place: usize) {
        self.places[self.heap[place].number] = place;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;

    #[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
    fn base() -> Instant {
        Instant::now()
    }

    #[test]
    fn the_soonest_deadline_of_each_participant_counts() {
        let base = base();
        let at = |ms| base + Duration::from_millis(ms);
        let (one, two) = (PeerKey::new(0, 1), PeerKey::new(0, 2));
        let mut deadlines = Deadlines::default();
        deadlines.arm(one, at(50));
        deadlines.arm(two, at(40));
        deadlines.arm(one, at(30));
        deadlines.arm(one, at(60));
        assert_eq!(deadlines.next(), Some(at(30)));
        assert_eq!(deadlines.pop_due(at(29)), None);
        assert_eq!(deadlines.pop_due(at(45)), Some(one));
        assert_eq!(deadlines.pop_due(at(45)), Some(two));
        assert_eq!(deadlines.pop_due(at(99)), None);
        deadlines.arm(one, at(70));
        deadlines.cancel(one);
        assert_eq!(deadlines.next(), None);
    }

    #[test]
    fn whatever_is_armed_cancelled_and_popped_the_order_is_that_of_time() {
        let base = base();
        let mut rng = fastrand::Rng::with_seed(7);
        let mut deadlines = Deadlines::default();
        // The same, as a table that is searched whole.
        let mut table = BTreeMap::<PeerKey, Instant>::new();
        for step in 0..20_000_u64 {
            let now = base + Duration::from_millis(step);
            let peer = PeerKey::new(rng.usize(..3), rng.usize(..40));
            match rng.u8(..10) {
                0 => {
                    deadlines.cancel(peer);
                    table.remove(&peer);
                }
                1..6 => {
                    let at = now + Duration::from_millis(rng.u64(..200));
                    deadlines.arm(peer, at);
                    let armed = table.entry(peer).or_insert(at);
                    *armed = at.min(*armed);
                }
                _ => {
                    let due = deadlines.pop_due(now);
                    let soonest = table.iter().map(|(peer, at)| (*at, *peer)).min();
                    let expected = soonest.filter(|(at, _)| *at <= now).map(|(_, peer)| peer);
                    assert_eq!(due, expected);
                    due.map(|peer| table.remove(&peer));
                }
            }
            assert_eq!(deadlines.next(), table.values().min().copied());
        }
    }
}
