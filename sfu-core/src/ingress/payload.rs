//! What a payload shows, codec by codec: read once, and true for all subscribers.

use crate::media::codec::Codec;
use crate::media::format::{FormatParameters, PayloadMapping};
use crate::media::layer::Layer;
use crate::media::packet::{FrameNumbers, PayloadFacts, VideoFacts};
use crate::wire::codec::{av1, h264, h265, red, vp8, vp9};

type Facts = (VideoFacts, PayloadFacts);

/// Reads what a subscriber may have to see otherwise, where all else is told outside of the payload:
/// the payload formats' own fields, which are never encrypted. `None` when they are malformed.
pub(super) fn read_numbers(format: &PayloadMapping, payload: &[u8]) -> Option<Facts> {
    match format.codec {
        Codec::Vp8 => vp8(payload),
        Codec::Vp9 => vp9(payload),
        _ => Some(Facts::default()),
    }
}

/// Reads a payload of `format`; `None` when it is malformed.
pub(super) fn read(format: &PayloadMapping, payload: &[u8]) -> Option<Facts> {
    match format.codec {
        Codec::Opus | Codec::Pcmu | Codec::Pcma => Some(Facts::default()),
        Codec::OpusRed => redundant(format, payload),
        Codec::Vp8 => vp8(payload),
        Codec::Vp9 => vp9(payload),
        Codec::H264 => h264::parse(payload).map(|packet| {
            opaque(VideoFacts {
                frame_start: packet.frame_start,
                keyframe_start: packet.is_keyframe,
                ..VideoFacts::default()
            })
        }),
        Codec::H265 => h265::parse(payload).map(|packet| {
            opaque(VideoFacts {
                frame_start: packet.frame_start,
                keyframe_start: packet.is_keyframe,
                layer: layer(0, packet.temporal_id),
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
    let video = VideoFacts {
        frame_start: descriptor.frame_start,
        keyframe_start: descriptor.is_keyframe,
        layer: layer(
            descriptor.spatial_id.unwrap_or(0),
            descriptor.temporal_id.unwrap_or(0),
        ),
        ..VideoFacts::default()
    };
    let numbers = FrameNumbers {
        picture_id: descriptor.picture_id,
        tl0_picture_index: descriptor.tl0_picture_index,
    };
    Some((video, PayloadFacts::Vp9(numbers)))
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
