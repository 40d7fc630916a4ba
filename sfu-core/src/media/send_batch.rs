//! The datagrams of one tick, written once and contiguously, grouped into runs.
//!
//! A run is consecutive datagrams to one destination whose sizes are equal, but for a shorter last
//! one: exactly what one UDP_SEGMENT message carries. Runs save two thirds of the cost of a
//! forwarded packet; `docs/performance.md` has the figures.

use std::ops::Range;

use super::path::Path;

/// Most datagrams in one run: the kernel's UDP_MAX_SEGMENTS.
pub const MAX_RUN_SEGMENTS: usize = 64;

/// Most bytes in one run: an IPv4 packet's 65,535 less the IP and UDP headers, with some air.
pub const MAX_RUN_BYTES: usize = 65_000;

/// Most padding that makes a datagram as long as the others of its run, in bytes. A frame's packets
/// differ by a byte or two.
///
/// Higher: longer runs, and more bytes on the wire than the publisher sent. Lower: more runs, each
/// as dear as a datagram.
pub const MAX_RUN_PADDING: usize = 8;

/// Largest datagram the engine writes, in bytes: an Ethernet frame's payload.
pub const MAX_DATAGRAM: usize = 1500;

/// Consecutive datagrams to one destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Where from and where to.
    pub path: Path,
    /// The run's bytes within [`SendBatch::bytes`].
    pub range: Range<usize>,
    /// Every datagram's size in bytes, but for a possibly shorter last one.
    pub segment_size: usize,
}

impl Run {
    /// How many datagrams the run holds.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.range.len().div_ceil(self.segment_size)
    }
}

/// A buffer of datagrams ready to send, grouped into runs. Reused tick after tick.
#[derive(Debug)]
pub struct SendBatch {
    bytes: Vec<u8>,
    used: usize,
    runs: Vec<Run>,
}

impl SendBatch {
    /// A batch that holds at most `capacity` bytes; nothing is allocated after this but the list
    /// of runs, which keeps its room.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            bytes: vec![0; capacity],
            used: 0,
            runs: Vec::with_capacity(1024),
        }
    }

    /// True when no further datagram surely fits.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.bytes.len() - self.used < MAX_DATAGRAM
    }

    /// True when there is nothing to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// All bytes; a run's own are at [`Run::range`].
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.used]
    }

    /// The runs, in the order they must leave.
    #[must_use]
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Forgets everything; the memory stays.
    pub fn clear(&mut self) {
        self.used = 0;
        self.runs.clear();
    }

    /// How many bytes of padding let a datagram of `len` bytes for `path` extend the last run and
    /// keep it open: sizes within a run are equal, so that a shorter one would end it. 0 when it
    /// fits as it is, and when no little padding helps.
    #[must_use]
    pub fn run_padding(&self, path: Path, len: usize) -> usize {
        let open = self
            .runs
            .last()
            .filter(|run| joins(run, path, run.segment_size));
        let missing = open
            .and_then(|run| run.segment_size.checked_sub(len))
            .unwrap_or(0);
        if missing <= MAX_RUN_PADDING {
            missing
        } else {
            0
        }
    }

    /// Appends one datagram for `path`. `write` fills the front of a [`MAX_DATAGRAM`]-byte buffer
    /// and returns the datagram's length, or `None` to write nothing.
    ///
    /// Returns the datagram's length; `None` when the batch is full or `write` gave none.
    pub fn push(
        &mut self,
        path: Path,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> Option<usize> {
        if self.is_full() {
            return None;
        }
        let start = self.used;
        let len = write(&mut self.bytes[start..start + MAX_DATAGRAM])?;
        debug_assert!(len <= MAX_DATAGRAM);
        if len == 0 {
            return None;
        }
        self.used = start + len;
        match self.runs.last_mut() {
            Some(run) if joins(run, path, len) => run.range.end = self.used,
            _ => self.runs.push(Run {
                path,
                range: start..self.used,
                segment_size: len,
            }),
        }
        Some(len)
    }
}

