//! Numbers of a stream that were left out on purpose, so that those behind them move up.
//!
//! A source's numbers, or what a stretch makes of them, stand on one endless axis. What is left out
//! of it makes no gap: a number is sent as itself less all that was left out before it. The newest
//! ones are remembered bit by bit, as packets come late and are asked for again.

/// Bits of a word.
const BITS: u64 = u64::BITS as u64;

/// What was left out of one axis of numbers. `WORDS` times 64 of them are remembered, up to 63 less
/// where something was left out.
#[derive(Clone, Debug)]
pub(super) struct LeftOut<const WORDS: usize> {
    /// One past the newest number that was left out; 0: none was. Behind it nothing is counted.
    newest_end: u64,
    /// How many were left out so far.
    total: u64,
    /// One past the newest number that was kept: from here on a number can go without a gap.
    kept_end: u64,
    /// One past the newest number that was decided on.
    next: u64,
    /// A ring of one bit for each number: it was left out.
    ring: [u64; WORDS],
}

impl<const WORDS: usize> LeftOut<WORDS> {
    /// An axis whose first number is `first`.
    pub(super) const fn from(first: u64) -> Self {
        Self {
            newest_end: 0,
            total: 0,
            kept_end: first,
            next: first,
            ring: [0; WORDS],
        }
    }

    /// One past the newest number that was decided on.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// Whether nothing from `number` on was left out.
    pub(super) const fn is_whole_from(&self, number: u64) -> bool {
        self.newest_end <= number
    }

    /// The oldest number whose bit still stands.
    const fn oldest(&self) -> u64 {
        let word = self.next.saturating_sub(1) / BITS;
        word.saturating_sub(WORDS as u64 - 1) * BITS
    }

    const fn index(word: u64) -> usize {
        // Below WORDS, so nothing is cut off.
        (word % WORDS as u64) as usize
    }

    /// What `number` is sent as; `None` when it was left out, or is too old to know.
    pub(super) fn sent(&self, number: u64) -> Option<u64> {
        if number >= self.newest_end {
            return Some(number - self.total);
        }
        if number < self.oldest() || self.is_left_out(number) {
            return None;
        }
        Some(number - (self.total - self.left_out_from(number)))
    }

    /// The number that is sent as `sent`; `None` when it is too old to know.
    pub(super) fn number_of(&self, sent: u64) -> Option<u64> {
        // Behind the newest that was left out, all numbers moved up alike.
        if sent + self.total >= self.newest_end {
            return Some(sent + self.total);
        }
        let (mut end, mut before) = (self.newest_end, self.total);
        while end > self.oldest() {
            let start = (end - 1) / BITS * BITS;
            let word = self.ring[Self::index(start / BITS)];
            let here = u64::from(Self::below(word, end - start).count_ones());
            if start - (before - here) > sent {
                (end, before) = (start, before - here);
                continue;
            }
            for number in (start..end).rev() {
                if word >> (number - start) & 1 == 1 {
                    before -= 1;
                } else if number - before == sent {
                    return Some(number);
                }
            }
            return None;
        }
        None
    }

    /// The lowest `count` bits of a word, of 64 at most.
    const fn below(word: u64, count: u64) -> u64 {
        if count >= BITS {
            word
        } else {
            word & ((1 << count) - 1)
        }
    }

    /// How many from `number` on were left out; `number` is not older than the oldest.
    fn left_out_from(&self, number: u64) -> u64 {
        let first = number / BITS;
        let last = (self.newest_end - 1) / BITS;
        let whole: u64 = (first + 1..=last)
            .map(|word| u64::from(self.ring[Self::index(word)].count_ones()))
            .sum();
        let part = self.ring[Self::index(first)] >> (number % BITS);
        whole + u64::from(part.count_ones())
    }

    /// Whether `number` was left out, as far as is remembered.
    pub(super) fn is_left_out(&self, number: u64) -> bool {
        number < self.newest_end
            && number >= self.oldest()
            && self.ring[Self::index(number / BITS)] >> (number % BITS) & 1 == 1
    }

