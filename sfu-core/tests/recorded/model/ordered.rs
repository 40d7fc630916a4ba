//! H.264, H.265 and AV1 where nothing names references: a frame rests on the one before it.

use sfu_core::media::codec::Codec;

use super::{Decoded, Fault, Frame};
use crate::wire;

#[derive(Clone, Debug)]
pub(crate) struct Ordered {
    codec: Codec,
    began: bool,
    decodable: bool,
}

impl Ordered {
    pub(super) const fn new(codec: Codec) -> Self {
        Self {
            codec,
            began: false,
            decodable: false,
        }
    }

    pub(super) fn frame(&mut self, frame: &Frame) -> Result<Decoded, Fault> {
        let payload = &frame.first.payload;
        let keyframe = match self.codec {
            Codec::H264 => wire::h264_has_sps(payload),
            Codec::H265 => wire::h265_has_sps(payload),
            _ => wire::av1_starts_sequence(payload),
        };
        if !self.began && !keyframe && !frame.after_loss {
            return Err(Fault::StartsWithoutKeyframe);
        }
        self.began = true;
        self.decodable = keyframe || self.decodable && !frame.after_loss;
        Ok(Decoded {
            timestamp: frame.timestamp,
            spatial: 0,
            temporal: if self.codec == Codec::H265 {
                wire::h265_temporal(payload)
            } else {
                0
            },
            keyframe,
            decodable: self.decodable,
        })
    }
}
