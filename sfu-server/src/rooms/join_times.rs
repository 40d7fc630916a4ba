//! How long it took participants to come in: from the join, which is when their signalling was
//! accepted, to connected media. Who never comes so far is not among them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use sfu_core::id::ParticipantId;
use tokio::time::Instant;

use super::participant::Media;
use super::room::State;

/// Upper bounds of the buckets, in seconds: a good line takes two to five tenths; ten seconds are
/// what a client waits for.
const BOUNDS: [f64; 8] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Counts of join times by their length.
#[derive(Debug, Default)]
pub struct JoinTimes {
    /// The last is what is longer than all bounds.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    microseconds: AtomicU64,
}

/// What was counted so far.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinTimesRead {
    /// Seconds of all together.
    pub sum: f64,
    /// How many.
    pub count: u64,
    /// Each bucket's upper bound in seconds and its own count, not those below.
    pub buckets: Vec<(f64, u64)>,
}

impl JoinTimes {
    pub(super) fn count(&self, took: Duration) {
        let bound = BOUNDS.iter().position(|bound| took.as_secs_f64() <= *bound);
        self.buckets[bound.unwrap_or(BOUNDS.len())].fetch_add(1, Relaxed);
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.microseconds.fetch_add(microseconds, Relaxed);
    }

    /// What was counted so far.
    #[must_use]
    pub fn read(&self) -> JoinTimesRead {
        let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
        let counts = self.buckets.iter().map(|bucket| bucket.load(Relaxed));
        let buckets: Vec<_> = bounds.zip(counts).collect();
        JoinTimesRead {
            sum: self.microseconds.load(Relaxed) as f64 / 1e6,
            count: buckets.iter().map(|(_, count)| count).sum(),
            buckets,
        }
    }
}

impl State {
    /// How long a participant has waited for its first media, if it still does.
    pub(super) fn waited_for_media(&self, id: ParticipantId, now: Instant) -> Option<Duration> {
        match self.participants.get(&id)?.media {
            Media::Awaited(since) => Some(now.saturating_duration_since(since)),
            Media::Connected | Media::Lost(_) => None,
        }
    }
}
