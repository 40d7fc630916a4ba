//! A participant at work, and what is under way to it and from it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::base;
use crate::client::Client;
use crate::network::LineId;
use crate::server::{ClientId, Downward, Upward};

/// What arrives somewhere.
#[derive(Clone)]
pub(crate) enum Arrival {
    AtEngine {
        remote: SocketAddr,
        datagram: Vec<u8>,
    },
    AtClient {
        remote: SocketAddr,
        datagram: Vec<u8>,
    },
    Up(ClientId, Upward),
    Down(ClientId, Downward),
    /// What has passed a line that others share, and has so far still to go.
    Further(Duration, Box<Self>),
}

impl Arrival {
    pub(super) fn further(self, way: Duration) -> Self {
        if way.is_zero() {
            self
        } else {
            Self::Further(way, Box::new(self))
        }
    }
}

/// One participant at work.
pub(crate) struct Place {
    pub(crate) client: Client,
    pub(super) room: u64,
    pub(crate) joins_at: Option<Instant>,
    pub(super) up: LineId,
    pub(super) down: LineId,
    /// How much further away it is than others of its lines.
    pub(crate) further: Duration,
    /// What the engine sees as its address.
    pub(super) public: SocketAddr,
    pub(super) left: bool,
    pub(super) told_of_failure: bool,
    /// Bytes of media that the engine sent it, with UDP and IP headers, and the part of them that is repairs.
    pub(crate) sent: u64,
    pub(crate) repairs: u64,
}

impl Place {
    /// Somebody who will join room 1 over these lines.
    pub(crate) fn new(client: Client, joins_at: Duration, (up, down): (LineId, LineId)) -> Self {
        Self {
            public: client.address,
            client,
            room: 1,
            joins_at: Some(base() + joins_at),
            up,
            down,
            further: Duration::ZERO,
            left: false,
            told_of_failure: false,
            sent: 0,
            repairs: 0,
        }
    }
}
