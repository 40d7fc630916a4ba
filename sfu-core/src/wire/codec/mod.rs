//! What a forwarder must read of a codec's payload, and the little that it rewrites there.

pub mod opus;
pub mod vp8;
