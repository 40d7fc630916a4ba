//! A recorded stream played for as long as wanted: at its end, and where a keyframe is asked for, it
//! goes on at its next keyframe, its numbers counted on.

use std::collections::BTreeMap;

use sfu_core::media::codec::Codec;

use crate::recording::{DESCRIPTOR, Packet, Recording, Stream};
use crate::wire;

/// Where a packet comes from: appended to every payload, so that a receiver of tests can say which
/// packet it got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tag {
    pub(crate) encoding: u8,
    pub(crate) sequence: u64,
}

const TAG_LEN: usize = 8;

impl Tag {
    fn bytes(self) -> [u8; TAG_LEN] {
        let mut bytes = self.sequence.to_be_bytes();
        bytes[0] = self.encoding;
        bytes
    }

    pub(crate) fn read(payload: &[u8]) -> Self {
        let mut bytes: [u8; TAG_LEN] = *payload.last_chunk().unwrap();
        let encoding = std::mem::take(&mut bytes[0]);
        Self {
            encoding,
            sequence: u64::from_be_bytes(bytes),
        }
    }
}

/// Appends a tag such that the payload stays what it is.
fn append(codec: Codec, payload: &mut Vec<u8>, tag: Tag) {
    match codec {
        // A further unit of the aggregate: filler data, and what H.265 leaves for anybody.
        Codec::H264 if payload[0] & 0x1f == 24 => payload.extend([0, 1 + TAG_LEN as u8, 12]),
        Codec::H265 if payload[0] >> 1 & 0x3f == 48 => {
            payload.extend([0, 2 + TAG_LEN as u8, 38 << 1, 1]);
        }
        _ => {}
    }
    payload.extend(tag.bytes());
}

/// A packet on its way from the publisher.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) tag: Tag,
    pub(crate) timestamp: u32,
    pub(crate) marker: bool,
    pub(crate) payload: Vec<u8>,
    pub(crate) descriptor: Option<Vec<u8>>,
    /// The frame that it is of, its place in it, and how many packets that has.
    pub(crate) frame: u64,
    pub(crate) place: usize,
    pub(crate) frame_len: usize,
}

/// What is added to a stream's own numbers.
#[derive(Clone, Copy, Debug, Default)]
struct Shift {
    timestamp: u32,
    frame: u16,
    picture: u16,
    base: u8,
}

#[derive(Clone, Debug)]
pub(crate) struct Player {
    codec: Codec,
    encoding: u8,
    stream: Stream,
    /// The next picture, by its place in the recording.
    next: usize,
    /// When it is due, in ticks of the RTP clock.
    due: u64,
    ticks_a_milli: u64,
    shift: Shift,
    /// The numbers given last.
    last: Shift,
    sequence: u64,
    frames: u64,
    pub(crate) wants_keyframe: bool,
    pub(crate) alive: bool,
    /// What was sent, for repairs and for who judges.
    pub(crate) sent: BTreeMap<u64, Sent>,
}

impl Player {
    pub(crate) fn new(recording: &Recording, encoding: u8) -> Self {
        let stream = recording.streams[usize::from(encoding)].clone();
        Self {
            codec: recording.codec,
            encoding,
            stream,
            next: 0,
            due: 0,
            ticks_a_milli: u64::from(recording.codec.clock_rate() / 1000),
            shift: Shift {
                // Near the wrap of everything.
                timestamp: u32::MAX - 200_000,
                frame: 0xff00,
                picture: 0x7f00,
                base: 0xf0,
            },
            last: Shift::default(),
            sequence: 0xff00,
            frames: 0,
            wants_keyframe: false,
            alive: true,
            sent: BTreeMap::new(),
        }
    }

    /// The RTP timestamp at a time in milliseconds, as its sender reports say.
    pub(crate) fn timestamp_at(&self, millis: u64) -> u32 {
        let picture = &self.stream.pictures[self.next];
        let out = picture.timestamp.wrapping_add(self.shift.timestamp);
        let ahead = (millis * self.ticks_a_milli) as i64 - self.due as i64;
        out.wrapping_add(ahead as u32)
    }

    /// The packets of the pictures that are due, with the time of each.
    pub(crate) fn play(&mut self, millis: u64) -> Vec<(u64, Sent)> {
        let mut out = Vec::new();
        while self.due <= millis * self.ticks_a_milli {
            if self.wants_keyframe && self.alive {
                self.wants_keyframe = false;
                self.jump();
            }
            if self.alive {
                self.picture(&mut out);
            }
            self.step();
        }
        out
    }

    /// Goes on at the next keyframe in the place of the next picture.
    fn jump(&mut self) {
        let pictures = &self.stream.pictures;
        let is_key = |at: &usize| pictures[*at].keyframe;
        let later = (self.next + 1..pictures.len()).find(is_key);
        let to = later.unwrap_or(0);
        self.go_to(to);
    }

