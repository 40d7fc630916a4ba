//! What a worker's thread shows the others: its counters, as last published.

use std::time::Duration;

use sfu_core::worker::{Census, WorkerStats};

use super::udp_socket::Counters;

/// A worker's counters, as last published.
#[derive(Clone, Debug, Default)]
pub struct Published {
    /// The engine's counters.
    pub engine: WorkerStats,
    /// The sockets' counters, added up.
    pub sockets: Vec<Counters>,
    /// Datagrams given up because a socket stayed full.
    pub socket_full: u64,
    /// Data messages given up because too many waited, towards the application and from it.
    pub data_refused: u64,
    /// Time spent working, as opposed to waiting.
    pub busy: Duration,
    /// Times that there was something to do.
    pub wakeups: u64,
    /// Rooms, participants and tracks now.
    pub population: (usize, usize, usize),
    /// What limits subscriptions, and what their networks carry.
    pub census: Census,
    /// Free slots of the packet pool.
    pub pool_free: usize,
}
