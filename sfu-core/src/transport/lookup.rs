//! A worker's tables from what a datagram shows to the transport it belongs to.

use std::collections::HashMap;
use std::hash::Hash;

use ahash::RandomState;
use arrayvec::{ArrayString, ArrayVec};
use rand_chacha::ChaCha12Rng;
use rand_core::Rng;

use super::ice::{LOCAL_UFRAG_LEN, MAX_VALID_PATHS};
use crate::media::path::Path;

/// Ufrags of one transport at a time: the current one, and the one before an ICE restart.
const MAX_UFRAGS: usize = 2;

type Ufrag = ArrayString<LOCAL_UFRAG_LEN>;

/// Where a worker's datagrams go: checks by the ufrag that they name, everything else by the path
/// that it came by. `K` is the worker's name for a transport.
///
/// Only a path that a valid check came by is ever in here, so nobody without a password takes up
/// memory. Nothing goes through these tables in their order, which differs with the seed.
#[derive(Debug)]
pub struct Lookup<K> {
    by_ufrag: HashMap<Ufrag, K, RandomState>,
    by_path: HashMap<Path, K, RandomState>,
    /// What each transport has in the two tables above, so that it can be taken out whole.
    entries: HashMap<K, Entries, RandomState>,
}

#[derive(Debug, Default)]
struct Entries {
    ufrags: ArrayVec<Ufrag, MAX_UFRAGS>,
    paths: ArrayVec<Path, MAX_VALID_PATHS>,
}

impl<K: Copy + Eq + Hash> Lookup<K> {
    /// Empty tables. The hashing is seeded from `rng`: a peer chooses its address and must not be
    /// able to choose its place in the table.
    #[must_use]
    pub fn new(rng: &mut ChaCha12Rng) -> Self {
        let mut seed = || rng.next_u64();
        let state = RandomState::with_seeds(seed(), seed(), seed(), seed());
        Self {
            by_ufrag: HashMap::with_hasher(state.clone()),
            by_path: HashMap::with_hasher(state.clone()),
            entries: HashMap::with_hasher(state),
        }
    }

    /// The transport with this local ufrag.
    #[must_use]
    pub fn by_ufrag(&self, ufrag: &str) -> Option<K> {
        self.by_ufrag.get(&Ufrag::from(ufrag).ok()?).copied()
    }

    /// The transport that this path belongs to.
    #[must_use]
    pub fn by_path(&self, path: Path) -> Option<K> {
        self.by_path.get(&path).copied()
    }

    /// Makes `ufrags` all that lead to `key`: once when the transport is new, and again after each
    /// offer and each check that retired one. Past two, and past our own length, they are ignored.
    pub fn set_ufrags<'a>(&mut self, key: K, ufrags: impl Iterator<Item = &'a str>) {
        let entries = self.entries.entry(key).or_default();
        for old in entries.ufrags.drain(..) {
            self.by_ufrag.remove(&old);
        }
        for ufrag in ufrags
            .filter_map(|ufrag| Ufrag::from(ufrag).ok())
            .take(MAX_UFRAGS)
        {
            entries.ufrags.push(ufrag);
            self.by_ufrag.insert(ufrag, key);
        }
    }

    /// Gives `path` to `key`, for a transport that [`Self::set_ufrags`] has introduced. Returns
    /// whether `key` has it now. The path that it pushed out of the transport has to be removed
    /// before: there is room for as many as a transport holds.
    ///
    /// A path that another transport has stays with it while `is_live` says so of that transport:
    /// otherwise a participant could write its own check with a neighbour's address as the sender's
    /// and draw the neighbour's media away. When it is not, the address has a new owner: a closed
    /// browser's port, given out again.
    pub fn insert_path(&mut self, key: K, path: Path, is_live: impl FnOnce(K) -> bool) -> bool {
        match self.by_path(path) {
            Some(owner) if owner == key => return true,
            Some(owner) if is_live(owner) => return false,
            Some(owner) => self.remove_path(owner, path),
            None => {}
        }
        let Some(entries) = self.entries.get_mut(&key) else {
            return false;
        };
        if entries.paths.try_push(path).is_err() {
            return false;
        }
        self.by_path.insert(path, key);
        true
    }

    /// Forgets `path` if it is `key`'s.
    pub fn remove_path(&mut self, key: K, path: Path) {
        if self.by_path(path) != Some(key) {
            return;
        }
        self.by_path.remove(&path);
        if let Some(entries) = self.entries.get_mut(&key) {
            entries.paths.retain(|known| *known != path);
        }
    }

    /// Forgets everything that leads to `key`.
    pub fn remove(&mut self, key: K) {
        let Some(entries) = self.entries.remove(&key) else {
            return;
        };
        for ufrag in entries.ufrags {
            self.by_ufrag.remove(&ufrag);
        }
        for path in entries.paths {
            self.by_path.remove(&path);
        }
    }

    /// Transports, ufrags and paths held: for gauges, and for tests that nothing stays behind.
    #[must_use]
    pub fn sizes(&self) -> (usize, usize, usize) {
        (self.entries.len(), self.by_ufrag.len(), self.by_path.len())
    }
}

