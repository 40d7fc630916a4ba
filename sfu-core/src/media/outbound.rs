//! A packet that egress has decided to send, on its way to the pacer and the seal.

use super::packet::PacketRef;
use crate::id::{PayloadType, Ssrc};

/// One packet towards one subscriber: where its payload lies, and everything that is rewritten.
///
/// Small and `Copy`, so that the queues hold values. What depends on the moment of sending (the
/// transport-wide sequence number, the send time) is given when the packet leaves the pacer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboundPacket {
    /// The stored packet whose payload is sent. The queue that holds this pins it.
    pub packet: PacketRef,
    /// The stream that it leaves on: the subscription's own, or that of its repairs.
    pub ssrc: Ssrc,
    /// The payload type that it leaves with.
    pub payload_type: PayloadType,
    /// Sequence number, extended from a start below 0x8000: the low 16 bits go on the wire, and the
    /// rest is the rollover counter of the SRTP index (RFC 3711 section 3.3.1). A stream never
    /// gives a number twice.
    pub sequence: u64,
    /// Timestamp in ticks of the codec's clock.
    pub timestamp: u32,
    /// The marker bit.
    pub marker: bool,
    /// The VP8 picture id to write, already in the width of the source's; `None`: there is none.
    pub picture_id: Option<u16>,
    /// The VP8 TL0PICIDX to write; `None`: there is none.
    pub tl0_picture_index: Option<u8>,
    /// The original sequence number, which stands before the payload (RFC 4588 section 4). `Some`
    /// makes this a repair.
    pub rtx_original: Option<u16>,
    /// Audio level and voice flag to send (RFC 6464), where the publisher sent one.
    pub audio_level: Option<u8>,
}
