//! The bound on data messages between a worker's thread and the application.
//!
//! Everything else that they say to each other is bounded at its source: offers, joins, mutes. Data
//! messages are as many and as large as participants send, so those that wait are counted in bytes
//! and refused above a bound. One that was refused is lost, and counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Most bytes of data messages that wait on one line.
///
/// Higher: memory for each worker, and the answers behind a flood come later. Lower: a burst to
/// many is lost sooner while a thread is busy.
const MAX_WAITING: usize = 8 << 20;

/// What a message costs beside its bytes: its place in the line, its receivers.
const OVERHEAD: usize = 256;

/// One line's count. Clones count together.
#[derive(Clone, Debug, Default)]
pub(super) struct Backlog(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    waiting: AtomicUsize,
    refused: AtomicU64,
}

/// A message's place in the line, until it is dropped.
#[derive(Debug)]
pub(super) struct Held {
    counts: Arc<Counts>,
    bytes: usize,
}

impl Backlog {
    /// A place for a message of that many bytes; `None`, and counted, if there is none.
    pub(super) fn hold(&self, bytes: usize) -> Option<Held> {
        let bytes = bytes.saturating_add(OVERHEAD);
        let counts = &self.0;
        let held = Held {
            counts: Arc::clone(counts),
            bytes,
        };
        let before = counts.waiting.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > MAX_WAITING {
            counts.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        Some(held)
    }

    /// Messages that found no place.
    pub(super) fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.counts.waiting.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_bounded_and_its_place_is_free_again_afterwards() {
        let backlog = Backlog::default();
        let mut held: Vec<_> = std::iter::from_fn(|| backlog.hold(64 * 1024)).collect();
        assert_eq!(held.len(), MAX_WAITING / (64 * 1024 + OVERHEAD));
        assert_eq!(backlog.refused(), 1);
        // What was refused takes no place.
        held.pop();
        assert!(backlog.hold(64 * 1024).is_some());
        assert!(backlog.hold(usize::MAX).is_none());
        drop(held);
        assert_eq!(backlog.0.waiting.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn empty_messages_are_bounded_too() {
        let backlog = Backlog::default();
        let held: Vec<_> = std::iter::from_fn(|| backlog.hold(0)).collect();
        assert_eq!(held.len(), MAX_WAITING / OVERHEAD);
    }
}
