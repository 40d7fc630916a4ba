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
mod queues;
mod repairing;

use std::time::{Duration, Instant};

use self::budget::Budget;
use self::probing::Probing;
pub use self::queues::Queued;
use self::queues::Queues;
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
pub const BURST: Duration = Duration::from_millis(10);

/// How much more than the sustained rate may have left, in its time: what waits in the network when
/// that rate is just what it carries.
///
/// Higher: the pictures that others build on, which are large, are there sooner when there is room.
/// Lower: they fill the queue of the narrowest link less, which delays sound and reads as overuse.
pub const DEPTH: Duration = Duration::from_millis(20);

/// What both are while there is room: nothing has shown yet what the network carries. A picture of a
/// stream that fits into the estimate, at 30 a second, then leaves as one run.
///
/// Higher: larger pictures leave at once, and the first queue of a link is longer when it is found.
/// Lower: the subscribers of a fast network are each walked twice for a picture.
pub const ROOMY: Duration = Duration::from_millis(33);

/// How much of the sustained rate leaves at once when more than [`DEPTH`] has left.
///
/// Higher: fewer and longer runs of a keyframe. Lower: the reverse.
const STEP: Duration = Duration::from_millis(5);

/// What waits leaves within about this time, whatever the pacing rate is; longer only after a deep fall, while
/// what has left before it still waits in the network.
///
/// Higher: a keyframe on a thin link delays what is behind it for longer. Lower: it fills the queue
/// of that link, and delays everything, sound too.
pub const MAX_WAIT: Duration = Duration::from_millis(300);

/// About the bytes of a packet on the wire beside its payload: the RTP header with some extensions,
/// the seal, UDP and IP.
pub const ABOUT_HEADERS: u16 = 80;

/// The rate for who tells nothing of what arrives, neither by transport-wide feedback nor by REMB:
/// only the largest bursts are taken apart.
///
/// Higher: what a worker has for a participant floods any link. Lower: large messages of data wait
/// for no reason: on a fast link they are the most that comes at once.
pub const DEFAULT_RATE: Bitrate = Bitrate::from_bps(200_000_000);

/// What has left, beside its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// What it was.
    pub class: Class,
    /// The probe that it was part of.
    pub probe: Option<ProbeId>,
    /// How long it has waited.
    pub waited: Duration,
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
    queues: Queues,
    /// The pace of a picture's packets.
    budget: Budget,
    /// The rate that lasts.
    sustained: Budget,
    /// What repairs of pictures have taken.
    repairs: Budget,
    probing: Option<Probing>,
    longest_wait: Duration,
}

