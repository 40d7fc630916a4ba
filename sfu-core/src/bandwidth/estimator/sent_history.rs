//! What was sent and not yet, or lately, told of.

use crate::bandwidth::departure::ProbeId;
use crate::bandwidth::recording::kept::kept;

/// Packets that a history holds at first. Eight bytes each.
///
/// Higher: a subscriber that is sent little pays for more memory. Lower: more transports grow once.
const FIRST_SLOTS: usize = 1024;

/// Packets that a history holds at most: what 50 Mbit/s are in 1.6 s.
///
/// Higher: feedback may be later at high rates, and one subscriber may cost more memory. Lower: what is told late
/// counts as never sent.
const MAX_SLOTS: usize = 8192;

/// What is known of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Fate {
    /// There was none of this number, or it was told of.
    Settled = 0,
    /// Nothing yet.
    InFlight = 1,
    /// Said to be lost: it may still have come.
    Missing = 2,
    /// Feedback on later packets came, and none on it: that may still come.
    Passed = 3,
}

/// One packet. Eight of them are a cache line.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// The low 32 bits of its departure in microseconds.
    sent: u32,
    size: u16,
    /// Bit 0: padding; above: the probe's tag.
    class: u8,
    /// Bits 0 and 1: the [`Fate`]; above: how long it is to wait on a link of the estimated rate.
    state: u8,
}

const _: () = assert!(size_of::<Slot>() == 8);

/// A packet as it left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    /// Its departure, in microseconds on the estimator's clock.
    pub(super) at: u64,
    /// In bytes on the wire.
    pub(super) size: u16,
    /// It was nothing but padding.
    pub(super) is_padding: bool,
    /// The low bits of the probe that it was part of, see [`tag`].
    pub(super) probe: u8,
    /// How long it was to wait on a link of the estimated rate, in units of
    /// [`super::expected_queue`].
    pub(super) expected: u8,
}

/// What a feedback's word on one packet changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It has come.
    Arrived(Sent),
    /// It has come after all: a feedback before said that it was lost.
    ArrivedLate(Sent),
    /// It has come, and is told of after what left after it.
    Overtaken(Sent),
    /// It is lost, as far as is known.
    Lost(Sent),
    /// Nothing: never sent, long forgotten, or known already.
    Vain,
}

/// The packets of one transport, by their transport-wide numbers.
#[derive(Clone, Debug)]
pub(super) struct SentHistory {
    /// A power of two.
    slots: Box<[Slot]>,
    /// The oldest number that is held.
    first: u64,
    /// The number after the newest.
    next: u64,
    /// All numbers below are out of flight.
    passed: u64,
    in_flight: u64,
    last_sent: u64,
}

/// What stands for a probe in a slot; 0: none.
///
/// Two probes of one tag are 127 probes apart, which is far more than are ever under way.
pub(super) fn tag(probe: Option<ProbeId>) -> u8 {
    probe.map_or(0, |id| (id.0 % 127) as u8 + 1)
}

impl SentHistory {
    pub(super) fn new() -> Self {
        Self {
            slots: vec![Slot::default(); FIRST_SLOTS].into_boxed_slice(),
            first: 0,
            next: 0,
            passed: 0,
            in_flight: 0,
            last_sent: 0,
        }
    }

    /// Bytes of which nothing was heard yet.
    pub(super) const fn in_flight(&self) -> u64 {
        self.in_flight
    }

    /// Takes a packet. Numbers only grow; one that does not is left out.
    pub(super) fn sent(&mut self, sequence: u64, packet: Sent) {
        if sequence != self.next {
            self.skip_to(sequence);
            if sequence != self.next {
                return;
            }
        }
        if sequence - self.first >= self.slots.len() as u64 {
            self.make_room();
        }
        let slot = self.slot_mut(sequence);
        let was = *slot;
        *slot = Slot {
            sent: packet.at as u32,
            size: packet.size,
            class: packet.probe << 1 | u8::from(packet.is_padding),
            state: packet.expected << 2 | Fate::InFlight as u8,
        };
        debug_assert_ne!(was.fate(), Fate::InFlight, "made room before");
        self.next = sequence + 1;
        self.in_flight += u64::from(packet.size);
        self.last_sent = packet.at;
    }

