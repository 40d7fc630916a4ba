//! A subscriber's packets between the decision to send and the send itself: which leave first, and
//! how fast.
//!
//! Only a small decision waits here, never sealed bytes: the SRTP seal happens when a packet leaves
//! the pacer, so that what is given up here has cost neither a seal nor a packet index.
//!
//! Sound never waits, and counts. The rest leaves by [`Class`], and within a class in the order in
//! which it came, so that no stream is ever out of order. It leaves at the pacing rate, in bursts of
//! [`BURST`] that are one run each; what fits into a burst does not wait at all.

mod budget;
mod probing;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use self::budget::Budget;
use self::probing::Probing;
use super::departure::{Class, Probe, ProbeId};
use crate::drop_reason::DropReason;
use crate::media::outbound::OutboundPacket;
use crate::unit::Bitrate;

/// Most packets that wait for one subscriber.
///
/// Higher: a longer burst survives a full socket, and more of the pool can be pinned by one
/// subscriber. Lower: a keyframe of a large picture no longer fits.
pub const MAX_QUEUED: usize = 512;

/// How much of the pacing rate leaves at once.
///
/// Higher: longer runs, which cost less, and more that waits in the network before the narrowest
/// link. Lower: a frame waits here though there is room, and each wake-up sends less.
pub const BURST: Duration = Duration::from_millis(5);

/// What waits leaves within about this time, whatever the pacing rate is.
///
/// Higher: a keyframe on a thin link delays what is behind it for longer. Lower: it fills the queue
/// of that link, and delays everything, sound too.
pub const MAX_WAIT: Duration = Duration::from_millis(300);

/// The rate for who tells nothing of what arrives, neither by transport-wide feedback nor by REMB:
/// only the largest bursts are taken apart.
///
/// Higher: what a worker has for a participant floods any link. Lower: large messages of data wait
/// for no reason: on a fast link they are the most that comes at once.
pub const DEFAULT_RATE: Bitrate = Bitrate::from_bps(200_000_000);

/// [`Class`]es, each with its queue.
const CLASSES: usize = 4;

/// One waiting packet and the egress that decided on it.
#[derive(Clone, Copy, Debug)]
pub struct Queued {
    /// The egress within the subscriber.
    pub egress: usize,
    /// What to send.
    pub packet: OutboundPacket,
    /// About as many bytes as it has on the wire.
    size: u16,
    since: Instant,
}

/// What has left, beside its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// What it was.
    pub class: Class,
    /// The probe that it was part of.
    pub probe: Option<ProbeId>,
}

/// How one pacer does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PacerReport {
    /// Packets that wait.
    pub packets: usize,
    /// Bytes that wait, as they will be on the wire.
    pub bytes: usize,
    /// The longest that a packet had waited when it left, since the report before.
    pub longest_wait: Duration,
}

/// A subscriber's waiting packets.
#[derive(Debug)]
pub struct Pacer {
    queues: [VecDeque<Queued>; CLASSES],
    packets: usize,
    bytes: usize,
    budget: Budget,
    probing: Option<Probing>,
    longest_wait: Duration,
}

impl Default for Pacer {
    fn default() -> Self {
        Self {
            queues: Default::default(),
            packets: 0,
            bytes: 0,
            budget: Budget::new(DEFAULT_RATE, BURST),
            probing: None,
            longest_wait: Duration::ZERO,
        }
    }
}

impl Pacer {
    /// Takes a packet of about `size` bytes on the wire, which the caller has pinned.
    ///
    /// # Errors
    /// [`DropReason::SendQueueFull`]: the caller keeps the pin and gives it up.
    pub fn push(
        &mut self,
        now: Instant,
        class: Class,
        egress: usize,
        packet: OutboundPacket,
        size: u16,
    ) -> Result<(), DropReason> {
        if self.packets >= MAX_QUEUED {
            return Err(DropReason::SendQueueFull);
        }
        self.packets += 1;
        self.bytes += usize::from(size);
        self.queues[class as usize].push_back(Queued {
            egress,
            packet,
            size,
            since: now,
        });
        Ok(())
    }

    /// Paces by `rate` from `now` on.
    pub fn set_rate(&mut self, now: Instant, rate: Bitrate) {
        self.budget.set_rate(now, rate);
    }

    /// Sends what comes next at the rate of `probe`. One at a time: see [`Self::is_probing`].
    pub fn start_probe(&mut self, now: Instant, probe: Probe) {
        self.probing = Some(Probing::new(now, probe));
    }

