//! What every packet says of itself, so that a viewer needs neither sequence numbers nor headers to
//! put frames together, and nothing that the engine writes can make a bad picture look good.

/// One frame of one layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FrameId {
    /// Counts captures: the layers of one capture share it.
    pub(crate) number: u32,
    /// The encoding, or the spatial layer.
    pub(crate) layer: u8,
}

/// A frame, as its packets tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    pub(crate) track: u32,
    pub(crate) id: FrameId,
    pub(crate) temporal: u8,
    pub(crate) keyframe: bool,
    /// Lines of the picture; 0 for sound.
    pub(crate) height: u16,
    /// What it cannot be decoded without: the frame before it in time, and the layer below it.
    pub(crate) needs: [Option<FrameId>; 2],
}

/// A tag in a packet: which of the frame's packets it is, and of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) tag: Tag,
    pub(crate) at: u16,
    pub(crate) of: u16,
}

const MAGIC: [u8; 4] = *b"LAB!";

/// Bytes of a piece on the wire.
pub(crate) const LEN: usize = 4 + 4 + 5 + 1 + 1 + 2 + 2 * 5 + 4;

/// Most bytes in front of a piece: payload descriptor and frame header.
const MAX_FRONT: usize = 40;

impl Piece {
    pub(crate) fn write(&self, payload: &mut Vec<u8>) {
        let id = |payload: &mut Vec<u8>, id: FrameId| {
            payload.extend(id.number.to_be_bytes());
            payload.push(id.layer);
        };
        let tag = &self.tag;
        payload.extend(MAGIC);
        payload.extend(tag.track.to_be_bytes());
        id(payload, tag.id);
        payload.push(tag.temporal);
        payload.push(tag.keyframe.into());
        payload.extend(tag.height.to_be_bytes());
        for need in tag.needs {
            id(payload, need.unwrap_or(NONE));
        }
        payload.extend(self.at.to_be_bytes());
        payload.extend(self.of.to_be_bytes());
    }

    /// The piece in a packet's payload.
    pub(crate) fn read(payload: &[u8]) -> Option<Self> {
        let front = &payload[..payload.len().min(MAX_FRONT)];
        let from = front.windows(MAGIC.len()).position(|at| *at == MAGIC)?;
        let bytes: &[u8; LEN] = payload.get(from..)?.first_chunk()?;
        let id = |at: usize| FrameId {
            number: u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]),
            layer: bytes[at + 4],
        };
        let short = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let need = |at| Some(id(at)).filter(|id| *id != NONE);
        Some(Self {
            tag: Tag {
                track: u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
                id: id(8),
                temporal: bytes[13],
                keyframe: bytes[14] != 0,
                height: short(15),
                needs: [need(17), need(22)],
            },
            at: short(27),
            of: short(29),
        })
    }
}

/// Stands for no frame.
const NONE: FrameId = FrameId {
    number: u32::MAX,
    layer: u8::MAX,
};

#[test]
fn a_piece_is_read_as_written_behind_any_descriptor() {
    let tag = Tag {
        track: 7,
        id: FrameId {
            number: 99,
            layer: 2,
        },
        temporal: 1,
        keyframe: false,
        height: 720,
        needs: [
            Some(FrameId {
                number: 98,
                layer: 2,
            }),
            None,
        ],
    };
    let piece = Piece { tag, at: 3, of: 9 };
    let mut payload = vec![0x90, 0xe0, 1, 2, 3, 4];
    piece.write(&mut payload);
    assert_eq!(payload.len(), 6 + LEN);
    payload.extend([0; 50]);
    assert_eq!(Piece::read(&payload), Some(piece));
    assert_eq!(Piece::read(&payload[7..]), None);
    assert_eq!(Piece::read(&payload[..20]), None);
}
