//! What is asked of a publisher when only a keyframe helps, and what its keyframes make good.

use std::time::Instant;

use super::Ingress;
use crate::media::codec::MediaKind;

impl Ingress {
    /// What is lost for good breaks pictures until a keyframe, which may have come since.
    pub(super) fn gave_up(&mut self, now: Instant, sequence: u64) {
        let is_mended = self.keyframe.is_some_and(|(own, _)| own > sequence);
        if self.kind == MediaKind::Video && !is_mended {
            self.keyframes.want(now);
        }
    }

    /// Somebody needs a keyframe. True: ask the publisher now. False: a request is under way, or
    /// [`Self::poll_keyframe`] will say when.
    pub fn request_keyframe(&mut self, now: Instant) -> bool {
        self.keyframes.request(now)
    }

    /// True: ask the publisher for a keyframe now, for a wish that waited, one that was not met, or
    /// because too much is lost.
    pub fn poll_keyframe(&mut self, now: Instant) -> bool {
        self.keyframes.poll(now)
    }

    /// When the publisher was last asked for a keyframe that has not come since.
    #[must_use]
    pub fn keyframe_asked(&self) -> Option<Instant> {
        self.keyframes.asked()
    }

    /// The encoding is turned off, or lives. While it is off nobody asks it for a keyframe.
    pub fn set_paused(&mut self, paused: bool) {
        self.keyframes.set_paused(paused);
    }

    /// Whether a packet, by the number that the facts gave it, is of before the newest keyframe:
    /// nobody who was sent that keyframe misses it.
    #[must_use]
    pub fn is_before_keyframe(&self, sequence: u64) -> bool {
        self.keyframe.is_some_and(|(_, told)| told > sequence)
    }
}
