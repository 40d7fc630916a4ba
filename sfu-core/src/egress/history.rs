//! Which sequence numbers were given to a subscriber, and which were repaired and when.

use std::time::{Duration, Instant};

use crate::drop_reason::DropReason;
use crate::media::codec::MediaKind;
use crate::media::packet_cache::capacity_for;
use crate::wire::seq;

/// How long a repair is given to arrive before the same packet is repaired again, while the
/// round-trip time is unknown. Raising it delays a second repair; lowering it answers the NACKs that
/// were under way with packets that were too.
pub(super) const DEFAULT_REPAIR_INTERVAL: Duration = Duration::from_millis(100);

/// The shortest such time whatever the round-trip time: a client that names one packet over and over
/// gets it 50 times a second. Raising it hurts repair on a local network; lowering it lets a client
/// pull more.
pub(super) const MIN_REPAIR_INTERVAL: Duration = Duration::from_millis(20);

/// The longest such time: round trips grow with a queue that a subscriber may fill itself. Raising
/// it gives up on packets that a second repair could save; lowering it repeats repairs that still
/// queue.
pub(super) const MAX_REPAIR_INTERVAL: Duration = Duration::from_millis(500);

/// Most repairs of one stream in a second, and in a burst: a third of a 4 Mbit/s stream, or several
/// lost keyframes. Raising it lets a hostile client draw more traffic; lowering it leaves a stream
/// with heavy loss waiting for keyframes.
pub(super) const MAX_REPAIRS_PER_SECOND: u32 = 200;

/// Bits of a word.
const BITS: usize = u64::BITS as usize;

#[derive(Clone, Copy, Debug)]
struct Slot {
    sequence: u64,
    /// Milliseconds since the first packet, plus one; 0: never.
    repaired: u32,
    /// The number is of a packet without a payload, in place of one that was left out.
    is_empty: bool,
}

/// What is known of as many numbers as a word has bits, one bit for each.
#[derive(Clone, Copy, Debug, Default)]
struct Bits {
    /// It was given.
    given: u64,
    /// It waits to be sent.
    waiting: u64,
}

/// A number that no packet reaches: 2^64 packets.
const NEVER: u64 = u64::MAX;

/// The last numbers, as many as the source's cache holds packets.
#[derive(Clone, Debug)]
pub(super) struct History {
    /// Every packet looks here, and with a thousand subscribers a bit stays in the caches where a slot
    /// does not.
    bits: Box<[Bits]>,
    /// The repairs, which few packets need.
    ring: Box<[Slot]>,
    highest: Option<u64>,
    /// Numbers below are not repaired: a keyframe makes up for what was lost of them.
    written_off: u64,
    /// When the first number was given.
    started: Option<Instant>,
    /// The second that repairs are counted in, and how many it has had.
    repairs: Option<(Instant, u32)>,
}

impl History {
    pub(super) fn new(kind: MediaKind) -> Self {
        let never = Slot {
            sequence: NEVER,
            repaired: 0,
            is_empty: false,
        };
        Self {
            bits: vec![Bits::default(); capacity_for(kind).div_ceil(BITS)].into_boxed_slice(),
            ring: vec![never; capacity_for(kind)].into_boxed_slice(),
            highest: None,
            written_off: 0,
            started: None,
            repairs: None,
        }
    }

    fn index(&self, sequence: u64) -> usize {
        // The capacity is a power of two well below 2^32.
        sequence as usize & (self.ring.len() - 1)
    }

    /// Whether `sequence`, which is not too old to know, was given.
    pub(super) fn is_given(&self, sequence: u64) -> bool {
        let index = self.index(sequence);
        self.bits[index / BITS].given >> (index % BITS) & 1 == 1
    }

    /// Whether `sequence`, which is not too old to know, waits to be sent.
    pub(super) fn is_waiting(&self, sequence: u64) -> bool {
        let index = self.index(sequence);
        self.bits[index / BITS].waiting >> (index % BITS) & 1 == 1
    }

    /// Notes whether `sequence` waits to be sent.
    pub(super) fn set_waiting(&mut self, sequence: u64, waits: bool) {
        let is_known = |highest| sequence + self.ring.len() as u64 > highest;
        if self.highest.is_some_and(is_known) {
            let index = self.index(sequence);
            let bits = &mut self.bits[index / BITS].waiting;
            *bits = *bits & !(1 << (index % BITS)) | u64::from(waits) << (index % BITS);
        }
    }

    /// Notes that nothing waits to be sent.
    pub(super) fn clear_waiting(&mut self) {
        for bits in &mut self.bits {
            bits.waiting = 0;
        }
    }

    fn mark_given(&mut self, sequence: u64) {
        let index = self.index(sequence);
        self.bits[index / BITS].given |= 1 << (index % BITS);
    }

