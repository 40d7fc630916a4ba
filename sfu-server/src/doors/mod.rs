//! The doors: each decodes, authorises, calls the rooms and encodes. No door knows another.

pub mod demo;
pub mod grpc;
pub mod health;
pub mod livekit;

#[cfg(test)]
pub(crate) mod recording;
