//! A peer connection's terms: what `sdp` reads from an offer and writes into an answer.
//!
//! `sdp` produces and consumes these without knowing `transport`, and the reverse.

use std::net::SocketAddr;

use arrayvec::{ArrayString, ArrayVec};

use super::codec::MediaKind;
pub use super::extension_map::ExtensionMap;
use super::format::{CodecWishes, Payloads};
pub use super::offer_error::OfferError;
pub use super::sctp_parameters::{LOCAL_SCTP_PORT, SctpParameters};
use crate::id::{Mid, Rid, Ssrc};

/// Most encodings of one simulcast track: what browsers send, one per quality.
pub const MAX_ENCODINGS: usize = 3;

/// Longest ufrag accepted, in characters: RFC 8839 section 5.4 allows 256, browsers send 4 to 32.
pub const MAX_UFRAG_LEN: usize = 64;

/// Longest ICE password accepted, in characters: RFC 8839 section 5.4 allows 256, browsers send 24.
pub const MAX_PWD_LEN: usize = 128;

/// An ICE username fragment and password (RFC 8839 section 5.4).
#[derive(Clone, PartialEq, Eq)]
pub struct IceCredentials {
    /// Username fragment, 4 to [`MAX_UFRAG_LEN`] ice-chars.
    pub ufrag: ArrayString<MAX_UFRAG_LEN>,
    /// Password, 22 to [`MAX_PWD_LEN`] ice-chars. A secret: never logged.
    pub pwd: ArrayString<MAX_PWD_LEN>,
}

impl std::fmt::Debug for IceCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IceCredentials")
            .field("ufrag", &self.ufrag)
            .finish_non_exhaustive()
    }
}

/// A certificate's SHA-256 digest (RFC 8122 section 5): the only hash that browsers send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

/// Who opens the DTLS handshake (RFC 8842 section 5): the engine's own role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DtlsRole {
    /// Waits for the peer's ClientHello; preferred.
    Passive,
    /// Sends the ClientHello, for a peer that offers `setup:passive`.
    Active,
}

/// What the peer's description says of its transport. All sections share it: BUNDLE is required.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportParameters {
    /// The peer's ICE credentials.
    pub ice: IceCredentials,
    /// The digest that the peer's certificate must have.
    pub fingerprint: Fingerprint,
    /// The role the engine takes for this peer's `a=setup`.
    pub dtls_role: DtlsRole,
}

/// What the engine says of its own transport in an answer.
#[derive(Clone, Debug)]
pub struct LocalTransport {
    /// Our ICE credentials.
    pub ice: IceCredentials,
    /// Our certificate's digest.
    pub fingerprint: Fingerprint,
    /// Our DTLS role.
    pub dtls_role: DtlsRole,
    /// Host candidates, best first.
    pub candidates: Vec<SocketAddr>,
}

/// A section's direction as the peer wrote it (RFC 8866 section 6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The peer sends and receives.
    SendRecv,
    /// The peer only sends.
    SendOnly,
    /// The peer only receives.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    /// Whether the peer may send.
    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the peer may receive.
    #[must_use]
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }
}

/// What an offered section is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SectionKind {
    /// `m=audio` or `m=video`.
    Media(MediaKind),
    /// `m=application` with data channels over SCTP (RFC 8841).
    Data(SctpParameters),
    /// A kind the engine does not know: answered with port 0.
    Other,
}

/// One media section of an offer, reduced to what the engine can do.
#[derive(Clone, Debug)]
pub struct OfferedSection {
    /// The section's name; empty only for a stopped section that came without.
    pub mid: Mid,
    /// What it is for.
    pub kind: SectionKind,
    /// The first word of the `m=` line, kept for the answer ("audio", "video", "application").
    pub media: String,
    /// The transport words of the `m=` line ("UDP/TLS/RTP/SAVPF", "UDP/DTLS/SCTP").
    pub protocol: String,
    /// The `m=` line's formats as offered, kept so that a rejected section can be answered.
    pub formats: Vec<String>,
    /// The peer's direction.
    pub direction: Direction,
    /// The peer has stopped this section: port 0 outside a bundle-only section (RFC 9143).
    pub stopped: bool,
    /// The codecs that both know, in the peer's order of preference.
    pub payloads: Payloads,
    /// The known header extensions.
    pub extensions: ExtensionMap,
    /// The peer takes one- and two-byte extension headers in one stream (RFC 8285 section 4.1.2).
    pub extmap_allow_mixed: bool,
    /// The peer takes RTCP packets that are not compound (RFC 5506).
    pub rtcp_rsize: bool,
    /// The peer tells when packets arrived by RFC 8888, and has no transport-wide feedback.
    pub congestion_feedback: bool,
    /// Encodings the peer will send, in the order of `a=simulcast`, which is the peer's order of
    /// preference and nothing more (RFC 8853 section 5.1): livekit-client lists the best last,
    /// others the best first. Empty without simulcast.
    pub rids: ArrayVec<Rid, MAX_ENCODINGS>,
    /// `a=msid`'s second word: the client's own name of the track it sends here.
    pub track_cid: Option<String>,
    /// SSRCs of what the peer sends here, announced by `a=ssrc`, with their RTX partner of a FID
    /// group (RFC 5576), in the order of a SIM group where there is one. Empty where encodings are
    /// announced by rid only, as Chromium's are, and where the peer only receives: Firefox then
    /// announces the SSRC of its reports.
    pub ssrcs: ArrayVec<(Ssrc, Option<Ssrc>), MAX_ENCODINGS>,
}

/// An offer, reduced to what the engine acts on.
#[derive(Clone, Debug)]
pub struct OfferedSession {
    /// The peer's side of the transport.
    pub transport: TransportParameters,
    /// The sections in their order, which never changes between offers (RFC 9429 section 5.2.2).
    pub sections: Vec<OfferedSection>,
}

/// What the engine does with one offered section, in the offer's order.
#[derive(Clone, Debug)]
pub enum AnsweredSection {
    /// Port 0.
    Rejected,
    /// Agreed on and idle: codecs and extensions are accepted so that it can be used later.
    Inactive,
    /// The peer publishes here: `recvonly`, rids accepted.
    Receive(ReceivingSection),
    /// The peer gets a track here: `sendonly`.
    Send(SendingSection),
    /// Data channels.
    Data,
}

/// What the answer says of a track that the peer publishes.
#[derive(Clone, Debug)]
pub struct ReceivingSection {
    /// What is accepted, the format to send first: peers send the first one that they can.
    pub payloads: Payloads,
    /// What the publisher has said of its sound.
    pub wishes: CodecWishes,
}

/// What the answer says of a stream that the engine sends.
#[derive(Clone, Debug)]
pub struct SendingSection {
    /// `a=msid`'s first word.
    pub stream_label: String,
    /// `a=msid`'s second word.
    pub track_label: String,
    /// The stream's SSRC.
    pub ssrc: Ssrc,
    /// The SSRC of its retransmissions, where RTX is agreed on.
    pub rtx_ssrc: Option<Ssrc>,
    /// RTCP CNAME: one per publisher, which is what lip sync goes by (RFC 3550 section 6.5.1).
    pub cname: String,
    /// The formats that may come, the one to come first in front.
    pub payloads: Payloads,
}
