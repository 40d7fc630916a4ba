//! The dependency descriptor (RTP Payload Format For AV1, version 1.0, Appendix A): which frames a
//! frame needs, and which layers it is of, told outside of the payload for whatever codec.
//!
//! A keyframe carries a [`Structure`], which lists the kinds of frames that follow as templates;
//! each packet names its frame's template by three bytes, and tells what differs from it. So a
//! descriptor is read with the structure that was in force when it was sent:
//! [`Head::read`], then [`Structure::read`] where the head says that one is attached, then
//! [`Structure::frame`].

mod bits;
mod frame;
mod structure;
mod write;

pub use frame::{Frame, FrameError};
pub use structure::{MAX_TEMPLATES, Structure, Template};
pub use write::{MaskPlace, write};

/// Bytes of the mandatory fields: two flags, the template's id, and the frame's number.
const MANDATORY_LEN: usize = 3;

/// The five flags of the extended fields, which follow the mandatory ones.
const EXTENDED_FLAGS: usize = 5;

/// Bits of both.
const HEAD_BITS: usize = 8 * MANDATORY_LEN + EXTENDED_FLAGS;

/// Longest descriptor that is carried, in bytes: what an element holds (RFC 8285 section 4.3). A
/// key picture of three spatial and three temporal layers takes about 100.
pub const MAX_LEN: usize = 255;

/// Most decode targets of a structure: `dt_cnt_minus_one` has five bits (Appendix A).
pub const MAX_DECODE_TARGETS: usize = 32;

/// Most frames that one frame may name as needed. libwebrtc's encoders name five at most; a
/// structure or a frame that names more is refused. Raising it costs 2 bytes in each stored packet
/// and in each template of an encoding.
pub const MAX_REFERENCES: usize = 8;

/// The first bytes of a descriptor, which are read without a structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The packet is the frame's first.
    pub frame_start: bool,
    /// The packet is the frame's last.
    pub frame_end: bool,
    /// The id of the frame's template, 0..=63.
    pub template_id: u8,
    /// The frame's number; it wraps.
    pub frame_number: u16,
    /// A structure is attached, which holds from this frame on.
    pub has_structure: bool,
}

impl Head {
    /// Reads the front of a descriptor; `None` for one that is cut short.
    #[must_use]
    pub fn read(descriptor: &[u8]) -> Option<Self> {
        let &[first, high, low] = descriptor.first_chunk::<MANDATORY_LEN>()?;
        let flags = descriptor.get(MANDATORY_LEN).copied().unwrap_or(0);
        Some(Self {
            frame_start: first & 0x80 != 0,
            frame_end: first & 0x40 != 0,
            template_id: first & 0x3f,
            frame_number: u16::from_be_bytes([high, low]),
            has_structure: flags & 0x80 != 0,
        })
    }
}

/// The frame's number; `None` for a descriptor that is cut short.
#[must_use]
pub const fn frame_number(descriptor: &[u8]) -> Option<u16> {
    let [_, high, low, ..] = descriptor else {
        return None;
    };
    Some(u16::from_be_bytes([*high, *low]))
}

/// Rewrites the frame's number. `None`, and nothing written, for a descriptor that is cut short.
pub fn set_frame_number(descriptor: &mut [u8], frame_number: u16) -> Option<()> {
    let mandatory = descriptor.first_chunk_mut::<MANDATORY_LEN>()?;
    mandatory[1..].copy_from_slice(&frame_number.to_be_bytes());
    Some(())
}

#[cfg(test)]
mod tests;
