//! What waits before a narrow line, and what of it is lost: drop-tail, with CoDel on top of it or not.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::element::codel::Codel;
use crate::element::delay::Leaving;
use crate::scenario;

/// Packets in the order in which they came.
pub(crate) struct Queue<W> {
    /// What would wait longer is lost.
    longest: Duration,
    codel: Option<Codel>,
    waiting: VecDeque<Waiting<W>>,
    bytes: usize,
}

/// One that waits.
pub(crate) struct Waiting<W> {
    pub(crate) came: Instant,
    pub(crate) size: usize,
    pub(crate) whose: W,
}

impl<W> Queue<W> {
    /// More packets than this are lost, however long they would wait: as many as [`Leaving`] holds.
    const MOST: usize = Leaving::<W>::MOST;

    pub(crate) fn of(longest: Duration, kept: scenario::Queue) -> Self {
        Self {
            longest,
            codel: (kept == scenario::Queue::Codel).then(Codel::default),
            waiting: VecDeque::new(),
            bytes: 0,
        }
    }

    /// Of all that waits.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes what would have to wait that long; false: there is no room for it.
    pub(crate) fn push(&mut self, wait: Duration, what: Waiting<W>) -> bool {
        let has_room = wait <= self.longest && self.waiting.len() < Self::MOST;
        if has_room {
            self.bytes += what.size;
            self.waiting.push_back(what);
        }
        has_room
    }

    /// What has waited longest, and whether it is to be lost now.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<(Waiting<W>, bool)> {
        let what = self.waiting.pop_front()?;
        self.bytes -= what.size;
        let (waited, behind) = (now.saturating_duration_since(what.came), self.bytes);
        let codel = self.codel.as_mut();
        let is_lost = codel.is_some_and(|codel| codel.loses(now, waited, behind));
        Some((what, is_lost))
    }
}
