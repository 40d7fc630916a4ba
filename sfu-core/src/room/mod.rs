//! Who publishes what and who gets it: tables of ids and indices, never packets.

pub mod active_speaker;
pub mod allocation;
pub mod tracks;
