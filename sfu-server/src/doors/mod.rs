//! The doors: thin. Each decodes what its callers say, asks whether they may, calls the rooms, and
//! encodes the answer. No door knows another.

pub mod demo;
pub mod grpc;
pub mod health;
pub mod livekit;

#[cfg(test)]
pub(crate) mod recording;
