//! When packets of one publishing transport arrived, told back to its sender
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01).

use std::time::{Duration, Instant};

use crate::wire::seq::SeqUnwrapper;

/// Time between two feedbacks while packets arrive. Raising it makes the sender's estimate slower to
/// see a queue grow; lowering it spends more of the uplink's reverse path on feedback.
pub const FEEDBACK_INTERVAL: Duration = Duration::from_millis(50);

/// Numbers remembered: what arrives between two feedbacks at 40,000 packets a second, or how late a
/// packet may come and still be told of. Raising it costs 8 bytes each for every publisher; lowering
/// it loses arrivals of bursts.
pub const WINDOW: usize = 2048;

/// Most packets in one feedback, which then has at most 950 bytes however they arrived. Raising it
/// past a datagram makes feedback that cannot be sent; lowering it makes more of them.
pub const MAX_FEEDBACK_PACKETS: usize = 400;

/// Most lost packets told of before the first that arrived. Raising it leaves less of a feedback for
/// arrivals after an outage; lowering it hides losses from the sender's estimate.
pub const MAX_LEADING_LOSSES: u64 = 200;

/// What arrival times are counted in: 250 us (section 3.1.5).
const TICK: Duration = Duration::from_micros(250);

/// Ticks of the reference time's unit: 64 ms (section 3.1).
const REFERENCE_TICKS: u64 = 256;

/// What is known of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    /// It has not arrived.
    Missing,
    /// It arrived at this tick, and that was not told yet.
    Arrived(u64),
    /// It arrived, and that was told.
    Told,
}

/// One feedback, ready for [`crate::wire::rtcp::transport_feedback::transport_feedback`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TwccFeedback<'r> {
    /// The transport-wide sequence number of the first packet in the list.
    pub base_sequence: u16,
    /// What the first arrival is measured from, in 64 ms: 24 bits, wraps.
    pub reference_time: u32,
    /// Counts the feedbacks; wraps.
    pub feedback_count: u8,
    /// For each number from the base on, when it arrived in 250 us after the one before it in the
    /// list, or after the reference time; `None`: it has not. The last one has.
    pub deltas: &'r [Option<i32>],
}

/// Arrivals on one publishing transport.
#[derive(Debug)]
pub struct TwccRecorder {
    started: Instant,
    unwrapper: SeqUnwrapper,
    slots: Box<[Slot]>,
    /// Arrivals not told yet, and the lowest number that may be one.
    untold: usize,
    lowest_untold: u64,
    /// The number after the highest that was told of, arrived or lost.
    next_base: Option<u64>,
    last_feedback: Option<Instant>,
    /// When the next feedback is due, while anything is untold.
    due: Option<Instant>,
    feedback_count: u8,
    deltas: Vec<Option<i32>>,
}

