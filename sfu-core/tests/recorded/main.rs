//! Streams that real encoders made, through the engine under whatever happens, to subscribers whose
//! decoder model is strict: see `model`.
#![allow(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

mod descriptor;
mod model;
mod recording;
mod recordings;
mod wire;