impl Default for Pacer {
    fn default() -> Self {
        Self {
            queues: Queues::default(),
            budget: Budget::new(DEFAULT_RATE, BURST, BURST),
            sustained: Budget::new(DEFAULT_RATE, DEPTH, STEP),
            repairs: repairing::budget(DEFAULT_RATE),
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
        self.queues.push(Queued {
            egress,
            packet,
            class,
            size,
            since: now,
        })?;
        if class == Class::Repair {
            self.count_repair(now, size);
        }
        Ok(())
    }

    /// Paces by `rate` from `now` on, and what lasts longer than [`DEPTH`] by `sustained`.
    pub fn set_rate(&mut self, now: Instant, rate: Bitrate, sustained: Bitrate) {
        self.budget.set_rate(now, rate);
        self.sustained.set_rate(now, sustained);
        self.repairs.set_rate(now, repairing::share(sustained));
    }

    /// Lets [`ROOMY`] bursts go while there `is_roomy`, and [`BURST`] and [`DEPTH`] otherwise.
    pub const fn set_room(&mut self, is_roomy: bool) {
        let (burst, depth) = if is_roomy {
            (ROOMY, ROOMY)
        } else {
            (BURST, DEPTH)
        };
        self.budget.set_burst(burst, burst);
        self.sustained.set_burst(depth, STEP);
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

    /// Bytes that the probe needs now and that do not wait here.
    #[must_use]
    pub fn filler_wanted(&self, now: Instant) -> u64 {
        let probing = self.probing.as_ref().filter(|_| self.is_empty());
        probing.map_or(0, |probing| probing.wanted(now))
    }

    /// Counts a packet of padding of `size` bytes on the wire, which has left for the probe.
    pub fn filled(&mut self, now: Instant, size: u16) -> Left {
        Left {
            class: Class::Padding,
            probe: self.counted(now, size),
            waited: Duration::ZERO,
        }
    }

    /// Counts a packet that has left, as part of the probe if there is one.
    fn counted(&mut self, now: Instant, size: u16) -> Option<ProbeId> {
        let Some(probing) = &mut self.probing else {
            self.count(now, size);
            return None;
        };
        // A probe goes beside the pacing: what comes after it does not wait for what it took.
        let id = probing.id();
        probing.sent(now, size);
        if probing.is_over(now) {
            self.probing = None;
        }
        Some(id)
    }

    /// Whether what is not sound may leave.
    #[must_use]
    pub fn is_open(&self, now: Instant) -> bool {
        match &self.probing {
            Some(probing) => probing.budget.is_open(now),
            None => self.budget.is_open(now) && self.sustained.is_open(now),
        }
    }

    /// The packet that leaves next, if it may leave now. To be read where it lies: it was written
    /// field by field a moment ago, and a copy of the whole would wait for that.
    #[must_use]
    pub fn front(&self, now: Instant) -> Option<&Queued> {
        let front = self.queues.front()?;
        (front.class == Class::Audio || self.is_open(now)).then_some(front)
    }

    /// Takes what [`Self::front`] has given, which has left with `size` bytes on the wire, or came to
    /// nothing at 0.
    pub fn pop(&mut self, now: Instant, size: u16) -> Option<Left> {
        let (class, since) = self.queues.pop()?;
        let waited = now.saturating_duration_since(since);
        self.longest_wait = self.longest_wait.max(waited);
        Some(Left {
            class,
            probe: self.counted(now, size),
            waited,
        })
    }

    /// Counts a packet that has left with `size` bytes on the wire beside the queues.
    pub fn count(&mut self, now: Instant, size: u16) {
        let most = MAX_WAIT.as_nanos() as u64;
        let waiting = self.queues.bytes as u64;
        for budget in [&mut self.budget, &mut self.sustained] {
            let nanos = match budget.nanos(waiting) > most {
                // All that waits is to have left within the longest wait.
                true => most * u64::from(size) / waiting,
                false => budget.nanos(u64::from(size)),
            };
            budget.spend(now, nanos);
        }
    }

    /// When a packet that waits may leave, or the probe goes on: at once, or later. `None` when
    /// nothing is to be done.
    #[must_use]
    pub fn next(&self, now: Instant) -> Option<Instant> {
        if self.is_empty() && self.probing.is_none() {
            return None;
        }
        let opens = self.opens(now).filter(|_| !self.queues.has(Class::Audio));
        Some(opens.unwrap_or(now))
    }

    /// When something that is not sound may leave again; `None` when it may now.
    #[must_use]
    pub fn opens(&self, now: Instant) -> Option<Instant> {
        match &self.probing {
            Some(probing) => probing.budget.opens(now),
            None => self.budget.opens(now).max(self.sustained.opens(now)),
        }
    }

    /// True when nothing waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.queues.packets == 0
    }

    /// How it does. The longest wait starts afresh.
    pub const fn report(&mut self) -> PacerReport {
        PacerReport {
            packets: self.queues.packets,
            bytes: self.queues.bytes,
            longest_wait: std::mem::replace(&mut self.longest_wait, Duration::ZERO),
        }
    }

    /// Gives up all that waits.
    pub fn drain(&mut self) -> impl Iterator<Item = OutboundPacket> + '_ {
        self.queues.drain()
    }
}

#[cfg(test)]
mod tests;
