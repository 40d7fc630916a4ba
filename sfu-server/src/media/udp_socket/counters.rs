//! What a socket counts.

use std::io;

/// Totals of one socket since it was bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Receiving system calls, those that found nothing included.
    pub recv_calls: u64,
    /// Datagrams received and handed on.
    pub recv_datagrams: u64,
    /// Bytes of UDP payload in them.
    pub recv_bytes: u64,
    /// Messages skipped: cut short by the kernel, or without an address to answer to.
    pub recv_skipped: u64,
    /// Errors of receiving, an empty socket not included.
    pub recv_errors: u64,
    /// Datagrams that the kernel dropped before we read them, its queue being full (as it last
    /// told; wraps at 2^32).
    pub recv_kernel_drops: u64,
    /// Sending system calls.
    pub send_calls: u64,
    /// Datagrams that the kernel took.
    pub sent_datagrams: u64,
    /// Bytes of UDP payload in them.
    pub sent_bytes: u64,
    /// Messages of several datagrams that the kernel took whole.
    pub segmented_runs: u64,
    /// Messages of several datagrams that the kernel refused; they left one by one instead.
    pub segmentation_refused: u64,
    /// Times the socket was full.
    pub send_blocked: u64,
    /// Datagrams given up because the kernel refused them.
    pub send_errors: SendErrors,
}

/// Datagrams that the kernel refused, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SendErrors {
    /// The peer's host answered that nobody listens there.
    pub connection_refused: u64,
    /// No route to the host or its network.
    pub unreachable: u64,
    /// Forbidden by a firewall or a policy of this host.
    pub not_permitted: u64,
    /// Larger than the interface carries; never fragmented.
    pub too_large: u64,
    /// The kernel or the device had no memory for it.
    pub no_buffer: u64,
    /// Anything else, such as a remote port of 0.
    pub other: u64,
}

impl SendErrors {
    /// Counts `datagrams` lost to `error`.
    pub(super) fn count(&mut self, error: &io::Error, datagrams: u64) {
        let counter = match error.raw_os_error() {
            Some(libc::ECONNREFUSED) => &mut self.connection_refused,
            Some(libc::EHOSTUNREACH | libc::ENETUNREACH | libc::EHOSTDOWN | libc::ENETDOWN) => {
                &mut self.unreachable
            }
            Some(libc::EPERM | libc::EACCES) => &mut self.not_permitted,
            Some(libc::EMSGSIZE) => &mut self.too_large,
            Some(libc::ENOBUFS | libc::ENOMEM) => &mut self.no_buffer,
            _ => &mut self.other,
        };
        *counter += datagrams;
    }

    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.connection_refused
            + self.unreachable
            + self.not_permitted
            + self.too_large
            + self.no_buffer
            + self.other
    }
}
