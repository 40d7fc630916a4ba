//! Where a VP9 stream without dependency descriptors lets a temporal layer be added.
//!
//! U speaks of what follows: after a picture of temporal layer T with U, pictures of higher layers
//! rest on no picture before it that is above T (RFC 9628 section 4.2). So the first picture of each
//! higher layer behind it, and all later ones of that layer, need of their own layer and those above
//! nothing that a receiver of the lower layers was not sent.

use crate::wire::codec::vp9::Vp9Descriptor;

/// Pictures remembered by their id, a power of two: as far back as a reference reaches, which has
/// seven bits (RFC 9628 section 4.2: P_DIFF).
const REMEMBERED: usize = 128;

/// Temporal layers: their number has three bits.
const ALL_LAYERS: u8 = u8::MAX;

/// What is remembered of an encoding's pictures.
#[derive(Debug)]
pub(super) struct Vp9Switches {
    /// The newest packet's place in the stream, and the picture that it was of.
    newest: Option<(u64, u32)>,
    /// Bit t: pictures of temporal layer t that come now rest on none of the layer before.
    open: u8,
    /// The temporal layer of the picture being received, when it is the first of it since then.
    switch: Option<u8>,
    /// The temporal layer of each picture, by the low bits of its id.
    layers: [Option<(u16, u8)>; REMEMBERED],
}

impl Vp9Switches {
    pub(super) const fn new() -> Self {
        Self {
            newest: None,
            open: 0,
            switch: None,
            layers: [None; REMEMBERED],
        }
    }

    /// Takes note of the packet that is number `sequence` of its stream, the wraps counted, and says
    /// whether its frame is a switch to its temporal layer. Of a late packet nothing is known.
    pub(super) fn note(
        &mut self,
        sequence: u64,
        timestamp: u32,
        descriptor: &Vp9Descriptor,
    ) -> bool {
        let temporal = descriptor.temporal_id.unwrap_or(0);
        match self.newest {
            Some((_, picture)) if picture == timestamp => {}
            Some((newest, _)) if sequence < newest => return false,
            _ => self.picture(temporal, descriptor),
        }
        let newest = self
            .newest
            .map_or(sequence, |(newest, _)| newest.max(sequence));
        self.newest = Some((newest, timestamp));
        self.switch == Some(temporal) && self.rests_below(temporal, descriptor)
    }

    /// A new picture begins.
    fn picture(&mut self, temporal: u8, descriptor: &Vp9Descriptor) {
        let bit = 1 << temporal;
        let is_first = temporal > 0 && self.open & bit != 0;
        self.switch = is_first.then_some(temporal);
        self.open &= !bit;
        if descriptor.switching_up {
            // All layers above this one.
            self.open |= ALL_LAYERS.checked_shl(u32::from(temporal) + 1).unwrap_or(0);
        }
        let starts_anew = !descriptor.inter_picture && descriptor.spatial_id.unwrap_or(0) == 0;
        if starts_anew {
            self.open = ALL_LAYERS;
            self.layers = [None; REMEMBERED];
        }
        if let Some(id) = descriptor.picture_id {
            self.layers[place(id.value)] = Some((id.value, temporal));
        }
    }

    /// In flexible mode each frame says what it rests on: nothing of its layer or above, then. Some
    /// encoders set U in every picture.
    fn rests_below(&self, temporal: u8, descriptor: &Vp9Descriptor) -> bool {
        let Some(id) = descriptor.picture_id.filter(|_| descriptor.flexible) else {
            return true;
        };
        let width = if id.wide { 0x7fff } else { 0x7f };
        let references = descriptor.references.iter().take_while(|&&it| it != 0);
        references.copied().all(|reference| {
            let of = id.value.wrapping_sub(reference.into()) & width;
            self.layers[place(of)].is_some_and(|(held, layer)| held == of && layer < temporal)
        })
    }
}

const fn place(picture_id: u16) -> usize {
    picture_id as usize & (REMEMBERED - 1)
}

#[cfg(test)]
mod tests;
