//! A publisher's wall clock as its subscribers are to see it: one that is never set.
//!
//! All streams of a publisher are brought together by its wall clock. When that is set, or comes
//! from a machine that sleeps, its streams report so one after the other, up to seconds apart: until
//! the last has, sound and pictures would go by two clocks, and so would the encodings of a track
//! that is switched. What the clock jumped by is therefore taken out of each report.

use std::time::{Duration, Instant};

use crate::media::source_clock::{SourceClock, duration_to_ntp};

/// How far a stream's media clock and its wall clock may part between two reports. Raising it lets a
/// clock be set by that much without notice, which moves sound against pictures for a second;
/// lowering it takes for jumps what reports round off.
const MAX_PARTING: Duration = Duration::from_millis(250);

/// Longest time between two reports that are compared. Raising it takes the drift of media clocks
/// for jumps; lowering it below some seconds misses jumps when reports get lost.
const MAX_GAP: Duration = Duration::from_secs(60);

/// What a publisher's wall clock has jumped by so far, in 32.32 seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PublisherClock {
    jumped: i64,
    /// The last jump, and when it was found.
    last: Option<(i64, Instant)>,
}

impl PublisherClock {
    /// What its wall clock is ahead of the one that subscribers see, in 32.32 seconds.
    pub(super) const fn jumped(self) -> i64 {
        self.jumped
    }

    /// Takes a stream's `reported` clock; `before` is what was known of it, in the time that
    /// subscribers see. Gives the clock in that time.
    pub(super) fn steady(
        &mut self,
        before: Option<&SourceClock>,
        reported: SourceClock,
        clock_rate: u32,
    ) -> SourceClock {
        let steady = |jumped: i64| SourceClock {
            ntp: reported.ntp.wrapping_sub(jumped.cast_unsigned()),
            ..reported
        };
        if let Some(before) = before {
            let jump = jump(before, &steady(self.jumped), clock_rate);
            if jump != 0 && !self.began_with_last(before, jump) {
                self.jumped = self.jumped.wrapping_add(jump);
                self.last = Some((jump, reported.arrived));
            }
        }
        steady(self.jumped)
    }

    /// Whether a stream jumps back by the last jump because it began with it: it was reported behind
    /// the jump before any other stream's report had told of it. That stream alone is set right.
    fn began_with_last(self, before: &SourceClock, jump: i64) -> bool {
        self.last.is_some_and(|(last, found)| {
            let rest = jump.wrapping_add(last).unsigned_abs();
            before.arrived < found && rest < duration_to_ntp(MAX_PARTING).unsigned_abs()
        })
    }
}

/// By how much the wall clock jumped between two reports of a stream, in 32.32 seconds; 0 for
/// nothing that counts.
fn jump(before: &SourceClock, now: &SourceClock, clock_rate: u32) -> i64 {
    let gap = now.arrived.saturating_duration_since(before.arrived);
    let by_media = difference(now.ntp, before.ntp_of(now.rtp, clock_rate));
    if gap > MAX_GAP || by_media.unsigned_abs() < duration_to_ntp(MAX_PARTING).unsigned_abs() {
        return 0;
    }
    // Either the wall clock jumped or the timestamps did: by arrival, the clock that did is off by
    // about the whole of it, whatever the reports' way took, and the other by nothing.
    let by_arrival = difference(now.ntp, before.ntp_at(now.arrived));
    let agree = difference(by_arrival.cast_unsigned(), by_media.cast_unsigned());
    if agree.unsigned_abs() < by_media.unsigned_abs() / 2 {
        by_media
    } else {
        0
    }
}

