//! The doors: thin. Each decodes what its callers say, asks whether they may, calls the rooms, and
//! encodes the answer.

pub mod demo;
pub mod grpc;
pub mod health;

#[cfg(test)]
pub(crate) mod recording;
