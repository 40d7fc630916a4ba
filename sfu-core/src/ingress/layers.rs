//! What an encoding's packets are of: its frames and layers.

use super::{Incoming, Ingress, payload};
use crate::drop_reason::DropReason;
use crate::media::codec::MediaKind;
use crate::media::format::PayloadMapping;
use crate::media::layer::DecodeTargets;
use crate::media::packet::{CarriedExtensions, PayloadFacts, VideoFacts};
use crate::wire::dependency_descriptor::Structure;

impl Ingress {
    /// The decode targets of the dependency descriptor's structure, where there is one.
    #[must_use]
    pub fn decode_targets(&self) -> Option<&DecodeTargets> {
        self.frames.targets()
    }

    /// Which of them the publisher sends at present: bit i for target i.
    #[must_use]
    pub fn active_decode_targets(&self) -> Option<u32> {
        self.frames.active()
    }

    /// The structure that the dependency descriptors are read by, where there is one.
    #[must_use]
    pub fn structure(&self) -> Option<&Structure> {
        self.frames.structure()
    }

    /// What the packet is, by its descriptor where it has one: it may then be encrypted end to end,
    /// and nothing is asked of the payload that does not show.
    pub(super) fn read(
        &mut self,
        format: &PayloadMapping,
        sequence: u64,
        packet: &Incoming<'_>,
    ) -> Result<(VideoFacts, PayloadFacts, CarriedExtensions), DropReason> {
        let mut extensions = packet.extensions;
        let descriptor = packet.descriptor.filter(|_| self.kind == MediaKind::Video);
        let Some(descriptor) = descriptor else {
            let read = payload::read(format, packet.payload);
            let (video, payload) = read.ok_or(DropReason::CodecMalformed)?;
            return Ok((video, payload, extensions));
        };
        let described = self.frames.read(sequence, descriptor)?;
        if let Some(place) = &mut extensions.descriptor {
            place.mask = described.mask();
        }
        let shown = if described.is_known() {
            payload::read_numbers(format, packet.payload)
        } else {
            payload::read(format, packet.payload)
        };
        let (video, payload) = shown.unwrap_or_default();
        Ok((described.facts(video), payload, extensions))
    }
}
