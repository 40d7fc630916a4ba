//! How much work a peer's data may make: a bucket that packets are paid from.

use std::time::{Duration, Instant};

use crate::config::{DATA_BURST, DATA_RATE};

/// The time that earns one token.
const TOKEN: Duration = Duration::from_nanos(1_000_000_000 / DATA_RATE as u64);

#[derive(Debug)]
pub(super) struct Rate {
    /// Below zero after a packet of much work.
    tokens: i64,
    filled: Instant,
}

impl Rate {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            tokens: DATA_BURST.into(),
            filled: now,
        }
    }

    /// Pays for the work that a packet makes. False: not now.
    pub(super) fn admits(&mut self, now: Instant, work: u32) -> bool {
        let earned = now.saturating_duration_since(self.filled).as_nanos() / TOKEN.as_nanos();
        if earned >= u128::from(DATA_BURST) {
            self.filled = now;
        } else {
            // What is less than a token is earned on.
            self.filled += TOKEN * u32::try_from(earned).unwrap_or(0);
        }
        let earned = i64::try_from(earned).unwrap_or(i64::MAX);
        self.tokens = self.tokens.saturating_add(earned).min(DATA_BURST.into());
        let admitted = self.tokens > 0;
        if admitted {
            self.tokens -= i64::from(work);
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
    fn a_burst_passes_and_then_the_rate() {
        let base = Instant::now();
        let mut rate = Rate::new(base);
        let admitted = |rate: &mut Rate, at, packets: u32, work| {
            (0..packets).filter(|_| rate.admits(at, work)).count()
        };
        let burst = DATA_BURST as usize;
        assert_eq!(admitted(&mut rate, base, 2 * DATA_BURST, 1), burst);
        // A second in steps that are no whole number of tokens.
        let step = TOKEN * 7 / 5;
        let mut passed = 0;
        for n in 1..=(DATA_RATE * 5 / 7) {
            passed += admitted(&mut rate, base + step * n, 9, 1);
        }
        let whole = DATA_RATE as usize;
        assert!((whole - 2..=whole).contains(&passed), "{passed}");
        // Idle for long: a burst, and no more.
        let later = base + Duration::from_secs(3600);
        assert_eq!(admitted(&mut rate, later, 2 * DATA_BURST, 1), burst);
        // A packet of much work is a debt.
        let later = later + Duration::from_secs(3600);
        let first = admitted(&mut rate, later, 2 * DATA_BURST, 60);
        assert_eq!(first, burst.div_ceil(60));
        assert!(!rate.admits(later + TOKEN, 1));
        assert!(rate.admits(later + TOKEN * 60, 1));
    }
}
