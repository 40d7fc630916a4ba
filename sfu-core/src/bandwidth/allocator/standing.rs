//! What keeps layers from going up and down: rises wait, and wait longer after one that failed.

use std::time::{Duration, Instant};

use crate::bandwidth::recording::kept::kept;
use crate::media::layer::Layers;

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

/// What had lasted for [`TRIAL`] is had again once it has fitted for this long: most falls are dips,
/// while a queue drains that a few large pictures made.
///
/// Higher: a dip costs a better picture for longer. Lower: it comes back into the rest of the queue.
const RETURNS_AFTER: Duration = Duration::from_millis(300);

/// For so long after a fall what had lasted before it is remembered.
///
/// Higher: a link that has become worse is tried sooner. Lower: after a longer dip the way up is long.
const REMEMBERED: Duration = Duration::from_secs(8);

/// A rise that fits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rise {
    /// What will be held against it if it fails.
    pub(super) to: Option<Layers>,
    /// What all takes with it.
    pub(super) with: u64,
    /// It leads to no more than what had lasted until lately.
    pub(super) returns: bool,
}

/// What is remembered of a track's rises and falls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// When it was first asked for.
    began: Option<Instant>,
    /// Since when a rise fits.
    fits_since: Option<Instant>,
    /// When it last rose.
    rose: Option<Instant>,
    /// What it rose to, and what all took with it.
    rose_to: Option<Layers>,
    rose_with: u64,
    /// Rises that failed in a row.
    failed: u32,
    /// Until then `shy_of` and what is above it is not tried, which failed when all took `shy_with`.
    shy_until: Option<Instant>,
    shy_of: Option<Layers>,
    shy_with: u64,
    /// When it fell from what had lasted, and what that was.
    fell: Option<Instant>,
    fell_from: Option<Layers>,
}

impl Standing {
    /// Begins to be sent `layers` or nothing, while all takes `cost`.
    pub(super) fn begin(now: Instant, layers: Option<Layers>, cost: u64) -> Self {
        Self {
            began: Some(now),
            rose: Some(now),
            rose_to: layers,
            rose_with: cost,
            ..Self::default()
        }
    }

    /// What is below this may be had now, with a budget of `free`.
    pub(super) fn ceiling(&self, now: Instant, free: u64) -> Option<Layers> {
        let ample = self
            .shy_with
            .saturating_add(self.shy_with / 100 * AMPLE_PERCENT);
        let is_shy = self.shy_until.is_some_and(|until| now < until) && free < ample;
        self.shy_of.filter(|_| is_shy)
    }

    /// The rise that failed last.
    pub(super) const fn failed_at(&self) -> Option<Layers> {
        self.shy_of
    }

    /// What had lasted before a fall of late.
    pub(super) fn lasted(&self, now: Instant) -> Option<Layers> {
        let is_late = |at| now.saturating_duration_since(at) < REMEMBERED;
        self.fell_from.filter(|_| self.fell.is_some_and(is_late))
    }

    /// Stays where it is; that may be at least what failed last.
    pub(super) fn stay(&mut self, now: Instant, is_above_failed: bool) {
        self.fits_since = None;
        let lasts = |at| now.saturating_duration_since(at) > TRIAL;
        if self.rose.is_some_and(lasts) {
            self.rose = None;
            if is_above_failed {
                self.failed = 0;
            }
        }
    }

    /// Falls; `failed`: for want of bandwidth.
    pub(super) fn fall(&mut self, now: Instant, from: Option<Layers>, failed: bool) {
        self.fits_since = None;
        let rose = self.rose.take();
        let is_short = rose.is_some_and(|at| now.saturating_duration_since(at) <= TRIAL);
        if failed && is_short {
            self.failed = (self.failed + 1).min(MAX_DOUBLINGS);
            self.shy_until = Some(now + RISE_AFTER * (1 << self.failed));
            (self.shy_of, self.shy_with) = (self.rose_to, self.rose_with);
            self.fell = None;
        } else if failed && self.lasted(now).is_none() {
            (self.fell, self.fell_from) = (Some(now), from);
        }
    }

    /// What it fell for lately was no want of bandwidth: what fits is had at once, and nothing is held
    /// against it.
    pub(super) fn excuse(&mut self, now: Instant) {
        self.fits_since = now.checked_sub(RISE_AFTER);
        self.shy_until = None;
    }

    /// Whether a rise that fits may be made by now: then it is.
    pub(super) fn may_rise(&mut self, now: Instant, rise: Rise) -> bool {
        let since = *self.fits_since.get_or_insert(now);
        // Somebody waits for a picture that has just come: probes prove what it may be, one by one.
        let is_new = self
            .began
            .is_some_and(|at| now.saturating_duration_since(at) < NEW);
        let after = if rise.returns {
            RETURNS_AFTER
        } else {
            RISE_AFTER
        };
        let rises = is_new || now.saturating_duration_since(since) >= after;
        if rises {
            self.fits_since = None;
            (self.rose, self.rose_to, self.rose_with) = (Some(now), rise.to, rise.with);
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
    shy_with,
    fell,
    fell_from
});
