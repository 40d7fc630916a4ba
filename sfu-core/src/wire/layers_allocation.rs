//! What a sender means to spend on each layer (the header extension
//! `http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00`).
//!
//! It is for the one who receives it: it is never forwarded.

use arrayvec::ArrayVec;

use super::be16;
use crate::unit::Bitrate;

/// Most RTP streams of one sender: the count has two bits.
pub const MAX_STREAMS: usize = 4;

/// Most spatial layers of a stream: the masks have four bits.
pub const MAX_SPATIAL_LAYERS: usize = 4;

/// Most temporal layers of a spatial one: the count has two bits.
pub const MAX_TEMPORAL_LAYERS: usize = 4;

/// Most bytes of a bitrate: 2^35 kbit/s are more than anybody sends.
const MAX_LEB128: usize = 5;

/// Bytes of a resolution with its frame rate.
const RESOLUTION_LEN: usize = 5;

/// One spatial layer that is being sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllocatedLayer {
    /// The RTP stream that it is in, from 0 up: in the order of the simulcast encodings.
    pub stream: u8,
    /// Its number within the stream.
    pub spatial: u8,
    /// What receiving it takes up to each temporal layer, from the lowest up: all that it rests on
    /// included. Not empty.
    pub bitrates: ArrayVec<Bitrate, MAX_TEMPORAL_LAYERS>,
    /// How large and how many its pictures are, where told.
    pub pictures: Option<AllocatedPictures>,
}

/// How large and how many pictures are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllocatedPictures {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Most frames a second.
    pub max_frame_rate: u8,
}

/// What a sender means to spend on each layer of a track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayersAllocation {
    /// The RTP stream that told it, as in [`AllocatedLayer::stream`].
    pub stream: u8,
    /// How many RTP streams there are, 1..=[`MAX_STREAMS`]; 0 when nothing is sent of any.
    pub streams: u8,
    /// The layers that are being sent, by stream and spatial number; empty when none is.
    pub layers: ArrayVec<AllocatedLayer, { MAX_STREAMS * MAX_SPATIAL_LAYERS }>,
}

/// Reads the extension's value. `None` for one that is cut short, or whose masks and lengths do not
/// go together.
#[must_use]
pub fn parse(value: &[u8]) -> Option<LayersAllocation> {
    // A single zero: nothing is sent.
    if value == [0] {
        return Some(LayersAllocation {
            stream: 0,
            streams: 0,
            layers: ArrayVec::new(),
        });
    }
    let (&head, mut rest) = value.split_first()?;
    // Two bits of the stream's index, two of the count less one, four of a mask for all.
    let streams = (head >> 4 & 0x03) + 1;
    let masks = masks(head & 0x0f, streams, &mut rest)?;
    let mut allocation = LayersAllocation {
        stream: head >> 6,
        streams,
        layers: ArrayVec::new(),
    };
    for (stream, mask) in (0..streams).zip(masks) {
        let active = (0..MAX_SPATIAL_LAYERS as u8).filter(|spatial| mask >> spatial & 1 != 0);
        allocation
            .layers
            .extend(active.map(|spatial| AllocatedLayer {
                stream,
                spatial,
                bitrates: ArrayVec::new(),
                pictures: None,
            }));
    }
    bitrates(&mut allocation, &mut rest)?;
    pictures(&mut allocation, rest)?;
    Some(allocation)
}

/// The mask of each stream's spatial layers: of four bits each where they are not the same.
fn masks(of_all: u8, streams: u8, rest: &mut &[u8]) -> Option<[u8; MAX_STREAMS]> {
    if of_all != 0 {
        return Some([of_all; MAX_STREAMS]);
    }
    let (packed, after) = rest.split_at_checked(usize::from(streams).div_ceil(2))?;
    *rest = after;
    let mut masks = [0; MAX_STREAMS];
    for (at, mask) in masks.iter_mut().enumerate().take(streams.into()) {
        *mask = packed[at / 2] >> (4 * (1 - at % 2)) & 0x0f;
    }
    Some(masks)
}

/// Two bits of temporal layers less one for each spatial layer, then the bitrates in kbit/s.
fn bitrates(allocation: &mut LayersAllocation, rest: &mut &[u8]) -> Option<()> {
    let (counts, after) = rest.split_at_checked(allocation.layers.len().div_ceil(4))?;
    *rest = after;
    for (at, layer) in allocation.layers.iter_mut().enumerate() {
        let count = (counts[at / 4] >> (6 - 2 * (at % 4)) & 0x03) + 1;
        for _ in 0..count {
            let kilobits = leb128(rest)?;
            layer.bitrates.push(Bitrate::from_bps(kilobits * 1000));
        }
    }
    Some(())
}

