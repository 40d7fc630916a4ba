//! The server around the media engine: doors, rooms, and the only I/O that a worker sees.

pub mod auth;
pub mod config;
pub mod doors;
pub mod error;
pub mod media;
pub mod metrics;
pub mod rate;
pub mod rooms;
pub mod server;
pub mod shutdown;
