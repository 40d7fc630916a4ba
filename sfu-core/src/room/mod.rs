//! Who publishes what and who gets it: tables of ids and indices, never packets.

pub mod active_speaker;
pub mod allocation;
mod frame_pace;
pub mod qualities;
pub mod tracks;
