//! Losses: packets that go no further, by chance.

use std::time::Instant;

use crate::element::delay::Leaving;
use crate::element::luck::Luck;
use crate::element::{Meter, Packet, Stage};
use crate::scenario::Change;

/// Says of each packet whether it is lost.
pub(crate) trait Losses: Send {
    fn loses<T>(&mut self, packet: &Packet<T>) -> bool;

    /// From now on this part of all packets is lost, from 0 to 1.
    fn set(&mut self, probability: f64);
}

/// Loses some packets, and lets the others pass at once.
pub(crate) struct Loss<T, L> {
    losses: L,
    kept: Leaving<T>,
}

impl<T, L> Loss<T, L> {
    pub(crate) const fn of(losses: L) -> Self {
        let kept = Leaving::new();
        Self { losses, kept }
    }
}

impl<T: Send, L: Losses> Stage<T> for Loss<T, L> {
    fn put(&mut self, packet: Packet<T>, meter: &mut Meter) {
        if self.losses.loses(&packet) {
            meter.lost(packet.at);
        } else {
            self.kept.push(packet, meter);
        }
    }

    fn take(&mut self, now: Instant, _: &mut Meter) -> Option<Packet<T>> {
        self.kept.take(now)
    }

    fn next(&self) -> Option<Instant> {
        self.kept.next()
    }

    fn change(&mut self, _: Instant, change: &Change, _: &mut Meter) {
        if let Some(percent) = change.loss_percent {
            self.losses.set(percent / 100.0);
        }
    }
}

/// Each packet is lost with the same probability, whatever happened to those before it.
pub(crate) struct Even {
    probability: f64,
    luck: Luck,
}

impl Even {
    /// `probability` is from 0 to 1. The same seed loses the same places in the order of packets.
    pub(crate) fn of(probability: f64, seed: u64) -> Self {
        let luck = Luck::of(seed);
        Self { probability, luck }
    }
}

impl Losses for Even {
    fn loses<T>(&mut self, packet: &Packet<T>) -> bool {
        self.luck.draw(packet) < self.probability
    }

    fn set(&mut self, probability: f64) {
        self.probability = probability;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::Line;
    use crate::element::trial::{Trial, change, each_ms};
    use crate::scenario::{Element, Link};

    fn kept(percent: f64, seed: u64) -> Vec<u32> {
        let mut trial = Trial::seeded([Element::Loss { percent }], seed);
        trial.put(100, each_ms(10_000)).numbers()
    }

    #[test]
    fn as_many_are_lost_as_is_asked_for() {
        assert_eq!(kept(0.0, 1).len(), 10_000);
        assert_eq!(kept(100.0, 1).len(), 0);
        // Five standard deviations of 10,000 throws.
        let lost = 10_000 - kept(2.0, 1).len();
        assert!((130..=270).contains(&lost), "{lost} of 10,000 lost");
    }

    #[test]
    fn a_seed_is_a_run_and_another_seed_another() {
        assert_eq!(kept(2.0, 7), kept(2.0, 7));
        assert_ne!(kept(2.0, 7), kept(2.0, 8));
    }

    #[test]
    fn losses_are_independent_of_each_other() {
        let kept = kept(10.0, 3);
        // Of 10,000 packets about a hundred are lost together with the one before them.
        let pairs = kept.windows(2).filter(|two| two[1] - two[0] > 2).count();
        assert!((40..=160).contains(&pairs), "{pairs} runs of losses");
    }

    #[test]
    fn a_lane_does_not_change_the_luck_of_another() {
        let kept = |others: u32| -> Vec<u32> {
            let start = Instant::now();
            let link = Link::of("lossy", [Element::Loss { percent: 50.0 }]);
            let mut line = Line::new(start, &link, 1);
            for _ in 0..others {
                line.put(Packet::new(start, 100, u32::MAX).in_lane(1));
            }
            for number in 0..100 {
                line.put(Packet::new(start, 100, number));
            }
            let left = std::iter::from_fn(|| line.take(start)).map(|packet| packet.what);
            left.filter(|number| *number < u32::MAX).collect()
        };
        assert_eq!(kept(0), kept(17));
    }

    #[test]
    fn a_change_is_from_its_time_on() {
        let mut link = Link::of("lossy", [Element::Loss { percent: 0.0 }]);
        link.changes = vec![Change {
            loss_percent: Some(100.0),
            ..change(0.5)
        }];
        let numbers = Trial::over(&link, 1).put(100, each_ms(1_000)).numbers();
        assert_eq!(numbers, (0..500).collect::<Vec<_>>());
    }
}
