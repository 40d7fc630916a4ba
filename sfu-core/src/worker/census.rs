//! What limits subscriptions, and what their subscribers' networks carry, counted over all: each
//! participant is looked at now and then, and the rooms keep the sums.

use std::time::{Duration, Instant};

use super::{Room, Worker, explain};
use crate::media::explanation::Limit;
use crate::room::tracks::PeerIndex;
use crate::unit::Bitrate;

/// How often a participant is counted anew.
///
/// Higher: figures lag. Lower: in a room of hundreds that all see each other it shows on the
/// packet thread.
const INTERVAL: Duration = Duration::from_secs(10);

/// What estimates are sorted by: each counts where it is no more than the bound and more than the
/// one before; the last place is for more than all.
pub const ESTIMATE_BOUNDS: [Bitrate; 8] = [
    Bitrate::from_bps(100_000),
    Bitrate::from_bps(300_000),
    Bitrate::from_bps(600_000),
    Bitrate::from_bps(1_000_000),
    Bitrate::from_bps(2_000_000),
    Bitrate::from_bps(5_000_000),
    Bitrate::from_bps(10_000_000),
    Bitrate::from_bps(30_000_000),
];

/// Counts of now, some seconds old.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Subscriptions by what limits them, in the order of [`Limit::ALL`].
    pub limits: [u32; Limit::ALL.len()],
    /// Subscribers by their estimates, in the order of [`ESTIMATE_BOUNDS`].
    pub estimates: [u32; ESTIMATE_BOUNDS.len() + 1],
    /// The sum of those estimates.
    pub estimated: Bitrate,
}

impl Census {
    fn change(&mut self, other: &Self, change: fn(u64, u64) -> u64) {
        let each = |sums: &mut [u32], others: &[u32]| {
            for (sum, other) in sums.iter_mut().zip(others) {
                let changed = change((*sum).into(), (*other).into());
                *sum = u32::try_from(changed).unwrap_or(u32::MAX);
            }
        };
        each(&mut self.limits, &other.limits);
        each(&mut self.estimates, &other.estimates);
        self.estimated = Bitrate::from_bps(change(self.estimated.bps(), other.estimated.bps()));
    }

    /// Counts others in.
    pub fn add(&mut self, other: &Self) {
        self.change(other, u64::saturating_add);
    }

    fn take(&mut self, other: &Self) {
        self.change(other, u64::saturating_sub);
    }
}

/// What was counted of one participant.
#[derive(Debug, Default)]
pub(super) struct Counted {
    at: Option<Instant>,
    census: Census,
}

impl Worker {
    /// What limits this worker's subscriptions, and what its subscribers' networks carry.
    #[must_use]
    pub fn census(&self) -> Census {
        let mut sum = Census::default();
        for (_, room) in &self.rooms {
            sum.add(&room.census);
        }
        sum
    }
}

/// Counts a participant anew, if it is time to.
pub(super) fn look(room: &mut Room, index: PeerIndex, now: Instant) {
    let Some(peer) = room.peers.get(index) else {
        return;
    };
    let since = peer.counted.at;
    if since.is_some_and(|at| now.saturating_duration_since(at) < INTERVAL) {
        return;
    }
    let mut census = Census::default();
    for limit in explain::limits(room, peer, now) {
        census.limits[limit.index()] += 1;
    }
    if let Some(estimate) = peer.bandwidth.estimate() {
        let place = ESTIMATE_BOUNDS.iter().position(|bound| estimate <= *bound);
        census.estimates[place.unwrap_or(ESTIMATE_BOUNDS.len())] += 1;
        census.estimated = estimate;
    }
    forget(room, index);
    room.census.add(&census);
    if let Some(peer) = room.peers.get_mut(index) {
        let at = Some(now);
        peer.counted = Counted { at, census };
    }
}

/// A participant leaves.
pub(super) fn forget(room: &mut Room, index: PeerIndex) {
    if let Some(peer) = room.peers.get_mut(index) {
        let counted = std::mem::take(&mut peer.counted);
        room.census.take(&counted.census);
    }
}
