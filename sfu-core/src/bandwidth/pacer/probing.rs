//! A probe while it is sent.

use std::time::{Duration, Instant};

use super::budget::Budget;
use crate::bandwidth::departure::{Probe, ProbeId};

/// How much of a probe leaves at once.
///
/// Higher: fewer wake-ups, and a probe of some 15 ms tells less exactly how fast it was sent. Lower:
/// the reverse; a worker's timers are exact to a millisecond.
const BURST: Duration = Duration::from_millis(1);

/// How late the next packets of a probe may leave that are to make up for it.
///
/// Higher: on a busy machine a probe ends in one burst. Lower: there it is sent at less than its rate,
/// and cannot show that it fits.
const MAX_LATE: Duration = Duration::from_millis(40);

/// A probe that takes longer than this is given up: what it would tell is of another rate.
///
/// Higher: a probe that a full socket delays is finished, and means nothing. Lower: one at a very low
/// rate cannot be finished.
const MAX_AGE: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, Debug)]
pub(super) struct Probing {
    probe: Probe,
    pub(super) budget: Budget,
    since: Instant,
    bytes: u32,
    packets: u8,
}

impl Probing {
    pub(super) fn new(now: Instant, probe: Probe) -> Self {
        Self {
            probe,
            budget: Budget::new(probe.rate, BURST, BURST).catching_up(MAX_LATE),
            since: now,
            bytes: 0,
            packets: 0,
        }
    }

    pub(super) const fn id(&self) -> ProbeId {
        self.probe.id
    }

    /// Counts a packet of the probe.
    pub(super) fn sent(&mut self, now: Instant, size: u16) {
        self.budget.spend(now, self.budget.nanos(u64::from(size)));
        self.bytes = self.bytes.saturating_add(u32::from(size));
        self.packets = self.packets.saturating_add(1);
    }

    /// Bytes that are to be sent for it now.
    pub(super) fn wanted(&self, now: Instant) -> u64 {
        // Few large packets are as good as many: what is left of their number is not waited for.
        let left = self.probe.bytes.saturating_sub(self.bytes).max(1);
        self.budget.room(now).min(u64::from(left))
    }

    /// Whether nothing more is to be sent for it.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        let is_sent = self.bytes >= self.probe.bytes && self.packets >= self.probe.packets;
        is_sent || now.saturating_duration_since(self.since) > MAX_AGE
    }
}
