//! One participant's own channels: which are open, and what waits until they are.
//!
//! Others see a participant before its channels are open, and greet it at once. So reliable
//! messages wait for a moment, in a bounded room.

use std::collections::VecDeque;
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
    /// Since when each waits, oldest first.
    waiting: VecDeque<(Instant, Arc<[u8]>)>,
    waiting_bytes: usize,
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
                self.waiting_bytes = 0;
                let waiting = std::mem::take(&mut self.waiting);
                waiting.into_iter().map(|(_, payload)| payload).collect()
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
        self.waiting.push_back((now, Arc::clone(payload)));
        self.waiting_bytes = bytes;
        Fate::Waits
    }

    /// Gives up what waited for too long; returns how many.
    pub(super) fn expire(&mut self, now: Instant) -> usize {
        let old = |since: Instant| now.saturating_duration_since(since) >= limits::WAITING_DATA_FOR;
        let before = self.waiting.len();
        while let Some((_, payload)) = self.waiting.pop_front_if(|(since, _)| old(*since)) {
            self.waiting_bytes -= payload.len();
        }
        before - self.waiting.len()
    }
}
