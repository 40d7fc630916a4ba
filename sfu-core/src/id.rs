//! Newtypes for what the engine names: a number of one kind never passes for another.

use std::fmt;

use arrayvec::ArrayString;

macro_rules! numeric_id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

numeric_id!(
    /// A room, numbered by the control plane; unique in the process.
    RoomId(u64)
);
numeric_id!(
    /// A participant's session, numbered by the control plane; a rejoin is a new number.
    ParticipantId(u64)
);
numeric_id!(
    /// A published source (camera, microphone, screen), numbered by the control plane.
    TrackId(u64)
);
numeric_id!(
    /// One core's worker: 0-based, and part of every local ufrag it hands out.
    WorkerId(u16)
);
numeric_id!(
    /// RTP synchronisation source: one stream (RFC 3550 section 3).
    Ssrc(u32)
);
numeric_id!(
    /// RTP payload type, 0..=127.
    PayloadType(u8)
);

/// Longest mid or rid the engine accepts, in bytes: what fits a one-byte RTP header extension
/// (RFC 8285 section 4.2). Every browser's are far shorter; a longer one is refused in SDP.
pub const MAX_TOKEN_LEN: usize = 16;

/// A media section's name in SDP and in the `sdes:mid` extension (RFC 9143).
pub type Mid = ArrayString<MAX_TOKEN_LEN>;

/// A simulcast encoding's name in SDP and in the `rtp-stream-id` extension (RFC 8852).
pub type Rid = ArrayString<MAX_TOKEN_LEN>;

/// Longest data channel label the engine keeps, in bytes.
pub const MAX_DATA_LABEL_LEN: usize = 32;

/// A data channel's label (RFC 8832 section 5.1): what both ends know it by.
pub type DataLabel = ArrayString<MAX_DATA_LABEL_LEN>;
