//! What one receiving system call brought.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

use sfu_core::media::path::{Path, Protocol};

use super::counters::Counters;

/// Messages that one system call may bring; each may hold up to 64 datagrams of one peer.
///
/// Higher saves little, as batching system calls does; lower returns to the caller sooner under
/// load, so that a tick's sends are not late.
pub const RECV_MESSAGES: usize = 32;

/// Bytes of one message: a coalesced message is at most an IP packet's 65,535. Lower truncates
/// coalesced messages, which loses all their datagrams.
pub const RECV_BUFFER: usize = 1 << 16;

/// One message as it came: `len` bytes in datagrams of `segment` bytes, the last maybe shorter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    pub(super) path: Path,
    pub(super) arrived: Instant,
    pub(super) len: usize,
    pub(super) segment: usize,
}

impl Message {
    /// A message of no datagrams, for a slot whose content is skipped.
    pub(super) const fn empty(arrived: Instant) -> Self {
        let nowhere = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
        Self {
            path: Path {
                protocol: Protocol::Udp,
                local: nowhere,
                remote: nowhere,
            },
            arrived,
            len: 0,
            segment: 1,
        }
    }
}

/// Memory for one receiving system call, reused call after call: 2 MiB of address space, of which
/// only what messages have touched is real.
#[derive(Debug)]
pub struct RecvBatch {
    /// [`RECV_MESSAGES`] buffers of `buffer` bytes.
    pub(super) bytes: Box<[u8]>,
    pub(super) buffer: usize,
    /// One for each message that came, in the order of the buffers.
    pub(super) messages: Vec<Message>,
    #[cfg(target_os = "linux")]
    pub(super) headers: Box<[super::linux::RecvHeader]>,
}

impl Default for RecvBatch {
    fn default() -> Self {
        Self::new()
    }
}

impl RecvBatch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::with_buffer(RECV_BUFFER)
    }

    /// An empty batch for messages of at most `buffer` bytes.
    pub(super) fn with_buffer(buffer: usize) -> Self {
        Self {
            bytes: vec![0; RECV_MESSAGES * buffer].into_boxed_slice(),
            buffer,
            messages: Vec::with_capacity(RECV_MESSAGES),
            #[cfg(target_os = "linux")]
            headers: vec![super::linux::RecvHeader::default(); RECV_MESSAGES].into_boxed_slice(),
        }
    }

    /// Every datagram with the way it came and when, coalesced messages taken apart: these came
    /// together. Empty datagrams are left out. The bytes may be changed in place.
    ///
    /// Where the kernel tells it (Linux), a datagram came when its device handed it over, and else
    /// when it was read.
    pub fn datagrams(&mut self) -> impl Iterator<Item = (Path, Instant, &mut [u8])> {
        self.bytes
            .chunks_exact_mut(self.buffer)
            .zip(&self.messages)
            .flat_map(|(buffer, message)| {
                buffer[..message.len]
                    .chunks_mut(message.segment)
                    .map(move |datagram| (message.path, message.arrived, datagram))
            })
    }

    /// Forgets everything; the memory stays.
    pub(super) fn clear(&mut self) {
        self.messages.clear();
    }

    /// Adds what the batch holds to `counters`.
    pub(super) fn count(&self, counters: &mut Counters) {
        for message in &self.messages {
            counters.recv_datagrams += message.len.div_ceil(message.segment) as u64;
            counters.recv_bytes += message.len as u64;
        }
    }
}