/// Whether a datagram of `len` bytes for `path` may extend `run`.
fn joins(run: &Run, path: Path, len: usize) -> bool {
    run.path == path
        && len <= run.segment_size
        // A shorter datagram is always a run's last.
        && run.range.len().is_multiple_of(run.segment_size)
        && run.segments() < MAX_RUN_SEGMENTS
        && run.range.len() + len <= MAX_RUN_BYTES
}

#[cfg(test)]
mod tests {
    use super::super::path::Protocol;
    use super::*;

    fn path(port: u16) -> Path {
        Path {
            protocol: Protocol::Udp,
            local: ([127, 0, 0, 1], 7882).into(),
            remote: ([127, 0, 0, 1], port).into(),
        }
    }

    fn push(batch: &mut SendBatch, port: u16, len: usize) -> Option<usize> {
        batch.push(path(port), |out| {
            out[..len].fill(7);
            Some(len)
        })
    }

    fn shape(batch: &SendBatch) -> Vec<(u16, usize, usize)> {
        batch
            .runs()
            .iter()
            .map(|r| (r.path.remote.port(), r.segments(), r.range.len()))
            .collect()
    }

    #[test]
    fn equal_sizes_to_one_destination_join_and_a_shorter_one_closes_the_run() {
        let mut batch = SendBatch::with_capacity(100_000);
        for len in [1000, 1000, 999, 999] {
            push(&mut batch, 1, len);
        }
        push(&mut batch, 2, 999);
        assert_eq!(shape(&batch), [(1, 3, 2999), (1, 1, 999), (2, 1, 999)]);
        batch.clear();
        assert!(batch.is_empty());
    }

    #[test]
    fn a_little_padding_keeps_a_run_open() {
        let mut batch = SendBatch::with_capacity(100_000);
        assert_eq!(batch.run_padding(path(1), 1000), 0);
        push(&mut batch, 1, 1000);
        assert_eq!(batch.run_padding(path(1), 1000), 0);
        assert_eq!(batch.run_padding(path(1), 999), 1);
        assert_eq!(
            batch.run_padding(path(1), 1000 - MAX_RUN_PADDING),
            MAX_RUN_PADDING
        );
        assert_eq!(
            batch.run_padding(path(1), 999 - MAX_RUN_PADDING),
            0,
            "too much to pad"
        );
        assert_eq!(
            batch.run_padding(path(1), 1001),
            0,
            "longer: a run of its own"
        );
        assert_eq!(batch.run_padding(path(2), 999), 0, "another destination");
        push(&mut batch, 1, 500);
        assert_eq!(batch.run_padding(path(1), 999), 0, "the run is closed");
    }

    #[test]
    fn a_longer_datagram_starts_a_new_run() {
        let mut batch = SendBatch::with_capacity(100_000);
        push(&mut batch, 1, 500);
        push(&mut batch, 1, 501);
        assert_eq!(shape(&batch), [(1, 1, 500), (1, 1, 501)]);
    }

    #[test]
    fn runs_stay_within_the_kernels_limits() {
        let mut batch = SendBatch::with_capacity(1_000_000);
        for _ in 0..100 {
            push(&mut batch, 1, 100);
        }
        assert_eq!(shape(&batch), [(1, 64, 6400), (1, 36, 3600)]);
        batch.clear();
        for _ in 0..60 {
            push(&mut batch, 1, 1400);
        }
        assert_eq!(shape(&batch), [(1, 46, 64_400), (1, 14, 19_600)]);
    }

    #[test]
    fn a_full_batch_takes_nothing_more_and_none_writes_nothing() {
        let mut batch = SendBatch::with_capacity(2000);
        assert_eq!(batch.push(path(1), |_| None), None);
        assert!(batch.is_empty());
        assert_eq!(push(&mut batch, 1, 600), Some(600));
        assert_eq!(push(&mut batch, 1, 600), None);
        assert_eq!(batch.bytes().len(), 600);
    }
}