    /// Puts the picture at `to` in the place of the next one.
    fn go_to(&mut self, to: usize) {
        let from = self.stream.pictures[self.next].timestamp;
        let picture = &self.stream.pictures[to];
        let shift = &mut self.shift;
        shift.timestamp = shift
            .timestamp
            .wrapping_add(from)
            .wrapping_sub(picture.timestamp);
        let first = &picture.packets[0];
        if let Some(bytes) = first.extension(DESCRIPTOR) {
            shift.frame = self
                .last
                .frame
                .wrapping_add(1)
                .wrapping_sub(wire::be16(&bytes[1..]));
        }
        if let Some((id, tl0)) = numbers(self.codec, &first.payload) {
            shift.picture = self.last.picture.wrapping_add(1).wrapping_sub(id);
            shift.base = self.last.base.wrapping_add(1).wrapping_sub(tl0);
        }
        self.next = to;
    }

    /// On to the next picture, or from the last one to the first.
    fn step(&mut self) {
        let pictures = &self.stream.pictures;
        let here = pictures[self.next].timestamp;
        if let Some(next) = pictures.get(self.next + 1) {
            self.due += u64::from(next.timestamp.wrapping_sub(here));
            self.next += 1;
            return;
        }
        let before = pictures[self.next - 1].timestamp;
        let usual = here.wrapping_sub(before);
        self.due += u64::from(usual);
        // As if the last were there again after its usual time.
        self.shift.timestamp = self.shift.timestamp.wrapping_add(usual);
        self.go_to(0);
    }

    fn picture(&mut self, out: &mut Vec<(u64, Sent)>) {
        let picture = self.stream.pictures[self.next].clone();
        let at = self.due / self.ticks_a_milli;
        let bounds = frame_bounds(self.codec, &picture.packets);
        for pair in bounds.windows(2) {
            let frame_len = pair[1] - pair[0];
            for (place, packet) in picture.packets[pair[0]..pair[1]].iter().enumerate() {
                let mut sent = self.shifted(packet);
                (sent.frame, sent.place, sent.frame_len) = (self.frames, place, frame_len);
                self.sent.insert(sent.tag.sequence, sent.clone());
                out.push((at + packet.late.min(20), sent));
            }
            self.frames += 1;
        }
    }

    fn shifted(&mut self, packet: &Packet) -> Sent {
        let tag = Tag {
            encoding: self.encoding,
            sequence: self.sequence,
        };
        self.sequence += 1;
        let shift = self.shift;
        let mut payload = packet.payload.clone();
        if let Some((id, tl0)) = numbers(self.codec, &payload) {
            self.last.picture = id.wrapping_add(shift.picture) & 0x7fff;
            self.last.base = tl0.wrapping_add(shift.base);
            set_numbers(self.codec, &mut payload, self.last.picture, self.last.base);
        }
        append(self.codec, &mut payload, tag);
        let mut descriptor = packet.extension(DESCRIPTOR).map(<[u8]>::to_vec);
        if let Some(bytes) = &mut descriptor {
            self.last.frame = wire::be16(&bytes[1..]).wrapping_add(shift.frame);
            bytes[1..3].copy_from_slice(&self.last.frame.to_be_bytes());
        }
        Sent {
            tag,
            timestamp: packet.rtp.timestamp.wrapping_add(shift.timestamp),
            marker: packet.rtp.marker,
            payload,
            descriptor,
            frame: 0,
            place: 0,
            frame_len: 0,
        }
    }
}

/// Picture id and TL0PICIDX of a payload that has them.
fn numbers(codec: Codec, payload: &[u8]) -> Option<(u16, u8)> {
    match codec {
        Codec::Vp8 => {
            let read = wire::vp8(payload)?;
            Some((read.picture_id?, read.tl0.unwrap_or(0)))
        }
        Codec::Vp9 => {
            let read = wire::vp9(payload)?;
            Some((read.picture_id, read.tl0.unwrap_or(0)))
        }
        _ => None,
    }
}

fn set_numbers(codec: Codec, payload: &mut [u8], picture: u16, base: u8) {
    let (id_at, tl0_at) = match codec {
        Codec::Vp8 => wire::vp8(payload).map(|read| (read.picture_id_at, read.tl0_at)),
        _ => wire::vp9(payload).map(|read| (read.picture_id_at, read.tl0_at)),
    }
    .unwrap();
    payload[id_at..id_at + 2].copy_from_slice(&(picture | 0x8000).to_be_bytes());
    if tl0_at > 0 {
        payload[tl0_at] = base;
    }
}

/// Where the frames of a picture start, and its end.
fn frame_bounds(codec: Codec, packets: &[Packet]) -> Vec<usize> {
    let starts = |packet: &Packet| match packet.extension(DESCRIPTOR) {
        Some(bytes) => bytes[0] & 0x80 != 0,
        None if codec == Codec::Vp9 => wire::vp9(&packet.payload).is_some_and(|vp9| vp9.starts),
        None => false,
    };
    let mut bounds = vec![0];
    bounds.extend((1..packets.len()).filter(|at| starts(&packets[*at])));
    bounds.push(packets.len());
    bounds
}