    /// Whether a probe is being sent.
    #[must_use]
    pub const fn is_probing(&self) -> bool {
        self.probing.is_some()
    }

    /// Ends a probe for which there is nothing to send.
    pub const fn give_up_probe(&mut self) {
        self.probing = None;
    }

    /// Whether the probe needs a packet now, and none waits.
    #[must_use]
    pub fn wants_filler(&self, now: Instant) -> bool {
        let open = self.probing.as_ref().map(|probe| probe.budget.is_open(now));
        self.packets == 0 && open == Some(true)
    }

    /// Whether what is not sound may leave.
    #[must_use]
    pub fn is_open(&self, now: Instant) -> bool {
        self.gate().is_open(now)
    }

    /// The budget that holds packets back at present.
    fn gate(&self) -> &Budget {
        self.probing
            .as_ref()
            .map_or(&self.budget, |probing| &probing.budget)
    }

    fn turn(&self, now: Instant) -> Option<usize> {
        let first = self.queues.iter().position(|queue| !queue.is_empty())?;
        (first == Class::Audio as usize || self.is_open(now)).then_some(first)
    }

    /// The packet that leaves next, if it may leave now. To be read where it lies: it was written
    /// field by field a moment ago, and a copy of the whole would wait for that.
    #[must_use]
    pub fn front(&self, now: Instant) -> Option<&Queued> {
        self.queues[self.turn(now)?].front()
    }

    /// Takes [`Self::front`], which has left with `size` bytes on the wire, or came to nothing at 0.
    pub fn pop(&mut self, now: Instant, size: u16) -> Option<Left> {
        let class = self.turn(now)?;
        let queued = self.queues[class].pop_front()?;
        let waited = now.saturating_duration_since(queued.since);
        self.longest_wait = self.longest_wait.max(waited);
        let probe = self.probing.as_ref().map(Probing::id);
        match &mut self.probing {
            None => self.count(now, size),
            // A probe goes beside the pacing: what comes after it does not wait for what it took.
            Some(probing) => {
                probing.sent(now, size);
                if probing.is_over(now) {
                    self.probing = None;
                }
            }
        }
        self.packets -= 1;
        self.bytes -= usize::from(queued.size);
        let class = [Class::Audio, Class::Repair, Class::Video, Class::Padding][class];
        Some(Left { class, probe })
    }

    /// Counts a packet that has left with `size` bytes on the wire beside the queues.
    pub fn count(&mut self, now: Instant, size: u16) {
        let most = MAX_WAIT.as_nanos() as u64;
        let waiting = self.bytes as u64;
        let nanos = if self.budget.nanos(waiting) > most {
            // All that waits is to have left within the longest wait.
            most * u64::from(size) / waiting
        } else {
            self.budget.nanos(u64::from(size))
        };
        self.budget.spend(now, nanos);
    }

    /// When a packet that waits may leave, or the probe goes on: at once, or later. `None` when
    /// nothing is to be done.
    #[must_use]
    pub fn next(&self, now: Instant) -> Option<Instant> {
        if self.packets == 0 && self.probing.is_none() {
            return None;
        }
        let has_sound = !self.queues[Class::Audio as usize].is_empty();
        Some(self.opens(now).filter(|_| !has_sound).unwrap_or(now))
    }

    /// When something that is not sound may leave again; `None` when it may now.
    #[must_use]
    pub fn opens(&self, now: Instant) -> Option<Instant> {
        self.gate().opens(now)
    }

    /// True when nothing waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.packets == 0
    }

    /// Whether the packet of that number waits, which is no repair.
    #[must_use]
    pub fn holds(&self, egress: usize, sequence: u64) -> bool {
        let mut waiting = self.queues[Class::Video as usize].iter();
        waiting.any(|queued| queued.egress == egress && queued.packet.sequence == sequence)
    }

    /// How it does. The longest wait starts afresh.
    pub const fn report(&mut self) -> PacerReport {
        PacerReport {
            packets: self.packets,
            bytes: self.bytes,
            longest_wait: std::mem::replace(&mut self.longest_wait, Duration::ZERO),
        }
    }

    /// Gives up what waits for one egress, in order.
    pub fn drain_egress(&mut self, egress: usize, mut give_up: impl FnMut(OutboundPacket)) {
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

    /// Gives up all that waits.
    pub fn drain(&mut self) -> impl Iterator<Item = OutboundPacket> + '_ {
        self.packets = 0;
        self.bytes = 0;
        let all = self.queues.iter_mut().flat_map(|queue| queue.drain(..));
        all.map(|queued| queued.packet)
    }
}

#[cfg(test)]
mod tests;
