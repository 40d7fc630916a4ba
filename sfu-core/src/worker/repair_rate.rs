//! What goes for repairs of late: it is not there for pictures.

use std::time::{Duration, Instant};

use crate::unit::Bitrate;

/// How much of an estimate is set aside for repairs at the most, as a part of it. More: a burst of
/// losses costs layers. Less: repairs of a lossy link crowd out pictures.
const MOST_REPAIRS: u64 = 4;

/// How long a rate is taken over, and how many of them the mean is over. More: calmer and later.
const SPAN: Duration = Duration::from_millis(100);
const SPANS: u64 = 16;

/// For so long after an outage has ended, what is repaired was lost in it: a receiver asks again for all
/// that it misses once in a round trip, some times.
///
/// Longer: losses of another way count later. Shorter: what an outage took costs layers once more.
const EXCUSED: Duration = Duration::from_secs(1);

/// The mean rate of repairs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Repairs {
    /// In bits per second.
    mean: u64,
    /// When it was noted last, and how many bytes had been sent by then.
    noted: Option<(Instant, u64)>,
    /// Until then they count for nothing.
    excused: Option<Instant>,
}

impl Repairs {
    /// An outage has ended.
    pub(super) fn excuse(&mut self, now: Instant) {
        self.excused = now.checked_add(EXCUSED);
    }

    /// Takes note of the bytes sent since ever. What is to be set aside of `estimate`, in bits per
    /// second.
    pub(super) fn note(&mut self, now: Instant, bytes: u64, estimate: Bitrate) -> u64 {
        let most = estimate.bps() / MOST_REPAIRS;
        let (since, before) = *self.noted.get_or_insert((now, bytes));
        let span = now.saturating_duration_since(since);
        if span >= SPAN {
            let rate = Bitrate::from_bytes_over(bytes.saturating_sub(before), span).bps();
            // What an outage or a burst took comes back at once, and once: counted as it is, its mean
            // would put out layers for seconds after it is over.
            let rate = rate.min(most);
            if self.excused.is_none_or(|until| now >= until) {
                self.mean = (self.mean.saturating_mul(SPANS - 1).saturating_add(rate)) / SPANS;
            }
            self.noted = Some((now, bytes));
        }
        self.mean.min(most)
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
    fn one_burst_is_no_rate() {
        let start = Instant::now();
        let mut repairs = Repairs::default();
        let estimate = Bitrate::from_bps(2_000_000);
        let most = (0..100).map(|look: u32| {
            let bytes = u64::from(look.clamp(50, 53)) * 18_000;
            repairs.note(start + look * SPAN, bytes, estimate)
        });
        // 1440 kbit/s for 300 ms are 54 kbyte: 5 % of what the next two seconds carry.
        assert!(most.max() < Some(100_000));
    }

    #[test]
    fn what_was_lost_in_an_outage_is_no_rate() {
        let start = Instant::now();
        let mut repairs = Repairs::default();
        let estimate = Bitrate::from_bps(2_000_000);
        repairs.excuse(start);
        let noted = (0..10).map(|look: u32| {
            let bytes = u64::from(look) * 18_000;
            repairs.note(start + look * SPAN, bytes, estimate)
        });
        assert_eq!(noted.max(), Some(0));
        let after = repairs.note(start + 10 * SPAN, 10 * 18_000, estimate);
        assert!(after > 0, "it counts again");
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
        assert!((99_000..=100_000).contains(&most.last().unwrap()));
    }
}
