//! Packets that are overtaken.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use crate::element::delay::Leaving;
use crate::element::luck::Luck;
use crate::element::{Meter, Packet, Stage};

/// Some packets take a time longer than the others.
pub(crate) struct Reorder<T> {
    probability: f64,
    time: Duration,
    luck: Luck,
    leaving: BinaryHeap<Reverse<Ordered<T>>>,
    came: u64,
}

/// By the time of leaving, and then by the order of coming.
struct Ordered<T> {
    order: u64,
    packet: Packet<T>,
}

impl<T> Ordered<T> {
    const fn key(&self) -> (Instant, u64) {
        (self.packet.at, self.order)
    }
}

impl<T> PartialEq for Ordered<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for Ordered<T> {}

impl<T> PartialOrd for Ordered<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Ordered<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl<T> Reorder<T> {
    pub(crate) fn of(probability: f64, time: Duration, seed: u64) -> Self {
        Self {
            probability,
            time,
            luck: Luck::of(seed),
            leaving: BinaryHeap::new(),
            came: 0,
        }
    }
}

impl<T: Send> Stage<T> for Reorder<T> {
    fn put(&mut self, mut packet: Packet<T>, meter: &mut Meter) {
        if self.leaving.len() >= Leaving::<T>::MOST {
            meter.lost(packet.at);
            return;
        }
        if self.luck.draw(&packet) < self.probability {
            packet.at += self.time;
        }
        let order = self.came;
        self.came += 1;
        self.leaving.push(Reverse(Ordered { order, packet }));
    }

    fn take(&mut self, now: Instant, _: &mut Meter) -> Option<Packet<T>> {
        self.next().filter(|next| *next <= now)?;
        self.leaving.pop().map(|Reverse(first)| first.packet)
    }

    fn next(&self) -> Option<Instant> {
        self.leaving.peek().map(|Reverse(first)| first.packet.at)
    }
}

#[cfg(test)]
mod tests {
    use crate::element::trial::{Trial, each_ms};
    use crate::scenario::Element;

    #[test]
    fn some_packets_arrive_later_than_those_behind_them() {
        let (percent, ms) = (10.0, 12.5);
        let mut trial = Trial::of([Element::Reorder { percent, ms }]);
        let left = trial.put(100, each_ms(1_000)).end();
        assert_eq!(left.len(), 1_000);
        let late = left.iter().filter(|(number, at)| *at > f64::from(*number));
        let late: Vec<f64> = late.map(|(number, at)| at - f64::from(*number)).collect();
        assert!((60..=140).contains(&late.len()), "{} of 1000", late.len());
        assert!(late.iter().all(|time| (time - 12.5).abs() < 1e-3));
        let at: Vec<f64> = left.iter().map(|(_, at)| *at).collect();
        assert!(at.is_sorted(), "times go back");
    }
}
