//! What a worker's runs leave by.

use sfu_core::media::path::Path;
use sfu_core::media::send_batch::Run;

/// Where runs leave: a socket, or what a test puts in its place.
pub trait Outlet {
    /// Whether runs of `path` leave by this outlet.
    fn owns(&self, path: &Path) -> bool;

    /// Sends the runs it owns from index `from_run` on, in their order, until the end or until it
    /// is full. Their ranges are within `bytes`.
    fn send_runs(&self, bytes: &[u8], runs: &[Run], from_run: usize) -> SendProgress;
}

/// How far a send came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendProgress {
    /// Index of the first run that is not done with: it and all after it are still to be sent.
    pub runs: usize,
    /// Datagrams of that run that have left already: only ever more than none where runs leave
    /// datagram by datagram.
    pub datagrams: usize,
    /// True when the socket was full, which is the only reason to stop before the last run. The
    /// readiness of the descriptor to write is then to be cleared and awaited.
    pub blocked: bool,
}
