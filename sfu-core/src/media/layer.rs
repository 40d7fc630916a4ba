//! Layers: what a publisher offers of one source, and what a subscription gets of it.

use arrayvec::ArrayVec;

pub use crate::wire::dependency_descriptor::{MAX_DECODE_TARGETS, MAX_REFERENCES};

/// A layer of an encoding: its spatial and its temporal number, from 0 up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Layer {
    /// Resolution, or quality at the same resolution.
    pub spatial: u8,
    /// Frame rate.
    pub temporal: u8,
}

/// What a subscription is to get, or gets: which encoding, and its layers up to which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Layers {
    /// The encoding: one RID of a simulcast track, by its place in the offer; 0 without simulcast.
    pub encoding: u8,
    /// The highest layer within it.
    pub top: Layer,
}

impl Layers {
    /// All of an encoding.
    #[must_use]
    pub const fn all_of(encoding: u8) -> Self {
        Self {
            encoding,
            top: Layer {
                spatial: u8::MAX,
                temporal: u8::MAX,
            },
        }
    }
}

/// What a subscriber asks for of a track's pictures. The default asks for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LayerWish {
    /// The highest quality wanted, from 0 up: an encoding of simulcast, a spatial layer of SVC.
    pub max_quality: Option<u8>,
    /// The highest frame rate wanted, in frames a second.
    pub max_frame_rate: Option<u32>,
    /// How large it is shown, in pixels; `None`: nobody has said, so all of it counts.
    pub shown: Option<u32>,
    /// It goes before all that has none of these, and before what has a higher one.
    pub priority: Option<u32>,
}

/// What a frame is for one decode target (RTP Payload Format For AV1, version 1.0, Appendix A.3.2)
/// is kept as one bit of each of these masks, bit i for decode target i.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameDependencies {
    /// The frame's number, as sent.
    pub number: u16,
    /// Which of the encoding's structures it is of: they are counted as they come, and wrap. The same
    /// one again, as with each keyframe, is not counted. Masks of different structures have nothing
    /// to do with each other.
    pub structure: u8,
    /// The decode targets that it is part of (its indication is not `-`).
    pub present: u32,
    /// Those for which it is a switch indication: who can decode it can decode all that follows.
    pub switch: u32,
    /// Those for which it is discardable: nothing later needs it.
    pub discardable: u32,
    /// The decode targets that the publisher sends at this frame.
    pub active: u32,
    /// The frames that it needs, as differences of frame numbers; 0 is none.
    pub references: [u16; MAX_REFERENCES],
}

/// The decode targets of an encoding's present structure, by index: up to which layer each goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecodeTargets {
    /// As in [`FrameDependencies::structure`].
    pub structure: u8,
    /// The layers, by index.
    pub tops: ArrayVec<Layer, MAX_DECODE_TARGETS>,
}
