//! The VP8 payload descriptor (RFC 7741 section 4.2), and what shows of the frame behind it.

pub use super::picture_id::PictureId;

/// Most bytes that a descriptor has: the required byte, the extension byte, a 15-bit picture id,
/// TL0PICIDX, and TID with KEYIDX.
pub const MAX_DESCRIPTOR_LEN: usize = 6;

/// What the front of a VP8 payload says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vp8Descriptor {
    /// S: the packet starts a partition.
    pub start_of_partition: bool,
    /// PID: the partition that the packet's first byte belongs to, 0..=7.
    pub partition_id: u8,
    /// The frame's number.
    pub picture_id: Option<PictureId>,
    /// TL0PICIDX: counts the frames of the base temporal layer.
    pub tl0_picture_index: Option<u8>,
    /// TID: the frame's temporal layer, 0..=3.
    pub temporal_id: Option<u8>,
    /// Y: the frame rests on base-layer frames only, so that a receiver may switch up here.
    /// False without a temporal id.
    pub layer_sync: bool,
    /// KEYIDX: counts keyframes, 0..=31.
    pub key_index: Option<u8>,
    /// N: no other frame rests on this one.
    pub non_reference: bool,
    /// Bytes of the descriptor, 1..=[`MAX_DESCRIPTOR_LEN`]; the VP8 payload follows.
    pub descriptor_len: u8,
    /// Whether the packet starts a keyframe. False on a keyframe's later packets.
    pub is_keyframe: bool,
    /// Whether the packet starts a frame.
    pub frame_start: bool,
    /// Width and height in pixels, on a packet that starts a keyframe and carries its header.
    pub resolution: Option<(u16, u16)>,
}

/// Where a descriptor's optional fields lie, in bytes from the payload's start.
struct Layout {
    picture_id: Option<(usize, PictureId)>,
    tl0: Option<usize>,
    /// The byte of TID, Y and KEYIDX; a flag each for whether TID and KEYIDX mean anything.
    tid_keyidx: Option<(usize, bool, bool)>,
    len: usize,
}

impl Layout {
    fn read(payload: &[u8]) -> Option<Self> {
        let mut layout = Self {
            picture_id: None,
            tl0: None,
            tid_keyidx: None,
            len: 1,
        };
        // RFC 7741 section 4.2: X, then I, L, T and K from the top bit on.
        if payload.first()? & 0x80 == 0 {
            return Some(layout);
        }
        let flags = *payload.get(1)?;
        let mut at = 2;
        if flags & 0x80 != 0 {
            let picture_id = PictureId::read(payload, at)?;
            layout.picture_id = Some((at, picture_id));
            at += picture_id.len();
        }
        if flags & 0x40 != 0 {
            layout.tl0 = Some(at);
            at += 1;
        }
        if flags & 0x30 != 0 {
            layout.tid_keyidx = Some((at, flags & 0x20 != 0, flags & 0x10 != 0));
            at += 1;
        }
        layout.len = at;
        (at <= payload.len()).then_some(layout)
    }
}

/// Reads the descriptor at the front of an RTP payload, and the frame header if it follows.
///
/// `None` when the descriptor is cut short or nothing follows it.
#[must_use]
pub fn parse(payload: &[u8]) -> Option<Vp8Descriptor> {
    let layout = Layout::read(payload)?;
    let first = *payload.first()?;
    let frame = payload.get(layout.len..)?;
    let start_of_partition = first & 0x10 != 0;
    let partition_id = first & 0x07;
    // RFC 7741 section 4.3: the frame header stands only behind the start of partition 0.
    let frame_start = start_of_partition && partition_id == 0;
    // P, the inverse keyframe flag, is the frame header's lowest bit.
    let is_keyframe = frame_start && frame.first()? & 0x01 == 0;
    let tid_keyidx = layout
        .tid_keyidx
        .and_then(|(at, tid, keyidx)| Some((*payload.get(at)?, tid, keyidx)));
    frame.first()?;
    Some(Vp8Descriptor {
        start_of_partition,
        partition_id,
        picture_id: layout.picture_id.map(|(_, id)| id),
        tl0_picture_index: layout.tl0.and_then(|at| payload.get(at).copied()),
        temporal_id: tid_keyidx.and_then(|(byte, tid, _)| tid.then_some(byte >> 6)),
        layer_sync: tid_keyidx.is_some_and(|(byte, tid, _)| tid && byte & 0x20 != 0),
        key_index: tid_keyidx.and_then(|(byte, _, keyidx)| keyidx.then_some(byte & 0x1f)),
        non_reference: first & 0x20 != 0,
        descriptor_len: layout.len as u8,
        is_keyframe,
        frame_start,
        resolution: is_keyframe.then(|| resolution(frame)).flatten(),
    })
}

