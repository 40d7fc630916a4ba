//! Packets that arrive twice.

use std::time::Instant;

use crate::element::delay::Leaving;
use crate::element::luck::Luck;
use crate::element::{Meter, Packet, Stage};

/// Some packets leave twice, one right after the other.
pub(crate) struct Duplicate<T> {
    probability: f64,
    luck: Luck,
    leaving: Leaving<T>,
}

impl<T> Duplicate<T> {
    pub(crate) fn of(probability: f64, seed: u64) -> Self {
        Self {
            probability,
            luck: Luck::of(seed),
            leaving: Leaving::new(),
        }
    }
}

impl<T: Clone + Send> Stage<T> for Duplicate<T> {
    fn put(&mut self, packet: Packet<T>, meter: &mut Meter) {
        let again = (self.luck.draw(&packet) < self.probability).then(|| packet.clone());
        self.leaving.push(packet, meter);
        if let Some(packet) = again {
            self.leaving.push(packet, meter);
        }
    }

    fn take(&mut self, now: Instant, _: &mut Meter) -> Option<Packet<T>> {
        self.leaving.take(now)
    }

    fn next(&self) -> Option<Instant> {
        self.leaving.next()
    }
}

#[cfg(test)]
mod tests {
    use crate::element::trial::{Trial, each_ms};
    use crate::scenario::Element;

    #[test]
    fn some_packets_arrive_twice() {
        let mut trial = Trial::of([Element::Duplicate { percent: 10.0 }]);
        let numbers = trial.put(100, each_ms(1_000)).numbers();
        let twice = numbers.windows(2).filter(|two| two[0] == two[1]).count();
        assert!((60..=140).contains(&twice), "{twice} of 1000");
        assert_eq!(numbers.len(), 1_000 + twice);
        assert!(numbers.is_sorted());
    }
}