    /// Decides on all up to `number`: what is passed without a word is missing.
    fn reach(&mut self, number: u64) {
        if number < self.next {
            return;
        }
        let (from, to) = (self.next.saturating_sub(1) / BITS, number / BITS);
        if to - from >= WORDS as u64 {
            self.ring.fill(0);
        } else {
            (from + 1..=to).for_each(|word| self.ring[Self::index(word)] = 0);
        }
        self.next = number + 1;
    }

    /// Keeps `number`: from now on none before it can go without a gap.
    pub(super) fn keep(&mut self, number: u64) {
        self.reach(number);
        self.kept_end = self.kept_end.max(number + 1);
    }

    /// Leaves `number` out. False when one behind it was kept already: it was counted, and will be
    /// missed.
    pub(super) fn leave_out(&mut self, number: u64) -> bool {
        if number < self.kept_end {
            return self.is_left_out(number);
        }
        self.reach(number);
        let word = &mut self.ring[Self::index(number / BITS)];
        let bit = 1 << (number % BITS);
        if *word & bit == 0 && number >= self.oldest() {
            self.ring[Self::index(number / BITS)] |= bit;
            self.total += 1;
            self.newest_end = self.newest_end.max(number + 1);
        }
        true
    }

    /// Leaves out all that is behind the newest kept and was decided on: nobody waits for it.
    pub(super) fn close(&mut self) {
        for number in self.kept_end.max(self.oldest())..self.next {
            self.leave_out(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_left_out_changes_nothing() {
        let mut axis = LeftOut::<2>::from(0x7ffe);
        for number in 0x7ffe..0x9000 {
            axis.keep(number);
            assert_eq!(axis.sent(number), Some(number));
            assert_eq!(axis.number_of(number - 100), Some(number - 100));
        }
        assert!(axis.is_whole_from(0));
    }

    #[test]
    fn every_number_moves_up_and_is_found_again() {
        for seed in 0..12 {
            let mut dice = fastrand::Rng::with_seed(seed);
            let share = dice.u8(1..10);
            let first = dice.u64(..200);
            let mut axis = LeftOut::<4>::from(first);
            // What every number became, as a list.
            let mut became = Vec::new();
            let mut next = first;
            for number in first..first + 2000 {
                let keep = dice.u8(..10) < share;
                became.push(keep.then_some(next));
                next += u64::from(keep);
                if keep {
                    axis.keep(number);
                } else {
                    assert!(axis.leave_out(number));
                    assert!(axis.leave_out(number), "once more is the same");
                }
                for at in number.saturating_sub(190).max(first)..=number {
                    let sent = became[(at - first) as usize];
                    assert_eq!(axis.sent(at), sent, "{seed}: {at} of {number}");
                    assert_eq!(axis.is_left_out(at), sent.is_none());
                    if let Some(sent) = sent {
                        assert_eq!(axis.number_of(sent), Some(at), "{seed}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_was_passed_keeps_its_number() {
        let mut axis = LeftOut::<2>::from(10);
        axis.keep(10);
        assert!(axis.leave_out(12), "nothing behind it was kept");
        axis.keep(13);
        assert!(!axis.leave_out(11));
        assert_eq!([10, 11, 13].map(|at| axis.sent(at)), [10, 11, 12].map(Some));
        assert_eq!(
            [10, 11, 12].map(|at| axis.number_of(at)),
            [10, 11, 13].map(Some)
        );
    }

    #[test]
    fn what_is_behind_the_newest_kept_can_still_go() {
        let mut axis = LeftOut::<2>::from(10);
        axis.keep(10);
        assert!(axis.leave_out(13));
        assert!(axis.leave_out(11));
        axis.close();
        assert_eq!(axis.next(), 14);
        assert_eq!(axis.sent(14), Some(11));
        assert!([11, 12, 13].iter().all(|&at| axis.is_left_out(at)));
    }

    #[test]
    fn a_wide_jump_forgets_and_counts_on() {
        let mut axis = LeftOut::<2>::from(0);
        assert!(axis.leave_out(0));
        axis.keep(1);
        axis.keep(5000);
        assert_eq!(axis.sent(5000), Some(4999));
        assert!(axis.leave_out(5001));
        assert_eq!((axis.sent(1), axis.number_of(0)), (None, None));
        assert_eq!(axis.sent(5002), Some(5000));
        assert!(!axis.leave_out(1));
    }
}