    /// The number that a wire's 16 bits mean: the nearest that was sent.
    pub(super) fn unwrap(&self, wire: u16) -> Option<u64> {
        let behind = (self.next as u16).wrapping_sub(wire);
        let behind = if behind == 0 {
            1 << 16
        } else {
            u64::from(behind)
        };
        let sequence = self.next.checked_sub(behind)?;
        (sequence >= self.first).then_some(sequence)
    }

    /// What feedback says of one packet.
    pub(super) fn tell(&mut self, wire: u16, has_arrived: bool) -> Told {
        let Some(sequence) = self.unwrap(wire) else {
            return Told::Vain;
        };
        let last_sent = self.last_sent;
        let slot = self.slot_mut(sequence);
        let fate = slot.fate();
        let sent = slot.read(last_sent);
        slot.set(match (fate, has_arrived) {
            (Fate::Settled, _) | (_, true) => Fate::Settled,
            (_, false) => Fate::Missing,
        });
        if fate == Fate::InFlight {
            self.in_flight -= u64::from(sent.size);
        }
        match (fate, has_arrived) {
            (Fate::InFlight, true) => Told::Arrived(sent),
            (Fate::InFlight | Fate::Passed, false) => Told::Lost(sent),
            (Fate::Missing, true) => Told::ArrivedLate(sent),
            (Fate::Passed, true) => Told::Overtaken(sent),
            (Fate::Settled, _) | (Fate::Missing, false) => Told::Vain,
        }
    }

    /// Takes out of flight what was sent before the packet `wire`: the feedback that told of it was
    /// lost on its way. Each packet is passed once.
    pub(super) fn pass(&mut self, wire: u16) {
        let Some(to) = self.unwrap(wire) else {
            return;
        };
        self.passed = self.passed.max(self.first);
        while self.passed < to {
            let slot = self.slot_mut(self.passed);
            if slot.fate() == Fate::InFlight {
                slot.set(Fate::Passed);
                let size = slot.size;
                self.in_flight -= u64::from(size);
            }
            self.passed += 1;
        }
    }

    fn slot_mut(&mut self, sequence: u64) -> &mut Slot {
        let mask = self.slots.len() - 1;
        &mut self.slots[sequence as usize & mask]
    }

    /// Marks the numbers up to `sequence` as not sent.
    fn skip_to(&mut self, sequence: u64) {
        if sequence < self.next {
            return;
        }
        if self.next == self.first || sequence - self.next >= self.slots.len() as u64 {
            // Nothing of what is held can be near the new number.
            self.slots.fill(Slot::default());
            self.in_flight = 0;
            (self.first, self.next, self.passed) = (sequence, sequence, sequence);
            return;
        }
        while self.next < sequence {
            if self.next - self.first >= self.slots.len() as u64 {
                self.make_room();
            }
            *self.slot_mut(self.next) = Slot::default();
            self.next += 1;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let mut slots = vec![Slot::default(); self.slots.len() * 2].into_boxed_slice();
        let mask = slots.len() - 1;
        for sequence in self.first..self.next {
            slots[sequence as usize & mask] = *self.slot_mut(sequence);
        }
        self.slots = slots;
    }

    /// Forgets the oldest packet, or grows when it is still under way.
    fn make_room(&mut self) {
        let oldest = *self.slot_mut(self.first);
        if oldest.fate() == Fate::InFlight {
            if self.slots.len() < MAX_SLOTS {
                return self.grow();
            }
            self.in_flight -= u64::from(oldest.size);
            let first = self.first;
            self.slot_mut(first).set(Fate::Settled);
        }
        self.first += 1;
    }
}

impl Slot {
    const fn fate(self) -> Fate {
        match self.state & 3 {
            1 => Fate::InFlight,
            2 => Fate::Missing,
            3 => Fate::Passed,
            _ => Fate::Settled,
        }
    }

