//! When packets arrived, on a clock of the receiver's that does not wrap.

use crate::bandwidth::recording::kept::kept;

/// Values that a reference time has: 24 bits (draft-holmer-rmcat-transport-wide-cc-extensions-01
/// section 3.1).
const REFERENCES: i64 = 1 << 24;

/// Microseconds of one step of the reference time, and of a delta (the same section).
const REFERENCE_STEP: i64 = 64_000;
const DELTA_STEP: i64 = 250;

/// Where the clock ends, in steps of the reference time: after 35,000 years, which a hostile receiver's
/// jumps reach in minutes.
///
/// Higher: what is counted in microseconds from there on overflows, times between two arrivals
/// included. Lower: nothing, down to what the longest call takes.
const LATEST: i64 = 1 << 44;

/// Unwraps the receiver's clock.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ArrivalClock {
    last: Option<i64>,
}

impl ArrivalClock {
    /// What the first arrival of a feedback is measured from, in microseconds. It is the nearest to
    /// the one before, so feedback may overtake feedback; the highest counts as the last.
    pub(super) fn reference(&mut self, wire: u32) -> i64 {
        let wire = i64::from(wire) % REFERENCES;
        let last = *self.last.get_or_insert(wire);
        let ahead = (wire - last).rem_euclid(REFERENCES);
        let step = if ahead < REFERENCES / 2 {
            ahead
        } else {
            ahead - REFERENCES
        };
        let reference = (last + step).min(LATEST);
        self.last = Some(last.max(reference));
        reference * REFERENCE_STEP
    }
}

/// A delta in microseconds.
pub(super) fn delta(wire: i32) -> i64 {
    i64::from(wire) * DELTA_STEP
}

kept!(ArrivalClock { last });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_time_wraps_and_may_go_back() {
        let mut clock = ArrivalClock::default();
        let last = 0xff_ffff;
        assert_eq!(clock.reference(last), i64::from(last) * 64_000);
        assert_eq!(clock.reference(2), (i64::from(last) + 3) * 64_000);
        assert_eq!(clock.reference(last - 1), (i64::from(last) - 1) * 64_000);
        assert_eq!(clock.reference(3), (i64::from(last) + 4) * 64_000);
        assert_eq!(delta(-4), -1_000);
    }

    #[test]
    fn a_clock_that_always_jumps_as_far_as_it_can_comes_to_an_end_and_not_to_a_panic() {
        let mut clock = ArrivalClock::default();
        let mut wire = 0;
        // As many jumps as a 64-bit count of microseconds would have had room for, and some more.
        for _ in 0..i64::MAX / (REFERENCES / 2 * REFERENCE_STEP) + 10_000 {
            wire = (wire + (1 << 23) - 1) % (1 << 24);
            let reference = clock.reference(wire);
            assert!(reference <= LATEST * REFERENCE_STEP, "{reference}");
        }
    }
}
