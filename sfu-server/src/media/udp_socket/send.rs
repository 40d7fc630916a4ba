//! From runs to messages for the kernel, and what to do when it does not take them.
//!
//! The kernel is an argument here (a closure), so that its refusals can be played by tests. Its
//! contract is sendmmsg's: it takes the messages in order and says how many it took; an error
//! always speaks of the first one.

use std::io;
use std::net::SocketAddr;

use arrayvec::ArrayVec;
use sfu_core::media::path::Path;
use sfu_core::media::send_batch::Run;

use super::counters::Counters;
use crate::media::outlet::SendProgress;

/// Most messages in one system call.
///
/// Batching system calls saves next to nothing beyond this, and higher costs stack: about 300
/// bytes each. Lower adds system calls where segmentation is refused.
pub const MAX_MESSAGES: usize = 64;

/// One message for the kernel: one datagram, or several of equal size to be cut by it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) remote: SocketAddr,
    /// The address to leave from, where the socket's own does not say.
    pub(super) source: Option<SocketAddr>,
    /// Size of each datagram when `bytes` holds several.
    pub(super) segment: Option<u16>,
    /// Where it came from: the run's index, and the position after it within the run.
    run: usize,
    end: usize,
}

/// A position among the runs: `offset` bytes of run `run` are done with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cursor {
    run: usize,
    offset: usize,
}

/// One send over `runs`.
pub(super) struct Sending<'a, O> {
    pub(super) bytes: &'a [u8],
    pub(super) runs: &'a [Run],
    /// Which runs leave by this socket.
    pub(super) owns: O,
    /// Whether the socket is bound to the unspecified address.
    pub(super) wildcard: bool,
    /// Whether the kernel cuts runs; cleared when it is known to refuse.
    pub(super) segmentation: &'a mut bool,
    pub(super) counters: &'a mut Counters,
}

impl<'a, O: Fn(&Path) -> bool> Sending<'a, O> {
    /// Sends from the run of index `from_run` on, until the end or until the socket is full.
    pub(super) fn send_from(
        mut self,
        from_run: usize,
        mut kernel: impl FnMut(&[Message<'_>]) -> io::Result<usize>,
    ) -> SendProgress {
        let mut cursor = Cursor {
            run: from_run,
            offset: 0,
        };
        // The run that was refused whole and now goes datagram by datagram.
        let mut refused = None;
        loop {
            let messages = self.messages(cursor, refused);
            let Some(first) = messages.first() else {
                return self.progress(cursor, false);
            };
            self.counters.send_calls += 1;
            match kernel(&messages) {
                // No contract of sendmmsg allows a 0 for a non-empty list; taken as a full socket,
                // it cannot make this loop endless.
                Ok(0) => return self.progress(cursor, true),
                Ok(taken) => {
                    self.learn(first, refused);
                    cursor = self.taken(&messages[..taken.min(messages.len())], cursor);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return self.progress(cursor, true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if first.segment.is_some() && refuses_segmentation(&error) => {
                    self.counters.segmentation_refused += 1;
                    refused = Some(first.run);
                }
                Err(error) => cursor = self.give_up(first, cursor, &error),
            }
        }
    }

    /// The next messages from `cursor` on.
    fn messages(
        &self,
        cursor: Cursor,
        refused: Option<usize>,
    ) -> ArrayVec<Message<'a>, MAX_MESSAGES> {
        let mut messages = ArrayVec::new();
        let mut offset = cursor.offset;
        for (index, run) in self.runs.iter().enumerate().skip(cursor.run) {
            if !(self.owns)(&run.path) {
                continue;
            }
            let whole = *self.segmentation && refused != Some(index);
            let bytes: &'a [u8] = &self.bytes[run.range.clone()];
            while offset < bytes.len() {
                let left = bytes.len() - offset;
                let take = if whole {
                    left
                } else {
                    left.min(run.segment_size)
                };
                let message = Message {
                    bytes: &bytes[offset..offset + take],
                    remote: run.path.remote,
                    source: self.source(&run.path),
                    segment: segment(take, run.segment_size),
                    run: index,
                    end: offset + take,
                };
                if messages.try_push(message).is_err() {
                    return messages;
                }
                offset += take;
            }
            offset = 0;
        }
        messages
    }

    /// The address that a message must name to leave from.
    fn source(&self, path: &Path) -> Option<SocketAddr> {
        (self.wildcard && !path.local.ip().is_unspecified()).then_some(path.local)
    }

    /// Decides whether a refusal was segmentation's fault: it was if the run's first datagram, of
    /// full size, leaves by itself. A remote port of 0 or an interface too small for the segment is
    /// refused with the same words, and a peer that names such an address must not make every
    /// other peer's packets dear.
    fn learn(&mut self, first: &Message<'_>, refused: Option<usize>) {
        if refused == Some(first.run) && first.segment.is_none() {
            let alone = first.bytes.len() == first.end;
            if alone {
                *self.segmentation = false;
            }
        }
    }

    /// Counts `messages` as gone and returns the position after them.
    fn taken(&mut self, messages: &[Message<'_>], before: Cursor) -> Cursor {
        let mut cursor = before;
        for message in messages {
            self.counters.sent_bytes += message.bytes.len() as u64;
            self.counters.sent_datagrams += match message.segment {
                Some(segment) => message.bytes.len().div_ceil(usize::from(segment)) as u64,
                None => 1,
            };
            self.counters.segmented_runs += u64::from(message.segment.is_some());
            cursor = if message.end < self.runs[message.run].range.len() {
                Cursor {
                    run: message.run,
                    offset: message.end,
                }
            } else {
                Cursor {
                    run: message.run + 1,
                    offset: 0,
                }
            };
        }
        cursor
    }

    /// Gives up what is left of the run of `first`, and returns the position after it. A
    /// destination that refuses one datagram costs one system call for each run, not for each
    /// datagram.
    fn give_up(&mut self, first: &Message<'_>, cursor: Cursor, error: &io::Error) -> Cursor {
        let run = &self.runs[first.run];
        let done = if first.run == cursor.run {
            cursor.offset
        } else {
            0
        };
        let lost = (run.range.len() - done).div_ceil(run.segment_size);
        self.counters.send_errors.count(error, lost as u64);
        tracing::debug!(remote = %run.path.remote, %error, lost, "datagrams not sent");
        Cursor {
            run: first.run + 1,
            offset: 0,
        }
    }

    fn progress(&mut self, cursor: Cursor, blocked: bool) -> SendProgress {
        if !blocked {
            return SendProgress {
                runs: self.runs.len(),
                datagrams: 0,
                blocked,
            };
        }
        self.counters.send_blocked += 1;
        SendProgress {
            runs: cursor.run,
            datagrams: self.runs.get(cursor.run).map_or(0, |run| {
                // A whole number: the position within an unfinished run is a segment's end.
                cursor.offset / run.segment_size
            }),
            blocked,
        }
    }
}

/// The size to announce to the kernel for a message of `len` bytes; none when it is one datagram.
fn segment(len: usize, segment_size: usize) -> Option<u16> {
    (len > segment_size)
        .then(|| u16::try_from(segment_size).expect("a run is no longer than an IP packet"))
}

/// Whether `error` may mean that the kernel or the route cannot cut a message: no checksum offload
/// or an IPsec route gives EIO, too small an interface EINVAL.
fn refuses_segmentation(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EIO | libc::EINVAL | libc::EOPNOTSUPP | libc::ENOPROTOOPT)
    )
}

#[cfg(test)]
mod tests;
