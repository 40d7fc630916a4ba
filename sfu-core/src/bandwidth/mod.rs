//! When a subscriber's packets leave, and how much its network carries: one of each per subscriber
//! transport.

pub mod allocator;
pub mod departure;
pub mod estimator;
pub mod pacer;
pub mod recording;
