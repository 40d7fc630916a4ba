//! What is known of a packet, read once when it arrives, and where it lies.

mod pool;

use std::time::Instant;

pub use pool::{PacketPool, PacketRef};

use super::layer::{FrameDependencies, Layer};
use crate::id::PayloadType;
use crate::wire::codec::picture_id::PictureId;
use crate::wire::dependency_descriptor::MaskPlace;

/// What forwarding needs to know of a video packet, read from the payload once at ingress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VideoFacts {
    /// First packet of a frame, as far as the payload tells it. With spatial layers a picture is
    /// several frames.
    pub frame_start: bool,
    /// Last packet of a frame, as far as the payload tells it.
    pub frame_end: bool,
    /// First packet of a keyframe: a subscription may start or switch here. By a descriptor it is a
    /// frame that needs no other and brings the structure: each layer that rests on none below has
    /// its own.
    pub keyframe_start: bool,
    /// The layer that the frame is of.
    pub layer: Layer,
    /// The frame, and all later ones of its temporal layer, need nothing above the layers below it:
    /// whoever was sent those may be sent this temporal layer from here on.
    pub temporal_switch: bool,
    /// What its dependency descriptor says, where there is one: it then overrules the rest.
    pub dependencies: Option<FrameDependencies>,
}

/// The numbers that VP8 (RFC 7741 section 4.2) and VP9 (RFC 9628 section 4.2) give their frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameNumbers {
    /// The picture id as sent.
    pub picture_id: Option<PictureId>,
    /// TL0PICIDX.
    pub tl0_picture_index: Option<u8>,
}

/// What stands in a payload that a subscriber may have to see otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PayloadFacts {
    /// Nothing: it goes as it came.
    #[default]
    Opaque,
    /// VP8's descriptor.
    Vp8(FrameNumbers),
    /// VP9's descriptor.
    Vp9(FrameNumbers),
    /// Redundant audio.
    Red {
        /// Where the packet's own sound starts, in bytes from the payload's start.
        primary_start: u16,
    },
}

/// Header extensions that go from the publisher to its subscribers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CarriedExtensions {
    /// Audio level and voice flag as sent (RFC 6464), where sent.
    pub audio_level: Option<u8>,
    /// Rotation and flip (3GPP TS 26.114), where sent: receivers turn the picture by it.
    pub video_orientation: Option<u8>,
    /// When its media was captured, where sent.
    pub capture_time: Option<CaptureTime>,
    /// Bounds of the receiver's delay as sent, where sent.
    pub playout_delay: Option<[u8; 3]>,
    /// The dependency descriptor, where sent.
    pub descriptor: Option<DescriptorPlace>,
}

/// When a packet's media was captured, as its subscribers are to see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaptureTime {
    /// On the capturer's wall clock: seconds since 1900 in 32.32 fixed point.
    pub captured: u64,
    /// What to add to the wall clock of our sender reports for the capturer's: seconds in 32.32
    /// fixed point.
    pub clock_offset: i64,
}

/// Where a packet's dependency descriptor lies in the stored bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DescriptorPlace {
    /// Its first byte.
    pub start: u16,
    /// Its bytes.
    pub len: u8,
    /// The frame's number in it.
    pub frame_number: u16,
    /// Where its mask of active decode targets goes when it is written anew; `None` while the
    /// structure that it is of is unknown.
    pub mask: Option<MaskPlace>,
}

impl DescriptorPlace {
    /// The descriptor in the bytes of its packet.
    #[must_use]
    pub fn of(self, packet: &[u8]) -> Option<&[u8]> {
        packet.get(self.start.into()..)?.get(..self.len.into())
    }
}

/// What the engine knows of a stored packet.
#[derive(Clone, Copy, Debug)]
pub struct PacketFacts {
    /// When it arrived.
    pub arrived: Instant,
    /// Its place in its stream: the sequence number, unwrapped, less the padding-only packets before
    /// it, which nobody is sent and which must leave no gap.
    pub sequence: u64,
    /// RTP timestamp as sent.
    pub timestamp: u32,
    /// RTP marker bit.
    pub marker: bool,
    /// Where the payload starts in the stored bytes.
    pub payload_start: u16,
    /// Payload bytes, padding excluded.
    pub payload_len: u16,
    /// The payload type that it came with: which format it is.
    pub payload_type: PayloadType,
    /// What goes with it outside the payload.
    pub extensions: CarriedExtensions,
    /// Video facts; default for audio.
    pub video: VideoFacts,
    /// What may be rewritten in the payload.
    pub payload: PayloadFacts,
}
