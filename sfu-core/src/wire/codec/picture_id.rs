//! A frame's number within its stream, as VP8 (RFC 7741 section 4.2) and VP9 (RFC 9628 section
//! 4.2) write it: a bit that tells the width, then 7 or 15 bits.

use crate::wire::be16;

/// A frame's number within its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureId {
    /// The number: 7 or 15 bits.
    pub value: u16,
    /// Whether the number has 15 bits; it wraps by this width.
    pub wide: bool,
}

impl PictureId {
    /// Reads the number at byte `at`; `None` past the end.
    pub(super) fn read(payload: &[u8], at: usize) -> Option<Self> {
        let first = *payload.get(at)?;
        // M: the number has 15 bits.
        let wide = first & 0x80 != 0;
        let value = if wide {
            be16(payload, at)? & 0x7fff
        } else {
            first.into()
        };
        Some(Self { value, wide })
    }

    /// Bytes that the number takes.
    pub(super) const fn len(self) -> usize {
        if self.wide { 2 } else { 1 }
    }

    /// Writes `value` in this one's width over this one, which lies whole at byte `at`.
    pub(super) fn overwrite(self, payload: &mut [u8], at: usize, value: u16) {
        let [high, low] = (value & 0x7fff).to_be_bytes();
        if self.wide {
            payload[at] = 0x80 | high;
            payload[at + 1] = low;
        } else {
            payload[at] = low & 0x7f;
        }
    }
}
