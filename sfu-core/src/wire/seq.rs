//! Counting on where a 16-bit or 32-bit number on the wire wraps round.

/// How far `a` is ahead of `b`, the short way round; negative when behind.
///
/// Exactly half way round counts as behind.
#[must_use]
pub const fn distance(a: u16, b: u16) -> i16 {
    a.wrapping_sub(b).cast_signed()
}

/// Whether `a` comes after `b`, the short way round. Exactly half way round, neither is newer.
#[must_use]
pub const fn newer_than(a: u16, b: u16) -> bool {
    distance(a, b) > 0
}

/// The number nearest to `highest` whose low `bits` bits are `value`; exactly half way, the lower.
fn nearest(highest: u64, value: u64, bits: u32) -> u64 {
    let cycle = 1u64 << bits;
    let ahead = value.wrapping_sub(highest) & (cycle - 1);
    if ahead < cycle / 2 {
        highest + ahead
    } else {
        // `highest` is at least one cycle: it starts there and never falls.
        highest + ahead - cycle
    }
}

/// Extends RTP sequence numbers to 64 bits (RFC 3550 appendix A.1, by nearness).
///
/// The first number lands in the second cycle, so that older ones that come late still have a place
/// below it and nothing ever underflows. The low 16 bits are always those of the wire.
#[derive(Clone, Copy, Debug, Default)]
pub struct SeqUnwrapper {
    highest: Option<u64>,
}

impl SeqUnwrapper {
    /// An unwrapper that has seen nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { highest: None }
    }

    /// The extended number of `sequence`, without taking note of it: for a packet that is not yet
    /// known to be authentic.
    #[must_use]
    pub fn peek(&self, sequence: u16) -> u64 {
        match self.highest {
            Some(highest) => nearest(highest, sequence.into(), 16),
            None => (1 << 16) + u64::from(sequence),
        }
    }

    /// The extended number of `sequence`. Only a newer number moves what later ones are measured by.
    pub fn unwrap(&mut self, sequence: u16) -> u64 {
        let extended = self.peek(sequence);
        self.highest = self.highest.max(Some(extended));
        extended
    }

    /// The highest extended number so far.
    #[must_use]
    pub const fn highest(&self) -> Option<u64> {
        self.highest
    }
}

/// Extends RTP timestamps to 64 bits, as [`SeqUnwrapper`] does sequence numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct TimestampUnwrapper {
    highest: Option<u64>,
}

impl TimestampUnwrapper {
    /// An unwrapper that has seen nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { highest: None }
    }

    /// The extended timestamp, without taking note of it.
    #[must_use]
    pub fn peek(&self, timestamp: u32) -> u64 {
        match self.highest {
            Some(highest) => nearest(highest, timestamp.into(), 32),
            None => (1 << 32) + u64::from(timestamp),
        }
    }

    /// The extended timestamp. Only a newer one moves what later ones are measured by.
    pub fn unwrap(&mut self, timestamp: u32) -> u64 {
        let extended = self.peek(timestamp);
        self.highest = self.highest.max(Some(extended));
        extended
    }

    /// The highest extended timestamp so far.
    #[must_use]
    pub const fn highest(&self) -> Option<u64> {
        self.highest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_is_the_short_way_round_and_never_both_ways() {
        assert!(newer_than(0, 65_535));
        assert!(!newer_than(65_535, 0));
        assert!(newer_than(32_767, 0));
        assert!(!newer_than(32_768, 0) && !newer_than(0, 32_768));
        assert!(!newer_than(7, 7));
        assert_eq!(distance(2, 65_534), 4);
        assert_eq!(distance(65_534, 2), -4);
    }

    #[test]
    fn numbers_count_on_through_the_wrap_and_back() {
        let mut unwrapper = SeqUnwrapper::new();
        let first = unwrapper.unwrap(65_534);
        assert_eq!(first & 0xffff, 65_534);
        assert_eq!(unwrapper.unwrap(1), first + 3);
        assert_eq!(unwrapper.unwrap(65_535), first + 1);
        assert_eq!(unwrapper.highest(), Some(first + 3));
        assert_eq!(unwrapper.unwrap(2), first + 4);
    }

    #[test]
    fn the_first_number_leaves_room_below_it() {
        let mut unwrapper = SeqUnwrapper::new();
        let first = unwrapper.unwrap(0);
        assert_eq!(unwrapper.unwrap(32_768), first - 32_768);
        // A late number does not move the measure: the next lower one is not lower still.
        assert_eq!(unwrapper.unwrap(32_768), first - 32_768);
        assert_eq!(unwrapper.unwrap(1), first + 1);
    }

    #[test]
    fn peeking_changes_nothing() {
        let mut unwrapper = SeqUnwrapper::new();
        assert_eq!(unwrapper.peek(500), (1 << 16) + 500);
        assert_eq!(unwrapper.highest(), None);
        let at = unwrapper.unwrap(10);
        assert_eq!(unwrapper.peek(30_000), at + 29_990);
        assert_eq!(unwrapper.peek(60_000), at - 5_546);
    }

    #[test]
    fn every_distance_round_the_circle_is_taken_the_short_way() {
        for start in [0, 1, 32_767, 32_768, 65_535] {
            for value in 0..=u16::MAX {
                let mut unwrapper = SeqUnwrapper::new();
                let first = unwrapper.unwrap(start).cast_signed();
                let moved = unwrapper.unwrap(value).cast_signed() - first;
                assert_eq!(moved, i64::from(distance(value, start)));
            }
        }
    }

    #[test]
    fn timestamps_wrap_at_32_bits() {
        let mut unwrapper = TimestampUnwrapper::new();
        let first = unwrapper.unwrap(u32::MAX - 2999);
        assert_eq!(first & 0xffff_ffff, u64::from(u32::MAX - 2999));
        assert_eq!(unwrapper.unwrap(0), first + 3000);
        assert_eq!(unwrapper.peek(u32::MAX), first + 2999);
        assert_eq!(unwrapper.highest(), Some(first + 3000));
    }
}
