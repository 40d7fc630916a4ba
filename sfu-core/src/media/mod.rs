//! What the rooms hand each other: values, not calls.

pub mod codec;
pub mod packet;
pub mod path;
pub mod send_batch;
pub mod session;
