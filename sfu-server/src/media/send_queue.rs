//! Sealed bytes that a full socket did not take: they leave first next time, in their order.
//!
//! An SRTP packet is sealed once; sealing it again with the same index would break its cipher, and
//! giving it up at every full socket would tear holes that the pacer believes sent. So the bytes
//! themselves are kept, up to a bound, and dropped with a count beyond it.

use sfu_core::drop_reason::{DropCounts, DropReason};
use sfu_core::media::send_batch::{Run, SendBatch};

use super::outlet::Outlet;

/// Bytes kept for one full socket, unless told otherwise.
///
/// Higher keeps more through a longer stall, but what leaves late is late for its listener (1 MiB
/// is 28 ms at 300 Mbit/s); lower drops sooner.
pub const SEND_QUEUE_BOUND: usize = 1 << 20;

/// What waits for one full socket.
#[derive(Debug)]
pub struct SendQueue {
    /// Kept bytes from `head` on; what is before has left.
    bytes: Vec<u8>,
    head: usize,
    /// Kept runs from `first` on, their ranges within `bytes`.
    runs: Vec<Run>,
    first: usize,
    bound: usize,
    drops: DropCounts,
}

impl Default for SendQueue {
    fn default() -> Self {
        Self::new(SEND_QUEUE_BOUND)
    }
}

impl SendQueue {
    /// An empty queue that keeps at most `bound` bytes. It takes memory only once a socket is full,
    /// and keeps it then: at most twice `bound`.
    #[must_use]
    pub fn new(bound: usize) -> Self {
        Self {
            bytes: Vec::new(),
            head: 0,
            runs: Vec::new(),
            first: 0,
            bound,
            drops: DropCounts::default(),
        }
    }

    /// True when nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first == self.runs.len()
    }

    /// Bytes that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len() - self.head
    }

    /// Datagrams dropped so far, as [`DropReason::SocketFull`].
    #[must_use]
    pub fn drops(&self) -> &DropCounts {
        &self.drops
    }

    /// Sends what waits and then the runs of `batch` that `outlet` owns, and keeps what did not
    /// leave. Returns true when everything left; false when the outlet is full, and
    /// [`SendQueue::flush`] is to be called once it can be written again.
    ///
    /// `batch` may be cleared afterwards in either case, once every other outlet has had it.
    pub fn send(&mut self, outlet: &impl Outlet, batch: &SendBatch) -> bool {
        if !self.flush(outlet) {
            self.keep(outlet, batch, 0, 0);
            return false;
        }
        let progress = outlet.send_runs(batch.bytes(), batch.runs(), 0);
        if progress.blocked {
            self.keep(outlet, batch, progress.runs, progress.datagrams);
        }
        !progress.blocked
    }

    /// Sends what waits. Returns true when nothing waits any more.
    pub fn flush(&mut self, outlet: &impl Outlet) -> bool {
        if self.is_empty() {
            return true;
        }
        let progress = outlet.send_runs(&self.bytes, &self.runs, self.first);
        if !progress.blocked {
            self.clear();
            return true;
        }
        self.first = progress.runs;
        match self.runs.get_mut(self.first) {
            Some(run) => {
                trim(run, progress.datagrams);
                self.head = run.range.start;
            }
            None => self.clear(),
        }
        self.is_empty()
    }

    /// Keeps the runs of `batch` that `outlet` owns, from index `from_run` on and without the
    /// first `datagrams` of that run. A run that does not fit whole is dropped whole.
    fn keep(&mut self, outlet: &impl Outlet, batch: &SendBatch, from_run: usize, datagrams: usize) {
        let mut gone = datagrams;
        for run in batch.runs().iter().skip(from_run) {
            let mut run = run.clone();
            trim(&mut run, std::mem::take(&mut gone));
            if !run.range.is_empty() && outlet.owns(&run.path) {
                self.keep_run(run, batch.bytes());
            }
        }
    }

    fn keep_run(&mut self, mut run: Run, bytes: &[u8]) {
        if self.len() + run.range.len() > self.bound {
            for _ in 0..run.segments() {
                self.drops.count(DropReason::SocketFull);
            }
            return;
        }
        // Moved only when as much has left as may be kept, so that moving costs no more than
        // keeping did.
        if self.head >= self.bound {
            self.compact();
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&bytes[run.range.clone()]);
        run.range = start..self.bytes.len();
        self.runs.push(run);
    }

    /// Moves what waits to the front.
    fn compact(&mut self) {
        self.bytes.drain(..self.head);
        self.runs.drain(..self.first);
        for run in &mut self.runs {
            run.range.start -= self.head;
            run.range.end -= self.head;
        }
        self.head = 0;
        self.first = 0;
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.runs.clear();
        self.head = 0;
        self.first = 0;
    }
}

/// Takes the first `datagrams` from `run`: the rest is a run of the same segment size.
fn trim(run: &mut Run, datagrams: usize) {
    run.range.start = (run.range.start + datagrams * run.segment_size).min(run.range.end);
}

#[cfg(test)]
mod tests;
