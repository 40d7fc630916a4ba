//! One channel, and the messages that wait on it.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::id::DataLabel;
use crate::wire::dcep::Reliability;

#[derive(Debug)]
pub(super) struct Channel {
    /// The SCTP stream, both ways.
    pub(super) stream: u16,
    pub(super) label: DataLabel,
    pub(super) ordered: bool,
    pub(super) reliability: Reliability,
    queue: VecDeque<Arc<[u8]>>,
    queued: usize,
}

impl Channel {
    pub(super) fn new(
        stream: u16,
        label: DataLabel,
        ordered: bool,
        reliability: Reliability,
    ) -> Self {
        Self {
            stream,
            label,
            ordered,
            reliability,
            queue: VecDeque::new(),
            queued: 0,
        }
    }

    /// Bytes that wait.
    pub(super) fn queued(&self) -> usize {
        self.queued
    }

    /// Messages that wait.
    pub(super) fn messages(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn push(&mut self, payload: &Arc<[u8]>) {
        self.queued += payload.len();
        self.queue.push_back(Arc::clone(payload));
    }

    pub(super) fn pop(&mut self) -> Option<Arc<[u8]>> {
        let payload = self.queue.pop_front()?;
        self.queued -= payload.len();
        Some(payload)
    }
}
