//! What keeps layers from going up and down: rises wait, and wait longer after one that failed.

use std::time::{Duration, Instant};

use crate::bandwidth::recording::kept::kept;

/// How long a rise must have fitted without interruption before it is made.
///
/// Higher: better pictures come later. Lower: an estimate that swings makes pictures swing.
pub const RISE_AFTER: Duration = Duration::from_millis(800);

/// For so long after a track was first asked for, what fits it is had at once.
///
/// Longer: an estimate that is made up of first probes makes pictures swing. Shorter: who joins looks
/// at small pictures for longer.
const NEW: Duration = Duration::from_secs(2);

/// A rise that does not last as long as this has failed.
///
/// Higher: falls that have nothing to do with a rise delay the next. Lower: layers that a link
/// nearly carries are tried too often.
pub const TRIAL: Duration = Duration::from_secs(5);

/// How often [`RISE_AFTER`] doubles with rises that fail, until the same is tried again: up to 26 s.
///
/// Higher: a link that became better is used later, unless by [`AMPLE_PERCENT`]. Lower: what a link
/// nearly carries is tried, and given up, more often.
const MAX_DOUBLINGS: u32 = 5;

/// With so much more than what failed took, in percent, it is tried again at once.
///
/// Higher: that waits with a link that has become better. Lower: an estimate that swings undoes the
/// waiting.
const AMPLE_PERCENT: u64 = 30;

/// What is remembered of a track's rises and falls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// When it was first asked for.
    began: Option<Instant>,
    /// Since when a rise fits.
    fits_since: Option<Instant>,
    /// When it last rose.
    rose: Option<Instant>,
    /// What it rose to shows, and all took with it.
    rose_to: u32,
    rose_with: u64,
    /// Rises that failed in a row.
    failed: u32,
    /// Until then what shows as much as `shy_of` is not tried, which failed when all took `shy_with`.
    shy_until: Option<Instant>,
    shy_of: u32,
    shy_with: u64,
}

impl Standing {
    /// Begins to be sent what shows `value` or nothing, while all takes `cost`.
    pub(super) fn begin(now: Instant, value: u32, cost: u64) -> Self {
        let mut standing = Self {
            began: Some(now),
            ..Self::default()
        };
        standing.rise(now, value, cost);
        standing
    }

    /// What shows less than this may be had now, with a budget of `free`.
    pub(super) fn ceiling(&self, now: Instant, free: u64) -> Option<u32> {
        let ample = self
            .shy_with
            .saturating_add(self.shy_with / 100 * AMPLE_PERCENT);
        let is_shy = self.shy_until.is_some_and(|until| now < until) && free < ample;
        is_shy.then_some(self.shy_of)
    }

    fn rise(&mut self, now: Instant, value: u32, cost: u64) {
        self.fits_since = None;
        (self.rose, self.rose_to, self.rose_with) = (Some(now), value, cost);
    }

    /// Stays where it is.
    pub(super) fn stay(&mut self, now: Instant) {
        self.fits_since = None;
        let lasts = |at| now.saturating_duration_since(at) > TRIAL;
        if self.rose.is_some_and(lasts) {
            self.rose = None;
            if self.rose_to >= self.shy_of {
                self.failed = 0;
            }
        }
    }

    /// Falls; `failed`: for want of bandwidth.
    pub(super) fn fall(&mut self, now: Instant, failed: bool) {
        self.fits_since = None;
        let rose = self.rose.take();
        let is_short = rose.is_some_and(|at| now.saturating_duration_since(at) <= TRIAL);
        if failed && is_short {
            self.failed = (self.failed + 1).min(MAX_DOUBLINGS);
            self.shy_until = Some(now + RISE_AFTER * (1 << self.failed));
            (self.shy_of, self.shy_with) = (self.rose_to, self.rose_with);
        }
    }

    /// Whether what fits, and shows `value` while all takes `cost`, may be had by now: then it is.
    pub(super) fn may_rise(&mut self, now: Instant, value: u32, cost: u64) -> bool {
        let since = *self.fits_since.get_or_insert(now);
        // Somebody waits for a picture that has just come: probes prove what it may be, one by one.
        let is_new = self
            .began
            .is_some_and(|at| now.saturating_duration_since(at) < NEW);
        let rises = is_new || now.saturating_duration_since(since) >= RISE_AFTER;
        if rises {
            self.rise(now, value, cost);
        }
        rises
    }
}

kept!(Standing {
    began,
    fits_since,
    rose,
    rose_to,
    rose_with,
    failed,
    shy_until,
    shy_of,
    shy_with
});
