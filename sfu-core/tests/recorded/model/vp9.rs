//! VP9 by its payload descriptor in flexible mode (RFC 9628 section 4.2): references are distances
//! of picture ids within the spatial layer, and the layer below of the same picture.

use std::collections::BTreeMap;

use super::{Decoded, Fault, Frame};
use crate::wire;

#[derive(Clone, Debug, Default)]
pub(crate) struct Vp9 {
    last: Option<(u64, u8)>,
    frames: BTreeMap<(u64, u8), bool>,
    /// Stretches of frames in which some may have been lost.
    lost: Vec<((u64, u8), (u64, u8))>,
    unsure: bool,
}

impl Vp9 {
    pub(super) fn frame(&mut self, frame: &Frame) -> Result<Decoded, Fault> {
        let read = wire::vp9(&frame.first.payload).ok_or(Fault::Unreadable)?;
        let at = self.place(&read, frame)?;
        let keyframe = !read.predicted && !read.inter_layer;
        if self.frames.is_empty() && !keyframe && !frame.after_loss {
            return Err(Fault::StartsWithoutKeyframe);
        }
        if !read.flexible && read.predicted {
            // No sender of the recordings does.
            return Err(Fault::Unreadable);
        }
        self.unsure |= frame.after_loss;
        let mut decodable = !self.frames.is_empty() || keyframe;
        for distance in &read.differences {
            decodable &= self.has((at.0 - u64::from(*distance), at.1))?;
        }
        if read.inter_layer {
            let below = at.1.checked_sub(1).ok_or(Fault::Unreadable)?;
            decodable &= self.has((at.0, below))?;
        }
        self.frames.insert(at, decodable);
        self.frames = self.frames.split_off(&(at.0.saturating_sub(500), 0));
        Ok(Decoded {
            timestamp: frame.timestamp,
            spatial: read.spatial,
            temporal: read.temporal,
            keyframe: keyframe && read.spatial == 0,
            decodable,
        })
    }

    /// One picture id for a picture, rising; layers rise within it.
    fn place(&mut self, read: &wire::Vp9, frame: &Frame) -> Result<(u64, u8), Fault> {
        let Some((last, layer)) = self.last else {
            let at = (1 << 20 | u64::from(read.picture_id), read.spatial);
            self.last = Some(at);
            if frame.after_loss {
                // The very start was lost: what that was nobody knows.
                self.lost.push(((0, 0), at));
            }
            return Ok(at);
        };
        let step = read.picture_id.wrapping_sub(last as u16) & 0x7fff;
        if step >= 1 << 14 || (step == 0) == frame.starts_picture && !frame.after_loss {
            return Err(Fault::NumberJump);
        }
        if step == 0 && read.spatial <= layer {
            return Err(Fault::LayerOrder);
        }
        let at = (last + u64::from(step), read.spatial);
        if frame.after_loss {
            self.lost.push(((last, layer), at));
        }
        self.last = Some(at);
        Ok(at)
    }

    fn has(&self, wanted: (u64, u8)) -> Result<bool, Fault> {
        if let Some(decodable) = self.frames.get(&wanted) {
            return Ok(*decodable);
        }
        let explained = self
            .lost
            .iter()
            .any(|&(from, to)| from < wanted && wanted < to);
        if explained {
            Ok(false)
        } else {
            Err(Fault::MissingReference)
        }
    }
}
