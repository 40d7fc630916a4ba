//! How much work a peer's data may make: a bucket that packets and messages are paid from.

use std::time::{Duration, Instant};

use crate::config::{DATA_BURST, DATA_RATE};

/// The time that earns one token.
const TOKEN: Duration = Duration::from_nanos(1_000_000_000 / DATA_RATE as u64);

#[derive(Debug)]
pub(super) struct Rate {
    /// Below zero after a packet of many messages.
    tokens: i64,
    filled: Instant,
}

impl Rate {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            tokens: DATA_BURST.into(),
            filled: now,
        }
    }

    /// Pays for a packet. False: not now.
    pub(super) fn admits(&mut self, now: Instant) -> bool {
        let earned = now.saturating_duration_since(self.filled).as_nanos() / TOKEN.as_nanos();
        if earned >= u128::from(DATA_BURST) {
            self.filled = now;
        } else {
            // What is less than a token is earned on.
            self.filled += TOKEN * u32::try_from(earned).unwrap_or(0);
        }
        let earned = i64::try_from(earned).unwrap_or(i64::MAX);
        self.tokens = self.tokens.saturating_add(earned).min(DATA_BURST.into());
        let admitted = self.tokens > 0;
        self.tokens -= i64::from(admitted);
        admitted
    }

    /// Pays for a message that a packet completed.
    pub(super) fn charge(&mut self) {
        self.tokens -= 1;
    }
}
