//! What was decided about an encoding's last frames, by their numbers.

/// Frames remembered: more than four seconds of 30 pictures, and one of three spatial layers.
/// Raising it takes a wider word; lowering it forgets frames that later ones still name, or whose
/// packets are still repaired.
pub(super) const MAX_FRAMES: u64 = u128::BITS as u64;

/// Where a frame stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Newer than all that were decided on.
    Ahead,
    /// Passed without a word: none of its packets has come.
    Undecided,
    /// All its packets go.
    Sent,
    /// None of its packets goes.
    LeftOut,
    /// Too old to know.
    Forgotten,
}

/// The last frames.
#[derive(Clone, Debug, Default)]
pub(super) struct Frames {
    /// The newest frame decided on, counted on over the wraps of its 16 bits.
    newest: u64,
    /// Bit i: it was decided about the frame that is i older than the newest.
    decided: u128,
    /// Bit i: that frame was left out.
    left_out: u128,
}

impl Frames {
    /// Forgets all, with frame `number` to come next: what was before it was not sent.
    pub(super) fn start(&mut self, number: u16) {
        // Some wraps on, so that what is older has a place below.
        self.newest = (1 << 32) + u64::from(number) - 1;
        (self.decided, self.left_out) = (u128::MAX, u128::MAX);
    }

    /// `number` without its wraps.
    pub(super) fn extend(&self, number: u16) -> u64 {
        let ahead = number.wrapping_sub(self.newest as u16).cast_signed();
        self.newest.saturating_add_signed(i64::from(ahead))
    }

    pub(super) fn standing(&self, frame: u64) -> Standing {
        let Some(age) = self.newest.checked_sub(frame) else {
            return Standing::Ahead;
        };
        if age >= MAX_FRAMES {
            return Standing::Forgotten;
        }
        let (decided, left_out) = (self.decided >> age & 1, self.left_out >> age & 1);
        match (decided, left_out) {
            (0, _) => Standing::Undecided,
            (_, 0) => Standing::Sent,
            _ => Standing::LeftOut,
        }
    }

    /// Whether no frame that `frame` names, by how much older it is, was left out. What has not come
    /// yet, or is too old to know, is taken for sent.
    pub(super) fn has_all(&self, frame: u64, references: &[u16]) -> bool {
        let named = references.iter().filter(|&&older| older != 0);
        named
            .map(|&older| frame.saturating_sub(u64::from(older)))
            .all(|named| self.standing(named) != Standing::LeftOut)
    }

    /// Whether every frame that `frame` names was sent. What has not come yet counts for nothing: it
    /// may be of a layer that is left out when it comes.
    pub(super) fn has_sent(&self, frame: u64, references: &[u16]) -> bool {
        let mut named = references.iter().filter(|&&older| older != 0);
        named.all(|&older| self.standing(frame.saturating_sub(older.into())) == Standing::Sent)
    }

    /// Decides about `frame`, which is ahead or undecided.
    pub(super) fn decide(&mut self, frame: u64, sent: bool) {
        if frame > self.newest {
            let step = frame - self.newest;
            let shift = |bits: u128| if step < MAX_FRAMES { bits << step } else { 0 };
            (self.decided, self.left_out) = (shift(self.decided), shift(self.left_out));
            self.newest = frame;
        }
        let age = self.newest - frame;
        if age < MAX_FRAMES {
            self.decided |= 1 << age;
            self.left_out |= u128::from(!sent) << age;
        }
    }
}
