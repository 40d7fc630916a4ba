//! What the elements' tests share: packets are put into a line, and taken at each time that it names.

use std::time::{Duration, Instant};

use crate::element::{Line, Packet};
use crate::scenario::{Change, Element, Link};

pub(crate) const MS: Duration = Duration::from_millis(1);

/// A line, the packets' numbers, and when they left.
pub(crate) struct Trial {
    pub(crate) start: Instant,
    pub(crate) line: Line<u32>,
    /// The number and the time in milliseconds from the start.
    pub(crate) left: Vec<(u32, f64)>,
}

impl Trial {
    pub(crate) fn of<const N: usize>(elements: [Element; N]) -> Self {
        Self::seeded(elements, 1)
    }

    pub(crate) fn seeded<const N: usize>(elements: [Element; N], seed: u64) -> Self {
        Self::over(&Link::of("tried", elements), seed)
    }

    pub(crate) fn over(link: &Link, seed: u64) -> Self {
        let start = Instant::now();
        let line = Line::new(start, link, seed);
        let left = Vec::new();
        Self { start, line, left }
    }

    /// Puts packets of `size` bytes, numbered from 0, at these milliseconds, and takes what leaves
    /// until the last of them has come.
    pub(crate) fn put(&mut self, size: usize, at_ms: impl IntoIterator<Item = f64>) -> &mut Self {
        for (number, ms) in (0..).zip(at_ms) {
            let at = self.start + Duration::from_secs_f64(ms / 1e3);
            self.until(Some(at));
            self.line.put(Packet::new(at, size, number));
        }
        self
    }

    /// As many packets as make this rate of packets of `size` bytes, from one time to another.
    pub(crate) fn rate(&mut self, size: usize, kbps: f64, from_ms: f64, to_ms: f64) -> &mut Self {
        let step = size as f64 * 8.0 / kbps;
        let count = ((to_ms - from_ms) / step) as u32;
        self.put(size, (0..count).map(|n| from_ms + f64::from(n) * step))
    }

    /// Takes everything.
    pub(crate) fn end(&mut self) -> &[(u32, f64)] {
        self.until(None);
        &self.left
    }

    pub(crate) fn numbers(&mut self) -> Vec<u32> {
        self.end().iter().map(|(number, _)| *number).collect()
    }

    fn until(&mut self, end: Option<Instant>) {
        while let Some(now) = self
            .line
            .next()
            .filter(|now| end.is_none_or(|end| *now < end))
        {
            while let Some(packet) = self.line.take(now) {
                let at = packet.at.duration_since(self.start);
                self.left.push((packet.what, at.as_secs_f64() * 1e3));
            }
        }
    }
}

/// Each millisecond one.
pub(crate) fn each_ms(count: u32) -> impl Iterator<Item = f64> {
    (0..count).map(f64::from)
}

/// Nothing changes at `at` seconds.
pub(crate) fn change(at: f64) -> Change {
    Change {
        at,
        kbps: None,
        loss_percent: None,
        delay_ms: None,
        rebinds: false,
    }
}
