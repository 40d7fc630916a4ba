//! What the rooms hand each other: values, not calls.

pub mod codec;
pub mod delivery;
pub mod explanation;
pub mod extension_map;
pub mod format;
pub mod layer;
pub mod offer_error;
pub mod outbound;
pub mod packet;
pub mod packet_cache;
pub mod path;
pub mod sctp_parameters;
pub mod send_batch;
pub mod session;
pub mod source_clock;
