//! What is sent beyond the rate, so that nothing waits for too long: it is not there for pictures.

use std::time::{Duration, Instant};

use crate::unit::Bitrate;

/// How long the mean is over.
///
/// Longer: a layer that takes more than it did in the mean of some seconds fills the queue of the
/// network for longer. Shorter: the keyframe that a layer begins with, which is sent beyond the rate
/// for a moment too, costs that layer.
const SPAN: Duration = Duration::from_millis(500);

/// The mean of what is sent beyond the rate.
///
/// What a layer costs is known late, since its pictures differ, and what they take together with those
/// of others shows in what waits for the pacer at once.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Excess {
    /// In bits per second.
    mean: u64,
    noted: Option<Instant>,
}

impl Excess {
    /// So much more than the rate is sent since it was noted last. What is to be set aside, in bits
    /// per second.
    pub(super) fn note(&mut self, now: Instant, excess: Bitrate) -> u64 {
        let since = self.noted.replace(now).unwrap_or(now);
        let passed = now.saturating_duration_since(since).min(SPAN).as_micros();
        let (passed, span) = (passed as u64, SPAN.as_micros() as u64);
        let kept = self.mean.saturating_mul(span - passed);
        self.mean = kept.saturating_add(excess.bps().saturating_mul(passed)) / span;
        self.mean
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
mod tests {
    use super::*;

    /// Looks each 20 ms for so long, while so much is sent beyond the rate.
    fn pass(excess: &mut Excess, now: &mut Instant, millis: u64, kbps: u64) -> u64 {
        let mut set_aside = 0;
        for _ in 0..millis / 20 {
            *now += Duration::from_millis(20);
            set_aside = excess.note(*now, Bitrate::from_bps(kbps * 1000));
        }
        set_aside / 1000
    }

    #[test]
    fn a_keyframe_takes_little_and_a_layer_that_does_not_fit_all() {
        let mut now = Instant::now();
        let mut excess = Excess::default();
        assert_eq!(pass(&mut excess, &mut now, 1_000, 0), 0);
        let after = pass(&mut excess, &mut now, 60, 300);
        assert!((20..40).contains(&after), "{after}");
        let after = pass(&mut excess, &mut now, 2_000, 300);
        assert!((290..=300).contains(&after), "{after}");
        let after = pass(&mut excess, &mut now, 1_000, 0);
        assert!((20..50).contains(&after), "{after}");
        assert_eq!(excess.note(now, Bitrate::from_bps(u64::MAX)) / 1000, after);
    }
}
