//! Frames by their dependency descriptor.

use std::collections::BTreeMap;

use super::{Decoded, Fault, Frame};
use crate::descriptor::{self, Descriptor, Indication, Structure};

/// Frames that are remembered: more than any reference or chain reaches back.
const KEPT: u64 = 2000;

#[derive(Clone, Debug, Default)]
pub(crate) struct Numbered {
    structure: Option<Structure>,
    /// What is said to be active; `None` where a loss may have hidden what is.
    active: Option<u32>,
    last: Option<u64>,
    /// The frames that came whole, and whether they could be decoded.
    frames: BTreeMap<u64, bool>,
    /// Stretches of numbers in which frames may have been lost.
    lost: Vec<(u64, u64)>,
    /// Something was lost since the last structure came: another may have been.
    unsure: bool,
}

impl Numbered {
    pub(super) fn frame(&mut self, frame: &Frame) -> Result<Decoded, Fault> {
        let bytes = frame.first.descriptor.as_ref().ok_or(Fault::Unreadable)?;
        self.unsure |= frame.after_loss;
        let Some(read) = descriptor::read(bytes, self.structure.as_ref()) else {
            return self.unreadable(frame, bytes);
        };
        let number = self.number(read.number, frame.after_loss)?;
        let keyframe = read.structure.is_some() && read.frame.references.is_empty();
        if let Some(structure) = &read.structure {
            self.structure = Some(structure.clone());
            self.unsure = false;
        }
        let known = self.active.filter(|_| !frame.after_loss);
        self.active = read.active.or(known);
        if self.frames.is_empty() && !keyframe && !self.unsure {
            return Err(Fault::StartsWithoutKeyframe);
        }
        let mut decodable = !self.frames.is_empty() || keyframe;
        for distance in &read.frame.references {
            decodable &= self.has(number, *distance)?;
        }
        self.check_targets(&read, number)?;
        self.frames.insert(number, decodable);
        self.frames = self.frames.split_off(&number.saturating_sub(KEPT));
        Ok(Decoded {
            timestamp: frame.timestamp,
            spatial: read.frame.spatial,
            temporal: read.frame.temporal,
            keyframe,
            decodable,
        })
    }

    /// With a structure lost, what names its templates is not for this decoder.
    fn unreadable(&mut self, frame: &Frame, bytes: &[u8]) -> Result<Decoded, Fault> {
        if !self.unsure {
            let start = self.structure.is_none();
            return Err(if start {
                Fault::StartsWithoutKeyframe
            } else {
                Fault::Unreadable
            });
        }
        if self.structure.is_some() {
            let number = self.number(u16::from_be_bytes([bytes[1], bytes[2]]), frame.after_loss)?;
            self.frames.insert(number, false);
        }
        Ok(Decoded {
            timestamp: frame.timestamp,
            spatial: 0,
            temporal: 0,
            keyframe: false,
            decodable: false,
        })
    }

    /// Numbers rise; a frame's is counted on from the last.
    fn number(&mut self, number: u16, after_loss: bool) -> Result<u64, Fault> {
        let Some(last) = self.last else {
            let number = 1 << 20 | u64::from(number);
            self.last = Some(number);
            if after_loss {
                // The very start was lost: what that was nobody knows.
                self.lost.push((0, number));
            }
            return Ok(number);
        };
        let step = number.wrapping_sub(last as u16);
        if step == 0 || step >= 1 << 15 {
            return Err(Fault::NumberJump);
        }
        let number = last + u64::from(step);
        if after_loss {
            self.lost.push((last, number));
        }
        self.last = Some(number);
        Ok(number)
    }

    /// Whether the frame `distance` before is there to rest on; a fault when it was never sent.
    fn has(&self, number: u64, distance: u16) -> Result<bool, Fault> {
        let wanted = number - u64::from(distance);
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

    /// What is said to be active is really sent, as far as its chains tell (Appendix A.3.5), and
    /// what is sent is said to be active.
    fn check_targets(&self, read: &Descriptor, number: u64) -> Result<(), Fault> {
        let (Some(structure), Some(mask)) = (&self.structure, self.active) else {
            return Ok(());
        };
        let is_active = |target: &usize| mask >> target & 1 == 1;
        let active = || (0..structure.targets).filter(is_active);
        let present = |target: usize| read.frame.indications[target] != Indication::NotPresent;
        if !active().any(present) {
            return Err(Fault::InactiveFrame);
        }
        if structure.protected_by.is_empty() {
            return Ok(());
        }
        for target in active().filter(|target| present(*target)) {
            let distance = read.frame.chains[structure.protected_by[target]];
            if distance != 0 && self.has(number, distance) == Err(Fault::MissingReference) {
                return Err(Fault::BrokenChain);
            }
        }
        Ok(())
    }
}
