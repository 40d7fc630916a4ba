//! Decode targets, and what frames are to them (RTP Payload Format For AV1, version 1.0, Appendix A).

use crate::media::layer::{DecodeTargets, FrameDependencies, Layer};

/// A decode target: its index, and up to which layer it goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) index: u8,
    pub(super) top: Layer,
}

impl Target {
    pub(super) const fn is_in(self, mask: u32) -> bool {
        mask >> self.index & 1 == 1
    }
}

/// A frame that needs no other.
pub(super) fn rests_on_nothing(dependencies: &FrameDependencies) -> bool {
    dependencies.references.iter().all(|&older| older == 0)
}

/// The mask of all decode targets.
pub(super) fn all_of(targets: &DecodeTargets) -> u32 {
    (0..targets.tops.len()).fold(0, |mask, index| mask | 1 << index)
}
