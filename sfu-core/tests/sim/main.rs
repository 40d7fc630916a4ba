//! Whole meetings in virtual time: `str0m` clients, which are full and independent WebRTC peers,
//! against the engine, through networks written as lists. Everything follows from one seed.
//!
//! What is not from the seed: the bytes of DTLS (ephemeral keys and signatures come from the
//! system's generator, so their lengths vary by a byte or two) and with them the SRTP keys. Nothing
//! in here looks at those.

#![allow(
    clippy::unwrap_used,
    reason = "all of it is a test, its parts outside of test functions too"
)]

mod client;
mod coding;
mod frame;
mod judging;
mod lab;
mod live;
mod meeting;
mod network;
mod oracle;
mod publisher;
mod scenarios;
mod seeded_dtls;
mod seeded_hash;
mod server;
mod trace;
mod wall;
