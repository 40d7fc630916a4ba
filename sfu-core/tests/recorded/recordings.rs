//! The recordings hold what their names say, and the decoder takes each of them as it is.

use std::collections::BTreeSet;

use sfu_core::media::codec::{Codec, MediaKind};

use crate::model::{Arrived, Decoded, Decoder, Fault};
use crate::recording::{self, DESCRIPTOR, Recording, Stream};

/// A stream as a receiver would have got it from its publisher.
pub(crate) fn as_sent(stream: &Stream) -> Vec<Arrived> {
    let packets = stream.packets().zip(1000..);
    packets
        .map(|(packet, sequence)| Arrived {
            sequence,
            timestamp: packet.rtp.timestamp,
            marker: packet.rtp.marker,
            payload: packet.payload.clone(),
            descriptor: packet.extension(DESCRIPTOR).map(<[u8]>::to_vec),
        })
        .collect()
}

pub(crate) fn decoder(recording: &Recording, stream: &Stream, descriptor: bool) -> Decoder {
    let mut decoder = Decoder::new(recording.codec, descriptor, false);
    decoder.forgets_markers = !stream.has_markers();
    decoder
}

pub(crate) fn decode(
    recording: &Recording,
    stream: &Stream,
    descriptor: bool,
    packets: &[Arrived],
) -> Result<Vec<Decoded>, (Fault, u64)> {
    let mut decoder = decoder(recording, stream, descriptor);
    for packet in packets {
        let sequence = packet.sequence;
        decoder.push(packet).map_err(|fault| (fault, sequence))?;
    }
    Ok(decoder.frames)
}

pub(crate) fn is_video(recording: &Recording) -> bool {
    recording.codec.kind() == MediaKind::Video
}

pub(crate) fn has_descriptor(stream: &Stream) -> bool {
    stream
        .packets()
        .all(|packet| packet.extension(DESCRIPTOR).is_some())
}

/// Whether receivers may read a stream without its descriptor, and with it.
pub(crate) fn readings(stream: &Stream) -> Vec<bool> {
    let with = has_descriptor(stream);
    // Without either, nothing says where a frame ends.
    let without = !with || stream.has_markers();
    [(false, without), (true, with)]
        .into_iter()
        .filter_map(|(reading, can)| can.then_some(reading))
        .collect()
}

/// Spatial and temporal layers that a name promises.
fn promised(name: &str) -> (u8, u8) {
    let word = name.split('_').find(|word| {
        let bytes = word.as_bytes();
        bytes.len() == 4 && b"ls".contains(&bytes[0]) && bytes[2] == b't'
    });
    let digits = word.map_or([b'1', b'1'], |word| {
        [word.as_bytes()[1], word.as_bytes()[3]]
    });
    (digits[0] - b'0', digits[1] - b'0')
}

#[test]
fn every_recording_decodes_as_it_is() {
    for name in recording::names() {
        let recording = recording::load(&name);
        if !is_video(&recording) {
            continue;
        }
        let encodings = if name.contains("simulcast") { 3 } else { 1 };
        assert_eq!(recording.streams.len(), encodings, "{name}");
        for stream in &recording.streams {
            let packets = as_sent(stream);
            for descriptor in readings(stream) {
                let frames = decode(&recording, stream, descriptor, &packets);
                let frames =
                    frames.unwrap_or_else(|fault| panic!("{name} {descriptor}: {fault:?}"));
                assert!(frames.iter().all(|frame| frame.decodable), "{name}");
                let keyframes = frames.iter().filter(|frame| frame.keyframe).count();
                assert!(
                    keyframes > 1 || name.contains("shrinks"),
                    "{name}: {keyframes}"
                );
                if descriptor || recording.codec == Codec::Vp9 {
                    let (spatial, temporal) = promised(&name);
                    // It has a rate for two of its three.
                    let spatial = if name == "av1_s3t3" { 2 } else { spatial };
                    let layers = frames.iter().map(|frame| (frame.spatial, frame.temporal));
                    let layers: BTreeSet<_> = layers.collect();
                    assert_eq!(layers.len(), usize::from(spatial * temporal), "{name}");
                }
            }
        }
    }
}
