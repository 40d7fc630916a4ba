//! What waits, by class.

use std::collections::VecDeque;
use std::time::Instant;

use super::MAX_QUEUED;
use crate::bandwidth::departure::Class;
use crate::drop_reason::DropReason;
use crate::media::outbound::OutboundPacket;

/// [`Class`]es, each with its queue.
const CLASSES: usize = 4;

/// One waiting packet and the egress that decided on it.
#[derive(Clone, Copy, Debug)]
pub struct Queued {
    /// The egress within the subscriber.
    pub egress: usize,
    /// What to send.
    pub packet: OutboundPacket,
    /// What it is.
    pub class: Class,
    /// About as many bytes as it has on the wire.
    pub(super) size: u16,
    pub(super) since: Instant,
}

/// A queue for each class, first in first out.
#[derive(Debug, Default)]
pub(super) struct Queues {
    queues: [VecDeque<Queued>; CLASSES],
    pub(super) packets: usize,
    pub(super) bytes: usize,
}

impl Queues {
    pub(super) fn push(&mut self, queued: Queued) -> Result<(), DropReason> {
        if self.packets >= MAX_QUEUED {
            return Err(DropReason::SendQueueFull);
        }
        self.packets += 1;
        self.bytes += usize::from(queued.size);
        self.queues[queued.class as usize].push_back(queued);
        Ok(())
    }

    pub(super) fn has(&self, class: Class) -> bool {
        !self.queues[class as usize].is_empty()
    }

    /// What goes before all else.
    pub(super) fn front(&self) -> Option<&Queued> {
        self.queues.iter().find_map(VecDeque::front)
    }

    /// Takes [`Self::front`], and does not copy it: what it was, and since when it waited.
    pub(super) fn pop(&mut self) -> Option<(Class, Instant)> {
        let queue = self.queues.iter_mut().find(|queue| !queue.is_empty())?;
        let front = queue.front()?;
        let left = (front.class, front.since);
        self.packets -= 1;
        self.bytes -= usize::from(front.size);
        if queue.len() > 1 {
            queue.pop_front();
        } else {
            // It begins at its front again: a queue that is mostly empty stays in the few cache lines
            // that it needs, and does not walk through all that it has.
            queue.clear();
        }
        Some(left)
    }

    /// Leaves nothing of an egress's pictures but `size` bytes each.
    pub(super) fn hollow(&mut self, egress: usize, size: u16) {
        let waiting = self.queues[Class::Video as usize].iter_mut();
        for queued in waiting.filter(|queued| queued.egress == egress && queued.size > size) {
            self.bytes -= usize::from(queued.size - size);
            queued.size = size;
            queued.packet = queued.packet.without_payload();
        }
    }

    pub(super) fn drain_egress(&mut self, egress: usize, mut give_up: impl FnMut(OutboundPacket)) {
        for queue in &mut self.queues {
            queue.retain(|queued| {
                let stays = queued.egress != egress;
                if !stays {
                    self.packets -= 1;
                    self.bytes -= usize::from(queued.size);
                    give_up(queued.packet);
                }
                stays
            });
        }
    }

    pub(super) fn drain(&mut self) -> impl Iterator<Item = OutboundPacket> + '_ {
        self.packets = 0;
        self.bytes = 0;
        let all = self.queues.iter_mut().flat_map(|queue| queue.drain(..));
        all.map(|queued| queued.packet)
    }
}
