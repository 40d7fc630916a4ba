//! Synthetic frames that say who they are, so that what arrives can be judged whole and intact.

/// What a frame says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FrameTag {
    /// The track.
    pub(crate) track: u64,
    /// The place of its encoding in the offer.
    pub(crate) encoding: u8,
    /// Counts captures: the encodings of one capture share it.
    pub(crate) number: u32,
    /// Whether it needs no other frame. Audio always: false there.
    pub(crate) keyframe: bool,
    /// The number of the frame that it builds on, unless it is a keyframe or audio.
    pub(crate) needs: u32,
}

/// Bytes before the filler: a VP8 keyframe's header, the magic, and the tag with the length.
const HEADER: usize = 10 + MAGIC.len() + TAG;
const MAGIC: &[u8] = b"SIM!";
const TAG: usize = 8 + 1 + 4 + 1 + 4 + 4;
const HASH: usize = 8;

/// Shortest frame, in bytes.
pub(crate) const MIN_LEN: usize = HEADER + HASH;

/// Writes a frame of `len` bytes in the shape of a VP8 frame: its tag, a keyframe's start code and
/// size (RFC 6386 section 9.1), then ours.
pub(crate) fn vp8(tag: FrameTag, (width, height): (u16, u16), len: usize) -> Vec<u8> {
    let mut frame = Vec::with_capacity(len);
    // Show_frame and version as libvpx writes them; the lowest bit is the inverse keyframe flag.
    frame.push(if tag.keyframe { 0x10 } else { 0x11 });
    frame.extend([0, 0]);
    if tag.keyframe {
        frame.extend([0x9d, 0x01, 0x2a]);
        frame.extend(width.to_le_bytes());
        frame.extend(height.to_le_bytes());
    }
    finish(frame, tag, len)
}

/// Writes a packet of `len` bytes in the shape of Opus: a TOC byte (RFC 6716 section 3.1: 20 ms of
/// full band, one frame), then ours.
pub(crate) fn opus(tag: FrameTag, len: usize) -> Vec<u8> {
    finish(vec![0x78], tag, len)
}

/// Writes a frame of `len` bytes that starts with a codec's own `head`.
pub(crate) fn behind(head: &[u8], tag: FrameTag, len: usize) -> Vec<u8> {
    finish(head.to_vec(), tag, len)
}

fn finish(mut frame: Vec<u8>, tag: FrameTag, len: usize) -> Vec<u8> {
    assert!(
        len >= MIN_LEN,
        "a frame of {len} bytes has no room for its tag"
    );
    let own = frame.len();
    frame.extend(MAGIC);
    frame.extend(tag.track.to_be_bytes());
    frame.push(tag.encoding);
    frame.extend(tag.number.to_be_bytes());
    frame.push(tag.keyframe.into());
    frame.extend(tag.needs.to_be_bytes());
    frame.extend(u32::try_from(len).unwrap().to_be_bytes());
    let mut state = tag.number ^ (u32::from(tag.encoding) << 24);
    while frame.len() < len - HASH {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        frame.push((state >> 24) as u8);
    }
    let hash = hash(&frame[own..]);
    frame.extend(hash.to_be_bytes());
    frame
}

/// Most bytes that a stack writes in front of a frame's own: start codes, parameter sets, lengths.
const MAX_FRONT: usize = 64;

/// Where a frame's own bytes start.
fn own(frame: &[u8]) -> Option<usize> {
    let front = &frame[..frame.len().min(MAX_FRONT)];
    front.windows(MAGIC.len()).position(|bytes| bytes == MAGIC)
}

/// The tag at the front of a frame, or of the frame's first fragment.
pub(crate) fn peek(frame: &[u8]) -> Option<FrameTag> {
    let tag = frame
        .get(own(frame)? + MAGIC.len()..)?
        .first_chunk::<TAG>()?;
    Some(FrameTag {
        track: u64::from_be_bytes(tag[..8].try_into().unwrap()),
        encoding: tag[8],
        number: u32::from_be_bytes(tag[9..13].try_into().unwrap()),
        keyframe: tag[13] != 0,
        needs: u32::from_be_bytes(tag[14..18].try_into().unwrap()),
    })
}

/// The tag of a frame that is whole and intact.
pub(crate) fn read(frame: &[u8]) -> Option<FrameTag> {
    let tag = peek(frame)?;
    let (body, expected) = frame[own(frame)?..].split_last_chunk::<HASH>()?;
    (hash(body) == u64::from_be_bytes(*expected)).then_some(tag)
}

/// FNV-1a: finds accidents, which is all that is looked for.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[test]
fn a_frame_tells_its_tag_and_any_change() {
    let tag = FrameTag {
        track: 7,
        encoding: 2,
        number: 99,
        keyframe: true,
        needs: 98,
    };
    for frame in [vp8(tag, (640, 360), 3000), opus(tag, 90)] {
        assert_eq!(read(&frame), Some(tag));
        assert_eq!(read(&frame[..frame.len() - 1]), None);
        let mut changed = frame.clone();
        changed[60] ^= 1;
        assert_eq!(read(&changed), None);
    }
    let delta = FrameTag {
        keyframe: false,
        ..tag
    };
    let parsed = |tag| {
        let payload = [&[0x10][..], &vp8(tag, (640, 360), 100)].concat();
        sfu_core::wire::codec::vp8::parse(&payload).unwrap()
    };
    assert_eq!(parsed(tag).resolution, Some((640, 360)));
    assert!(parsed(tag).is_keyframe && !parsed(delta).is_keyframe);
}