impl TwccRecorder {
    /// A recorder that has seen nothing. Times are told relative to `now`.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            started: now,
            unwrapper: SeqUnwrapper::new(),
            slots: vec![Slot::Missing; WINDOW].into_boxed_slice(),
            untold: 0,
            lowest_untold: 0,
            next_base: None,
            last_feedback: None,
            due: None,
            feedback_count: 0,
            deltas: Vec::with_capacity(MAX_FEEDBACK_PACKETS),
        }
    }

    /// Takes note of an authenticated packet with this transport-wide sequence number. One that was
    /// seen before, or is older than [`WINDOW`], changes nothing.
    pub fn record(&mut self, now: Instant, transport_sequence: u16) {
        let highest_before = self.unwrapper.highest();
        let sequence = self.unwrapper.unwrap(transport_sequence);
        let highest = highest_before.unwrap_or(sequence);
        if sequence + WINDOW as u64 <= highest {
            return;
        }
        // The places of the numbers in between still tell of older ones.
        let new = sequence.saturating_sub(highest).min(WINDOW as u64);
        for number in sequence + 1 - new..=sequence {
            let slot = std::mem::replace(&mut self.slots[place(number)], Slot::Missing);
            self.untold -= usize::from(matches!(slot, Slot::Arrived(_)));
        }
        if self.slots[place(sequence)] != Slot::Missing {
            return;
        }
        let since = now.saturating_duration_since(self.started);
        let tick = since.as_micros() / TICK.as_micros();
        self.slots[place(sequence)] = Slot::Arrived(u64::try_from(tick).unwrap_or(u64::MAX));
        if self.untold == 0 {
            self.lowest_untold = sequence;
            let earliest = self.last_feedback.map(|at| at + FEEDBACK_INTERVAL);
            self.due = Some(earliest.map_or(now, |earliest| earliest.max(now)));
        }
        self.untold += 1;
        self.lowest_untold = self.lowest_untold.min(sequence);
    }

    /// When to call [`Self::poll_feedback`]; `None` while there is nothing to tell.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Instant> {
        self.due.filter(|_| self.untold > 0)
    }

    /// The next feedback, once it is due. Call until `None`: what does not fit one feedback goes
    /// into the next. An arrival is told of once.
    pub fn poll_feedback(&mut self, now: Instant) -> Option<TwccFeedback<'_>> {
        if self.next_timeout().is_none_or(|due| due > now) {
            return None;
        }
        let (first, first_tick) = self.first_untold()?;
        let base = self.base_of(first);
        let reference = first_tick / REFERENCE_TICKS;
        self.deltas.clear();
        // What is lost before the first arrival.
        self.deltas.resize((first - base) as usize, None);
        self.fill(first, reference * REFERENCE_TICKS);
        let next = base + self.deltas.len() as u64;
        self.next_base = self.next_base.max(Some(next));
        self.lowest_untold = next;
        if self.untold == 0 {
            self.last_feedback = Some(now);
            self.due = None;
        }
        let feedback_count = self.feedback_count;
        self.feedback_count = feedback_count.wrapping_add(1);
        Some(TwccFeedback {
            base_sequence: base as u16,
            reference_time: (reference & 0xff_ffff) as u32,
            feedback_count,
            deltas: &self.deltas,
        })
    }

    /// The lowest number whose arrival was not told, and its tick.
    fn first_untold(&mut self) -> Option<(u64, u64)> {
        let highest = self.unwrapper.highest()?;
        let known = (highest + 1).saturating_sub(WINDOW as u64);
        let mut numbers = self.lowest_untold.max(known)..=highest;
        numbers.find_map(|number| match self.slots[place(number)] {
            Slot::Arrived(tick) => Some((number, tick)),
            _ => None,
        })
    }

    /// Where a feedback starts whose first arrival is `first`: behind what was told of, so that what
    /// was lost in between is told too. One that comes late is told alone.
    fn base_of(&self, first: u64) -> u64 {
        match self.next_base {
            Some(next) if next < first => next.max(first - MAX_LEADING_LOSSES),
            _ => first,
        }
    }

    /// Appends arrivals and losses from `first` on, whose arrival is measured from `reference`, and
    /// marks them as told.
    fn fill(&mut self, first: u64, reference: u64) {
        let highest = self.unwrapper.highest().unwrap_or(first);
        let mut before = reference;
        // Where the list ends with its last arrival.
        let mut len = self.deltas.len();
        for number in first..=highest {
            if self.deltas.len() == MAX_FEEDBACK_PACKETS || self.untold == 0 {
                break;
            }
            match self.slots[place(number)] {
                Slot::Missing => self.deltas.push(None),
                // Told with another feedback: to call it lost now would be wrong.
                Slot::Told => break,
                Slot::Arrived(tick) => {
                    let delta = i128::from(tick) - i128::from(before);
                    // Section 3.1.5: more than 16 bits need a reference time of their own.
                    let Ok(delta) = i16::try_from(delta) else {
                        break;
                    };
                    self.deltas.push(Some(delta.into()));
                    len = self.deltas.len();
                    self.slots[place(number)] = Slot::Told;
                    self.untold -= 1;
                    before = tick;
                }
            }
        }
        self.deltas.truncate(len);
    }
}

const fn place(number: u64) -> usize {
    (number % WINDOW as u64) as usize
}

#[cfg(test)]
mod tests;
