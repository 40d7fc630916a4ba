//! What a data section says of SCTP (RFC 8841).

use super::session::SectionKind;

/// Our own port, the one that every browser uses. It names nothing: DTLS carries one association.
pub const LOCAL_SCTP_PORT: u16 = 5000;

impl SectionKind {
    /// Whether a later offer's section may stand where `self` stood. The numbers of SCTP are no
    /// part of a section's identity.
    #[must_use]
    pub fn stays(self, later: Self) -> bool {
        self == later || matches!((self, later), (Self::Data(_), Self::Data(_)))
    }
}

/// What the peer says of its SCTP (RFC 8841).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SctpParameters {
    /// `a=sctp-port`: the port that its packets come from, 1 to 65535.
    pub port: u16,
    /// `a=max-message-size`: the largest message that it takes, in bytes.
    pub max_message_size: u32,
}
