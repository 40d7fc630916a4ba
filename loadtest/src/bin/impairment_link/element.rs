//! What can happen to packets on their way: one type for each, put together in a [`Line`].
//!
//! Time comes in as an argument and luck from a seed, so that a line is the same under a test's clock
//! and between two devices.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A packet on its way.
pub(crate) struct Packet {
    /// When it came to where it is now.
    pub(crate) at: Instant,
    /// From its IP header on.
    pub(crate) bytes: Vec<u8>,
}

/// One thing that happens to packets.
pub(crate) trait Element: Send {
    /// Takes a packet that has come at [`Packet::at`], which is never before an earlier packet's.
    fn put(&mut self, packet: Packet);

    /// The next packet that has left by `now`, with the time at which it left. That is not later
    /// because the call is: being late does not add up over a line.
    fn take(&mut self, now: Instant) -> Option<Packet>;

    /// When the next packet leaves, if nothing else comes.
    fn next(&self) -> Option<Instant>;
}

/// Elements that a packet passes one after the other.
pub(crate) struct Line {
    /// At least one.
    elements: Vec<Box<dyn Element>>,
}

impl Line {
    pub(crate) fn new(mut elements: Vec<Box<dyn Element>>) -> Self {
        if elements.is_empty() {
            elements.push(Box::new(Delay::of(Duration::ZERO)));
        }
        Self { elements }
    }
}

impl Element for Line {
    fn put(&mut self, packet: Packet) {
        self.elements[0].put(packet);
    }

    fn take(&mut self, now: Instant) -> Option<Packet> {
        for at in 1..self.elements.len() {
            let (before, after) = self.elements.split_at_mut(at);
            while let Some(packet) = before[at - 1].take(now) {
                after[0].put(packet);
            }
        }
        self.elements.last_mut()?.take(now)
    }

    fn next(&self) -> Option<Instant> {
        self.elements.iter().filter_map(|one| one.next()).min()
    }
}

/// Packets take a fixed time, and keep their order.
pub(crate) struct Delay {
    time: Duration,
    /// With the times at which they leave.
    waiting: VecDeque<Packet>,
}

impl Delay {
    /// More packets than this are lost: 50 ms of 10 Gbit/s. Raising it costs memory when a sender
    /// runs wild; lowering it loses packets of honest ones on long lines.
    const WAITING: usize = 65_536;

    pub(crate) fn of(time: Duration) -> Self {
        let waiting = VecDeque::new();
        Self { time, waiting }
    }
}

impl Element for Delay {
    fn put(&mut self, mut packet: Packet) {
        if self.waiting.len() < Self::WAITING {
            packet.at += self.time;
            self.waiting.push_back(packet);
        }
    }

    fn take(&mut self, now: Instant) -> Option<Packet> {
        self.waiting.pop_front_if(|first| first.at <= now)
    }

    fn next(&self) -> Option<Instant> {
        self.waiting.front().map(|first| first.at)
    }
}

/// Each packet is lost with the same probability, whatever happened to those before it.
pub(crate) struct Loss {
    probability: f64,
    luck: fastrand::Rng,
    kept: Delay,
}

impl Loss {
    /// `probability` is from 0 to 1. The same seed loses the same places in the order of packets.
    pub(crate) fn of(probability: f64, seed: u64) -> Self {
        Self {
            probability,
            luck: fastrand::Rng::with_seed(seed),
            kept: Delay::of(Duration::ZERO),
        }
    }
}

impl Element for Loss {
    fn put(&mut self, packet: Packet) {
        if self.luck.f64() >= self.probability {
            self.kept.put(packet);
        }
    }

    fn take(&mut self, now: Instant) -> Option<Packet> {
        self.kept.take(now)
    }

