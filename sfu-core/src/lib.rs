//! The media engine of a selective forwarding unit: one core's state, sans-IO.
#![forbid(unsafe_code)]

pub mod command;
pub mod config;
pub mod drop_reason;
pub mod event;
pub mod id;
pub mod media;
pub mod sdp;
pub mod unit;
pub mod wire;
