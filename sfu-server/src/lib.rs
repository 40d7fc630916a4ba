//! The server around the media engine: doors, rooms and the only I/O.
#![forbid(unsafe_code)]

pub mod auth;
pub mod config;
pub mod doors;
pub mod error;
pub mod rooms;
