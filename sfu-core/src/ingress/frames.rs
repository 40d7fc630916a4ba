//! An encoding's frames by their dependency descriptors: read once for all subscribers.

use crate::drop_reason::DropReason;
use crate::media::layer::{DecodeTargets, FrameDependencies, Layer};
use crate::media::packet::VideoFacts;
use crate::wire::dependency_descriptor::{Frame, FrameError, Head, MaskPlace, Structure};

/// What a packet's descriptor says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Described {
    head: Head,
    /// `None` when it is of a structure that is not, or no longer, known.
    frame: Option<(FrameDependencies, Layer, MaskPlace)>,
}

impl Described {
    /// Whether all of the video facts are told, so that the payload's own say nothing more.
    pub(super) const fn is_known(&self) -> bool {
        self.frame.is_some()
    }

    /// Where the mask of active decode targets goes.
    pub(super) fn mask(&self) -> Option<MaskPlace> {
        self.frame.map(|(_, _, mask)| mask)
    }

    /// The facts, where `payload` is what the payload says, in so far as it can be read.
    pub(super) fn facts(&self, payload: VideoFacts) -> VideoFacts {
        let ends = VideoFacts {
            frame_start: self.head.frame_start,
            frame_end: self.head.frame_end,
            ..payload
        };
        let Some((dependencies, layer, _)) = self.frame else {
            return VideoFacts {
                keyframe_start: payload.keyframe_start && self.head.frame_start,
                ..ends
            };
        };
        // A frame of an upper spatial layer needs the one below, unless layers are independent: it
        // is then a start of its own, and carries the structure too.
        let rests_on_nothing = dependencies.references[0] == 0;
        VideoFacts {
            keyframe_start: self.head.frame_start && self.head.has_structure && rests_on_nothing,
            layer,
            dependencies: Some(dependencies),
            ..ends
        }
    }
}

/// The structure in force, and since which packet.
#[derive(Debug)]
struct Present {
    structure: Structure,
    since: u64,
    targets: DecodeTargets,
    /// The decode targets that the publisher sends, and since which packet.
    active: u32,
    active_since: u64,
}

/// What is kept of an encoding to read its descriptors by.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// Allocated with the first structure, and only written anew after that.
    present: Option<Box<Present>>,
    /// Structures that came and were not those of before; it wraps.
    structures: u8,
    /// The structure in force holds for packets that came before it.
    holds_earlier: bool,
    /// The highest spatial layer that any of them had.
    highest_spatial: u8,
}

impl Frames {
    /// The highest spatial layer that any structure had so far, whether it is sent now or not.
    pub(super) const fn highest_spatial(&self) -> u8 {
        self.highest_spatial
    }

    /// The decode targets of the structure in force.
    pub(super) fn targets(&self) -> Option<&DecodeTargets> {
        self.present.as_ref().map(|present| &present.targets)
    }

    /// Since which packet the structure in force holds.
    pub(super) fn since(&self) -> Option<u64> {
        self.present.as_ref().map(|present| present.since)
    }

    /// The structure in force.
    pub(super) fn structure(&self) -> Option<&Structure> {
        self.present.as_ref().map(|present| &present.structure)
    }

    /// The mask of the decode targets that the publisher sends.
    pub(super) fn active(&self) -> Option<u32> {
        self.present.as_ref().map(|present| present.active)
    }

    /// The stream began anew without descriptors, in another format, with packet number `sequence`.
    pub(super) fn forget(&mut self, sequence: u64) {
        if self
            .present
            .as_ref()
            .is_some_and(|present| present.since < sequence)
        {
            self.present = None;
        }
    }

