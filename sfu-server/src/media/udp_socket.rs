//! One UDP socket of one worker: whole batches in, whole runs out.
//!
//! The kernel's path per datagram is most of what forwarding costs, so the socket never sends
//! datagram by datagram when it can help it: each [`Run`] of a [`SendBatch`] is one UDP_SEGMENT
//! message, many messages are one sendmmsg, and what arrives is taken by recvmmsg with UDP_GRO.
//! Where the kernel refuses segmentation, the same datagrams leave one by one inside sendmmsg.
//!
//! What never happens here: a datagram that leaves twice, a datagram that leaves out of its order,
//! one peer's unreachable address that holds up another's packets, a wait.
//!
//! The system calls live in `linux`; other systems get `portable`, one datagram per call, for
//! development only.

mod counters;
mod recv_batch;
mod send;

#[cfg(target_os = "linux")]
mod control;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(test, not(target_os = "linux")))]
mod portable;
#[cfg(target_os = "linux")]
mod reading_clock;
#[cfg(target_os = "linux")]
mod sockaddr;

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use sfu_core::media::path::{Path, Protocol};
use sfu_core::media::send_batch::{Run, SendBatch};
use socket2::{Domain, Socket, Type};
use tokio::io::unix::AsyncFd;

pub use counters::{Counters, SendErrors};
pub use recv_batch::{RECV_BUFFER, RECV_MESSAGES, RecvBatch};
pub use send::MAX_MESSAGES;

use super::outlet::{Outlet, SendProgress};
#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
use portable as system;

/// Bytes asked for the kernel's receive queue (SO_RCVBUF); it grants at most `net.core.rmem_max`.
///
/// Higher survives a longer stall of the worker thread (4 MiB is some 2,000 packets as the kernel
/// charges them: 60 ms at 300 Mbit/s), at the price of older packets after one. Lower drops bursts
/// of keyframes.
pub const RECV_QUEUE_BYTES: usize = 4 << 20;

/// Bytes asked for the kernel's send queue (SO_SNDBUF); it grants at most `net.core.wmem_max`.
///
/// Higher lets more packets wait in the device's queue, beyond the pacer's reach. Lower makes the
/// socket report itself full in the middle of a tick.
pub const SEND_QUEUE_BYTES: usize = 4 << 20;

/// Pending errors that one [`UdpSocket::recv`] reads away before it returns one. The kernel keeps
/// one at a time, so that a second in a row is already rare.
const RECV_ATTEMPTS: usize = 4;

/// A nonblocking UDP socket bound to one address, owned by one worker's thread.
#[derive(Debug)]
pub struct UdpSocket {
    inner: std::net::UdpSocket,
    local: SocketAddr,
    /// Whether runs leave as UDP_SEGMENT messages; cleared for good by the kernel's refusal.
    segmentation: Cell<bool>,
    counters: Cell<Counters>,
}

impl UdpSocket {
    /// Binds `addr`. An IPv6 socket takes IPv6 only: an address of each family has its own socket.
    /// On the unspecified address, the local address of every datagram is still known, and answers
    /// leave from it (Linux only).
    ///
    /// # Errors
    ///
    /// The address is taken or not this host's, or the kernel refuses an option that correct
    /// answers rest on. Buffer sizes, segmentation and the don't-fragment bit are best effort: what
    /// was granted is logged.
    pub fn bind(addr: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, None)?;
        if addr.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_nonblocking(true)?;
        raise_buffers(&socket);
        let features = system::prepare(&socket, addr)?;
        socket.bind(&addr.into())?;
        let inner = std::net::UdpSocket::from(socket);
        let local = inner.local_addr()?;
        tracing::info!(
            %local,
            segmentation = features.segmentation,
            coalescing = features.coalescing,
            dont_fragment = features.dont_fragment,
            "UDP socket bound"
        );
        Ok(Self {
            inner,
            local,
            segmentation: Cell::new(features.segmentation),
            counters: Cell::default(),
        })
    }

    /// The bound address; its port is the real one after binding port 0.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// What the socket has counted since it was bound.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters.get()
    }

    /// Whether runs leave as UDP_SEGMENT messages now.
    #[must_use]
    pub fn segments_in_kernel(&self) -> bool {
        self.segmentation.get()
    }

    /// Receives into `batch` with one system call, forgetting what it held. Returns how many
    /// messages came; read them with [`RecvBatch::datagrams`]. Fewer than [`RECV_MESSAGES`] means
    /// that the socket was empty just then.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when nothing waits (the moment to clear a readiness flag); any other error only
    /// when the socket itself is of no use: errors of single peers are counted and read past.
    pub fn recv(&self, batch: &mut RecvBatch) -> io::Result<usize> {
        batch.clear();
        let mut counters = self.counters.get();
        let mut result = Err(io::ErrorKind::WouldBlock.into());
        for _ in 0..RECV_ATTEMPTS {
            counters.recv_calls += 1;
            result = system::receive(&self.inner, self.local, batch, &mut counters);
            match &result {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => counters.recv_errors += 1,
                Ok(_) => break,
            }
        }
        batch.count(&mut counters);
        self.counters.set(counters);
        result
    }

    /// Sends those runs of `batch` that belong to this socket (see [`Outlet::owns`]), from the run
    /// of index `from_run` on, in their order.
    ///
    /// A run that the kernel refuses for its destination's sake is given up and counted in
    /// [`SendErrors`]; the others go on.
    #[must_use = "what did not leave must be kept, and sent first next time"]
    pub fn send(&self, batch: &SendBatch, from_run: usize) -> SendProgress {
        self.send_runs(batch.bytes(), batch.runs(), from_run)
    }
}

