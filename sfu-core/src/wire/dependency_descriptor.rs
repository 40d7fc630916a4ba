//! The dependency descriptor's mandatory fields (RTP Payload Format For AV1, version 1.0, Appendix
//! A.8.1): all that a forwarder that leaves no frame out must know of it.
//!
//! A receiver finds out by the descriptor which frames a frame needs, as differences of frame
//! numbers. The numbers must go on where one stream follows another.

/// Bytes of the mandatory fields: two flags, the template's id, and the frame's number.
const MANDATORY_LEN: usize = 3;

/// Longest descriptor that is carried, in bytes: what an element holds (RFC 8285 section 4.3). A
/// key picture of three spatial and three temporal layers takes about 100.
pub const MAX_LEN: usize = 255;

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
mod tests {
    use super::*;

    #[test]
    fn the_number_is_read_and_rewritten_and_nothing_else() {
        // Start and end of frame, template 5; the structure's flag and more behind the number.
        let mut descriptor = [0xc5, 0x12, 0x34, 0x80, 0x01];
        assert_eq!(frame_number(&descriptor), Some(0x1234));
        set_frame_number(&mut descriptor, 0xfffe).unwrap();
        assert_eq!(descriptor, [0xc5, 0xff, 0xfe, 0x80, 0x01]);
        assert_eq!(frame_number(&descriptor), Some(0xfffe));
    }

    #[test]
    fn a_descriptor_cut_short_has_none() {
        for len in 0..MANDATORY_LEN {
            assert_eq!(frame_number(&[7; MANDATORY_LEN][..len]), None);
            let mut cut = [7; MANDATORY_LEN];
            assert_eq!(set_frame_number(&mut cut[..len], 1), None);
            assert_eq!(cut, [7; MANDATORY_LEN]);
        }
    }
}
