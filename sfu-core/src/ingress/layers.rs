//! What an encoding's packets are of: its frames and layers.

use super::frames::Frames;
use super::vp9_switches::Vp9Switches;
use super::{Incoming, Ingress, payload};
use crate::drop_reason::DropReason;
use crate::media::codec::MediaKind;
use crate::media::format::PayloadMapping;
use crate::media::layer::{DecodeTargets, Layer};
use crate::media::packet::{CarriedExtensions, PacketFacts, PayloadFacts, VideoFacts};
use crate::unit::Bitrate;
use crate::wire::dependency_descriptor::Structure;

/// What is remembered of an encoding's pictures, to read the next ones by.
#[derive(Debug)]
pub(super) struct Layering {
    frames: Frames,
    switches: Vp9Switches,
    /// The newest packet's number, and its picture's timestamp.
    newest: Option<(u64, u32)>,
}

impl Layering {
    pub(super) fn new() -> Self {
        Self {
            frames: Frames::default(),
            switches: Vp9Switches::new(),
            newest: None,
        }
    }

    /// Takes note of a packet, of padding too.
    pub(super) fn came(&mut self, sequence: u64, timestamp: u32) {
        self.newest = self.newest.max(Some((sequence, timestamp)));
    }

    /// Whether the packet before this one came, and was of another picture.
    fn begins(&self, sequence: u64, timestamp: u32) -> bool {
        let before = self.newest.filter(|(newest, _)| newest + 1 == sequence);
        before.is_some_and(|(_, picture)| picture != timestamp)
    }
}

impl Ingress {
    /// The decode targets of the dependency descriptor's structure, where there is one.
    #[must_use]
    pub fn decode_targets(&self) -> Option<&DecodeTargets> {
        self.layering.frames.targets()
    }

    /// Which of them the publisher sends at present: bit i for target i.
    #[must_use]
    pub fn active_decode_targets(&self) -> Option<u32> {
        self.layering.frames.active()
    }

    /// The highest spatial layer that the publisher has offered by a structure, whether it sends it
    /// at present or not.
    #[must_use]
    pub fn highest_spatial(&self) -> u8 {
        self.layering.frames.highest_spatial()
    }

    /// The structure that the dependency descriptors are read by, where there is one.
    #[must_use]
    pub fn structure(&self) -> Option<&Structure> {
        self.layering.frames.structure()
    }

    /// What all layers up to `top` take on a subscriber's wire, as lately measured and without rare
    /// keyframes; `None` while too little has come.
    #[must_use]
    pub fn bitrate_up_to(&self, top: Layer) -> Option<Bitrate> {
        self.layer_rates.up_to(top)
    }

    /// Whether that is all that there is to know: else the encoding may go on to send more.
    #[must_use]
    pub fn is_measured(&self) -> bool {
        self.layer_rates.is_settled()
    }

    /// The highest layers that came lately.
    #[must_use]
    pub fn top_layer(&self) -> Layer {
        self.layer_rates.top()
    }

    /// Whether a structure has come since the last call that may tell what packets are of that came
    /// before it: see [`Self::read_again`].
    pub fn takes_structure(&mut self) -> bool {
        self.layering.frames.take_holds_earlier()
    }

    /// Reads the descriptor of a stored packet that came before its structure, which is `ahead` of
    /// the structure's packet, and changes its `facts`.
    pub fn read_again(&mut self, ahead: u64, packet: &[u8], facts: &mut PacketFacts) {
        let Some(place) = &mut facts.extensions.descriptor else {
            return;
        };
        if facts.video.dependencies.is_some() {
            return;
        }
        let frames = &mut self.layering.frames;
        // Padding in between is not counted by the facts: it is as far ahead at least.
        let sequence = frames.since().map(|since| since + ahead);
        let described = sequence
            .zip(place.of(packet))
            .and_then(|(sequence, descriptor)| frames.read_again(sequence, descriptor));
        if let Some(described) = described {
            place.mask = described.mask();
            facts.video = described.facts(facts.video);
        }
    }

    /// What the packet is, by its descriptor where it has one: it may then be encrypted end to end,
    /// and nothing is asked of the payload that does not show.
    pub(super) fn read(
        &mut self,
        format: &PayloadMapping,
        sequence: u64,
        packet: &Incoming<'_>,
    ) -> Result<(VideoFacts, PayloadFacts, CarriedExtensions), DropReason> {
        let timestamp = packet.header.timestamp;
        let begins = self.layering.begins(sequence, timestamp);
        self.layering.came(sequence, timestamp);
        let mut extensions = packet.extensions;
        let descriptor = packet.descriptor.filter(|_| self.kind == MediaKind::Video);
        let Some(descriptor) = descriptor else {
            let read = payload::read(
                format,
                sequence,
                begins,
                packet,
                &mut self.layering.switches,
            );
            let (video, payload) = read.ok_or(DropReason::CodecMalformed)?;
            if video.keyframe_start {
                self.layering.frames.forget(sequence);
            }
            return Ok((video, payload, extensions));
        };
        let described = self.layering.frames.read(sequence, descriptor)?;
        if let Some(place) = &mut extensions.descriptor {
            place.mask = described.mask();
        }
        let shown = if described.is_known() {
            payload::read_numbers(format, packet.payload)
        } else {
            payload::read(
                format,
                sequence,
                begins,
                packet,
                &mut self.layering.switches,
            )
        };
        let (video, payload) = shown.unwrap_or_default();
        Ok((described.facts(video), payload, extensions))
    }
}
