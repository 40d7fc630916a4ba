//! A participant as a test lists it.

use std::time::Duration;

use crate::network::Link;
use crate::publisher::SourceKind;

/// One participant of a scenario's list.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    pub(super) room: u64,
    pub(super) joins_at: Duration,
    pub(super) sources: Vec<SourceKind>,
    pub(super) sections: (u32, u32),
    pub(super) channels: Vec<&'static str>,
    pub(super) up: Link,
    pub(super) down: Link,
    pub(super) before_wraps: bool,
}

impl Seat {
    /// Someone who publishes, over a clean path of 20 ms each way.
    pub(crate) fn publishing(sources: &[SourceKind]) -> Self {
        Self {
            sources: sources.to_vec(),
            sections: (0, 0),
            ..Self::watching()
        }
    }

    /// Someone who only watches, over a clean path of 20 ms each way.
    pub(crate) fn watching() -> Self {
        Self {
            room: 1,
            joins_at: Duration::ZERO,
            sources: Vec::new(),
            sections: (1, 1),
            channels: Vec::new(),
            up: Link::of_ms(20),
            down: Link::of_ms(20),
            before_wraps: false,
        }
    }

    /// In another room than room 1.
    pub(crate) fn in_room(self, room: u64) -> Self {
        Self { room, ..self }
    }

    /// Joins later than at the start.
    pub(crate) fn at_ms(self, ms: u64) -> Self {
        Self {
            joins_at: Duration::from_millis(ms),
            ..self
        }
    }

    /// With data channels of these labels.
    pub(crate) fn talking(self, labels: &[&'static str]) -> Self {
        Self {
            channels: labels.to_vec(),
            ..self
        }
    }

    /// Over these links: to the engine, and from it.
    pub(crate) fn over(self, up: Link, down: Link) -> Self {
        Self { up, down, ..self }
    }

    /// Publishes with all numbers shortly before their wraps.
    pub(crate) fn before_wraps(self) -> Self {
        Self {
            before_wraps: true,
            ..self
        }
    }
}
