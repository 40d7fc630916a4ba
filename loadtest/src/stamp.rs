//! When a packet was sent, written into its payload: publisher and subscriber live in one process
//! and share a monotonic clock, so the difference is the one-way delay.

use std::time::Instant;

/// Bytes of a stamp, at the end of a payload: the front belongs to the codec, whose descriptor the
/// server may rewrite.
pub(crate) const LEN: usize = 8;

/// A clock that counts microseconds from when it was made. Copies are the same clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    /// A clock that begins now.
    pub(crate) fn begin() -> Self {
        Self(Instant::now())
    }

    /// Microseconds from the clock's beginning to `at`; 0 before it.
    pub(crate) fn at(self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.0).as_micros()).unwrap_or(u64::MAX)
    }

    /// Microseconds until now.
    pub(crate) fn now(self) -> u64 {
        self.at(Instant::now())
    }
}

/// Writes the stamp at the payload's end. A payload that is too short stays without one.
pub(crate) fn write(payload: &mut [u8], micros: u64) {
    if let Some(place) = payload.last_chunk_mut::<LEN>() {
        *place = micros.to_be_bytes();
    }
}

/// Reads what [`write`] wrote.
pub(crate) fn read(payload: &[u8]) -> Option<u64> {
    payload.last_chunk().copied().map(u64::from_be_bytes)
}
