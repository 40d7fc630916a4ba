//! How often an encoding's frames come, in all and up to each temporal layer.

use std::time::{Duration, Instant};

/// Most temporal layers told apart: the dependency descriptor has three bits for them (RTP Payload
/// Format For AV1, version 1.0, Appendix A.8.3), VP9 as well; VP8 has two.
pub(super) const MAX_TEMPORAL_LAYERS: usize = 8;

/// How long frames are counted before their rate is told. Raising it follows a change of the rate
/// later; lowering it makes the rate flicker: a frame more or less is 3 % of a second of 30.
const WINDOW: Duration = Duration::from_secs(1);

/// Weight of a new interval in the mean: an eighth, as in RFC 6298's round-trip time. Raising it
/// lets one hiccup count; lowering it is slow to believe in a new rate.
const SHARE: u32 = 8;

/// The longest interval believed in. Raising it leaves subscribers for longer with an encoding whose
/// publisher turned it off after an outage; lowering it calls the slowest of screens dead.
const MAX_INTERVAL: Duration = Duration::from_secs(5);

/// What takes longer than so many intervals, and than [`WINDOW`], is a pause: frames are counted
/// anew behind it. Raising it takes a source that pauses for a slow one, and sends its subscribers
/// more frames than they want; lowering it never measures sources of a frame or two in a second.
const PAUSE_INTERVALS: u32 = 3;

/// The frames of one encoding. A frame is what has a timestamp of its own: with spatial layers,
/// all of a picture.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FramePace {
    newest: Option<(u32, Instant)>,
    interval: Option<Duration>,
    since: Option<Instant>,
    counted: [u32; MAX_TEMPORAL_LAYERS],
    /// Frames in a second up to each layer; none before the first window is over.
    rates: Option<[u32; MAX_TEMPORAL_LAYERS]>,
}

impl FramePace {
    /// Takes note of a packet. True when there are new rates: once in [`WINDOW`] at most.
    pub(super) fn note(&mut self, now: Instant, timestamp: u32, temporal: u8) -> bool {
        if let Some((newest, at)) = self.newest {
            let took = now.saturating_duration_since(at).min(MAX_INTERVAL);
            // RFC 3550 section 5.1: timestamps wrap; what is behind came late, or never stops.
            if timestamp.wrapping_sub(newest) as i32 <= 0 && took < WINDOW {
                return false;
            }
            let mean = self.interval.unwrap_or(took);
            if took > WINDOW.max(mean * PAUSE_INTERVALS) {
                self.count_anew();
            }
            self.interval = Some((mean * (SHARE - 1) + took) / SHARE);
        }
        self.newest = Some((timestamp, now));
        let told = self.tell(now);
        let layer = usize::from(temporal).min(MAX_TEMPORAL_LAYERS - 1);
        self.counted[layer] += 1;
        told
    }

    /// The stream begins anew: its timestamps have nothing to do with those before.
    pub(super) fn restart(&mut self) {
        self.newest = None;
        self.count_anew();
    }

    fn count_anew(&mut self) {
        self.since = None;
        self.counted = Default::default();
    }

    fn tell(&mut self, now: Instant) -> bool {
        let since = *self.since.get_or_insert(now);
        let span = now.saturating_duration_since(since);
        if span < WINDOW {
            return false;
        }
        let mut sum = 0_u64;
        let millis = span.as_millis().max(1);
        self.rates = Some(self.counted.map(|count| {
            sum += u64::from(count);
            let rate = (u128::from(sum) * 1000 + millis / 2) / millis;
            u32::try_from(rate).unwrap_or(u32::MAX)
        }));
        self.counted = Default::default();
        self.since = Some(now);
        true
    }

    /// The mean time between two frames; zero before the second.
    pub(super) fn interval(&self) -> Duration {
        self.interval.unwrap_or_default()
    }

    /// Frames in a second of all layers; `None` before the first window is over.
    pub(super) fn rate(&self) -> Option<u32> {
        Some(self.rates?[MAX_TEMPORAL_LAYERS - 1])
    }

    /// The highest temporal layer that had frames in the last window.
    pub(super) fn highest(&self) -> u8 {
        let Some(rates) = &self.rates else {
            return 0;
        };
        let all = rates[MAX_TEMPORAL_LAYERS - 1];
        let highest = rates.iter().position(|rate| *rate == all);
        highest.and_then(|at| u8::try_from(at).ok()).unwrap_or(0)
    }