    const fn set(&mut self, fate: Fate) {
        self.state = self.state & !3 | fate as u8;
    }

    /// The packet, with its departure's upper bits: it left at most an hour before `last_sent`.
    fn read(self, last_sent: u64) -> Sent {
        let age = (last_sent as u32).wrapping_sub(self.sent);
        Sent {
            at: last_sent.saturating_sub(u64::from(age)),
            size: self.size,
            is_padding: self.class & 1 == 1,
            probe: self.class >> 1,
            expected: self.state >> 2,
        }
    }
}

kept!(Slot {
    sent,
    size,
    class,
    state
});
kept!(SentHistory {
    slots,
    first,
    next,
    passed,
    in_flight,
    last_sent
});

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(at: u64) -> Sent {
        Sent {
            at,
            size: 1_000,
            is_padding: at % 2 == 1,
            probe: 3,
            expected: 5,
        }
    }

    fn filled(first: u64, count: u64) -> SentHistory {
        let mut history = SentHistory::new();
        for sequence in first..first + count {
            history.sent(sequence, packet(sequence));
        }
        history
    }

    #[test]
    fn each_packet_is_told_of_once_as_it_was_sent() {
        let mut history = filled(65_500, 100);
        assert_eq!(history.in_flight(), 100_000);
        assert_eq!(history.tell(65_501, true), Told::Arrived(packet(65_501)));
        assert_eq!(history.tell(65_501, true), Told::Vain);
        // 65,536 + 10 on the wire.
        assert_eq!(history.tell(10, false), Told::Lost(packet(65_546)));
        assert_eq!(history.tell(10, false), Told::Vain);
        assert_eq!(history.tell(10, true), Told::ArrivedLate(packet(65_546)));
        assert_eq!(history.in_flight(), 98_000);
    }

    #[test]
    fn what_was_never_sent_or_is_long_forgotten_is_told_in_vain() {
        let mut history = filled(0, 3_000);
        assert_eq!(history.tell(3_000, true), Told::Vain);
        assert_eq!(history.tell(65_000, true), Told::Vain);
        for sequence in 0..2_000 {
            history.tell(sequence, true);
        }
        for sequence in 3_000..20_000 {
            history.sent(sequence, packet(sequence));
            history.tell(sequence as u16, true);
        }
        assert_eq!(history.tell(2_500, true), Told::Vain);
        assert_eq!(
            history.in_flight(),
            0,
            "what is forgotten is in flight no more"
        );
    }

    #[test]
    fn it_grows_while_nothing_is_told_and_is_bounded() {
        let history = filled(0, 100_000);
        assert_eq!(history.slots.len(), MAX_SLOTS);
        assert_eq!(history.in_flight(), MAX_SLOTS as u64 * 1_000);
    }

    #[test]
    fn numbers_that_were_left_out_were_not_sent() {
        let mut history = filled(10, 5);
        history.sent(20, packet(20));
        assert_eq!(history.tell(17, true), Told::Vain);
        assert_eq!(history.tell(20, true), Told::Arrived(packet(20)));
        assert_eq!(history.tell(14, true), Told::Arrived(packet(14)));
        history.sent(12, packet(12));
        history.sent(1 << 40, packet(99));
        assert_eq!(history.in_flight(), 1_000, "all else is out of reach");
    }

    #[test]
    fn what_feedback_passes_over_is_in_flight_no_more_and_may_still_be_told() {
        let mut history = filled(0, 10);
        history.pass(6);
        assert_eq!(history.in_flight(), 4_000);
        assert_eq!(history.tell(3, true), Told::Overtaken(packet(3)));
        assert_eq!(history.tell(4, false), Told::Lost(packet(4)));
        assert_eq!(history.tell(4, true), Told::ArrivedLate(packet(4)));
        history.pass(2);
        assert_eq!(history.in_flight(), 4_000);
    }
}
