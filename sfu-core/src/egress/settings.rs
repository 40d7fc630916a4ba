//! What a subscription's stream begins with.

use crate::id::Ssrc;
use crate::media::codec::MediaKind;

/// What a subscription's stream is called, and where its numbers start: random, and given by the
/// worker, as the engine draws nothing itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EgressSettings {
    /// Audio or video.
    pub kind: MediaKind,
    /// The stream.
    pub ssrc: Ssrc,
    /// The stream of its repairs, where RTX is agreed on (RFC 4588).
    pub rtx_ssrc: Option<Ssrc>,
    /// First sequence number. The top bit is ignored: a start below 0x8000 keeps a first packet
    /// that is lost from leaving the receiver a rollover behind (RFC 3711 section 3.3.1).
    pub first_sequence: u16,
    /// First timestamp.
    pub first_timestamp: u32,
    /// First picture id of VP8, of which the low 15 bits count.
    pub first_picture_id: u16,
    /// First TL0PICIDX of VP8.
    pub first_tl0: u8,
    /// First sequence number of the repairs; as [`Self::first_sequence`].
    pub rtx_first_sequence: u16,
}
