//! Streams that real encoders made, through the engine under whatever happens, to subscribers whose
//! decoder is strict: see `model`.
#![allow(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "../worker/client.rs"]
mod client;
mod descriptor;
mod dice;
mod judge;
#[allow(dead_code, reason = "other tests use the rest of it")]
#[path = "../worker/meeting.rs"]
mod meeting;
mod model;
mod mutations;
mod party;
mod path;
mod playback;
mod properties;
mod recording;
mod recordings;
mod sound;
mod subscriber;
mod wire;
