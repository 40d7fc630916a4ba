//! What was lost at which rate.

use crate::bandwidth::recording::kept::kept;

/// Levels: half an octave each, from 32 kbit/s to 100 Mbit/s.
const LEVELS: usize = 24;

/// The time in which half of what was seen is forgotten, in microseconds.
const HALF_LIFE: f64 = 8e6;

/// The fewest packets that say something.
const LEAST_PACKETS: f64 = 30.0;

#[derive(Clone, Copy, Debug)]
struct Level {
    packets: f64,
    lost: f64,
    at: u64,
}

/// What was lost lately, by rate.
#[derive(Clone, Debug)]
pub(super) struct ByRate {
    levels: [Level; LEVELS],
}

impl ByRate {
    pub(super) const fn new() -> Self {
        Self {
            levels: [Level {
                packets: 0.0,
                lost: 0.0,
                at: 0,
            }; LEVELS],
        }
    }

    /// Packets sent at `rate` bits per second.
    pub(super) fn add(&mut self, rate: f64, now: u64, packets: u32, lost: u32) {
        let level = &mut self.levels[level(rate)];
        let left = left(level.at, now);
        level.packets = level.packets * left + f64::from(packets);
        level.lost = level.lost * left + f64::from(lost);
        level.at = now;
    }

    /// The part that was lost at rates well below `rate`, and of how many packets.
    pub(super) fn below(&self, rate: f64, now: u64) -> Option<(f64, u32)> {
        let (mut packets, mut lost) = (0.0, 0.0);
        for level in &self.levels[..level(rate)] {
            let left = left(level.at, now);
            packets += level.packets * left;
            lost += level.lost * left;
        }
        (packets >= LEAST_PACKETS).then(|| (lost / packets, packets as u32))
    }
}

fn left(then: u64, now: u64) -> f64 {
    let halves = now.saturating_sub(then) as f64 / HALF_LIFE;
    1.0 / (1.0 + halves + halves * halves)
}

/// The level of a rate: whole octaves above 32 kbit/s twice, and one more from half of the next on.
fn level(rate: f64) -> usize {
    let units = (rate / 32_000.0 * 256.0).clamp(256.0, 1e9).max(256.0) as u32;
    let octave = units.ilog2() - 8;
    let is_upper = units >> (octave + 7) & 1;
    ((octave * 2 + is_upper) as usize).min(LEVELS - 1)
}

kept!(Level { packets, lost, at });
kept!(ByRate { levels });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_half_octaves() {
        assert_eq!(level(1_000.0), 0);
        assert_eq!(level(47_000.0), 0);
        assert_eq!(level(49_000.0), 1);
        assert_eq!(level(64_000.0), 2);
        assert_eq!(level(f64::MAX), LEVELS - 1);
        assert_eq!(level(f64::NAN), 0);
    }

    #[test]
    fn what_is_lost_at_lower_rates_is_told_until_it_is_forgotten() {
        let mut by_rate = ByRate::new();
        by_rate.add(300_000.0, 0, 100, 10);
        assert_eq!(by_rate.below(300_000.0, 0), None);
        assert_eq!(by_rate.below(1e6, 0), Some((0.1, 100)));
        assert_eq!(by_rate.below(1e6, 60_000_000), None);
    }
}
