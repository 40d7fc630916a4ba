//! Frames as packets: the payload descriptors that browsers write, then what the packet says of
//! itself, then nothing in particular.

use crate::live::tag::{self, Piece, Tag};

/// Payload bytes of a full video packet behind its descriptor: with all headers 1200 and some, as
/// Chromium sends it.
const FULL: usize = 1130;

/// Numbers of a stream that its descriptors carry.
#[derive(Clone, Copy)]
pub(crate) struct Numbers {
    pub(crate) picture_id: u16,
    pub(crate) tl0: u8,
}

/// The packets of a VP8 frame of `len` bytes (RFC 7741 section 4.2): X; then I, L and T with a
/// 15-bit picture id; `sync` is Y, where a receiver may switch up.
pub(crate) fn vp8(tag: Tag, len: usize, sync: bool, numbers: Numbers) -> Vec<Vec<u8>> {
    let [high, low] = numbers.picture_id.to_be_bytes();
    let count = pieces(len);
    let piece = |at: u16| {
        let start = if at == 0 { 0x90 } else { 0x80 };
        let temporal = tag.temporal << 6 | u8::from(sync) << 5;
        let mut payload = Vec::with_capacity(FULL + 6);
        payload.extend([start, 0xe0, 0x80 | high, low, numbers.tl0, temporal]);
        if at == 0 {
            // RFC 6386 section 9.1: a shown frame, the inverse keyframe flag; then a keyframe's size.
            payload.extend([if tag.keyframe { 0x10 } else { 0x11 }, 0, 0]);
            if tag.keyframe {
                payload.extend([0x9d, 0x01, 0x2a]);
                payload.extend((tag.height / 9 * 16).to_le_bytes());
                payload.extend(tag.height.to_le_bytes());
            }
        }
        fill(payload, tag, at, count, len)
    };
    (0..count).map(piece).collect()
}

/// The packets of one spatial layer of a VP9 picture (RFC 9628 section 4.2), flexible mode as
/// Chromium sends L3T3_KEY. `layers`: of the picture, in a keyframe; `heights` theirs.
pub(crate) fn vp9(tag: Tag, len: usize, numbers: Numbers, heights: &[u16]) -> Vec<Vec<u8>> {
    let [high, low] = numbers.picture_id.to_be_bytes();
    let count = pieces(len);
    let back = tag.needs[0].map(|need| tag.id.number - need.number);
    let below = tag.needs[1].is_some();
    let piece = |at: u16| {
        let (first, last) = (at == 0, at + 1 == count);
        let structure = first && tag.keyframe && tag.id.layer == 0;
        // I, L and F; P; B and E; V; Z: nothing above rests on it.
        let flags = 0xb0
            | u8::from(back.is_some()) << 6
            | u8::from(first) << 3
            | u8::from(last) << 2
            | u8::from(structure) << 1
            | u8::from(!tag.keyframe);
        let layers = tag.temporal << 5 | 0x10 | tag.id.layer << 1 | u8::from(below);
        let mut payload = Vec::with_capacity(FULL + 24);
        payload.extend([flags, 0x80 | high, low, layers]);
        if let Some(back) = back {
            payload.push((back as u8) << 1);
        }
        if structure {
            payload.push(((heights.len() - 1) as u8) << 5 | 0x10);
            for height in heights {
                payload.extend((height / 9 * 16).to_be_bytes());
                payload.extend(height.to_be_bytes());
            }
        }
        fill(payload, tag, at, count, len)
    };
    (0..count).map(piece).collect()
}

/// A packet of Opus: a TOC byte (RFC 6716 section 3.1: 20 ms of full band, one frame).
pub(crate) fn opus(tag: Tag, len: usize) -> Vec<u8> {
    fill(vec![0x78], tag, 0, 1, len)
}

fn pieces(len: usize) -> u16 {
    u16::try_from(len.div_ceil(FULL).max(1)).expect("a frame of less than 70 MB")
}

/// Ends a packet: a frame's pieces are of one size, as libwebrtc makes them.
fn fill(mut payload: Vec<u8>, tag: Tag, at: u16, of: u16, len: usize) -> Vec<u8> {
    let size = payload.len() + (len / usize::from(of)).max(tag::LEN);
    Piece { tag, at, of }.write(&mut payload);
    payload.resize(size.max(payload.len()), 0);
    payload
}

#[test]
fn the_engine_reads_of_a_packet_what_is_meant() {
    use crate::live::tag::FrameId;
    use sfu_core::wire::codec::{vp8 as vp8_wire, vp9 as vp9_wire};

    let id = |number, layer| FrameId { number, layer };
    let numbers = Numbers {
        picture_id: 0x1234,
        tl0: 9,
    };
    let tag = Tag {
        track: 1,
        id: id(8, 1),
        temporal: 0,
        keyframe: true,
        height: 360,
        needs: [None; 2],
    };
    let packets = vp8(tag, 5000, false, numbers);
    assert_eq!(packets.len(), 5);
    let parsed = vp8_wire::parse(&packets[0]).unwrap();
    assert!(parsed.is_keyframe && parsed.frame_start);
    assert_eq!(parsed.resolution, Some((640, 360)));
    assert_eq!(Piece::read(&packets[4]).unwrap().tag, tag);
    assert!(!vp8_wire::parse(&packets[4]).unwrap().frame_start);

    let heights = [180, 360, 720];
    let base = Tag {
        id: id(8, 0),
        ..tag
    };
    let parsed = vp9_wire::parse(&vp9(base, 900, numbers, &heights)[0]).unwrap();
    assert!(parsed.is_keyframe && parsed.spatial_layers == Some(3));
    assert_eq!(parsed.resolution, Some((1280, 720)));
    let upper = Tag {
        needs: [None, Some(id(8, 0))],
        ..tag
    };
    let parsed = vp9_wire::parse(&vp9(upper, 900, numbers, &heights)[0]).unwrap();
    assert!(parsed.inter_layer && !parsed.inter_picture);
    assert_eq!(parsed.spatial_id, Some(1));
    let delta = Tag {
        id: id(11, 2),
        temporal: 2,
        keyframe: false,
        needs: [Some(id(10, 2)), None],
        ..tag
    };
    let parsed = vp9_wire::parse(&vp9(delta, 900, numbers, &heights)[0]).unwrap();
    assert!(parsed.inter_picture && !parsed.inter_layer && parsed.references[0] == 1);
    assert_eq!((parsed.spatial_id, parsed.temporal_id), (Some(2), Some(2)));
}
