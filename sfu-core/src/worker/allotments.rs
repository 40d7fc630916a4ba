//! What of a subscriber's bandwidth was divided last, and when it is to be divided anew.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::excess::Excess;
use super::granted::Granted;
use super::repair_rate::Repairs;
use crate::bandwidth::allocator::{Allotment, Budget};
use crate::bandwidth::departure::Demand;
use crate::event::StreamState;
use crate::id::TrackId;
use crate::unit::Bitrate;

/// How often a subscriber's bandwidth is divided anew while nothing calls for it.
///
/// Longer: rises come later. Shorter: more work for each subscriber.
const INTERVAL: Duration = Duration::from_millis(100);

/// The least time between two looks, whatever a client reports.
///
/// Longer: a fall is obeyed later. Shorter: a flood of reports costs more.
const SOONEST: Duration = Duration::from_millis(20);

/// What was divided last.
#[derive(Debug, Default)]
pub(super) struct Allotments {
    by_track: BTreeMap<TrackId, Allotment>,
    /// The control plane was told that these are paused.
    paused: BTreeSet<TrackId>,
    looked: Option<Instant>,
    /// Something other than the estimate has changed.
    is_stale: bool,
    demand: Demand,
    granted: Granted,
    /// What was divided.
    estimate: Bitrate,
    repairs: Repairs,
    excess: Excess,
}

/// What is sent beside pictures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beside {
    /// The rate of sounds, in bits per second.
    pub(super) sounds: u64,
    /// Bytes of repairs that have been sent since ever.
    pub(super) repairs: u64,
    /// What is sent beyond the rate, so that nothing waits for too long.
    pub(super) excess: Bitrate,
}

impl Allotments {
    /// What a track is to be sent at most; `None` while nothing is known of the bandwidth.
    pub(super) fn of(&self, track: TrackId) -> Option<&Allotment> {
        self.by_track.get(&track)
    }

    /// What a track could take if all others have what they are allotted.
    pub(super) fn room_of(&self, allotted: &Allotment) -> Bitrate {
        let others = self
            .demand
            .allotted
            .bps()
            .saturating_sub(allotted.bitrate.bps());
        Bitrate::from_bps(self.estimate.bps().saturating_sub(others))
    }

    /// What was last asked of the estimator.
    pub(super) const fn demand(&self) -> Demand {
        self.demand
    }

    /// The subscription or the track is over.
    pub(super) fn forget(&mut self, track: TrackId) {
        self.by_track.remove(&track);
        self.paused.remove(&track);
        self.is_stale = true;
    }

    /// Nothing came through because the client had another address: what fell for that is had again at
    /// once, and what was lost by it is no rate of repairs.
    pub(super) fn excuse(&mut self, now: Instant) {
        let all = self.by_track.values_mut();
        all.for_each(|allotted| allotted.excuse(now));
        self.repairs.excuse(now);
        self.is_stale = true;
    }

    /// Something changed that is not urgent.
    pub(super) const fn look_again(&mut self) {
        self.is_stale = true;
    }

    /// Whether it is to be divided anew.
    pub(super) fn is_due(&self, now: Instant, estimate: Option<Bitrate>) -> bool {
        let Some(estimate) = estimate else {
            return !self.by_track.is_empty();
        };
        // What was allotted in spite of an estimate, as sound is, is not looked at again for that.
        let divided = self.demand.allotted.min(self.estimate);
        let calls = self.is_stale || estimate < divided;
        let wait = if calls { SOONEST } else { INTERVAL };
        let passed = |at| now.saturating_duration_since(at) >= wait;
        self.looked.is_none_or(passed)
    }

    /// What is to be divided: `estimate`, less what is of late sent `beside`; `is_told`: there is
    /// feedback.
    pub(super) fn budget(
        &mut self,
        now: Instant,
        estimate: Bitrate,
        beside: Beside,
        is_told: bool,
    ) -> Budget {
        let repairs = self.repairs.note(now, beside.repairs, estimate);
        let excess = self.excess.note(now, beside.excess);
        let reserved = beside.sounds.saturating_add(repairs).saturating_add(excess);
        Budget {
            estimate,
            reserved: Bitrate::from_bps(reserved),
            granted: self.granted.at(now, is_told),
        }
    }

    /// It was divided in this way. Tells which pictures are paused now, and which no longer.
    pub(super) fn set(
        &mut self,
        now: Instant,
        estimate: Bitrate,
        (allotments, demand): (&[Allotment], Demand),
    ) -> Vec<(TrackId, StreamState)> {
        (self.looked, self.is_stale) = (Some(now), false);
        (self.demand, self.estimate) = (demand, estimate);
        self.by_track = allotments.iter().map(|one| (one.track, *one)).collect();
        let paused = &mut self.paused;
        let changed = allotments.iter().filter_map(|one| {
            let (is_news, state) = match one.is_paused() {
                true => (paused.insert(one.track), StreamState::Paused),
                false => (paused.remove(&one.track), StreamState::Active),
            };
            is_news.then_some((one.track, state))
        });
        changed.collect()
    }

    /// Nothing is known of the bandwidth: all that is wanted is sent. Tells which pictures are paused no
    /// longer.
    pub(super) fn let_all(&mut self) -> Vec<(TrackId, StreamState)> {
        let paused = std::mem::take(self).paused.into_iter();
        paused.map(|track| (track, StreamState::Active)).collect()
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
mod tests {
    use super::*;

    const KBPS: fn(u64) -> Bitrate = |kbps| Bitrate::from_bps(kbps * 1000);

    #[test]
    fn a_fall_is_looked_at_soon_and_once() {
        let start = Instant::now();
        let allotments = Allotments {
            looked: Some(start),
            demand: Demand {
                allotted: KBPS(90),
                ..Demand::default()
            },
            estimate: KBPS(40),
            ..Allotments::default()
        };
        let soon = start + SOONEST;
        assert!(allotments.is_due(soon, Some(KBPS(39))));
        assert!(
            !allotments.is_due(soon, Some(KBPS(40))),
            "sound alone is more than that, and nothing has changed"
        );
        assert!(allotments.is_due(start + INTERVAL, Some(KBPS(40))));
    }
}
