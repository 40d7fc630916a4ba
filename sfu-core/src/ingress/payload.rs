//! What a payload shows, codec by codec: read once, and true for all subscribers.

use super::Incoming;
use super::vp9_switches::Vp9Switches;
use crate::media::codec::{Codec, MediaKind};
use crate::media::format::{FormatParameters, PayloadMapping};
use crate::media::layer::Layer;
use crate::media::packet::{FrameNumbers, PayloadFacts, VideoFacts};
use crate::wire::codec::vp9::Vp9Descriptor;
use crate::wire::codec::{av1, h264, h265, red, vp8, vp9};

type Facts = (VideoFacts, PayloadFacts);

/// Reads what a subscriber may have to see otherwise, where all else is told outside of the payload:
/// the payload formats' own fields, which are never encrypted. `None` when they are malformed.
pub(super) fn read_numbers(format: &PayloadMapping, payload: &[u8]) -> Option<Facts> {
    match format.codec {
        Codec::Vp8 | Codec::Vp9 => of_one_packet(format, false, payload),
        _ => Some(Facts::default()),
    }
}

/// Reads the payload of a packet of `format`, which is number `sequence` of its stream; `None` when
/// it is malformed. `begins`: the packet before it came, and was of another picture.
pub(super) fn read(
    format: &PayloadMapping,
    sequence: u64,
    begins: bool,
    packet: &Incoming<'_>,
    switches: &mut Vp9Switches,
) -> Option<Facts> {
    let (header, payload) = (&packet.header, packet.payload);
    if format.codec == Codec::Vp9 {
        let descriptor = vp9::parse(payload)?;
        let mut video = vp9_video(&descriptor);
        video.temporal_switch = switches.note(sequence, header.timestamp, &descriptor);
        return Some((video, vp9_numbers(&descriptor)));
    }
    let (mut video, payload) = of_one_packet(format, begins, payload)?;
    // RTP payload formats of video set it on the last packet of a picture; there is nothing finer.
    video.frame_end = header.marker && format.codec.kind() == MediaKind::Video;
    Some((video, payload))
}

/// What a payload shows by itself. Where several packets look like a keyframe's first, `begins` tells
/// which one is: a slice is useless without the parameters that were sent before it.
fn of_one_packet(format: &PayloadMapping, begins: bool, payload: &[u8]) -> Option<Facts> {
    match format.codec {
        Codec::Opus | Codec::Pcmu | Codec::Pcma => Some(Facts::default()),
        Codec::OpusRed => redundant(format, payload),
        Codec::Vp8 => vp8(payload),
        Codec::Vp9 => vp9(payload),
        Codec::H264 => h264::parse(payload).map(|packet| {
            opaque(VideoFacts {
                frame_start: packet.frame_start,
                keyframe_start: packet.is_keyframe && (packet.has_parameters || begins),
                ..VideoFacts::default()
            })
        }),
        Codec::H265 => h265::parse(payload).map(|packet| {
            opaque(VideoFacts {
                frame_start: packet.frame_start,
                keyframe_start: packet.is_keyframe && (packet.has_parameters || begins),
                layer: layer(0, packet.temporal_id),
                temporal_switch: packet.temporal_switch,
                ..VideoFacts::default()
            })
        }),
        Codec::Av1 => av1::parse(payload).map(|packet| {
            opaque(VideoFacts {
                frame_start: packet.frame_start,
                keyframe_start: packet.is_keyframe && packet.spatial_id == 0,
                layer: layer(packet.spatial_id, packet.temporal_id),
                ..VideoFacts::default()
            })
        }),
    }
}

const fn layer(spatial: u8, temporal: u8) -> Layer {
    Layer { spatial, temporal }
}

fn opaque(video: VideoFacts) -> Facts {
    (video, PayloadFacts::Opaque)
}

fn vp8(payload: &[u8]) -> Option<Facts> {
    let descriptor = vp8::parse(payload)?;
    let video = VideoFacts {
        frame_start: descriptor.frame_start,
        keyframe_start: descriptor.is_keyframe,
        layer: layer(0, descriptor.temporal_id.unwrap_or(0)),
        // RFC 7741 section 4.2: Y, whose frame rests on the base layer alone.
        temporal_switch: descriptor.layer_sync && descriptor.temporal_id != Some(0),
        ..VideoFacts::default()
    };
    let numbers = FrameNumbers {
        picture_id: descriptor.picture_id,
        tl0_picture_index: descriptor.tl0_picture_index,
    };
    Some((video, PayloadFacts::Vp8(numbers)))
}

fn vp9(payload: &[u8]) -> Option<Facts> {
    let descriptor = vp9::parse(payload)?;
    Some((vp9_video(&descriptor), vp9_numbers(&descriptor)))
}

/// A VP9 frame, but for the temporal switch: that takes more than one packet to tell.
fn vp9_video(descriptor: &Vp9Descriptor) -> VideoFacts {
    VideoFacts {
        frame_start: descriptor.frame_start,
        frame_end: descriptor.frame_end,
        keyframe_start: descriptor.is_keyframe,
        layer: layer(
            descriptor.spatial_id.unwrap_or(0),
            descriptor.temporal_id.unwrap_or(0),
        ),
        ..VideoFacts::default()
    }
}

const fn vp9_numbers(descriptor: &Vp9Descriptor) -> PayloadFacts {
    PayloadFacts::Vp9(FrameNumbers {
        picture_id: descriptor.picture_id,
        tl0_picture_index: descriptor.tl0_picture_index,
    })
}

/// Redundant audio is of the codec that the offer names, or it is nothing: what is stripped of its
/// redundancy goes to subscribers as that codec.
fn redundant(format: &PayloadMapping, payload: &[u8]) -> Option<Facts> {
    let packet = red::parse(payload)?;
    let blocks = FormatParameters::Red {
        blocks: packet.payload_type,
    };
    let facts = PayloadFacts::Red {
        primary_start: packet.primary_start,
    };
    (format.parameters == blocks).then_some((VideoFacts::default(), facts))
}
