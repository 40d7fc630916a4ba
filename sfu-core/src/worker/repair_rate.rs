//! What goes for repairs of late: it is not there for pictures.

use std::time::{Duration, Instant};

use crate::unit::Bitrate;

/// How much of an estimate is set aside for repairs at the most, as a part of it. More: a burst of
/// losses costs layers. Less: repairs of a lossy link crowd out pictures.
const MOST_REPAIRS: u64 = 4;

/// How long a rate is taken over, and how many of them the mean is over. More: calmer and later.
const SPAN: Duration = Duration::from_millis(100);
const SPANS: u64 = 16;

/// The mean rate of repairs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Repairs {
    /// In bits per second.
    mean: u64,
    /// When it was noted last, and how many bytes had been sent by then.
    noted: Option<(Instant, u64)>,
}

impl Repairs {
    /// Takes note of the bytes sent since ever. What is to be set aside of `estimate`, in bits per
    /// second.
    pub(super) fn note(&mut self, now: Instant, bytes: u64, estimate: Bitrate) -> u64 {
        let (since, before) = *self.noted.get_or_insert((now, bytes));
        let span = now.saturating_duration_since(since);
        if span >= SPAN {
            let rate = Bitrate::from_bytes_over(bytes.saturating_sub(before), span).bps();
            self.mean = (self.mean.saturating_mul(SPANS - 1).saturating_add(rate)) / SPANS;
            self.noted = Some((now, bytes));
        }
        self.mean.min(estimate.bps() / MOST_REPAIRS)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
mod tests {
    use super::*;

    /// Looks each `apart` for 10 s, while 80 kbit/s are repairs.
    fn after(apart: Duration) -> u64 {
        let start = Instant::now();
        let mut repairs = Repairs::default();
        let looks = (10_000 / apart.as_millis()) as u32;
        let note = |look: u32| {
            let bytes = u64::from(look) * 10 * apart.as_millis() as u64;
            repairs.note(start + look * apart, bytes, Bitrate::from_bps(1_000_000))
        };
        (0..=looks).map(note).last().unwrap()
    }

    #[test]
    fn often_or_seldom_looked_at_it_is_the_same() {
        for millis in [20, 60, 100, 130] {
            let rate = after(Duration::from_millis(millis));
            assert!((75_000..=80_000).contains(&rate), "{millis} ms: {rate}");
        }
    }

    #[test]
    fn no_more_than_a_part_is_set_aside() {
        let start = Instant::now();
        let mut repairs = Repairs::default();
        let estimate = Bitrate::from_bps(400_000);
        let most = (0..100).map(|look| {
            let at = start + look * SPAN;
            repairs.note(at, u64::from(look) * 1_000_000, estimate)
        });
        assert_eq!(most.last(), Some(100_000));
    }
}