    /// Reads the `descriptor` of the packet that is number `sequence` of its stream, the wraps
    /// counted: packets may come late, and structures with them.
    ///
    /// # Errors
    ///
    /// `DescriptorMalformed`. One of an unknown template is not: its structure may be under way.
    pub(super) fn read(
        &mut self,
        sequence: u64,
        descriptor: &[u8],
    ) -> Result<Described, DropReason> {
        let head = Head::read(descriptor).ok_or(DropReason::DescriptorMalformed)?;
        if head.has_structure {
            let structure = Structure::read(descriptor);
            self.take(sequence, structure.ok_or(DropReason::DescriptorMalformed)?);
        }
        let frame = match &mut self.present {
            Some(present) if present.since <= sequence => {
                match present.structure.frame(descriptor) {
                    Ok(frame) => Some(present.note(sequence, head, &frame)),
                    Err(FrameError::UnknownTemplate) => None,
                    Err(FrameError::Malformed) => return Err(DropReason::DescriptorMalformed),
                }
            }
            _ => None,
        };
        Ok(Described { head, frame })
    }

    /// Whether a structure has come since the last call by which earlier packets may have to be
    /// read, if any of those behind it were earlier.
    pub(super) fn take_holds_earlier(&mut self) -> bool {
        std::mem::take(&mut self.holds_earlier)
    }

    /// What a packet's descriptor says that could not be read when it came. `None` where it still
    /// cannot, and for one that brings a structure of its own.
    pub(super) fn read_again(&mut self, sequence: u64, descriptor: &[u8]) -> Option<Described> {
        let head = Head::read(descriptor).filter(|head| !head.has_structure)?;
        let present = self.present.as_mut()?;
        let frame = present.structure.frame(descriptor).ok();
        let frame = frame.filter(|_| present.since <= sequence)?;
        let frame = Some(present.note(sequence, head, &frame));
        Some(Described { head, frame })
    }

    /// A structure came. The same one as before, as with each keyframe, changes no meaning.
    fn take(&mut self, sequence: u64, structure: Structure) {
        let all = structure.all_targets();
        let spatial = (0..structure.target_count()).map(|target| structure.top_of(target).0);
        self.highest_spatial = spatial.fold(self.highest_spatial, u8::max);
        match &mut self.present {
            Some(present) if present.structure == structure => {
                self.holds_earlier |= sequence < present.since;
                present.since = present.since.min(sequence);
                present.set_active(sequence, all);
            }
            Some(present) if sequence < present.since => {}
            present => {
                self.structures = self.structures.wrapping_add(1);
                self.holds_earlier = true;
                let targets = decode_targets(self.structures, &structure);
                let new = Present {
                    structure,
                    since: sequence,
                    targets,
                    active: all,
                    active_since: sequence,
                };
                match present {
                    Some(present) => **present = new,
                    None => *present = Some(Box::new(new)),
                }
            }
        }
    }
}

impl Present {
    fn set_active(&mut self, sequence: u64, active: u32) {
        if sequence >= self.active_since {
            (self.active, self.active_since) = (active, sequence);
        }
    }

    /// Takes note of a frame's packet, and says what it is.
    fn note(
        &mut self,
        sequence: u64,
        head: Head,
        frame: &Frame,
    ) -> (FrameDependencies, Layer, MaskPlace) {
        if let Some(active) = frame.active {
            self.set_active(sequence, active);
        }
        let kind = &frame.kind;
        let dependencies = FrameDependencies {
            number: head.frame_number,
            structure: self.targets.structure,
            present: kind.present,
            switch: kind.switch,
            discardable: kind.discardable,
            active: self.active,
            references: kind.references,
        };
        let layer = Layer {
            spatial: kind.spatial,
            temporal: kind.temporal,
        };
        (dependencies, layer, frame.mask)
    }
}

fn decode_targets(number: u8, structure: &Structure) -> DecodeTargets {
    let tops = (0..structure.target_count()).map(|target| {
        let (spatial, temporal) = structure.top_of(target);
        Layer { spatial, temporal }
    });
    DecodeTargets {
        structure: number,
        tops: tops.collect(),
    }
}

#[cfg(test)]
mod tests;
