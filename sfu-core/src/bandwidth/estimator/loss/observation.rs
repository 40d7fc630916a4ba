//! What was seen of packets that were sent close together.

/// Packets sent close together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Observation {
    pub(super) first_sent: u64,
    pub(super) last_sent: u64,
    pub(super) bytes: u64,
    pub(super) packets: u32,
    pub(super) lost: u32,
    /// The longest queue meanwhile, in microseconds.
    pub(super) queue: i64,
}

impl Observation {
    pub(super) fn rate(&self) -> f64 {
        let span = self.last_sent.saturating_sub(self.first_sent).max(1);
        self.bytes as f64 * 8e6 / span as f64
    }

    pub(super) fn loss(&self) -> f64 {
        f64::from(self.lost) / f64::from(self.packets.max(1))
    }
}

/// The deviation of the share of lost packets, when each of them is lost by chance.
pub(super) fn deviation(loss: f64, packets: u32) -> f64 {
    (loss * (1.0 - loss) / f64::from(packets.max(1))).sqrt()
}
