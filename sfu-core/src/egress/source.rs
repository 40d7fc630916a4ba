//! What an egress is told of the encoding that a packet is of, beside the packet.

use crate::media::layer::DecodeTargets;
use crate::media::source_clock::SourceClock;

/// What is known of an encoding as a whole; the default is nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct SourceFacts<'a> {
    /// Its clock, once its publisher has reported one.
    pub clock: Option<&'a SourceClock>,
    /// The decode targets of its dependency descriptor's structure, where there is one.
    pub targets: Option<&'a DecodeTargets>,
}

impl<'a> SourceFacts<'a> {
    /// An encoding of which only its clock is known.
    #[must_use]
    pub const fn of_clock(clock: Option<&'a SourceClock>) -> Self {
        Self {
            clock,
            targets: None,
        }
    }
}