const fn difference(one: u64, other: u64) -> i64 {
    one.wrapping_sub(other).cast_signed()
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
mod tests {
    use std::time::Instant;

    use super::*;

    const RATE: u32 = 90_000;
    const SECOND: i64 = 1 << 32;

    /// A report made `ms` after the start, `late` ms on its way.
    fn report(start: Instant, ms: u32, late: u32, jumped: i64) -> SourceClock {
        let at = i64::from(ms) * SECOND / 1000;
        SourceClock {
            ntp: (1_u64 << 60).wrapping_add_signed(at.wrapping_add(jumped)),
            rtp: ms.wrapping_mul(90).wrapping_sub(5_000),
            arrived: start + Duration::from_millis((ms + late).into()),
        }
    }

    #[test]
    fn a_jump_is_taken_out_of_every_streams_reports() {
        let start = Instant::now();
        for jump in [SECOND, -SECOND, 7200 * SECOND, SECOND * 3 / 10] {
            let mut clock = PublisherClock::default();
            let [mut sound, mut pictures] =
                [0, 400].map(|ms| clock.steady(None, report(start, ms, 30, 0), RATE));
            for second in 1..10 {
                let jumped = if second >= 5 { jump } else { 0 };
                for (ms, stream) in [(0, &mut sound), (400, &mut pictures)] {
                    let late = 30 + 37 * (second * 3 % 5);
                    let reported = report(start, 1000 * second + ms, late, jumped);
                    *stream = clock.steady(Some(stream), reported, RATE);
                    let expected = report(start, 1000 * second + ms, late, 0).ntp;
                    let error = difference(stream.ntp, expected);
                    assert!(error.unsigned_abs() < 1 << 16, "{error} at {second} s");
                }
            }
            let late_comer = clock.steady(None, report(start, 10_000, 30, jump), RATE);
            let expected = report(start, 10_000, 30, 0).ntp;
            assert!(difference(late_comer.ntp, expected).unsigned_abs() < 1 << 16);
        }
    }

    #[test]
    fn a_stream_that_begins_between_a_jump_and_its_discovery_goes_with_the_others() {
        let start = Instant::now();
        for jump in [SECOND, -7200 * SECOND] {
            let mut clock = PublisherClock::default();
            let mut sound = clock.steady(None, report(start, 0, 30, 0), RATE);
            let mut pictures = None;
            for second in 1..10 {
                let early = report(start, 1000 * second - 400, 30, jump);
                pictures = Some(clock.steady(pictures.as_ref(), early, RATE));
                let ahead = report(start, 1000 * second, 30, jump);
                sound = clock.steady(Some(&sound), ahead, RATE);
                let found = clock.jumped();
                assert!(found.abs_diff(jump) < 1 << 16, "{found} at {second} s");
            }
            let expected = report(start, 8600, 30, 0).ntp;
            let error = difference(pictures.unwrap().ntp, expected);
            assert!(error.unsigned_abs() < 1 << 16, "{error}");
        }
    }

    #[test]
    fn timestamps_that_start_afresh_are_no_jump_of_the_clock() {
        let start = Instant::now();
        let mut clock = PublisherClock::default();
        let before = clock.steady(None, report(start, 0, 30, 0), RATE);
        let mut afresh = report(start, 1000, 90, 0);
        afresh.rtp = afresh.rtp.wrapping_add(500_000_000);
        assert_eq!(clock.steady(Some(&before), afresh, RATE), afresh);
        assert_eq!(clock.jumped(), 0);
    }

    #[test]
    fn a_report_long_after_the_last_tells_of_drift_only() {
        let start = Instant::now();
        let mut clock = PublisherClock::default();
        let before = clock.steady(None, report(start, 0, 30, 0), RATE);
        let drifted = report(start, 7_200_000, 30, SECOND);
        assert_eq!(clock.steady(Some(&before), drifted, RATE), drifted);
    }

    #[test]
    fn any_reports_are_taken_without_a_panic() {
        let start = Instant::now();
        let mut rng = fastrand::Rng::with_seed(3);
        let mut clock = PublisherClock::default();
        let mut before = None;
        for ms in 0..10_000 {
            let reported = SourceClock {
                ntp: *rng
                    .choice(&[rng.clone().u64(..), 0, u64::MAX, 1 << 63])
                    .unwrap_or(&0),
                rtp: rng.u32(..),
                arrived: start + Duration::from_millis(ms),
            };
            let rate = *rng.choice(&[0, 1, 90_000, u32::MAX]).unwrap_or(&1);
            before = Some(clock.steady(before.as_ref(), reported, rate));
        }
    }
}
