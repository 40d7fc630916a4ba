//! A subscriber's packets between the decision to send and the send itself.
//!
//! Only a small decision waits here, never sealed bytes: the SRTP seal happens when a packet leaves
//! the pacer, so that what is given up here has cost neither a seal nor a packet index.

use std::collections::VecDeque;

use crate::drop_reason::DropReason;
use crate::media::outbound::OutboundPacket;

/// Most packets that wait for one subscriber.
///
/// Higher: a longer burst survives a full socket, and more of the pool can be pinned by one
/// subscriber. Lower: a keyframe of a large picture no longer fits.
pub const MAX_QUEUED: usize = 512;

/// One waiting packet and the egress that decided on it.
#[derive(Clone, Copy, Debug)]
pub struct Queued {
    /// The egress within the subscriber.
    pub egress: usize,
    /// What to send.
    pub packet: OutboundPacket,
}

/// A subscriber's waiting packets, first in first out.
#[derive(Debug, Default)]
pub struct Pacer {
    queue: VecDeque<Queued>,
}

impl Pacer {
    /// Takes a packet that the caller has pinned.
    ///
    /// # Errors
    /// [`DropReason::SendQueueFull`]: the caller keeps the pin and gives it up.
    pub fn push(&mut self, egress: usize, packet: OutboundPacket) -> Result<(), DropReason> {
        if self.queue.len() >= MAX_QUEUED {
            return Err(DropReason::SendQueueFull);
        }
        self.queue.push_back(Queued { egress, packet });
        Ok(())
    }

    /// The packet that leaves next. To be read where it lies: it was written field by field a moment
    /// ago, and a copy of the whole would wait for that.
    #[must_use]
    pub fn front(&self) -> Option<&Queued> {
        self.queue.front()
    }

    /// Takes the packet that leaves next.
    pub fn pop(&mut self) -> Option<Queued> {
        self.queue.pop_front()
    }

    /// True when nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Gives up what waits for one egress, in order.
    pub fn drain_egress(&mut self, egress: usize, mut give_up: impl FnMut(OutboundPacket)) {
        self.queue.retain(|queued| {
            let stays = queued.egress != egress;
            if !stays {
                give_up(queued.packet);
            }
            stays
        });
    }

    /// Gives up all that waits.
    pub fn drain(&mut self) -> impl Iterator<Item = OutboundPacket> + '_ {
        self.queue.drain(..).map(|queued| queued.packet)
    }
}
