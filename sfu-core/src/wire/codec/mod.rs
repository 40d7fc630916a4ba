//! What a forwarder must read of a codec's payload, and the little that it rewrites there.

pub mod av1;
pub mod h264;
pub mod h265;
pub mod opus;
pub mod picture_id;
pub mod red;
pub mod vp8;
pub mod vp9;
