//! A descriptor written anew: another frame number, and other decode targets.

use super::bits::BitWriter;
use super::{HEAD_BITS, MANDATORY_LEN, MAX_LEN, set_frame_number};

/// The flags of the extended fields, alone with `active_decode_targets_present_flag`.
const ONLY_ACTIVE: u32 = 0b01000;

/// The bit of that flag in the descriptor.
const ACTIVE_FLAG_AT: usize = 8 * MANDATORY_LEN + 1;

/// Where the mask of active decode targets stands in a descriptor, or would stand: told by the
/// parser once, so that it can be written for each subscriber without a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaskPlace {
    /// The bit of the descriptor that it starts at.
    at: u16,
    /// The bit behind the last of the frame's fields.
    end: u16,
    /// Its bits: how many decode targets there are.
    targets: u8,
    /// There is a mask.
    present: bool,
}

impl MaskPlace {
    /// `None` for a place that no descriptor has.
    pub(super) fn new(at: usize, end: usize, targets: u8, present: bool) -> Option<Self> {
        Some(Self {
            at: at.try_into().ok()?,
            end: end.try_into().ok()?,
            targets,
            present,
        })
    }

    /// In a descriptor of the mandatory fields alone.
    pub(super) const fn behind_mandatory(targets: u8) -> Self {
        Self {
            at: HEAD_BITS as u16,
            end: HEAD_BITS as u16,
            targets,
            present: false,
        }
    }
}

/// Writes the descriptor `source` with another frame number into `out`, and says how long it became.
/// With a mask, and its place in `source`, the mask says which decode targets a receiver can count
/// on from here on, in bit i for target i; without, what `source` says of them stays. All else is
/// copied bit by bit.
///
/// `None` for a descriptor that is cut short, a place that is not of it, and when the mask makes it
/// longer than [`MAX_LEN`].
pub fn write(
    source: &[u8],
    frame_number: u16,
    active: Option<(u32, MaskPlace)>,
    out: &mut [u8; MAX_LEN],
) -> Option<usize> {
    let len = match active {
        None => {
            out.get_mut(..source.len())?.copy_from_slice(source);
            source.len()
        }
        Some((mask, place)) => with_mask(source, mask, place, out)?,
    };
    set_frame_number(&mut out[..len], frame_number)?;
    Some(len)
}

fn with_mask(source: &[u8], mask: u32, place: MaskPlace, out: &mut [u8; MAX_LEN]) -> Option<usize> {
    let (at, end) = (usize::from(place.at), usize::from(place.end));
    let targets = usize::from(place.targets);
    let mut writer = BitWriter::new(out);
    if source.len() == MANDATORY_LEN {
        writer.copy(source, 0, 8 * MANDATORY_LEN)?;
        writer.bits(ONLY_ACTIVE, HEAD_BITS - 8 * MANDATORY_LEN)?;
        writer.bits(mask, targets)?;
        return Some(writer.len());
    }
    writer.copy(source, 0, ACTIVE_FLAG_AT)?;
    writer.bits(1, 1)?;
    writer.copy(source, ACTIVE_FLAG_AT + 1, at)?;
    writer.bits(mask, targets)?;
    let behind = if place.present { at + targets } else { at };
    writer.copy(source, behind, end)?;
    Some(writer.len())
}
