//! What the link carries while packets wait for it: then it is full, and what arrives is its rate,
//! whatever was or was not sent before.

use crate::bandwidth::recording::kept::kept;

/// A packet that was this much longer on its way than the fastest has waited, in microseconds.
const WAITED: i64 = 4_000;

/// The same of queues that no picture's burst makes, and that nothing but a fall makes. Most of what has come
/// through since a short queue began can be of before the link fell to a quarter: the first cut is then to
/// 756 of 500 kbit/s, and the queue is full before the second.
///
/// Higher: less of it is of before. Lower: the rate after a fall is known sooner.
const LONG: i64 = 20_000;
const LONGER: i64 = 60_000;

/// It has fallen when what comes through while the longer queue stands is less than this part of the whole.
///
/// Higher: of the flows of one link, whose parts waver, the one that gives up more does so for each waver.
/// Lower: the first cut after a fall leaves more than fits.
const FALL: f64 = 0.7;

/// The least span and number of packets that a rate is made of, in microseconds.
const LEAST_SPAN: i64 = 30_000;
const LEAST_PACKETS: u32 = 5;

/// The span after which what is older counts no more, and another of the same, in microseconds.
const SPAN: i64 = 150_000;

/// Packets that arrived without a pause.
#[derive(Clone, Copy, Debug, Default)]
struct Stretch {
    began: i64,
    bytes: u64,
    packets: u32,
}

/// What arrives while a queue stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BusyRate {
    any: Busy,
    long: Busy,
    longer: Busy,
}

/// What arrives while a queue of some length stands.
#[derive(Clone, Copy, Debug, Default)]
struct Busy {
    older: Option<Stretch>,
    newer: Option<Stretch>,
    last: i64,
}

impl BusyRate {
    /// A packet of `size` bytes arrived at `arrival`, `waited` microseconds later than it could have.
    pub(super) fn packet(&mut self, arrival: i64, size: u16, waited: i64) {
        self.any.packet(arrival, size, waited >= WAITED);
        self.long.packet(arrival, size, waited >= LONG);
        self.longer.packet(arrival, size, waited >= LONGER);
    }

    /// In bits per second; `None` while no queue stands or has stood for too short a time. Who is not alone
    /// on the link has a part that falls with every picture of another's, and comes back.
    pub(super) fn rate(&self, is_alone: bool) -> Option<f64> {
        let any = self.any.rate()?;
        if !is_alone {
            return Some(any);
        }
        let deepest = self.longer.rate().or_else(|| self.long.rate());
        Some(deepest.filter(|&rate| rate < FALL * any).unwrap_or(any))
    }
}

impl Busy {
    fn packet(&mut self, arrival: i64, size: u16, is_busy: bool) {
        if !is_busy {
            *self = Self::default();
            return;
        }
        let new = Stretch {
            began: arrival,
            bytes: 0,
            packets: 0,
        };
        let Some(older) = &mut self.older else {
            // The packet's own time lies before it.
            self.older = Some(new);
            self.last = arrival;
            return;
        };
        self.last = self.last.max(arrival);
        older.add(size);
        match &mut self.newer {
            Some(newer) => newer.add(size),
            None if self.last - older.began >= SPAN => self.newer = Some(new),
            None => {}
        }
        if let Some(newer) = self.newer.filter(|newer| self.last - newer.began >= SPAN) {
            self.older = Some(newer);
            self.newer = None;
        }
    }

    fn rate(&self) -> Option<f64> {
        let stretch = self.older?;
        let span = self.last - stretch.began;
        (span >= LEAST_SPAN && stretch.packets >= LEAST_PACKETS)
            .then(|| stretch.bytes as f64 * 8e6 / span as f64)
    }
}

impl Stretch {
    fn add(&mut self, size: u16) {
        self.bytes += u64::from(size);
        self.packets = self.packets.saturating_add(1);
    }
}

kept!(Stretch {
    began,
    bytes,
    packets
});
kept!(Busy { older, newer, last });
kept!(BusyRate { any, long, longer });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_packets_which_waited() {
        let mut busy = BusyRate::default();
        for packet in 0..100 {
            busy.packet(packet * 33_000, 1_000, 0);
        }
        assert_eq!(busy.rate(true), None, "the link was idle");
        for packet in 0..60 {
            busy.packet(4_000_000 + packet * 8_000, 1_000, 20_000);
        }
        assert_eq!(busy.rate(true), Some(1e6));
        for packet in 0..60 {
            busy.packet(4_480_000 + packet * 16_000, 1_000, 40_000);
        }
        assert_eq!(busy.rate(true), Some(0.5e6), "what was before has passed");
        busy.packet(6_000_000, 1_000, 0);
        assert_eq!(busy.rate(true), None);
    }

    #[test]
    fn what_came_before_a_fall_is_no_part_of_the_rate_after_it() {
        let mut busy = BusyRate::default();
        for packet in 0..20 {
            busy.packet(packet * 4_000, 1_000, 10_000);
        }
        // A quarter of it, from one moment to the next.
        for packet in 0..7 {
            let waited = 10_000 + packet * 12_000;
            busy.packet(80_000 + packet * 16_000, 1_000, waited);
        }
        assert_eq!(busy.rate(true), Some(0.5e6));
        assert!(busy.rate(false) > Some(1e6));
    }
}
