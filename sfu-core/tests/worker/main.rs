//! A worker from its front door: commands, datagrams and timeouts in, batches and events out.

#![allow(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

mod client;
mod feedback;
mod formats;
mod meeting;
mod muting;

mod pool;
mod reports;
mod republishing;
