//! One datagram per system call, by the standard library: for development on other systems. A
//! socket on the unspecified address cannot tell which address a datagram came to, so bind each
//! address there.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Instant;

use sfu_core::media::path::{Path, Protocol};
use socket2::Socket;

use super::Features;
use super::counters::Counters;
use super::recv_batch::{Message as ReceivedMessage, RECV_MESSAGES, RecvBatch};
use super::send::Message;

/// Nothing to set: no feature is to be had.
///
/// # Errors
///
/// The unspecified address is refused: answers would leave from addresses that the peer never
/// checked.
pub(super) fn prepare(_socket: &Socket, addr: SocketAddr) -> io::Result<Features> {
    if addr.ip().is_unspecified() {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "media addresses: this system needs each address of the host named, not 0.0.0.0 or ::",
        ));
    }
    Ok(Features::default())
}

/// Receives until `batch` is full or the socket empty.
pub(super) fn receive(
    socket: &UdpSocket,
    bound: SocketAddr,
    batch: &mut RecvBatch,
    _counters: &mut Counters,
) -> io::Result<usize> {
    for buffer in batch
        .bytes
        .chunks_exact_mut(batch.buffer)
        .take(RECV_MESSAGES)
    {
        match socket.recv_from(buffer) {
            Ok((len, remote)) => batch.messages.push(ReceivedMessage {
                path: Path {
                    protocol: Protocol::Udp,
                    local: bound,
                    remote,
                },
                arrived: Instant::now(),
                len,
                segment: len.max(1),
            }),
            Err(error) if batch.messages.is_empty() => return Err(error),
            Err(_) => break,
        }
    }
    Ok(batch.messages.len())
}

/// Sends the first message, which is one datagram: without segmentation there are no others.
pub(super) fn transmit(socket: &UdpSocket, messages: &[Message<'_>]) -> io::Result<usize> {
    let Some(first) = messages.first() else {
        return Ok(0);
    };
    socket.send_to(first.bytes, first.remote).map(|_| 1)
}
