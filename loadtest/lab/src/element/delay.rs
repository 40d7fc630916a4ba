//! A fixed time.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::element::{Meter, Packet, Stage};
use crate::scenario::{Change, milliseconds};

/// Packets in the order in which they leave, with the times at which they do.
pub(crate) struct Leaving<T>(VecDeque<Packet<T>>);

impl<T> Leaving<T> {
    /// More packets than this are lost: 50 ms of 10 Gbit/s. Raising it costs memory when a sender
    /// runs wild; lowering it loses packets of honest ones on long lines.
    pub(crate) const MOST: usize = 65_536;

    pub(crate) const fn new() -> Self {
        Self(VecDeque::new())
    }

    /// Lets a packet leave at [`Packet::at`], or with the last of those before it where that is later.
    pub(crate) fn push(&mut self, mut packet: Packet<T>, meter: &mut Meter) {
        if self.0.len() >= Self::MOST {
            meter.lost(packet.at);
            return;
        }
        if let Some(last) = self.0.back() {
            packet.at = packet.at.max(last.at);
        }
        self.0.push_back(packet);
    }

    pub(crate) fn take(&mut self, now: Instant) -> Option<Packet<T>> {
        self.0.pop_front_if(|first| first.at <= now)
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.0.front().map(|first| first.at)
    }
}

/// Packets take a fixed time, and keep their order.
pub(crate) struct Delay<T> {
    time: Duration,
    leaving: Leaving<T>,
}

impl<T> Delay<T> {
    pub(crate) const fn of(time: Duration) -> Self {
        let leaving = Leaving::new();
        Self { time, leaving }
    }
}

impl<T: Send> Stage<T> for Delay<T> {
    fn put(&mut self, mut packet: Packet<T>, meter: &mut Meter) {
        packet.at += self.time;
        self.leaving.push(packet, meter);
    }

    fn take(&mut self, now: Instant, _: &mut Meter) -> Option<Packet<T>> {
        self.leaving.take(now)
    }

    fn next(&self) -> Option<Instant> {
        self.leaving.next()
    }

    fn change(&mut self, _: Instant, change: &Change, _: &mut Meter) {
        if let Some(ms) = change.delay_ms {
            self.time = milliseconds(ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::trial::{MS, Trial, change};
    use crate::scenario::{Element, Link};

    #[test]
    fn delays_add_up_and_keep_the_order() {
        let mut trial = Trial::of([Element::delay(20.0), Element::delay(30.0)]);
        let left = trial.put(100, [0.0, 1.0, 1.0, 60.0]).end();
        assert_eq!(left, [(0, 50.0), (1, 51.0), (2, 51.0), (3, 110.0)]);
    }

    #[test]
    fn a_shorter_delay_lets_nothing_overtake() {
        let mut link = Link::of("way", [Element::delay(100.0)]);
        link.changes = vec![Change {
            delay_ms: Some(10.0),
            ..change(0.05)
        }];
        let mut trial = Trial::over(&link, 1);
        let left = trial.put(100, [40.0, 60.0, 200.0]).end();
        assert_eq!(left, [(0, 140.0), (1, 140.0), (2, 210.0)]);
    }

    #[test]
    fn what_waits_is_bounded() {
        let start = Instant::now();
        let mut meter = Meter::new(start);
        let mut delay = Delay::of(MS);
        for number in 0..Leaving::<usize>::MOST + 5 {
            delay.put(Packet::new(start, 100, number), &mut meter);
        }
        let left = std::iter::from_fn(|| delay.take(start + MS, &mut meter)).count();
        assert_eq!(left, Leaving::<usize>::MOST);
        assert_eq!(meter.bins(start + MS)[0].lost, 5);
    }
}