impl Outlet for UdpSocket {
    /// True for a UDP path whose local address is the bound one; on the unspecified address, for
    /// every local address of the same family and port.
    fn owns(&self, path: &Path) -> bool {
        path.protocol == Protocol::Udp
            && path.local.port() == self.local.port()
            && path.local.is_ipv4() == self.local.is_ipv4()
            && (self.local.ip().is_unspecified() || path.local.ip() == self.local.ip())
    }

    fn send_runs(&self, bytes: &[u8], runs: &[Run], from_run: usize) -> SendProgress {
        let mut counters = self.counters.get();
        let mut segmentation = self.segmentation.get();
        let progress = send::Sending {
            bytes,
            runs,
            owns: |path: &Path| self.owns(path),
            wildcard: self.local.ip().is_unspecified(),
            segmentation: &mut segmentation,
            counters: &mut counters,
        }
        .send_from(from_run, |messages| system::transmit(&self.inner, messages));
        if self.segmentation.replace(segmentation) && !segmentation {
            tracing::warn!(
                local = %self.local,
                "the kernel refuses UDP segmentation here: datagrams leave one by one, at several \
                 times the cost"
            );
        }
        self.counters.set(counters);
        progress
    }
}

impl UdpSocket {
    /// Hands the socket to the runtime's readiness watcher.
    ///
    /// # Errors
    ///
    /// The watcher refuses it.
    #[allow(unsafe_code)]
    pub fn watch(self) -> io::Result<AsyncFd<Self>> {
        // SAFETY: `as_raw_fd` returns the descriptor that `inner` owns: it is open as long as
        // `self` lives, which the `AsyncFd` owns from here on; and `inner` is private and never
        // replaced, so that it is always the same one.
        unsafe { AsyncFd::register(self) }.map_err(io::Error::from)
    }
}

impl AsFd for UdpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

impl AsRawFd for UdpSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.inner.as_raw_fd()
    }
}

/// What the kernel granted at bind time.
#[derive(Clone, Copy, Debug, Default)]
struct Features {
    segmentation: bool,
    coalescing: bool,
    dont_fragment: bool,
}

/// Asks for the queue sizes and logs what came of it: a host's small `net.core.rmem_max` is the
/// commonest cause of loss at load.
fn raise_buffers(socket: &Socket) {
    let asked = [
        socket.set_recv_buffer_size(RECV_QUEUE_BYTES),
        socket.set_send_buffer_size(SEND_QUEUE_BYTES),
    ];
    for error in asked.into_iter().filter_map(Result::err) {
        tracing::warn!(%error, "a UDP queue size was refused");
    }
    tracing::info!(
        asked_recv = RECV_QUEUE_BYTES,
        granted_recv = socket.recv_buffer_size().unwrap_or(0),
        asked_send = SEND_QUEUE_BYTES,
        granted_send = socket.send_buffer_size().unwrap_or(0),
        "UDP queues in bytes; the granted figure of Linux includes its own overhead, twice the size"
    );
}