/// What is left is nothing, or a resolution with a frame rate for each spatial layer.
fn pictures(allocation: &mut LayersAllocation, rest: &[u8]) -> Option<()> {
    if rest.is_empty() {
        return Some(());
    }
    let told = rest.chunks(RESOLUTION_LEN);
    if rest.len() != RESOLUTION_LEN * allocation.layers.len() {
        return None;
    }
    for (layer, told) in allocation.layers.iter_mut().zip(told) {
        layer.pictures = Some(AllocatedPictures {
            width: u32::from(be16(told, 0)?) + 1,
            height: u32::from(be16(told, 2)?) + 1,
            max_frame_rate: *told.get(4)?,
        });
    }
    Some(())
}

/// A number of seven bits a byte, the lowest first, all but the last byte marked.
fn leb128(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for (at, &byte) in rest.iter().enumerate().take(MAX_LEB128) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            *rest = &rest[at + 1..];
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kilobits(layer: &AllocatedLayer) -> Vec<u64> {
        let rates = layer.bitrates.iter();
        rates.map(|rate| rate.bps() / 1000).collect()
    }

    #[test]
    fn three_streams_of_one_mask() {
        // Stream 1 of 3, one spatial layer each; 3, 2 and 1 temporal layers.
        let value = [
            0x61,
            0b1001_0000,
            50,
            75,
            100,
            0x80,
            0x02,
            0xac,
            0x02,
            0xdc,
            0x0b, //
            0x00,
            0x9f,
            0x00,
            0x59,
            15,
            0x01,
            0x3f,
            0x00,
            0xb3,
            30,
            0x04,
            0xff,
            0x02,
            0xcf,
            60,
        ];
        let read = parse(&value).unwrap();
        assert_eq!((read.stream, read.streams), (1, 3));
        let places: Vec<_> = read
            .layers
            .iter()
            .map(|it| (it.stream, it.spatial))
            .collect();
        assert_eq!(places, [(0, 0), (1, 0), (2, 0)]);
        assert_eq!(kilobits(&read.layers[0]), [50, 75, 100]);
        assert_eq!(kilobits(&read.layers[1]), [256, 300]);
        assert_eq!(kilobits(&read.layers[2]), [1500]);
        let sizes = read.layers.iter().map(|it| it.pictures.unwrap());
        let sizes: Vec<_> = sizes
            .map(|it| (it.width, it.height, it.max_frame_rate))
            .collect();
        assert_eq!(sizes, [(160, 90, 15), (320, 180, 30), (1280, 720, 60)]);
    }

    #[test]
    fn streams_of_different_masks() {
        // Three streams: none, both lower spatial layers, the third alone.
        let value = [0x20, 0x03, 0x40, 0b0000_0000, 10, 20, 30];
        let read = parse(&value).unwrap();
        let places: Vec<_> = read
            .layers
            .iter()
            .map(|it| (it.stream, it.spatial))
            .collect();
        assert_eq!(places, [(1, 0), (1, 1), (2, 2)]);
        assert!(read.layers.iter().all(|it| it.pictures.is_none()));
        // Two streams take one byte of masks.
        let two = parse(&[0x10, 0x12, 0, 1, 2]).unwrap();
        let places: Vec<_> = two
            .layers
            .iter()
            .map(|it| (it.stream, it.spatial))
            .collect();
        assert_eq!(places, [(0, 0), (1, 1)]);
    }

    #[test]
    fn nothing_sent_is_a_single_zero() {
        let read = parse(&[0]).unwrap();
        assert_eq!((read.streams, read.layers.len()), (0, 0));
    }

    #[test]
    fn everything_at_its_most() {
        let mut value = vec![0xff];
        value.extend([0xff; 4]);
        value.extend([0x7f; 64]);
        assert_eq!(parse(&value).unwrap().layers.len(), 16);
        value.extend([0xff; 5 * 16]);
        let read = parse(&value).unwrap();
        let last = read.layers.last().unwrap();
        assert_eq!((last.stream, last.spatial, last.bitrates.len()), (3, 3, 4));
        let pictures = last.pictures.unwrap();
        assert_eq!((pictures.width, pictures.height), (65_536, 65_536));
    }

    #[test]
    fn what_is_cut_short_is_refused() {
        let value = [0x01, 0x40, 0x80, 0x01, 0x05, 0, 9, 0, 9, 30];
        assert!(parse(&value).is_some());
        for len in 0..value.len() {
            // Without the resolutions it is whole too.
            assert_eq!(parse(&value[..len]).is_some(), len == 5, "{len}");
        }
        assert_eq!(parse(&[0x01, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0]), None);
        let longer = [&value[..], &[0]].concat();
        assert_eq!(parse(&longer), None);
    }
}
