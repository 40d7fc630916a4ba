//! Quantities with their unit in the type.

use std::fmt;
use std::time::Duration;

/// Bits per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bitrate(u64);

impl Bitrate {
    /// From bits per second.
    #[must_use]
    pub const fn from_bps(bps: u64) -> Self {
        Self(bps)
    }

    /// In bits per second.
    #[must_use]
    pub const fn bps(self) -> u64 {
        self.0
    }

    /// What `size` bytes over `span` amount to; zero for an empty span.
    #[must_use]
    pub fn from_bytes_over(bytes: u64, span: Duration) -> Self {
        let micros = span.as_micros();
        if micros == 0 {
            return Self(0);
        }
        let bps = u128::from(bytes) * 8 * 1_000_000 / micros;
        Self(u64::try_from(bps).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Bitrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} kbit/s", self.0 / 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_over_a_span_are_bits_per_second() {
        let rate = Bitrate::from_bytes_over(1250, Duration::from_millis(10));
        assert_eq!(rate, Bitrate::from_bps(1_000_000));
        assert_eq!(
            Bitrate::from_bytes_over(1, Duration::ZERO),
            Bitrate::default()
        );
    }
}
