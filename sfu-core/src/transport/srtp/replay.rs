//! The replay list of one stream: which indices have been opened already.

/// Indices below the highest that are still told apart, in packets (RFC 3711 section 3.3.2 wants at
/// least 64). A repair sent as the identical ciphertext arrives this late at most: at 1,000 packets
/// per second, one second. Raising it costs a bit per packet and stream; lowering it drops late
/// repairs of fast streams.
pub const REPLAY_WINDOW: u64 = 1024;

const WORD_BITS: u64 = u64::BITS as u64;

/// One word more than the window, so that a word is emptied whole before its first bit is used
/// (RFC 6479 section 3).
const WORDS: u64 = REPLAY_WINDOW / WORD_BITS + 1;

/// A sliding window over packet indices. [`Self::accepts`] asks, [`Self::accept`] notes, and only
/// for what has been authenticated in between.
#[derive(Clone, Debug)]
pub(super) struct ReplayWindow {
    highest: u64,
    words: [u64; WORDS as usize],
}

impl ReplayWindow {
    /// A window whose only index is `first`.
    pub(super) fn new(first: u64) -> Self {
        let mut window = Self {
            highest: first,
            words: [0; WORDS as usize],
        };
        window.mark(first);
        window
    }

    /// The highest index noted.
    pub(super) fn highest(&self) -> u64 {
        self.highest
    }

    /// Whether `index` is neither noted already nor older than the window.
    pub(super) fn accepts(&self, index: u64) -> bool {
        if index > self.highest {
            return true;
        }
        self.highest - index < REPLAY_WINDOW && self.words[word_of(index)] & bit_of(index) == 0
    }

    /// Notes `index`, which [`Self::accepts`] accepted.
    pub(super) fn accept(&mut self, index: u64) {
        if index > self.highest {
            let words = (index / WORD_BITS - self.highest / WORD_BITS).min(WORDS);
            for step in 1..=words {
                self.words[word_of(self.highest + step * WORD_BITS)] = 0;
            }
            self.highest = index;
        }
        self.mark(index);
    }

    fn mark(&mut self, index: u64) {
        self.words[word_of(index)] |= bit_of(index);
    }
}

fn word_of(index: u64) -> usize {
    (index / WORD_BITS % WORDS) as usize
}

fn bit_of(index: u64) -> u64 {
    1 << (index % WORD_BITS)
}
