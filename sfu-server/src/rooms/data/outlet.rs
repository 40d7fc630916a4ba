//! One participant's own channels: which are open, and what waits until they are.
//!
//! Others see a participant before its channels are open, and greet it at once. So reliable
//! messages wait for a moment, in a bounded room.

use std::sync::Arc;

use tokio::time::Instant;

use super::Delivery;
use crate::rooms::limits;

/// What becomes of a message for a participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Sent,
    Waits,
    Dropped,
}

#[derive(Debug, Default)]
pub(super) struct Outlet {
    reliable: bool,
    lossy: bool,
    waiting: Vec<Arc<[u8]>>,
    waiting_bytes: usize,
    /// Since when the oldest waits.
    waiting_since: Option<Instant>,
}

impl Outlet {
    /// The channel is open; returns what waited for it, oldest first.
    pub(super) fn open(&mut self, delivery: Delivery) -> Vec<Arc<[u8]>> {
        match delivery {
            Delivery::Lossy => {
                self.lossy = true;
                Vec::new()
            }
            Delivery::Reliable => {
                self.reliable = true;
                self.take_waiting()
            }
        }
    }

    /// One more message for this participant.
    pub(super) fn offer(&mut self, delivery: Delivery, payload: &Arc<[u8]>, now: Instant) -> Fate {
        match delivery {
            Delivery::Reliable if self.reliable => Fate::Sent,
            Delivery::Lossy if self.lossy => Fate::Sent,
            // What is late is worth nothing there.
            Delivery::Lossy => Fate::Dropped,
            Delivery::Reliable => self.keep(payload, now),
        }
    }

    fn keep(&mut self, payload: &Arc<[u8]>, now: Instant) -> Fate {
        let bytes = self.waiting_bytes + payload.len();
        if bytes > limits::MAX_WAITING_DATA || self.waiting.len() >= limits::MAX_WAITING_MESSAGES {
            return Fate::Dropped;
        }
        self.waiting.push(Arc::clone(payload));
        self.waiting_bytes = bytes;
        self.waiting_since.get_or_insert(now);
        Fate::Waits
    }

    /// Gives up what waited for too long; returns how many.
    pub(super) fn expire(&mut self, now: Instant) -> usize {
        let old = |since| now.saturating_duration_since(since) >= limits::WAITING_DATA_FOR;
        if self.waiting_since.is_some_and(old) {
            self.take_waiting().len()
        } else {
            0
        }
    }

    fn take_waiting(&mut self) -> Vec<Arc<[u8]>> {
        self.waiting_bytes = 0;
        self.waiting_since = None;
        std::mem::take(&mut self.waiting)
    }
}
