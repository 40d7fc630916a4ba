//! The stateless first look at a connectivity check: what it claims, before anything is believed.

use crc::{CRC_32_ISO_HDLC, Crc};
use is::stun::StunMessage;

use super::answer::hmac_sha1;
use crate::drop_reason::DropReason;

/// Longest check read, in bytes. RFC 8489 section 6.1 keeps a request within an IPv6 packet of 1280
/// bytes; browsers send some 100. Raising it only lets an unknown sender make us read more.
pub const MAX_CHECK_LEN: usize = 1232;

/// Bytes of a STUN header (RFC 8489 section 5).
const HEADER: usize = 20;

/// Bytes of an attribute's type and length (RFC 8489 section 14).
const ATTRIBUTE_HEADER: usize = 4;

/// A binding request (RFC 8489 section 5): class 0b00, method 0x001.
const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];

/// RFC 8489 section 5.
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// RFC 8489 section 14.7: what FINGERPRINT's checksum is combined with.
const FINGERPRINT_XOR: u32 = 0x5354_554e;

/// Attributes below this must be understood by whoever answers (RFC 8489 section 14).
const COMPREHENSION_OPTIONAL: u16 = 0x8000;

// RFC 8489 section 18.3, RFC 8445 section 20.1.
const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
const ALTERNATE_SERVER: u16 = 0x8023;
const FINGERPRINT: u16 = 0x8028;
const NETWORK_COST: u16 = 0xc057;

/// The table is built once, when the engine is compiled.
static CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// A well-formed connectivity check of somebody who has proved nothing yet.
#[derive(Clone, Copy, Debug)]
pub struct Check<'a> {
    /// The ufrag of ours that the sender names: the key to its transport.
    pub local_ufrag: &'a str,
    /// The ufrag that the sender says is its own.
    pub remote_ufrag: &'a str,
    /// The sender nominates this path (RFC 8445 section 7.3.1.5).
    pub use_candidate: bool,
    /// The sender takes itself for the controlled side, which is ours.
    pub sender_is_controlled: bool,
    message: StunMessage<'a>,
}

impl<'a> Check<'a> {
    /// Whether MESSAGE-INTEGRITY was made with `pwd`. Compares in constant time.
    pub(super) fn is_signed_with(&self, pwd: &str) -> bool {
        // RFC 8489 section 9.1.1: the short-term key is the password.
        self.message.verify(pwd.as_bytes(), hmac_sha1)
    }

    pub(super) fn message(&self) -> &StunMessage<'a> {
        &self.message
    }
}

/// Reads a connectivity check (RFC 8445 section 7.3) without looking at any state, so that whoever
/// has proved nothing costs one pass over at most [`MAX_CHECK_LEN`] bytes.
///
/// # Errors
/// [`DropReason::StunMalformed`] for anything but a binding request with USERNAME, PRIORITY,
/// MESSAGE-INTEGRITY and a right FINGERPRINT, and for one with an attribute that has no place in a
/// check and asks to be understood.
pub fn read_check(datagram: &[u8]) -> Result<Check<'_>, DropReason> {
    if !is_framed(datagram) || !are_attributes_known(datagram) {
        return Err(DropReason::StunMalformed);
    }
    let message = StunMessage::parse(datagram).map_err(|_| DropReason::StunMalformed)?;
    // RFC 8445 section 7.2.2: the username is the receiver's ufrag, a colon, the sender's ufrag.
    let (local_ufrag, remote_ufrag) = message
        .username()
        .and_then(|username| username.split_once(':'))
        .ok_or(DropReason::StunMalformed)?;
    Ok(Check {
        local_ufrag,
        remote_ufrag,
        use_candidate: message.use_candidate(),
        sender_is_controlled: message.ice_controlled().is_some(),
        message,
    })
}

/// A binding request's header, and a FINGERPRINT at the end that fits. The codec below reads the
/// FINGERPRINT but never compares it.
fn is_framed(datagram: &[u8]) -> bool {
    let fingerprint_at = datagram.len().wrapping_sub(ATTRIBUTE_HEADER + 4);
    let Some(([a, b, length @ ..], rest)) = datagram.split_first_chunk::<4>() else {
        return false;
    };
    let body = usize::from(u16::from_be_bytes(*length));
    if datagram.len() > MAX_CHECK_LEN
        || datagram.len() < HEADER + ATTRIBUTE_HEADER + 4
        || [*a, *b] != BINDING_REQUEST
        || body + HEADER != datagram.len()
        || !body.is_multiple_of(4)
        || rest[..4] != MAGIC_COOKIE
    {
        return false;
    }
    // RFC 8489 section 14.7: FINGERPRINT is the last attribute. RFC 8445 section 7 makes it part of
    // every check.
    let (covered, fingerprint) = datagram.split_at(fingerprint_at);
    let checksum = CRC.checksum(covered) ^ FINGERPRINT_XOR;
    fingerprint[..2] == FINGERPRINT.to_be_bytes()
        && fingerprint[2..4] == 4u16.to_be_bytes()
        && fingerprint[4..] == checksum.to_be_bytes()
}

/// Whether the attributes fill the message exactly and none before MESSAGE-INTEGRITY is one that
/// would have to be understood, or that makes the codec below write to the log: a stranger must not
/// be able to fill it.
///
/// RFC 8489 section 6.3.1 answers an unknown one with error 420, which the codec cannot write; no
/// ICE agent sends any, so such a check is dropped.
fn are_attributes_known(datagram: &[u8]) -> bool {
    let mut rest = &datagram[HEADER..];
    let mut signed = false;
    while let Some((header, after)) = rest.split_first_chunk::<ATTRIBUTE_HEADER>() {
        let kind = u16::from_be_bytes([header[0], header[1]]);
        let len = usize::from(u16::from_be_bytes([header[2], header[3]]));
        // RFC 8489 section 14: values are padded to 4 bytes.
        let Some(next) = after.get(len.next_multiple_of(4)..) else {
            return false;
        };
        let known = match kind {
            // RFC 8489 section 14.5: what follows MESSAGE-INTEGRITY is ignored, but FINGERPRINT.
            _ if signed && kind != FINGERPRINT => true,
            MESSAGE_INTEGRITY => {
                signed = true;
                true
            }
            // Only at the end, where it has been compared.
            FINGERPRINT => next.is_empty(),
            USERNAME | PRIORITY | USE_CANDIDATE => true,
            NETWORK_COST => len == 4,
            ALTERNATE_SERVER => false,
            _ => kind >= COMPREHENSION_OPTIONAL,
        };
        if !known {
            return false;
        }
        rest = next;
    }
    rest.is_empty() && signed
}
