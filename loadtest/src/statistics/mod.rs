//! Counting, without any of the network: what was received, and percentiles.

mod histogram;
mod received;
mod sequence;

pub(crate) use histogram::{Histogram, percentile};
pub(crate) use received::{Arrival, Received};

/// Kinds of media.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
}