    fn forget(&mut self, sequence: u64) {
        let index = self.index(sequence);
        let bits = &mut self.bits[index / BITS];
        bits.given &= !(1 << (index % BITS));
        bits.waiting &= !(1 << (index % BITS));
    }

    /// Gives `sequence`, once.
    pub(super) fn give(&mut self, now: Instant, sequence: u64) -> Result<(), DropReason> {
        let highest = self.highest.unwrap_or(sequence);
        if sequence + self.ring.len() as u64 <= highest {
            return Err(DropReason::TooOld);
        }
        // What is passed now is as yet not given, whatever its bit said a whole ring ago.
        let passed = (highest + 1)..=sequence;
        if sequence.saturating_sub(highest) >= self.ring.len() as u64 {
            self.bits.fill(Bits::default());
        } else {
            passed.for_each(|number| self.forget(number));
        }
        if self.is_given(sequence) {
            return Err(DropReason::Duplicate);
        }
        self.mark_given(sequence);
        self.highest = Some(highest.max(sequence));
        self.started.get_or_insert(now);
        Ok(())
    }

    /// Notes that `sequence` was given to a packet without a payload.
    pub(super) fn note_empty(&mut self, sequence: u64) {
        let place = self.index(sequence);
        let slot = &mut self.ring[place];
        let repaired = if slot.sequence == sequence {
            slot.repaired
        } else {
            0
        };
        *slot = Slot {
            sequence,
            repaired,
            is_empty: true,
        };
    }

    /// Whether `sequence` was given to a packet without a payload.
    pub(super) fn is_empty(&self, sequence: u64) -> bool {
        let slot = self.ring[self.index(sequence)];
        slot.sequence == sequence && slot.is_empty
    }

    /// The number that a subscriber names by its low 16 bits; `None` when it was not reached yet or
    /// is too old to know.
    pub(super) fn extend(&self, sequence: u16) -> Option<u64> {
        let highest = self.highest?;
        let ahead = seq::distance(sequence, highest as u16);
        let behind = u64::from(ahead.unsigned_abs());
        if ahead > 0 || behind >= self.ring.len() as u64 {
            return None;
        }
        highest.checked_sub(behind)
    }

    /// The number that is `back` before the newest; `None` when it is too old to know.
    pub(super) fn before_newest(&self, back: u64) -> Option<u64> {
        let is_known = back < self.ring.len() as u64;
        self.highest?.checked_sub(back).filter(|_| is_known)
    }

    /// Whether `sequence` is not to be repaired any more.
    pub(super) const fn is_written_off(&self, sequence: u64) -> bool {
        sequence < self.written_off
    }

    /// Writes off all that was given by now.
    pub(super) fn write_off(&mut self) {
        self.written_off = self.highest.map_or(0, |highest| highest + 1);
    }

    /// Whether `sequence`, which is not too old to know, was repaired before.
    pub(super) fn was_repaired(&self, sequence: u64) -> bool {
        let slot = self.ring[self.index(sequence)];
        slot.sequence == sequence && slot.repaired != 0
    }

    /// Whether `sequence` may be repaired now.
    pub(super) fn may_repair(&self, now: Instant, sequence: u64, rtt: Option<Duration>) -> bool {
        if let Some((second, count)) = self.repairs
            && count >= MAX_REPAIRS_PER_SECOND
            && now.saturating_duration_since(second) < Duration::from_secs(1)
        {
            return false;
        }
        let slot = self.ring[self.index(sequence)];
        if !self.was_repaired(sequence) {
            return true;
        }
        let interval = rtt.map_or(DEFAULT_REPAIR_INTERVAL, |rtt| {
            rtt.clamp(MIN_REPAIR_INTERVAL, MAX_REPAIR_INTERVAL)
        });
        let since = self.millis(now).saturating_sub(slot.repaired - 1);
        Duration::from_millis(u64::from(since)) >= interval
    }

    /// Takes note of a repair. A number that was not given before is given now: the packet itself,
    /// should it still come, would say nothing new.
    pub(super) fn repaired(&mut self, now: Instant, sequence: u64) {
        let place = self.index(sequence);
        self.mark_given(sequence);
        let repaired = self.millis(now).saturating_add(1);
        self.ring[place] = Slot {
            sequence,
            repaired,
            is_empty: self.is_empty(sequence),
        };
        self.repairs = Some(match self.repairs {
            Some((second, count))
                if now.saturating_duration_since(second) < Duration::from_secs(1) =>
            {
                (second, count + 1)
            }
            _ => (now, 1),
        });
    }

    /// Milliseconds since the first number was given; stops after 49 days, where every packet counts
    /// as just repaired once it was repaired at all.
    fn millis(&self, now: Instant) -> u32 {
        let since = self.started.map_or(Duration::ZERO, |started| {
            now.saturating_duration_since(started)
        });
        u32::try_from(since.as_millis()).unwrap_or(u32::MAX)
    }
}
