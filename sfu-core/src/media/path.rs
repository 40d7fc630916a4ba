//! The way a datagram came, which is the way its answer goes.

use std::net::SocketAddr;

/// The transport protocol under a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// UDP.
    Udp,
    /// TCP with RFC 4571 framing.
    Tcp,
}

/// A local and a remote address under one protocol.
///
/// `local` is the address that the datagram arrived at, so that the reply leaves from it: a host
/// with several addresses would otherwise answer from one that the peer never checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path {
    /// Protocol under the path.
    pub protocol: Protocol,
    /// Our address, as the packet's destination showed it.
    pub local: SocketAddr,
    /// The peer's address.
    pub remote: SocketAddr,
}
