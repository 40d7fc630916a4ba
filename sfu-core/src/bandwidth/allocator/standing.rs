//! What keeps layers from going up and down: rises wait, and wait longer after one that failed.

use std::time::{Duration, Instant};

use super::climb::needed_for;
use crate::bandwidth::recording::kept::kept;

/// How long a rise must have fitted without interruption before it is made.
///
/// Higher: better pictures come later. Lower: an estimate that swings makes pictures swing.
pub const RISE_AFTER: Duration = Duration::from_millis(800);

/// A rise that does not last as long as this has failed.
///
/// Higher: falls that have nothing to do with a rise delay the next. Lower: layers that a link
/// nearly carries are tried too often.
pub const TRIAL: Duration = Duration::from_secs(5);

/// How often [`RISE_AFTER`] doubles with rises that fail: up to 26 s.
///
/// Higher: a link that became better is used later, unless by [`AMPLE_PERCENT`]. Lower: what a link
/// nearly carries is tried, and given up, more often.
const MAX_DOUBLINGS: u32 = 5;

/// With so much more than needed, in percent, a rise does not wait for those that failed before.
///
/// Higher: it waits with a link that has become better. Lower: an estimate that swings undoes the
/// waiting.
const AMPLE_PERCENT: u64 = 30;

/// What is remembered of a track's rises and falls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// Since when a rise fits.
    fits_since: Option<Instant>,
    /// When it last rose.
    rose: Option<Instant>,
    /// Rises that failed in a row.
    failed: u32,
}

impl Standing {
    /// Begins to be sent something, or nothing.
    pub(super) const fn begin(now: Instant) -> Self {
        Self {
            fits_since: None,
            rose: Some(now),
            failed: 0,
        }
    }

    /// Stays where it is.
    pub(super) fn stay(&mut self, now: Instant) {
        self.fits_since = None;
        if self
            .rose
            .is_some_and(|at| now.saturating_duration_since(at) > TRIAL)
        {
            (self.rose, self.failed) = (None, 0);
        }
    }

    /// Falls; `failed`: for want of bandwidth.
    pub(super) fn fall(&mut self, now: Instant, failed: bool) {
        self.fits_since = None;
        let rose = self.rose.take();
        let is_short = rose.is_some_and(|at| now.saturating_duration_since(at) <= TRIAL);
        if failed && is_short {
            self.failed = (self.failed + 1).min(MAX_DOUBLINGS);
        }
    }

    /// Whether what fits may be had, where all takes `cost` of `budget`.
    pub(super) fn may_rise(&mut self, now: Instant, cost: u64, budget: u64) -> bool {
        let since = *self.fits_since.get_or_insert(now);
        let ample = needed_for(cost).saturating_add(cost / 100 * AMPLE_PERCENT);
        let failed = if budget >= ample { 0 } else { self.failed };
        let rises = now.saturating_duration_since(since) >= RISE_AFTER * (1 << failed);
        if rises {
            (self.fits_since, self.rose) = (None, Some(now));
        }
        rises
    }
}

kept!(Standing {
    fits_since,
    rose,
    failed
});
