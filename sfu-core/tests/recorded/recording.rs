//! The recordings of `tests/recordings`, as streams of pictures.

use std::collections::BTreeMap;
use std::path::PathBuf;

use sfu_core::media::codec::{Codec, MediaKind};

use crate::descriptor;
use crate::wire::{self, Rtp, be16, be32};

/// Numbers of header extensions in the recordings of video.
pub(crate) const MID: u8 = 9;
pub(crate) const RID: u8 = 10;
pub(crate) const DESCRIPTOR: u8 = 13;

/// A packet as its publisher sent it, its payload as long as it was: zeros stand for what the
/// recording leaves out.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub(crate) rtp: Rtp,
    pub(crate) payload: Vec<u8>,
    /// Milliseconds since its picture's first packet.
    pub(crate) late: u64,
}

impl Packet {
    pub(crate) fn extension(&self, id: u8) -> Option<&[u8]> {
        let mut all = self.rtp.extensions.iter();
        all.find(|found| found.0 == id).map(|(_, value)| &value[..])
    }
}

/// The packets of one timestamp.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    pub(crate) timestamp: u32,
    pub(crate) keyframe: bool,
    pub(crate) packets: Vec<Packet>,
}

/// One SSRC, from its first keyframe on.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) pictures: Vec<Picture>,
}

impl Stream {
    pub(crate) fn packets(&self) -> impl Iterator<Item = &Packet> {
        self.pictures.iter().flat_map(|picture| &picture.packets)
    }

    /// Whether each picture ends with a marker.
    pub(crate) fn has_markers(&self) -> bool {
        let mut pictures = self.pictures.iter();
        pictures.all(|picture| picture.packets.last().is_some_and(|last| last.rtp.marker))
    }

    fn bytes(&self) -> usize {
        self.packets().map(|packet| packet.payload.len()).sum()
    }
}

/// A recording.
#[derive(Clone, Debug)]
pub(crate) struct Recording {
    pub(crate) codec: Codec,
    pub(crate) payload_type: u8,
    /// Spatial layers that are really sent.
    pub(crate) spatial_layers: u8,
    /// From the lowest quality up.
    pub(crate) streams: Vec<Stream>,
}

impl Recording {
    pub(crate) fn has_descriptor(&self) -> bool {
        let mut packets = self.streams.iter().flat_map(Stream::packets);
        packets.all(|packet| packet.extension(DESCRIPTOR).is_some())
    }

    pub(crate) fn has_markers(&self) -> bool {
        self.streams.iter().all(Stream::has_markers)
    }
}

/// RIDs from the lowest quality up.
pub(crate) const RIDS: [&str; 3] = ["q", "h", "f"];

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "recordings"]
        .iter()
        .collect()
}

/// The names of all recordings.
pub(crate) fn names() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.strip_suffix(".rtpdump").map(str::to_owned)
        })
        .collect();
    names.sort();
    names
}

/// Reads one by its name.
pub(crate) fn load(name: &str) -> Recording {
    let bytes = std::fs::read(folder().join(format!("{name}.rtpdump"))).unwrap();
    let codec = match name.split('_').next().unwrap() {
        "vp8" => Codec::Vp8,
        "vp9" => Codec::Vp9,
        "av1" => Codec::Av1,
        "h264" => Codec::H264,
        "h265" => Codec::H265,
        _ if name == "opus_red" => Codec::OpusRed,
        _ => Codec::Opus,
    };
    let mut streams: BTreeMap<u32, Vec<(u64, Packet)>> = BTreeMap::new();
    for (at, packet) in packets(&bytes) {
        // Padding is the publisher's own way of probing.
        if !packet.payload.is_empty() {
            let stream = streams.entry(packet.rtp.ssrc).or_default();
            stream.push((at, packet));
        }
    }
    let payload_type = streams.values().next().unwrap()[0].1.rtp.payload_type;
    let mut streams: Vec<Stream> = streams
        .into_values()
        .map(|packets| stream(codec, packets))
        .collect();
    // Chromium leaves the rid out once the receiver knows it: the better, the more bytes.
    streams.sort_by_key(Stream::bytes);
    Recording {
        codec,
        payload_type,
        spatial_layers: spatial_layers(codec, &streams[0]),
        streams,
    }
}

/// How many spatial layers a stream has, as its receivers are told.
fn spatial_layers(codec: Codec, stream: &Stream) -> u8 {
    let mut known = None;
    let mut most = 0;
    for packet in stream.packets() {
        if let Some(bytes) = packet.extension(DESCRIPTOR) {
            let read = descriptor::read(bytes, known.as_ref()).unwrap();
            most = most.max(read.frame.spatial);
            known = read.structure.or(known);
        } else if codec == Codec::Vp9 {
            most = most.max(wire::vp9(&packet.payload).unwrap().spatial);
        }
    }
    most + 1
}

/// An rtpdump's packets with their times.
fn packets(bytes: &[u8]) -> Vec<(u64, Packet)> {
    let line = bytes.iter().position(|byte| *byte == b'\n').unwrap();
    let mut rest = &bytes[line + 1 + 16..];
    let mut found = Vec::new();
    while !rest.is_empty() {
        let (record, after) = rest.split_at(be16(rest).into());
        rest = after;
        let (head, packet) = record.split_at(8);
        let rtp = wire::rtp(packet);
        let mut payload = packet[rtp.header_len..].to_vec();
        payload.resize(usize::from(be16(&head[2..])) - rtp.header_len, 0);
        if packet[0] & 0x20 != 0 {
            let padding = usize::from(*payload.last().unwrap());
            payload.truncate(payload.len() - padding);
        }
        let packet = Packet {
            rtp,
            payload,
            late: 0,
        };
        found.push((be32(&head[4..]).into(), packet));
    }
    found
}

fn stream(codec: Codec, packets: Vec<(u64, Packet)>) -> Stream {
    let mut pictures: Vec<Picture> = Vec::new();
    let mut began = 0;
    for (at, mut packet) in packets {
        let timestamp = packet.rtp.timestamp;
        if pictures
            .last()
            .is_none_or(|last| last.timestamp != timestamp)
        {
            began = at;
            pictures.push(Picture {
                timestamp,
                keyframe: is_keyframe(codec, &packet),
                packets: Vec::new(),
            });
        }
        packet.late = at - began;
        pictures.last_mut().unwrap().packets.push(packet);
    }
    let first = pictures.iter().position(|picture| picture.keyframe);
    pictures.drain(..first.expect("a keyframe"));
    // The last picture may have been cut short.
    if !pictures.last().unwrap().packets.last().unwrap().rtp.marker
        && codec.kind() == MediaKind::Video
    {
        pictures.pop();
    }
    Stream { pictures }
}

/// Whether a picture's first packet is a keyframe's.
fn is_keyframe(codec: Codec, packet: &Packet) -> bool {
    let payload = &packet.payload;
    match codec {
        Codec::Vp8 => wire::vp8(payload).is_some_and(|vp8| vp8.keyframe),
        Codec::Vp9 => wire::vp9(payload).is_some_and(|vp9| vp9.keyframe()),
        Codec::Av1 => match packet.extension(DESCRIPTOR) {
            Some(bytes) => descriptor::has_structure(bytes),
            None => wire::av1_starts_sequence(payload),
        },
        Codec::H264 => wire::h264_has_sps(payload),
        Codec::H265 => wire::h265_has_sps(payload),
        _ => true,
    }
}
