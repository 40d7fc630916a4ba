//! From the wall clock's time, in which the kernel tells when a datagram came, to the engine's.

use std::time::{Duration, Instant, SystemTime};

/// Longest that a datagram is believed to have waited to be read. What seems to be older was stamped
/// before the wall clock was set.
///
/// Raising it lets a set clock look like a delay of that length for a moment; lowering it takes what
/// waited for a stalled thread for late, which its sender then slows down for.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// Both clocks at the moment when a batch was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadingClock {
    pub(super) instant: Instant,
    wall_clock: Duration,
}

impl ReadingClock {
    /// Reads them.
    pub(super) fn now() -> Self {
        let wall_clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Self {
            instant: Instant::now(),
            wall_clock: wall_clock.unwrap_or_default(),
        }
    }

    /// When a datagram arrived that the kernel stamped with this time since 1970: when it was read,
    /// where it has no stamp, or none that can be.
    pub(super) fn at(self, stamp: Option<Duration>) -> Instant {
        let waited = stamp.and_then(|stamp| self.wall_clock.checked_sub(stamp));
        waited
            .filter(|&waited| waited <= MAX_WAIT)
            .and_then(|waited| self.instant.checked_sub(waited))
            .unwrap_or(self.instant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_believed_within_a_second() {
        let clock = ReadingClock::now();
        let ms = Duration::from_millis;
        let waited = |waited| clock.instant - clock.at(Some(clock.wall_clock - waited));
        assert_eq!(waited(ms(0)), ms(0));
        assert_eq!(waited(ms(30)), ms(30));
        assert_eq!(waited(MAX_WAIT), MAX_WAIT);
        assert_eq!(waited(MAX_WAIT + ms(1)), ms(0), "the clock was set forward");
        assert_eq!(
            clock.at(Some(clock.wall_clock + ms(1))),
            clock.instant,
            "set back"
        );
        assert_eq!(clock.at(None), clock.instant);
    }
}
