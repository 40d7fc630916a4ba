//! Loss by RTP sequence numbers.

/// How many numbers behind the highest are remembered. Raising it costs a bit for each number and
/// stream. Lowering it takes packets that come late, by a repair, for lost ones: it is five seconds
/// of a stream of 200 packets per second.
const WINDOW: i64 = 1_024;

const WORDS: usize = WINDOW as usize / 64;

/// What a packet is to its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It was not there before.
    New,
    /// It was there already.
    Duplicate,
    /// It comes so late that nobody knows any more whether it was there. It stays counted as lost.
    TooLate,
}

/// The packets of one stream, counted by their sequence numbers: each number once, across
/// wrap-arounds, whatever their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct SequenceCount {
    /// The lowest and the highest number, unwrapped; `None` before the first packet.
    span: Option<(i64, i64)>,
    /// A bit for each number of the window behind the highest, at the number modulo the window.
    seen: [u64; WORDS],
    received: u64,
    repaired: u64,
    reordered: u64,
    duplicates: u64,
}

impl SequenceCount {
    /// Counts one packet. `repair`: it came as a retransmission.
    pub(crate) fn take(&mut self, sequence: u16, repair: bool) -> Fate {
        let number = self.unwrap(sequence);
        let (lowest, highest) = self.span.unwrap_or((number, number - 1));
        if number > highest {
            for passed in (highest + 1).max(number - WINDOW + 1)..number {
                self.mark(passed, false);
            }
        } else if highest - number >= WINDOW {
            return Fate::TooLate;
        } else if number >= lowest && self.is_marked(number) {
            self.duplicates += 1;
            return Fate::Duplicate;
        } else {
            for skipped in (number + 1)..lowest {
                self.mark(skipped, false);
            }
            self.reordered += u64::from(!repair);
        }
        self.mark(number, true);
        self.span = Some((lowest.min(number), highest.max(number)));
        self.received += 1;
        self.repaired += u64::from(repair);
        Fate::New
    }

    /// Packets between the lowest and the highest number, both included.
    pub(crate) fn expected(&self) -> u64 {
        self.span
            .map_or(0, |(lowest, highest)| (highest - lowest + 1).unsigned_abs())
    }

    /// Packets that came, each counted once.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// Those among the received that came only as a retransmission.
    pub(crate) fn repaired(&self) -> u64 {
        self.repaired
    }

    /// Those among the received that came behind a higher number and were no retransmission.
    pub(crate) fn reordered(&self) -> u64 {
        self.reordered
    }

    /// Packets that came again.
    pub(crate) fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// The number whose low 16 bits these are, nearest to the highest one.
    fn unwrap(&self, sequence: u16) -> i64 {
        let Some((_, highest)) = self.span else {
            return i64::from(sequence);
        };
        let ahead = sequence.wrapping_sub((highest & 0xffff) as u16);
        highest + i64::from(ahead.cast_signed())
    }

    fn place(number: i64) -> (usize, u64) {
        let at = number.rem_euclid(WINDOW).unsigned_abs();
        ((at / 64) as usize, 1 << (at % 64))
    }

    fn mark(&mut self, number: i64, seen: bool) {
        let (word, bit) = Self::place(number);
        if seen {
            self.seen[word] |= bit;
        } else {
            self.seen[word] &= !bit;
        }
    }

    fn is_marked(&self, number: i64) -> bool {
        let (word, bit) = Self::place(number);
        self.seen[word] & bit != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(sequence: impl IntoIterator<Item = u16>) -> SequenceCount {
        let mut count = SequenceCount::default();
        for number in sequence {
            count.take(number, false);
        }
        count
    }

    #[test]
    fn nothing_received_is_nothing_expected() {
        let count = SequenceCount::default();
        assert_eq!((count.expected(), count.received()), (0, 0));
    }

    #[test]
    fn gaps_are_expected_and_not_received() {
        let count = counted([10, 11, 14, 15]);
        assert_eq!((count.expected(), count.received()), (6, 4));
    }

    #[test]
    fn the_numbers_go_on_behind_a_wrap() {
        let count = counted([65_533, 65_534, 0, 1, 2]);
        assert_eq!((count.expected(), count.received()), (6, 5));
        let all = (0..200_000_u32).map(|number| (number + 60_000) as u16);
        let count = counted(all);
        assert_eq!((count.expected(), count.received()), (200_000, 200_000));
    }

    #[test]
    fn reordered_packets_are_not_lost() {
        let mut count = counted([1, 2, 4, 3, 6, 5]);
        assert_eq!((count.expected(), count.received()), (6, 6));
        assert_eq!(count.reordered(), 2);
        // Across the wrap too.
        assert_eq!(count.take(7, false), Fate::New);
        let mut count = counted([65_535, 1]);
        assert_eq!(count.take(0, false), Fate::New);
        assert_eq!((count.expected(), count.received()), (3, 3));
    }

    #[test]
    fn a_duplicate_does_not_hide_a_loss() {
        let mut count = counted([1, 2, 4]);
        assert_eq!(count.take(2, false), Fate::Duplicate);
        assert_eq!(count.take(4, true), Fate::Duplicate);
        assert_eq!((count.expected(), count.received()), (4, 3));
        assert_eq!((count.duplicates(), count.repaired()), (2, 0));
    }

    #[test]
    fn a_repair_fills_its_gap_and_is_told_apart() {
        let mut count = counted([1, 2, 4]);
        assert_eq!(count.take(3, true), Fate::New);
        assert_eq!((count.expected(), count.received()), (4, 4));
        assert_eq!((count.repaired(), count.reordered()), (1, 0));
        assert_eq!(count.take(3, true), Fate::Duplicate);
    }

    #[test]
    fn a_packet_before_the_first_one_widens_the_span() {
        let mut count = counted([100, 101]);
        assert_eq!(count.take(97, false), Fate::New);
        assert_eq!((count.expected(), count.received()), (5, 3));
        assert_eq!(count.take(98, false), Fate::New);
        assert_eq!((count.expected(), count.received()), (5, 4));
    }

    #[test]
    fn what_comes_after_the_window_stays_lost() {
        let mut count = counted([1, 3]);
        let window = WINDOW as u16;
        count.take(2 + window, false);
        assert_eq!(count.take(2, true), Fate::TooLate);
        assert_eq!(
            (count.expected(), count.received()),
            (2 + u64::from(window), 3)
        );
        // A place in the window is free again for the number that follows in it.
        assert_eq!(count.take(3 + window, false), Fate::New);
        assert_eq!(count.take(4, true), Fate::New);
    }

    #[test]
    fn a_long_gap_is_all_lost() {
        let count = counted([1, 20_001]);
        assert_eq!((count.expected(), count.received()), (20_001, 2));
    }
}
