//! What the link carries while packets wait for it: then it is full, and what arrives is its rate,
//! whatever was or was not sent before.

use crate::bandwidth::recording::kept::kept;

/// A packet that was this much longer on its way than the fastest has waited, in microseconds.
const WAITED: i64 = 4_000;

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
    older: Option<Stretch>,
    newer: Option<Stretch>,
    last: i64,
}

impl BusyRate {
    /// A packet of `size` bytes arrived at `arrival`, `waited` microseconds later than it could have.
    pub(super) fn packet(&mut self, arrival: i64, size: u16, waited: i64) {
        if waited < WAITED {
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

    /// In bits per second; `None` while no queue stands or has stood for too short a time.
    pub(super) fn rate(&self) -> Option<f64> {
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
kept!(BusyRate { older, newer, last });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_packets_which_waited() {
        let mut busy = BusyRate::default();
        for packet in 0..100 {
            busy.packet(packet * 33_000, 1_000, 0);
        }
        assert_eq!(busy.rate(), None, "the link was idle");
        for packet in 0..60 {
            busy.packet(4_000_000 + packet * 8_000, 1_000, 20_000);
        }
        assert_eq!(busy.rate(), Some(1e6));
        for packet in 0..60 {
            busy.packet(4_480_000 + packet * 16_000, 1_000, 40_000);
        }
        assert_eq!(busy.rate(), Some(0.5e6), "what was before has passed");
        busy.packet(6_000_000, 1_000, 0);
        assert_eq!(busy.rate(), None);
    }
}
