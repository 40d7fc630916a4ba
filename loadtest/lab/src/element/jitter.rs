//! A time that differs from packet to packet.

use std::time::{Duration, Instant};

use crate::element::delay::Leaving;
use crate::element::luck::Luck;
use crate::element::{Meter, Packet, Stage};

/// Each packet takes the absolute value of a normal distribution, no more than `most`, and as long as
/// the packets before it (RFC 8868 section 4.2: truncated, and without reordering).
pub(crate) struct Jitter<T> {
    deviation: Duration,
    most: Duration,
    luck: Luck,
    leaving: Leaving<T>,
}

impl<T> Jitter<T> {
    pub(crate) fn of(deviation: Duration, most: Duration, seed: u64) -> Self {
        Self {
            deviation,
            most,
            luck: Luck::of(seed),
            leaving: Leaving::new(),
        }
    }
}

impl<T: Send> Stage<T> for Jitter<T> {
    fn put(&mut self, mut packet: Packet<T>, meter: &mut Meter) {
        let drawn = self.luck.half_normal(&packet, self.deviation.as_secs_f64());
        packet.at += self.most.min(Duration::from_secs_f64(drawn));
        self.leaving.push(packet, meter);
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

    const JITTER: Element = Element::Jitter {
        deviation_ms: 5.0,
        most_ms: 15.0,
    };

    #[test]
    fn each_packet_takes_the_absolute_value_of_a_normal_distribution() {
        let mut trial = Trial::of([JITTER]);
        // Far from each other, so that none waits for the one before it.
        let left = trial.put(100, each_ms(5_000).map(|ms| ms * 100.0)).end();
        let times: Vec<f64> = left
            .iter()
            .map(|(n, at)| at - f64::from(*n) * 100.0)
            .collect();
        let mean = times.iter().sum::<f64>() / 5_000.0;
        // The deviation times the square root of 2/pi: 3.99.
        assert!((3.8..4.2).contains(&mean), "{mean} ms");
        let over = times.iter().filter(|time| **time > 10.0).count();
        assert!(
            (150..310).contains(&over),
            "{over} over two deviations, 228 expected"
        );
        assert!(times.iter().all(|time| *time < 15.001));
    }

    #[test]
    fn the_order_is_kept() {
        let mut trial = Trial::of([JITTER]);
        let numbers = trial.put(100, each_ms(2_000)).numbers();
        assert_eq!(numbers.len(), 2_000);
        assert!(numbers.is_sorted());
    }
}
