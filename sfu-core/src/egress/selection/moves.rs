//! From one decode target to another: what was so before, for frames that come, or are asked for
//! again, after that.

use arrayvec::ArrayVec;

use super::target::Target;
use crate::media::packet::PacketFacts;

/// Moves that are remembered. Raising it helps only where a subscription moves this often while a
/// repair is under way; lowering it repairs a frame as of another decode target, or of none.
const MAX_MOVES: usize = 4;

/// What was so until a move.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    /// The frame that moved, and its picture's timestamp.
    frame: u64,
    picture: u32,
    /// The decode target that was sent.
    pub(super) target: Target,
    /// What was said to be active.
    pub(super) said: Option<u32>,
}

/// The last moves, the oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Moves {
    all: ArrayVec<Before, MAX_MOVES>,
}

impl Moves {
    /// Takes note of a move with this `frame`.
    pub(super) fn note(
        &mut self,
        frame: u64,
        facts: &PacketFacts,
        target: Target,
        said: Option<u32>,
    ) {
        if self.all.is_full() {
            self.all.remove(0);
        }
        self.all.push(Before {
            frame,
            picture: facts.timestamp,
            target,
            said,
        });
    }

    /// What was so at a frame; `None`: it is of after the last move. The picture that moved is not of
    /// before, however late its lower frames come.
    pub(super) fn before(&self, frame: u64, facts: &PacketFacts) -> Option<&Before> {
        let mut all = self.all.iter();
        all.find(|moved| frame < moved.frame && moved.picture != facts.timestamp)
    }
}
