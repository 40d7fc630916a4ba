//! How a published stream's media clock goes with its publisher's wall clock.

use std::time::{Duration, Instant};

/// One sender report's pair of clocks, and when it came (RFC 3550 section 6.4.1).
///
/// The streams of one publisher share the wall clock, so that a moment on one of them can be found
/// on another: the encodings of a simulcast track, or the sound of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceClock {
    /// The publisher's wall clock: seconds since 1900 in 32.32 fixed point.
    pub ntp: u64,
    /// The same instant on the stream's media clock.
    pub rtp: u32,
    /// When the report arrived.
    pub arrived: Instant,
}

impl SourceClock {
    /// The stream's media clock at `now`, which may be before the report; `clock_rate` in hertz.
    #[must_use]
    pub fn rtp_at(&self, now: Instant, clock_rate: u32) -> u32 {
        let since = self.since(now);
        self.rtp.wrapping_add(ntp_to_ticks(since, clock_rate))
    }

    /// The publisher's wall clock at `now`, in 32.32 fixed point.
    #[must_use]
    pub fn ntp_at(&self, now: Instant) -> u64 {
        self.ntp.wrapping_add_signed(self.since(now))
    }

    /// The publisher's wall clock when the stream's media clock read `rtp`, the short way round.
    #[must_use]
    pub fn ntp_of(&self, rtp: u32, clock_rate: u32) -> u64 {
        let ticks = i64::from(rtp.wrapping_sub(self.rtp).cast_signed());
        // Below 2^31 ticks shifted by 32 bits: fits.
        let moved = (ticks << 32) / i64::from(clock_rate.max(1));
        self.ntp.wrapping_add_signed(moved)
    }

    /// The stream's media clock at wall clock `ntp`.
    #[must_use]
    pub fn rtp_of(&self, ntp: u64, clock_rate: u32) -> u32 {
        let since = ntp.wrapping_sub(self.ntp).cast_signed();
        self.rtp.wrapping_add(ntp_to_ticks(since, clock_rate))
    }

    /// Time from the report's arrival to `now`, signed, in 32.32 seconds.
    fn since(&self, now: Instant) -> i64 {
        match now.checked_duration_since(self.arrived) {
            Some(after) => duration_to_ntp(after),
            None => -duration_to_ntp(self.arrived.saturating_duration_since(now)),
        }
    }
}

/// `span` in 32.32 fixed point; 68 years at most.
#[must_use]
pub fn duration_to_ntp(span: Duration) -> i64 {
    let fraction = (u64::from(span.subsec_nanos()) << 32) / 1_000_000_000;
    let whole = i64::try_from(span.as_secs()).map_or(i64::MAX >> 32, |s| s.min(i64::MAX >> 32));
    (whole << 32).saturating_add_unsigned(fraction)
}

/// `ntp` in ticks, rounded to the nearest and wrapped to 32 bits.
fn ntp_to_ticks(ntp: i64, clock_rate: u32) -> u32 {
    let ticks = (i128::from(ntp) * i128::from(clock_rate) + (1 << 31)) >> 32;
    // The clock wraps: its low 32 bits are what counts.
    ticks as u32
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
mod tests {
    use super::*;

    fn clock() -> SourceClock {
        SourceClock {
            ntp: 0x0000_0064_8000_0000, // 100.5 s
            rtp: u32::MAX - 44_999,
            arrived: Instant::now() + Duration::from_secs(10),
        }
    }

    #[test]
    fn both_clocks_go_on_from_the_report_and_wrap() {
        let clock = clock();
        let later = clock.arrived + Duration::from_millis(1500);
        assert_eq!(clock.rtp_at(later, 90_000), 90_000);
        assert_eq!(clock.ntp_at(later), 102 << 32);
        let earlier = clock.arrived - Duration::from_millis(500);
        assert_eq!(clock.rtp_at(earlier, 90_000), u32::MAX - 89_999);
        assert_eq!(clock.ntp_at(earlier), 100 << 32);
    }

    #[test]
    fn a_timestamp_goes_to_the_wall_clock_and_back() {
        let clock = clock();
        assert_eq!(clock.ntp_of(45_000, 90_000), (101 << 32) + (1 << 31));
        for rtp in [0, 1, 45_000, u32::MAX - 45_001, u32::MAX - 44_999, 1 << 30] {
            assert_eq!(clock.rtp_of(clock.ntp_of(rtp, 90_000), 90_000), rtp);
        }
    }

    #[test]
    fn any_values_are_taken_without_a_panic() {
        let base = clock();
        for ntp in [0, 1, u64::MAX, 1 << 63] {
            let clock = SourceClock { ntp, ..base };
            for rtp in [0, u32::MAX, 1 << 31] {
                // One tick a second: the wall clock holds every distance of the media clock.
                assert_eq!(clock.rtp_of(clock.ntp_of(rtp, 1), 1), rtp);
                assert_eq!(clock.ntp_of(rtp, 0), clock.ntp_of(rtp, 1));
                let _ = clock.rtp_of(!ntp, u32::MAX);
            }
            let _ = clock.ntp_at(clock.arrived + Duration::from_secs(1 << 40));
        }
    }
}
