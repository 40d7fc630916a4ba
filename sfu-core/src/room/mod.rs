//! Who publishes what and who gets it: tables of ids and indices, never packets.

pub mod tracks;
