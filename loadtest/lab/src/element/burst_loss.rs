//! Losses in bursts.

use crate::element::Packet;
use crate::element::loss::Losses;
use crate::element::luck::{LANES, Luck, lane};

/// Gilbert and Elliott's two states, of which the good one loses nothing and the bad one everything:
/// the bad one is left with a probability of one over the mean length of a burst.
pub(crate) struct Bursts {
    probability: f64,
    burst: f64,
    is_bad: [bool; LANES],
    luck: Luck,
}

impl Bursts {
    /// `probability` is the part of all packets that is lost, from 0 to below 1; `burst` how many are
    /// lost in a row on average, at least 1.
    pub(crate) fn of(probability: f64, burst: f64, seed: u64) -> Self {
        Self {
            probability,
            burst: burst.max(1.0),
            is_bad: [false; LANES],
            luck: Luck::of(seed),
        }
    }

    /// How likely the other state comes before the next packet.
    fn turns(&self, is_bad: bool) -> f64 {
        let recovers = 1.0 / self.burst;
        if is_bad {
            recovers
        } else {
            // The part of the time in the bad state is worsens / (worsens + recovers).
            recovers * self.probability / (1.0 - self.probability)
        }
    }
}

impl Losses for Bursts {
    fn loses<T>(&mut self, packet: &Packet<T>) -> bool {
        let was_bad = self.is_bad[lane(packet)];
        let is_bad = was_bad != (self.luck.draw(packet) < self.turns(was_bad));
        self.is_bad[lane(packet)] = is_bad;
        is_bad
    }

    fn set(&mut self, probability: f64) {
        self.probability = probability;
    }
}

#[cfg(test)]
mod tests {
    use crate::element::trial::{Trial, each_ms};
    use crate::scenario::Element;

    #[test]
    fn as_many_are_lost_in_bursts_as_long_as_is_asked_for() {
        for (percent, burst) in [(5.0, 4.0), (20.0, 10.0), (2.0, 1.0)] {
            let mut trial = Trial::of([Element::BurstLoss { percent, burst }]);
            let kept = trial.put(100, each_ms(100_000)).numbers();
            let lost = 100_000.0 - kept.len() as f64;
            let bursts = kept.windows(2).filter(|two| two[1] - two[0] > 1).count();
            let (part, mean) = (lost / 1_000.0, lost / bursts as f64);
            assert!((part / percent - 1.0).abs() < 0.15, "{part} % lost");
            assert!((mean / burst - 1.0).abs() < 0.15, "{mean} in a row");
        }
    }
}