    /// The highest temporal layer to get of it for at most `wanted` frames a second, `u8::MAX` for
    /// all of them. The lowest has no alternative. A measured rate flickers, so that what is had
    /// `now` may be above the wish by a quarter, and what is new by a tenth.
    pub(super) fn top_for(&self, wanted: u32, now: Option<u8>) -> u8 {
        let Some(rates) = &self.rates else {
            return u8::MAX;
        };
        let fits = |layer: usize| {
            let is_had = now.is_some_and(|now| usize::from(now) >= layer);
            let tolerance = if is_had { wanted / 4 } else { wanted / 10 };
            rates[layer] <= wanted.saturating_add(tolerance)
        };
        let last = MAX_TEMPORAL_LAYERS - 1;
        if fits(last) {
            return u8::MAX;
        }
        // Layers without frames of their own have the rate of the one below: the lowest such is it.
        let highest = (0..last).rev().find(|&layer| fits(layer)).unwrap_or(0);
        let lowest = rates.iter().position(|rate| *rate == rates[highest]);
        u8::try_from(lowest.unwrap_or(0)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
    fn base() -> Instant {
        Instant::now()
    }

    /// Two seconds of `fps` in the pattern of three temporal layers, two packets a frame.
    fn paced(fps: u32) -> FramePace {
        let (base, mut pace) = (base(), FramePace::default());
        for n in 0..2 * fps + 1 {
            let temporal = [0, 2, 1, 2][n as usize % 4];
            let at = base + n * 1000 * MS / fps;
            pace.note(at, n.wrapping_mul(3000).wrapping_sub(9000), temporal);
            assert!(!pace.note(at, n.wrapping_mul(3000).wrapping_sub(9000), temporal));
        }
        pace
    }

    #[test]
    fn the_rate_up_to_each_layer_is_measured_and_the_wish_met_from_below() {
        let pace = paced(32);
        assert_eq!(pace.rates.unwrap()[..4], [8, 16, 32, 32]);
        let interval = pace.interval().as_millis();
        assert!((30..=32).contains(&interval), "{interval}");
        let top = |wanted| pace.top_for(wanted, None);
        assert_eq!((top(60), top(32), top(31)), (u8::MAX, u8::MAX, u8::MAX));
        assert_eq!((top(24), top(16), top(15)), (1, 1, 1));
        assert_eq!((top(12), top(8), top(1), top(0)), (0, 0, 0, 0));
        assert_eq!(FramePace::default().top_for(1, None), u8::MAX, "unmeasured");
    }

    #[test]
    fn what_is_had_is_kept_while_its_rate_flickers() {
        // The wish of 14 is that of 15 with a fraction of a frame lost: 16 is more than a tenth above.
        let pace = paced(32);
        assert_eq!(pace.top_for(14, Some(0)), 0);
        assert_eq!(pace.top_for(14, Some(1)), 1);
        assert_eq!(pace.top_for(12, Some(1)), 0, "a third above is too much");
    }

    #[test]
    fn a_pause_does_not_thin_the_rates() {
        for (pause, restarts) in [(2, false), (60, false), (60, true)] {
            let (base, mut pace) = (base(), FramePace::default());
            let mut now = base;
            for n in 0..160_u32 {
                now += 1000 * MS / 32;
                if n == 100 {
                    now += pause * 1000 * MS;
                    if restarts {
                        pace.restart();
                    }
                }
                pace.note(now, n * 3000, [0, 2, 1, 2][n as usize % 4]);
                if n > 40 {
                    assert_eq!(pace.top_for(16, None), 1, "{n} after {pause} s");
                }
            }
        }
    }

    #[test]
    fn late_packets_and_outages_do_not_count_as_frames() {
        let (base, mut pace) = (base(), FramePace::default());
        pace.note(base, 3000, 0);
        pace.note(base + 33 * MS, 6000, 0);
        let before = pace.interval();
        pace.note(base + 60 * MS, 3000, 0);
        assert_eq!(pace.interval(), before);
        pace.note(base + Duration::from_secs(3600), 9000, 0);
        assert!(pace.interval() < MAX_INTERVAL / 7);
    }
}
