//! When a subscription needs a keyframe, and which packets of what it is sent are wanted.

use super::selection::Choice;
use super::{Egress, SourceFacts};
use crate::media::packet::PacketFacts;

impl Egress {
    /// The encoding whose keyframe this waits for; `None` when it has what it wants, or will have it
    /// without one, as more of the temporal layers.
    #[must_use]
    pub fn wants_keyframe_of(&self) -> Option<u8> {
        let target = self.target?.encoding;
        let waits = self.current != Some(target) || self.selection.needs_keyframe();
        (self.enabled && self.is_video() && waits).then_some(target)
    }

    /// As [`Self::wants_keyframe_of`], once for each time that what came made a keyframe needed that
    /// was not before.
    pub fn take_keyframe_wish(&mut self) -> Option<u8> {
        std::mem::take(&mut self.wishes_keyframe)
            .then(|| self.wants_keyframe_of())
            .flatten()
    }

    /// Whether the packet is of what is wanted.
    pub(super) fn choose(
        &mut self,
        number: u64,
        facts: &PacketFacts,
        source: SourceFacts<'_>,
    ) -> Option<Choice> {
        if !self.is_video() {
            return Some(Choice::ALL);
        }
        let needed = self.selection.needs_keyframe();
        let is_ahead = number >= self.rewriter.next_number();
        let choice = self
            .selection
            .choose(number, is_ahead, facts, source.targets);
        let needs = self.selection.needs_keyframe();
        // One that passed and did not help has to be asked for again.
        self.wishes_keyframe |= needs && (!needed || facts.video.keyframe_start);
        choice
    }

    /// Sends nothing more before the next keyframe, which is needed now.
    pub(super) fn break_off(&mut self) {
        self.pause();
        self.wishes_keyframe = true;
    }
}
