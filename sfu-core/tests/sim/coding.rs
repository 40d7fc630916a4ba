//! Frames as other codecs than VP8 packetise them: what their receivers put together again, and what
//! tells a keyframe.

use str0m::format::Codec;

use crate::frame::{self, FrameTag};
use crate::publisher::FRAGMENT;

/// The payloads of one frame of `len` bytes.
pub(crate) fn payloads(codec: Codec, tag: FrameTag, len: usize, picture_id: u16) -> Vec<Vec<u8>> {
    match codec {
        Codec::H264 => h264(tag, len),
        Codec::H265 => h265(tag, len),
        Codec::Vp9 => vp9(tag, len, picture_id),
        Codec::Av1 => av1(tag, len),
        _ => panic!("no source sends {codec:?}"),
    }
}

/// A keyframe has its parameter sets in a STAP-A before it, as libwebrtc sends it (RFC 6184 section
/// 5.7.1); the slice goes in FU-A (section 5.8).
fn h264(tag: FrameTag, len: usize) -> Vec<Vec<u8>> {
    let nal_type = if tag.keyframe { 5 } else { 1 };
    // One bit, set: the picture's first slice.
    let unit = frame::behind(&[0x60 | nal_type, 0x80], tag, len);
    let mut payloads = Vec::new();
    if tag.keyframe {
        payloads.push(vec![0x78, 0, 4, 0x67, 0x42, 0xe0, 0x1f, 0, 2, 0x68, 0xce]);
    }
    let fragments: Vec<_> = unit[1..].chunks(FRAGMENT).collect();
    for (at, fragment) in fragments.iter().enumerate() {
        let (start, end) = (at == 0, at + 1 == fragments.len());
        let header = u8::from(start) << 7 | u8::from(end) << 6 | nal_type;
        payloads.push([&[0x7c, header][..], fragment].concat());
    }
    payloads
}

/// The same in aggregation packets and fragmentation units (RFC 7798 sections 4.4.2 and 4.4.3).
fn h265(tag: FrameTag, len: usize) -> Vec<Vec<u8>> {
    let nal_type: u8 = if tag.keyframe { 19 } else { 1 };
    let unit = frame::behind(&[nal_type << 1, 1, 0x80], tag, len);
    let mut payloads = Vec::new();
    if tag.keyframe {
        let mut sets = vec![48 << 1, 1];
        for set in [32u8, 33, 34] {
            sets.extend([0, 3, set << 1, 1, 0x0c]);
        }
        payloads.push(sets);
    }
    let fragments: Vec<_> = unit[2..].chunks(FRAGMENT).collect();
    for (at, fragment) in fragments.iter().enumerate() {
        let (start, end) = (at == 0, at + 1 == fragments.len());
        let header = u8::from(start) << 7 | u8::from(end) << 6 | nal_type;
        payloads.push([&[49 << 1, 1, header][..], fragment].concat());
    }
    payloads
}

/// A 15-bit picture id, no layers (RFC 9628 section 4.2).
fn vp9(tag: FrameTag, len: usize, picture_id: u16) -> Vec<Vec<u8>> {
    let frame = frame::behind(&[0x82], tag, len);
    let fragments: Vec<_> = frame.chunks(FRAGMENT).collect();
    let [high, low] = picture_id.to_be_bytes();
    let payload = |(at, fragment): (usize, &&[u8])| {
        let (start, end) = (at == 0, at + 1 == fragments.len());
        let flags = u8::from(!tag.keyframe) << 6 | u8::from(start) << 3 | u8::from(end) << 2;
        [&[0x80 | flags, 0x80 | high, low][..], fragment].concat()
    };
    fragments.iter().enumerate().map(payload).collect()
}

/// A keyframe has a sequence header before it and N set (RTP Payload Format For AV1, section 4.4);
/// the frame is one OBU in fragments.
fn av1(tag: FrameTag, len: usize) -> Vec<Vec<u8>> {
    let frame = frame::behind(&[6 << 3], tag, len);
    let fragments: Vec<_> = frame.chunks(FRAGMENT).collect();
    let payload = |(at, fragment): (usize, &&[u8])| {
        let (continues, goes_on) = (at > 0, at + 1 < fragments.len());
        let flags = u8::from(continues) << 7 | u8::from(goes_on) << 6;
        if tag.keyframe && at == 0 {
            let sequence = [4, 1 << 3, 0, 0, 0];
            [&[flags | 2 << 4 | 1 << 3][..], &sequence, fragment].concat()
        } else {
            [&[flags | 1 << 4][..], fragment].concat()
        }
    };
    fragments.iter().enumerate().map(payload).collect()
}
