//! The last events of one room, from which all of its watchers read.
//!
//! There is no queue for each watcher: a watcher is a place in this log. The room writes and goes
//! on; whose next event has been thrown away is too slow, and finds out when it reads again. Its
//! lock is held for a few list operations; it is taken under the room's lock, never around it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;

use super::limits;
use super::room_event::{Recorded, RoomEvent};

/// A room's log. A room that nobody watches keeps nothing but the last number.
#[derive(Debug)]
pub(super) struct WatchLog {
    log: Mutex<Log>,
    /// The last number, for watchers that wait for the next.
    news: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Log {
    /// The last event's number.
    last: u64,
    /// The events that end with `last`, without a gap.
    events: VecDeque<Arc<Recorded>>,
    bytes: usize,
    /// Whether events are kept: somebody watches, or did lately.
    kept: bool,
    unwatched_since: Option<Instant>,
    watchers: HashMap<u64, Place>,
    last_watcher: u64,
}

/// How far a watcher has read, and its share of the node's bound.
#[derive(Debug)]
struct Place {
    read: u64,
    _share: OwnedSemaphorePermit,
}

/// What there is to read.
#[derive(Debug)]
pub(super) enum Next {
    Event(Arc<Recorded>),
    NothingYet,
    /// It was thrown away.
    Lost,
}

impl Default for WatchLog {
    fn default() -> Self {
        Self {
            log: Mutex::default(),
            news: watch::Sender::new(0),
        }
    }
}

impl WatchLog {
    fn lock(&self) -> MutexGuard<'_, Log> {
        // No code under this lock panics half way through a change.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives an event its number; made and kept only if somebody may read it.
    pub(super) fn record(&self, make: impl FnOnce() -> RoomEvent) {
        let mut log = self.lock();
        log.last += 1;
        if !log.kept {
            return;
        }
        let event = make();
        log.bytes += event.weight();
        let sequence = log.last;
        log.events.push_back(Arc::new(Recorded {
            sequence,
            at: SystemTime::now(),
            event,
        }));
        while log.events.len() > limits::WATCH_LOG
            || (log.bytes > limits::WATCH_LOG_BYTES && log.events.len() > 1)
        {
            log.throw_oldest_away();
        }
        self.news.send_replace(sequence);
    }

    /// The last event's number.
    pub(super) fn last(&self) -> u64 {
        self.lock().last
    }

    /// Whether every event after that number is still here.
    pub(super) fn has_all_after(&self, sequence: u64) -> bool {
        let log = self.lock();
        sequence <= log.last && log.last - sequence <= log.events.len() as u64
    }

    /// A new watcher that has read up to there; `None` at the room's bound.
    pub(super) fn enter(&self, read: u64, share: OwnedSemaphorePermit) -> Option<u64> {
        let mut log = self.lock();
        if log.watchers.len() >= limits::MAX_WATCHERS_PER_ROOM {
            return None;
        }
        log.kept = true;
        log.unwatched_since = None;
        log.last_watcher += 1;
        let id = log.last_watcher;
        let place = Place {
            read,
            _share: share,
        };
        log.watchers.insert(id, place);
        Some(id)
    }

    /// The watcher is gone.
    pub(super) fn leave(&self, id: u64) {
        let mut log = self.lock();
        log.watchers.remove(&id);
        if log.watchers.is_empty() {
            log.unwatched_since.get_or_insert_with(Instant::now);
        }
    }

    /// The watcher's next event.
    pub(super) fn next(&self, id: u64) -> Next {
        let mut log = self.lock();
        let last = log.last;
        let Some(place) = log.watchers.get_mut(&id) else {
            return Next::Lost;
        };
        if place.read == last {
            return Next::NothingYet;
        }
        // What it has not read is here: otherwise it would have lost its place.
        let behind = usize::try_from(last - place.read).unwrap_or(usize::MAX);
        place.read += 1;
        let at = log.events.len().checked_sub(behind);
        at.and_then(|at| log.events.get(at))
            .map_or(Next::Lost, |event| Next::Event(Arc::clone(event)))
    }

    /// Resolves when there are events after that number.
    pub(super) async fn after(&self, sequence: u64) {
        let mut news = self.news.subscribe();
        // The sender is `self`'s: the wait ends by the value alone.
        let _ = news.wait_for(|last| *last > sequence).await;
    }

    /// Forgets everything once nobody has watched for a while.
    pub(super) fn forget_unwatched(&self, now: Instant) {
        let mut log = self.lock();
        let unwatched = log.unwatched_since;
        let long = unwatched
            .is_some_and(|since| now.saturating_duration_since(since) > limits::WATCH_LOG_KEEP);
        if long && log.watchers.is_empty() {
            log.kept = false;
            log.unwatched_since = None;
            log.bytes = 0;
            log.events = VecDeque::new();
        }
    }
}

impl Log {
    fn throw_oldest_away(&mut self) {
        let Some(oldest) = self.events.pop_front() else {
            return;
        };
        self.bytes = self.bytes.saturating_sub(oldest.event.weight());
        // Who has not read it is ended. Its share is free at once, not when it reads again.
        self.watchers
            .retain(|_, place| place.read >= oldest.sequence);
        if self.watchers.is_empty() {
            self.unwatched_since.get_or_insert_with(Instant::now);
        }
    }
}
