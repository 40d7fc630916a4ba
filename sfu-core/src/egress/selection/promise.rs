//! What a subscriber is told of active decode targets: those that it can count on (RTP Payload
//! Format For AV1, version 1.0, Appendix A.8.3).

use crate::media::layer::{DecodeTargets, FrameDependencies, Layer};
use crate::media::packet::PacketFacts;

/// The decode targets that are kept whole for a subscriber.
#[derive(Clone, Debug, Default)]
pub(super) struct Promise {
    /// Those that go no further than the one that is sent.
    below: u32,
    /// Those of which a frame was left out since a receiver could last start with them.
    broken: u32,
    /// Those of which a frame of the newest picture was left out.
    missed: u32,
    /// The subscriber was told of others than the publisher's, and must go on being told: whichever
    /// packet is lost, it then knows.
    told: bool,
}

impl Promise {
    /// Takes the decode target that goes up to `top` for the one that is sent.
    pub(super) fn limit(&mut self, top: Layer, targets: &DecodeTargets) {
        let within = (0..)
            .zip(&targets.tops)
            .filter(|(_, other)| other.spatial <= top.spatial && other.temporal <= top.temporal);
        self.below = within.fold(0, |mask, (index, _): (u32, _)| mask | 1 << index);
    }

    /// A picture begins.
    pub(super) fn begin_picture(&mut self) {
        self.missed = 0;
    }

    /// Takes note of a frame of the newest picture that is sent behind upper ones: a keyframe's lowest
    /// may come last, and a receiver starts with it all the same.
    pub(super) fn note_late(&mut self, dependencies: &FrameDependencies) {
        self.broken &= !(dependencies.switch & !self.missed);
    }

    /// Takes note of a frame that was sent or left out, while the publisher sends `active`.
    pub(super) fn note(
        &mut self,
        active: u32,
        facts: &PacketFacts,
        dependencies: &FrameDependencies,
        sent: bool,
    ) {
        if sent {
            self.broken &= !dependencies.switch;
        } else {
            self.broken |= dependencies.present;
            self.missed |= dependencies.present;
        }
        // A structure says that all are active, or what the publisher says with it.
        let starts = sent && facts.video.keyframe_start;
        self.told = self.told && !starts || self.kept(active) != active;
    }

    /// Those of which a receiver has missed a frame on purpose.
    pub(super) const fn broken(&self) -> u32 {
        self.broken
    }

    const fn kept(&self, active: u32) -> u32 {
        active & self.below & !self.broken
    }

    /// The mask to write; `None` for the publisher's own.
    pub(super) fn said(&self, active: u32) -> Option<u32> {
        self.told.then_some(self.kept(active))
    }
}
