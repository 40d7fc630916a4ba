//! What the rooms hand each other: values, not calls.

pub mod path;
pub mod send_batch;
