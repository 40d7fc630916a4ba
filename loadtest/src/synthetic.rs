//! Media without a camera: packets with the shape of VP8 and Opus, and stamps for content.

use crate::stamp;

/// Most payload bytes of a packet, so that with all headers it fits every path's MTU.
const MAX_PAYLOAD: usize = 1_100;

/// A keyframe is as many times larger than other frames.
const KEYFRAME_FACTOR: usize = 3;

/// Width and height that keyframes announce, in pixels.
pub(crate) const SIZE: (u16, u16) = (640, 360);

/// Bytes of the descriptor: required, extension, 15-bit picture id.
const DESCRIPTOR: usize = 4;

/// Bytes of a keyframe's header: frame tag, start code, width, height (RFC 6386 section 9.1).
const KEYFRAME_HEADER: usize = 10;

/// Least bytes of a packet: all that must stand in one.
const MIN_PAYLOAD: usize = DESCRIPTOR + KEYFRAME_HEADER + stamp::LEN;

/// Payload bytes of a sound packet, which are 32 kbit/s.
const SOUND_PAYLOAD: usize = 80;

/// Opus' first byte: CELT, full band, 20 ms, mono, one frame (RFC 6716 section 3.1).
const OPUS_TOC: u8 = 0xf8;

/// Payloads of one picture, with numbers that go on from frame to frame.
#[derive(Debug)]
pub(crate) struct Picture {
    frame_len: usize,
    picture_id: u16,
}

impl Picture {
    /// A picture of so many bits and frames per second. Bitrates for which a frame would be smaller
    /// than its headers get larger frames.
    pub(crate) fn new(bits_per_second: u32, frame_rate: u32, first_picture_id: u16) -> Self {
        Self {
            frame_len: (bits_per_second / 8 / frame_rate.max(1)) as usize,
            picture_id: first_picture_id,
        }
    }

    /// The payloads of the next frame, in their order, all stamped with `micros`.
    pub(crate) fn frame(&mut self, keyframe: bool, micros: u64) -> Vec<Vec<u8>> {
        self.picture_id = self.picture_id.wrapping_add(1) & 0x7fff;
        let len = self.frame_len * if keyframe { KEYFRAME_FACTOR } else { 1 };
        let packets = len.div_ceil(MAX_PAYLOAD).max(1);
        let each = (len / packets).max(MIN_PAYLOAD);
        (0..packets)
            .map(|at| self.payload(each, at == 0, keyframe, micros))
            .collect()
    }

    fn payload(&self, len: usize, first: bool, keyframe: bool, micros: u64) -> Vec<u8> {
        let mut payload = vec![0; len];
        // RFC 7741 section 4.2: X always, S on the frame's first packet; then I; then M and the id.
        payload[0] = if first { 0x90 } else { 0x80 };
        payload[1] = 0x80;
        payload[2..4].copy_from_slice(&(0x8000 | self.picture_id).to_be_bytes());
        if first {
            // RFC 6386 section 9.1: the lowest bit is 0 for a keyframe; 0x10 is show_frame.
            payload[4] = 0x10 | u8::from(!keyframe);
        }
        if first && keyframe {
            payload[7..10].copy_from_slice(&[0x9d, 0x01, 0x2a]);
            payload[10..12].copy_from_slice(&SIZE.0.to_le_bytes());
            payload[12..14].copy_from_slice(&SIZE.1.to_le_bytes());
        }
        stamp::write(&mut payload, micros);
        payload
    }
}

/// The payload of 20 ms of sound.
pub(crate) fn sound(micros: u64) -> Vec<u8> {
    let mut payload = vec![0; SOUND_PAYLOAD];
    payload[0] = OPUS_TOC;
    stamp::write(&mut payload, micros);
    payload
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyframe_begins_with_descriptor_and_header() {
        let mut picture = Picture::new(600_000, 25, 6);
        let frame = picture.frame(true, 42);
        assert_eq!(frame[0][..8], [0x90, 0x80, 0x80, 7, 0x10, 0, 0, 0x9d]);
        assert_eq!(frame[0][8..14], [0x01, 0x2a, 0x80, 0x02, 0x68, 0x01]);
        assert!(frame.iter().all(|payload| stamp::read(payload) == Some(42)));
        assert!(frame.len() > 1 && frame.iter().all(|payload| payload.len() <= MAX_PAYLOAD));
        for later in &frame[1..] {
            assert_eq!(
                later[..4],
                [0x80, 0x80, 0x80, 7],
                "the same picture, not its start"
            );
        }
        assert_eq!(picture.frame(false, 0)[0][..5], [0x90, 0x80, 0x80, 8, 0x11]);
    }

    #[test]
    fn picture_ids_wrap_within_15_bits() {
        let mut picture = Picture::new(600_000, 25, 0x7fff);
        assert_eq!(picture.frame(false, 0)[0][2..4], [0x80, 0]);
    }

    #[test]
    fn a_second_of_frames_has_the_bitrate_that_was_asked_for() {
        for (bps, rate) in [(600_000, 25), (2_500_000, 30), (50_000, 15)] {
            let mut picture = Picture::new(bps, rate, 0);
            let frames = (0..rate).flat_map(|_| picture.frame(false, 0));
            let bits: usize = frames.map(|payload| payload.len() * 8).sum();
            let bps = bps as usize;
            assert!((bps * 99 / 100..=bps).contains(&bits), "{bps}: {bits}");
        }
    }

    #[test]
    fn the_smallest_frame_still_has_its_headers_and_stamp() {
        let mut picture = Picture::new(1, 60, 0);
        assert_eq!(picture.frame(true, 9)[0].len(), MIN_PAYLOAD);
        assert_eq!(stamp::read(&picture.frame(true, 9)[0]), Some(9));
    }
}
