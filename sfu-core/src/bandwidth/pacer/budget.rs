//! How fast bytes may leave: a rate, and a burst of it.

use std::time::{Duration, Instant};

use crate::unit::Bitrate;

/// Fractions of a nanosecond that a byte's time is kept in, as bits: at 1 Gbit/s a byte takes 8 ns.
const FRACTION: u32 = 8;

/// Slowest rate that is paced by, in bits per second: a full packet takes two and a half seconds.
///
/// Higher: who can be sent less than that is flooded. Lower: one packet that is let go closes the
/// way for longer.
const MIN_RATE: u64 = 5_000;

/// How late a wake-up may be without a loss of rate.
///
/// Higher: after a longer delay of the worker's, more leaves at once. Lower: timers that are exact to
/// a millisecond slow down what waits.
const MAX_LATE: Duration = Duration::from_millis(5);

/// Bytes that have left and are paid for by time.
///
/// It is open until a burst has left, and then closed until a part of that is paid for: what waits
/// leaves in bursts, not packet by packet. An unused time is not saved.
///
/// Many packets leave at one time: what is owed is kept as of then, in plain nanoseconds, so that each
/// of them is an addition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// Nanoseconds that a byte takes, in 2^-[`FRACTION`].
    byte_time: u64,
    burst: i64,
    /// What may still be owed when it opens again.
    owing: i64,
    /// How late it may go on without a loss of rate.
    late: i64,
    /// When something left last.
    at: Option<Instant>,
    /// What was owed then.
    owed: i64,
    is_spent: bool,
}

impl Budget {
    /// A burst of what `rate` is in that time at the most, which is closed then for the time of
    /// `step` at least.
    pub(super) fn new(rate: Bitrate, burst: Duration, step: Duration) -> Self {
        let mut budget = Self {
            byte_time: byte_time(rate),
            burst: 0,
            owing: 0,
            late: nanos_of(MAX_LATE),
            at: None,
            owed: 0,
            is_spent: false,
        };
        budget.set_burst(burst, step);
        budget
    }

    /// Another burst and step from now on.
    pub(super) const fn set_burst(&mut self, burst: Duration, step: Duration) {
        self.burst = nanos_of(burst);
        self.owing = nanos_of(burst.saturating_sub(step));
    }

    /// The same, which loses no rate by going on so late.
    pub(super) const fn catching_up(self, late: Duration) -> Self {
        Self {
            late: nanos_of(late),
            ..self
        }
    }

    /// Pays by `rate` from `now` on, for what is owed too. All of that is paid, though after a deep fall nothing
    /// leaves meanwhile for longer than it is to wait here: what is owed stands in the network's queue, and what
    /// left sooner would stand behind it.
    pub(super) fn set_rate(&mut self, now: Instant, rate: Bitrate) {
        let before = std::mem::replace(&mut self.byte_time, byte_time(rate));
        let owed = self.owed(now);
        if before == self.byte_time || owed <= 0 {
            return;
        }
        let owed =
            u128::from(self.byte_time) * u128::from(owed.unsigned_abs()) / u128::from(before);
        self.owed = i64::try_from(owed).unwrap_or(i64::MAX);
        self.at = Some(now);
    }

    /// What is owed at `now`; below zero, for how long nothing has been.
    fn owed(&self, now: Instant) -> i64 {
        match self.at {
            Some(at) if at == now => self.owed,
            Some(at) => {
                let passed = nanos_of(now.saturating_duration_since(at));
                let early = nanos_of(at.saturating_duration_since(now));
                self.owed.saturating_sub(passed).saturating_add(early)
            }
            None => i64::MIN,
        }
    }

    /// The rate that it pays by, in bits per second.
    pub(super) const fn rate(&self) -> u64 {
        (8_000_000_000 << FRACTION) / self.byte_time
    }

    /// Time that `bytes` take, in nanoseconds.
    pub(super) const fn nanos(&self, bytes: u64) -> u64 {
        bytes.saturating_mul(self.byte_time) >> FRACTION
    }

    /// Whether something may leave at `now`.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        !self.is_spent || self.owed(now) <= self.owing
    }

    /// Bytes that may leave at `now` before it closes.
    pub(super) fn room(&self, now: Instant) -> u64 {
        if !self.is_open(now) {
            return 0;
        }
        let room = self.burst.saturating_sub(self.owed(now).max(0)).max(0);
        let room = (u128::from(room.unsigned_abs()) << FRACTION) / u128::from(self.byte_time);
        u64::try_from(room).unwrap_or(u64::MAX).saturating_add(1)
    }

    /// When it opens again; `None` while it is open.
    pub(super) fn opens(&self, now: Instant) -> Option<Instant> {
        if !self.is_spent {
            return None;
        }
        let waits = self.owed(now).saturating_sub(self.owing);
        let waits = u64::try_from(waits).ok().filter(|waits| *waits > 0)?;
        now.checked_add(Duration::from_nanos(waits))
    }

    /// Something that takes `nanos` has left.
    pub(super) fn spend(&mut self, now: Instant, nanos: u64) {
        let before = self.owed(now);
        let nanos = i64::try_from(nanos).unwrap_or(i64::MAX);
        // Who goes on a little late has lost no time.
        let kept = if before >= -self.late { before } else { 0 };
        self.owed = kept.saturating_add(nanos);
        self.at = Some(now);
        self.is_spent = self.owed > self.burst || (self.is_spent && before > self.owing);
    }
}

