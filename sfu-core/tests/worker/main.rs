//! A worker from its front door: commands, datagrams and timeouts in, batches and events out.

#![allow(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

mod allotments;
mod arrivals;
mod bounds;
mod bursts;
mod client;
mod congestion;
mod data;
mod data_client;
mod data_hostile;
mod encodings;
mod explanations;
mod extensions;
mod feedback;
mod floods;
mod formats;
mod lip_sync;
mod meeting;
mod muting;
mod naming;
mod outages;
mod pacing;
mod permissions;
mod pool;
mod recordings;
mod repairs;
mod reports;
mod republishing;
mod speakers;
mod statistics;
mod traffic;
mod voices;
mod wishes;