    fn next(&self) -> Option<Instant> {
        self.kept.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Puts a packet for each of `at_ms` (its number is its only byte) and takes what leaves, at each
    /// time that the line names, as (number, milliseconds).
    fn send(mut line: Line, at_ms: &[u32]) -> Vec<(u8, u128)> {
        let start = Instant::now();
        let mut left = Vec::new();
        let mut take_all = |line: &mut Line, until: Option<Instant>| {
            while let Some(now) = line.next().filter(|now| until.is_none_or(|end| *now < end)) {
                while let Some(packet) = line.take(now) {
                    let at = packet.at.duration_since(start).as_millis();
                    left.push((packet.bytes[0], at));
                }
            }
        };
        for (number, &ms) in (0..=u8::MAX).cycle().zip(at_ms) {
            let at = start + MS * ms;
            take_all(&mut line, Some(at));
            let bytes = vec![number];
            line.put(Packet { at, bytes });
        }
        take_all(&mut line, None);
        left
    }

    fn lossy(probability: f64, seed: u64) -> Vec<(u8, u128)> {
        let at_ms: Vec<u32> = (0..10_000).collect();
        send(
            Line::new(vec![Box::new(Loss::of(probability, seed))]),
            &at_ms,
        )
    }

    #[test]
    fn a_line_of_nothing_lets_everything_pass_at_once() {
        let left = send(Line::new(Vec::new()), &[0, 3, 3]);
        assert_eq!(left, [(0, 0), (1, 3), (2, 3)]);
    }

    #[test]
    fn delays_add_up_and_keep_the_order() {
        let line: Vec<Box<dyn Element>> =
            vec![Box::new(Delay::of(MS * 20)), Box::new(Delay::of(MS * 30))];
        let left = send(Line::new(line), &[0, 1, 1, 60]);
        assert_eq!(left, [(0, 50), (1, 51), (2, 51), (3, 110)]);
    }

    #[test]
    fn a_packet_leaves_at_its_time_even_when_it_is_taken_late() {
        let start = Instant::now();
        let line: Vec<Box<dyn Element>> =
            vec![Box::new(Delay::of(MS * 20)), Box::new(Delay::of(MS * 30))];
        let mut line = Line::new(line);
        line.put(Packet {
            at: start,
            bytes: vec![0],
        });
        assert!(line.take(start + MS * 49).is_none());
        let packet = line.take(start + MS * 500).expect("a packet");
        assert_eq!(packet.at, start + MS * 50);
    }

    #[test]
    fn the_next_packet_may_wait_in_any_element() {
        let start = Instant::now();
        let line: Vec<Box<dyn Element>> =
            vec![Box::new(Delay::of(MS * 20)), Box::new(Delay::of(MS * 30))];
        let mut line = Line::new(line);
        assert_eq!(line.next(), None);
        line.put(Packet {
            at: start,
            bytes: vec![0],
        });
        assert_eq!(line.next(), Some(start + MS * 20));
        assert!(line.take(start + MS * 20).is_none());
        assert_eq!(line.next(), Some(start + MS * 50));
    }

    #[test]
    fn as_many_are_lost_as_is_asked_for() {
        assert_eq!(lossy(0.0, 1).len(), 10_000);
        assert_eq!(lossy(1.0, 1).len(), 0);
        // Five standard deviations of 10,000 throws.
        let lost = 10_000 - lossy(0.02, 1).len();
        assert!((130..=270).contains(&lost), "{lost} of 10,000 lost");
    }

    #[test]
    fn a_seed_is_a_run_and_another_seed_another() {
        assert_eq!(lossy(0.02, 7), lossy(0.02, 7));
        assert_ne!(lossy(0.02, 7), lossy(0.02, 8));
    }

    #[test]
    fn losses_are_independent_of_each_other() {
        let left = lossy(0.1, 3);
        // Of 10,000 packets about a hundred are lost together with the one before them.
        let pairs = left.windows(2).filter(|two| two[1].1 - two[0].1 > 2);
        let pairs = pairs.count();
        assert!((40..=160).contains(&pairs), "{pairs} runs of losses");
    }

    #[test]
    fn what_waits_is_bounded() {
        let start = Instant::now();
        let mut delay = Delay::of(MS);
        for _ in 0..Delay::WAITING + 5 {
            let bytes = Vec::new();
            delay.put(Packet { at: start, bytes });
        }
        let left = std::iter::from_fn(|| delay.take(start + MS)).count();
        assert_eq!(left, Delay::WAITING);
    }
}
