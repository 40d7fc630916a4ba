//! When a subscriber's packets leave: one of each per subscriber transport.

pub mod pacer;
