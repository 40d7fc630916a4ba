//! What the least of each picture may take while an estimate rests on nothing yet.

use std::time::{Duration, Instant};

use crate::unit::Bitrate;

/// What lowest layers may take by then.
///
/// Higher: a publisher's only encoding is seen at once however dear it is, and a thin link is flooded
/// for a second. Lower: who joins sees nothing of it before probes have shown that it fits.
const GRANTED: Bitrate = Bitrate::from_bps(2_500_000);

/// So long after the first feedback the estimate is taken to rest on something: the first probes are
/// answered.
///
/// Higher: a thin link is flooded for longer with what does not fit. Lower: pictures of good links are
/// paused before they are found to fit.
const PROVEN_AFTER: Duration = Duration::from_secs(1);

/// Since when there is feedback.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Granted {
    told: Option<Instant>,
}

impl Granted {
    /// What is granted at `now`; `is_told`: there has been feedback.
    pub(super) fn at(&mut self, now: Instant, is_told: bool) -> Bitrate {
        if is_told {
            self.told.get_or_insert(now);
        }
        let lasts = |since| now.saturating_duration_since(since) < PROVEN_AFTER;
        match self.told.is_none_or(lasts) {
            true => GRANTED,
            false => Bitrate::default(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
mod tests {
    use super::*;

    #[test]
    fn the_least_is_granted_until_feedback_has_come_for_a_while() {
        let start = Instant::now();
        let mut granted = Granted::default();
        let later = start + Duration::from_secs(9);
        assert_eq!(granted.at(start, false), GRANTED);
        assert_eq!(granted.at(later, true), GRANTED);
        let proven = later + PROVEN_AFTER;
        assert_eq!(granted.at(proven, true), Bitrate::default());
    }
}