#[cfg(test)]
mod tests {
    use rand_core::SeedableRng;

    use super::*;
    use crate::media::path::Protocol;

    const A: &str = "AAAaaaaaaaaa";
    const B: &str = "AAAbbbbbbbbb";
    const C: &str = "AAAccccccccc";

    fn lookup() -> Lookup<u32> {
        Lookup::new(&mut ChaCha12Rng::seed_from_u64(1))
    }

    fn path(port: u16) -> Path {
        Path {
            protocol: Protocol::Udp,
            local: ([192, 0, 2, 1], 7882).into(),
            remote: ([198, 51, 100, 7], port).into(),
        }
    }

    fn live(_: u32) -> bool {
        true
    }

    #[test]
    fn finds_by_ufrag_and_by_path() {
        let mut lookup = lookup();
        lookup.set_ufrags(1, [A].into_iter());
        lookup.set_ufrags(2, [B, C].into_iter());
        assert!(lookup.insert_path(1, path(1), live));
        assert!(lookup.insert_path(1, path(1), live));
        assert!(lookup.insert_path(2, path(2), live));
        assert_eq!(lookup.by_ufrag(A), Some(1));
        assert_eq!(lookup.by_ufrag(B), Some(2));
        assert_eq!(lookup.by_ufrag(C), Some(2));
        assert_eq!(lookup.by_ufrag("AAAddddddddd"), None);
        assert_eq!(lookup.by_ufrag(&"x".repeat(300)), None);
        assert_eq!(lookup.by_path(path(1)), Some(1));
        assert_eq!(lookup.by_path(path(2)), Some(2));
        assert_eq!(lookup.by_path(path(3)), None);
        let tcp = Path {
            protocol: Protocol::Tcp,
            ..path(1)
        };
        assert_eq!(lookup.by_path(tcp), None);
    }

    #[test]
    fn new_ufrags_replace_the_old_ones() {
        let mut lookup = lookup();
        lookup.set_ufrags(1, [A].into_iter());
        lookup.set_ufrags(1, [B, A].into_iter());
        assert_eq!((lookup.by_ufrag(A), lookup.by_ufrag(B)), (Some(1), Some(1)));
        lookup.set_ufrags(1, [B].into_iter());
        assert_eq!((lookup.by_ufrag(A), lookup.by_ufrag(B)), (None, Some(1)));
        assert_eq!(lookup.sizes(), (1, 1, 0));
    }

    #[test]
    fn a_live_neighbours_path_cannot_be_taken_but_a_dead_ones_can() {
        let mut lookup = lookup();
        lookup.set_ufrags(1, [A].into_iter());
        lookup.set_ufrags(2, [B].into_iter());
        assert!(lookup.insert_path(1, path(1), live));
        assert!(!lookup.insert_path(2, path(1), |owner| owner == 1));
        assert_eq!(lookup.by_path(path(1)), Some(1));

        assert!(lookup.insert_path(2, path(1), |_| false));
        assert_eq!(lookup.by_path(path(1)), Some(2));
        // The former owner's end does not take it from the new one.
        lookup.remove_path(1, path(1));
        lookup.remove(1);
        assert_eq!(lookup.by_path(path(1)), Some(2));
    }

    #[test]
    fn a_transport_holds_a_bounded_number_of_paths() {
        let mut lookup = lookup();
        lookup.set_ufrags(1, [A].into_iter());
        let count = u16::try_from(MAX_VALID_PATHS).unwrap();
        for port in 0..count {
            assert!(lookup.insert_path(1, path(port), live));
        }
        assert!(!lookup.insert_path(1, path(count), live));
        lookup.remove_path(1, path(0));
        assert!(lookup.insert_path(1, path(count), live));
    }

    #[test]
    fn a_transport_nobody_introduced_has_no_paths() {
        let mut lookup = lookup();
        assert!(!lookup.insert_path(1, path(1), live));
        assert_eq!(lookup.by_path(path(1)), None);
    }

    #[test]
    fn removal_leaves_nothing_behind() {
        let mut lookup = lookup();
        lookup.set_ufrags(1, [A, B].into_iter());
        lookup.set_ufrags(2, [C].into_iter());
        for port in 0..4 {
            lookup.insert_path(1, path(port), live);
        }
        lookup.insert_path(2, path(9), live);
        lookup.remove(1);
        lookup.remove(1);
        assert_eq!(lookup.sizes(), (1, 1, 1));
        assert_eq!(lookup.by_ufrag(A), None);
        assert_eq!(lookup.by_path(path(0)), None);
        lookup.remove(2);
        assert_eq!(lookup.sizes(), (0, 0, 0));
    }
}