/// A span in nanoseconds; a year is as good as any longer one.
const fn nanos_of(span: Duration) -> i64 {
    const YEAR: u64 = 365 * 24 * 60 * 60;
    if span.as_secs() > YEAR {
        return (YEAR * 1_000_000_000).cast_signed();
    }
    (span.as_secs() * 1_000_000_000).cast_signed() + span.subsec_nanos() as i64
}

fn byte_time(rate: Bitrate) -> u64 {
    let second = 8_000_000_000_u64 << FRACTION;
    (second / rate.bps().max(MIN_RATE)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BURST: Duration = Duration::from_millis(5);

    #[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
    fn base() -> Instant {
        Instant::now()
    }

    fn spend(budget: &mut Budget, now: Instant, bytes: u64) {
        budget.spend(now, budget.nanos(bytes));
    }

    #[test]
    fn a_burst_leaves_at_once_and_then_nothing_until_it_is_paid_for() {
        let now = base();
        // A millisecond for each 1000 bytes.
        let mut budget = Budget::new(Bitrate::from_bps(8_000_000), BURST, BURST);
        for _ in 0..6 {
            assert!(budget.is_open(now));
            spend(&mut budget, now, 1000);
        }
        assert!(!budget.is_open(now));
        let paid = now + Duration::from_millis(6);
        assert_eq!(budget.opens(now), Some(paid));
        assert!(!budget.is_open(paid - Duration::from_nanos(1)));
        assert!(budget.is_open(paid));
        assert_eq!(budget.opens(paid), None);
    }

    #[test]
    fn a_late_wake_up_slows_nothing_down() {
        let start = base();
        let mut budget = Budget::new(Bitrate::from_bps(8_000_000), BURST, BURST);
        let mut left = 0;
        for ms in (0..1000).step_by(4) {
            let now = start + Duration::from_millis(ms);
            while budget.is_open(now) {
                spend(&mut budget, now, 1000);
                left += 1;
            }
        }
        assert!((990..=1010).contains(&left), "{left} in a second");
    }

    #[test]
    fn a_deep_budget_goes_on_in_steps() {
        let now = base();
        let depth = Duration::from_millis(40);
        let mut budget = Budget::new(Bitrate::from_bps(8_000_000), depth, BURST);
        for _ in 0..41 {
            assert!(budget.is_open(now));
            spend(&mut budget, now, 1000);
        }
        let opens = now + Duration::from_millis(6);
        assert_eq!(budget.opens(now), Some(opens));
        assert!(!budget.is_open(opens - Duration::from_nanos(1)));
        assert!(budget.is_open(opens));
        let mut left = 0;
        while budget.is_open(opens) {
            spend(&mut budget, opens, 1000);
            left += 1;
        }
        assert_eq!(left, 6);
    }

    #[test]
    fn time_without_packets_is_not_saved() {
        let now = base();
        let mut budget = Budget::new(Bitrate::from_bps(8_000_000), BURST, BURST);
        spend(&mut budget, now, 1000);
        let later = now + Duration::from_secs(60);
        let left = (0..).take_while(|_| {
            let open = budget.is_open(later);
            spend(&mut budget, later, 1000);
            open
        });
        assert_eq!(left.count(), 6);
    }

    #[test]
    fn another_rate_counts_for_what_is_owed_too() {
        let now = base();
        let mut budget = Budget::new(Bitrate::from_bps(8_000_000), BURST, BURST);
        spend(&mut budget, now, 10_000);
        budget.set_rate(now + Duration::from_millis(2), Bitrate::from_bps(4_000_000));
        assert_eq!(budget.opens(now), Some(now + Duration::from_millis(18)));
        budget.set_rate(
            now + Duration::from_millis(2),
            Bitrate::from_bps(64_000_000),
        );
        assert_eq!(budget.opens(now), Some(now + Duration::from_millis(3)));
    }

    #[test]
    fn what_leaves_beside_the_budget_keeps_it_closed() {
        let now = base();
        let mut budget = Budget::new(Bitrate::from_bps(8_000_000), BURST, BURST);
        spend(&mut budget, now, 6000);
        let later = now + Duration::from_millis(4);
        spend(&mut budget, later, 100);
        assert!(!budget.is_open(later), "2.1 ms are owed still");
        assert_eq!(budget.opens(later), Some(now + Duration::from_micros(6100)));
    }

    #[test]
    fn no_rate_is_too_low_or_too_high() {
        let now = base();
        for bps in [0, 1, u64::MAX] {
            let mut budget = Budget::new(Bitrate::from_bps(bps), BURST, BURST);
            spend(&mut budget, now, 1200);
            let opens = budget.opens(now).unwrap_or(now);
            assert!(opens <= now + Duration::from_secs(2), "{bps}");
            budget.set_rate(now, Bitrate::from_bps(1_000_000));
        }
    }
}
