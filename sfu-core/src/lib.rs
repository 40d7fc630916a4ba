//! The media engine of a selective forwarding unit: one core's state, sans-IO.
#![forbid(unsafe_code)]

pub mod bandwidth;
pub mod command;
pub mod config;
pub mod drop_reason;
pub mod egress;
pub mod event;
pub mod id;
pub mod ingress;
pub mod media;
pub mod room;
pub mod sdp;
pub mod transport;
pub mod unit;
pub mod wire;
pub mod worker;
