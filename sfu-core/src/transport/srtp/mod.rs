//! SRTP and SRTCP: packets sealed and opened in place, with keys from the DTLS handshake.
//!
//! ```text
//! DTLS exporter -> profile (who owns which key) -> derivation (session keys, once)
//!               -> cipher (AES-GCM or AES-CM with HMAC-SHA1, keyed once)
//! outward: sender   -> cipher
//! inward:  receiver -> streams (bounded) -> rollover -> replay -> cipher -> replay
//! ```
//!
//! Contexts are keyed when the transport gets its keys and never again, and no packet allocates:
//! the only memory that grows is the receiver's table of streams, one entry for each SSRC whose
//! first packet was authentic, up to [`MAX_RECEIVE_STREAMS`].
//!
//! Deliberately absent: master key identifiers and re-keying inside a session (WebRTC rekeys by a
//! new DTLS handshake, and then builds a new sender and receiver), key derivation rates other than
//! zero, SRTCP without encryption, the 32-bit tag, and encrypted header extensions.

mod aes_cm;
mod aes_gcm;
mod cipher;
mod derivation;
mod profile;
mod receiver;
mod replay;
mod rollover;
mod sender;
mod streams;
#[cfg(test)]
mod tests;

pub use profile::{Keys, SrtpError, SrtpProfile, split_keying_material};
pub use receiver::SrtpReceiver;
pub use replay::REPLAY_WINDOW;
pub use sender::SrtpSender;
pub use streams::MAX_RECEIVE_STREAMS;

/// Shortest RTP header, in bytes (RFC 3550 section 5.1).
const MIN_RTP_HEADER_LEN: usize = 12;

/// What SRTCP leaves in the clear, in bytes: the first packet's header and SSRC
/// (RFC 3711 section 3.4).
const RTCP_CLEAR_LEN: usize = 8;

/// The E bit and the SRTCP index, in bytes (RFC 3711 section 3.4).
const RTCP_INDEX_LEN: usize = 4;

/// "This packet is encrypted", in the word that carries the SRTCP index (RFC 3711 section 3.4).
const RTCP_ENCRYPTED: u32 = 1 << 31;

/// Largest RTP packet index: a 32-bit rollover counter and a 16-bit sequence number
/// (RFC 3711 section 3.3.1). Past it the keys are used up (section 9.2).
const MAX_RTP_INDEX: u64 = (1 << 48) - 1;

/// Largest SRTCP index: 31 bits (RFC 3711 section 3.4). Past it the keys are used up
/// (section 9.2).
const MAX_RTCP_INDEX: u32 = RTCP_ENCRYPTED - 1;

/// The sender's SSRC of an RTCP packet, from bytes 4 to 7 (RFC 3550 section 6.4.1); `None` when the
/// packet is shorter than that.
fn rtcp_sender(packet: &[u8]) -> Option<crate::id::Ssrc> {
    let bytes = packet.get(4..RTCP_CLEAR_LEN)?.try_into().ok()?;
    Some(crate::id::Ssrc(u32::from_be_bytes(bytes)))
}
