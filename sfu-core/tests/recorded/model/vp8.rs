//! VP8 by its payload descriptor, as libwebrtc's `RtpVp8RefFinder` finds references: base layer
//! frames by TL0PICIDX, the frames of higher layers by the last ones of each layer below, and no
//! picture id between may be missing.

use std::collections::BTreeMap;

use super::{Decoded, Fault, Frame};
use crate::wire;

/// Layers that a picture may be of.
const LAYERS: usize = 4;

#[derive(Clone, Debug, Default)]
pub(crate) struct Vp8 {
    last: Option<u64>,
    base: u8,
    /// The last frame of each layer since the base frame; none is none.
    layers: [Option<u64>; LAYERS],
    frames: BTreeMap<u64, bool>,
    /// The last picture id in front of which something was lost.
    lost_before: u64,
    began: bool,
    /// The descriptor says what frames rest on; Chromium then leaves all of it out of the payload.
    described: bool,
    decodable: bool,
}

impl Vp8 {
    pub(super) fn new(described: bool) -> Self {
        Self {
            described,
            ..Self::default()
        }
    }

    /// Without numbers a frame rests on the one before it, unless the descriptor knows better.
    fn unnumbered(&mut self, frame: &Frame, keyframe: bool) -> Result<Decoded, Fault> {
        if !self.began && !keyframe && !frame.after_loss && !self.described {
            return Err(Fault::StartsWithoutKeyframe);
        }
        self.began = true;
        self.decodable = keyframe || self.decodable && !frame.after_loss;
        Ok(Decoded {
            timestamp: frame.timestamp,
            spatial: 0,
            temporal: 0,
            keyframe,
            decodable: self.decodable || self.described,
        })
    }

    pub(super) fn frame(&mut self, frame: &Frame) -> Result<Decoded, Fault> {
        let read = wire::vp8(&frame.first.payload).ok_or(Fault::Unreadable)?;
        let Some(id) = read.picture_id else {
            return self.unnumbered(frame, read.keyframe);
        };
        let id = self.picture_id(id, frame.after_loss)?;
        let layer = usize::from(read.temporal.unwrap_or(0));
        let base_lost = match read.tl0 {
            Some(tl0) => self.base_index(tl0, layer, frame.after_loss)?,
            None => frame.after_loss,
        };
        let mut decoded = Decoded {
            timestamp: frame.timestamp,
            spatial: 0,
            temporal: layer as u8,
            keyframe: read.keyframe,
            decodable: true,
        };
        if read.keyframe {
            self.began = true;
            self.layers = [None; LAYERS];
        } else if !self.began {
            if self.lost_before == 0 {
                return Err(Fault::StartsWithoutKeyframe);
            }
            decoded.decodable = false;
        } else {
            let needed = match (layer, read.sync) {
                (0, _) | (_, true) => 0..=0,
                _ => 0..=layer,
            };
            for below in needed {
                decoded.decodable &= !base_lost && self.has(below, id, layer > 0 && !read.sync)?;
            }
        }
        if layer == 0 && !read.keyframe && base_lost {
            // Its base is not known any more; nor are the frames above it.
            self.layers = [None; LAYERS];
        }
        self.layers[layer] = Some(id);
        self.frames.insert(id, decoded.decodable);
        self.frames = self.frames.split_off(&id.saturating_sub(500));
        Ok(decoded)
    }

    /// Picture ids count frames: receivers take one that is missing for lost.
    fn picture_id(&mut self, id: u16, after_loss: bool) -> Result<u64, Fault> {
        let id = match self.last {
            None => 1 << 20 | u64::from(id),
            Some(last) => {
                let step = id.wrapping_sub(last as u16) & 0x7fff;
                if step == 0 || step >= 1 << 14 || step != 1 && !after_loss {
                    return Err(Fault::NumberJump);
                }
                last + u64::from(step)
            }
        };
        if after_loss {
            self.lost_before = id;
        }
        self.last = Some(id);
        Ok(id)
    }

    /// TL0PICIDX counts the base layer's frames; true when one may be missing.
    fn base_index(&mut self, tl0: u8, layer: usize, after_loss: bool) -> Result<bool, Fault> {
        let step = tl0.wrapping_sub(self.base);
        let right = step == u8::from(layer == 0);
        let first = self.frames.is_empty();
        self.base = tl0;
        if !right && !after_loss && !first {
            return Err(Fault::BaseIndexJump);
        }
        Ok(!right)
    }

    /// Whether the last frame of a layer is there to rest on. `gapless`: no frame between it and
    /// this one may be missing either.
    fn has(&self, layer: usize, id: u64, gapless: bool) -> Result<bool, Fault> {
        let Some(needed) = self.layers[layer] else {
            let explained = self.lost_before > 0 && self.lost_before + 500 > id;
            return if explained {
                Ok(false)
            } else {
                Err(Fault::MissingReference)
            };
        };
        let lost_between = gapless && needed < self.lost_before && self.lost_before <= id;
        Ok(!lost_between && self.frames.get(&needed).is_some_and(|decodable| *decodable))
    }
}