/// Width and height of a keyframe (RFC 6386 section 9.1); `None` without its start code.
fn resolution(frame: &[u8]) -> Option<(u16, u16)> {
    // A 3-byte frame tag, the start code, then 14 bits each under 2 bits of scale, low byte first.
    let &[
        _,
        _,
        _,
        0x9d,
        0x01,
        0x2a,
        width_low,
        width_high,
        height_low,
        height_high,
    ] = frame.first_chunk::<10>()?
    else {
        return None;
    };
    Some((
        u16::from_le_bytes([width_low, width_high]) & 0x3fff,
        u16::from_le_bytes([height_low, height_high]) & 0x3fff,
    ))
}

/// Rewrites the picture id and TL0PICIDX in place, each in the width that it came in: a 7-bit
/// picture id takes the low 7 bits. `payload` may be the descriptor alone. A field that the
/// descriptor lacks stays absent.
///
/// `None`, and nothing written, when the descriptor is cut short.
pub fn patch(payload: &mut [u8], picture_id: Option<u16>, tl0: Option<u8>) -> Option<()> {
    let layout = Layout::read(payload)?;
    if let (Some((at, former)), Some(value)) = (layout.picture_id, picture_id) {
        former.overwrite(payload, at, value);
    }
    if let (Some(at), Some(value)) = (layout.tl0, tl0) {
        payload[at] = value;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The frame tag and header of a keyframe of 640 x 360, both with scale bits set.
    const KEYFRAME: [u8; 12] = [
        0x50, 0x3c, 0x01, 0x9d, 0x01, 0x2a, 0x80, 0x42, 0x68, 0xc1, 0, 0,
    ];
    const INTERFRAME: [u8; 3] = [0x51, 0x3c, 0x01];

    fn payload(descriptor: &[u8], frame: &[u8]) -> Vec<u8> {
        [descriptor, frame].concat()
    }

    #[test]
    fn the_shortest_descriptor_is_one_byte() {
        let parsed = parse(&payload(&[0x10], &KEYFRAME)).unwrap();
        assert_eq!(
            parsed,
            Vp8Descriptor {
                start_of_partition: true,
                partition_id: 0,
                picture_id: None,
                tl0_picture_index: None,
                temporal_id: None,
                layer_sync: false,
                key_index: None,
                non_reference: false,
                descriptor_len: 1,
                is_keyframe: true,
                frame_start: true,
                resolution: Some((640, 360)),
            }
        );
    }

    #[test]
    fn every_field_is_read() {
        let descriptor = [0xb0, 0xf0, 0x92, 0x34, 0x56, 0x67];
        let parsed = parse(&payload(&descriptor, &INTERFRAME)).unwrap();
        assert_eq!(
            parsed,
            Vp8Descriptor {
                start_of_partition: true,
                partition_id: 0,
                picture_id: Some(PictureId {
                    value: 0x1234,
                    wide: true
                }),
                tl0_picture_index: Some(0x56),
                temporal_id: Some(1),
                layer_sync: true,
                key_index: Some(7),
                non_reference: true,
                descriptor_len: 6,
                is_keyframe: false,
                frame_start: true,
                resolution: None,
            }
        );
    }

    #[test]
    fn tid_and_keyidx_mean_something_only_by_their_flags() {
        let tid_only = parse(&[0x80, 0x20, 0xff, 1]).unwrap();
        assert_eq!((tid_only.temporal_id, tid_only.key_index), (Some(3), None));
        assert!(tid_only.layer_sync);
        let key_only = parse(&[0x80, 0x10, 0xff, 1]).unwrap();
        assert_eq!((key_only.temporal_id, key_only.key_index), (None, Some(31)));
        assert!(!key_only.layer_sync);
    }

    #[test]
    fn a_keyframe_starts_only_at_the_start_of_partition_0() {
        for (first, starts) in [(0x10, true), (0x00, false), (0x11, false), (0x01, false)] {
            let parsed = parse(&payload(&[first], &KEYFRAME)).unwrap();
            assert_eq!(parsed.frame_start, starts, "{first:#x}");
            assert_eq!(parsed.is_keyframe, starts);
            assert_eq!(parsed.resolution.is_some(), starts);
        }
    }

    #[test]
    fn a_keyframe_without_its_start_code_has_no_resolution() {
        for spoilt in 3..6 {
            let mut frame = KEYFRAME;
            frame[spoilt] ^= 1;
            let parsed = parse(&payload(&[0x10], &frame)).unwrap();
            assert!(parsed.is_keyframe);
            assert_eq!(parsed.resolution, None);
        }
        for len in 1..10 {
            let parsed = parse(&payload(&[0x10], &KEYFRAME[..len])).unwrap();
            assert_eq!(parsed.resolution, None);
        }
    }

    #[test]
    fn a_descriptor_cut_short_or_bare_is_refused() {
        for flags in 0..=255 {
            for m in [0, 0x80] {
                let full = [0x90, flags, m, 2, 3, 4, 5];
                let len = usize::from(parse(&full).unwrap().descriptor_len);
                for cut in 0..=len {
                    assert_eq!(parse(&full[..cut]), None);
                }
                assert!(parse(&full[..=len]).is_some());
                let patched = |cut: usize| patch(&mut { full }[..cut], Some(1), Some(1));
                assert!((0..len).all(|cut| patched(cut).is_none()));
                assert_eq!(
                    patched(len),
                    Some(()),
                    "the descriptor alone can be rewritten"
                );
            }
        }
        assert_eq!(parse(&[0x10]), None);
    }

    #[test]
    fn rewriting_keeps_the_width_and_everything_else() {
        for flags in (0..=255).step_by(16) {
            for m in [0, 0x80] {
                let original = [0xb0, flags, m | 1, 0x22, 0x33, 0x44, 0x51, 0x61];
                let before = parse(&original).unwrap();
                let mut patched = original;
                patch(&mut patched, Some(0x7abc), Some(0xee)).unwrap();
                let after = parse(&patched).unwrap();
                let picture_id = before.picture_id.map(|id| PictureId {
                    value: if id.wide { 0x7abc } else { 0x3c },
                    wide: id.wide,
                });
                let tl0_picture_index = before.tl0_picture_index.map(|_| 0xee);
                assert_eq!(
                    after,
                    Vp8Descriptor {
                        picture_id,
                        tl0_picture_index,
                        ..before
                    }
                );
                let len = usize::from(before.descriptor_len);
                assert_eq!(patched[len..], original[len..]);
            }
        }
    }

    #[test]
    fn rewriting_nothing_changes_nothing() {
        let original = [0x90, 0xf0, 0x81, 2, 3, 4, 5];
        let mut patched = original;
        patch(&mut patched, None, None).unwrap();
        assert_eq!(patched, original);
        // A number of 16 bits never spills into the width bit.
        patch(&mut patched, Some(0xffff), None).unwrap();
        assert_eq!(parse(&patched).unwrap().picture_id.unwrap().value, 0x7fff);
    }
}
