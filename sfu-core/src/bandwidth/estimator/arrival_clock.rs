//! When packets arrived, on a clock of the receiver's that does not wrap.

use crate::bandwidth::recording::kept::kept;

/// Values that a reference time has: 24 bits (draft-holmer-rmcat-transport-wide-cc-extensions-01
/// section 3.1).
const REFERENCES: i64 = 1 << 24;

/// Microseconds of one step of the reference time, and of a delta (the same section).
const REFERENCE_STEP: i64 = 64_000;
const DELTA_STEP: i64 = 250;

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
        let reference = last + step;
        self.last = Some(last.max(reference));
        reference * REFERENCE_STEP
    }
}

/// A delta in microseconds.
pub(super) fn delta(wire: i32) -> i64 {
    i64::from(wire) * DELTA_STEP
}

kept!(ArrivalClock { last });
