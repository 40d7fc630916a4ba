//! What a check is answered with, and the signature on both.

use std::net::SocketAddr;

use arrayvec::ArrayVec;
use is::stun::{StunError, StunMessage};

/// Room for the longest answer: header, an IPv6 XOR-MAPPED-ADDRESS, MESSAGE-INTEGRITY, FINGERPRINT.
const MAX_ANSWER_LEN: usize = 96;

/// A written answer to a check.
pub(in crate::transport) type Answer = ArrayVec<u8, MAX_ANSWER_LEN>;

/// An IPv4 address that a dual-stack socket shows as IPv6, as the peer knows it.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Writes `message` with MESSAGE-INTEGRITY by `pwd` and FINGERPRINT (RFC 8445 section 7.3).
pub(super) fn write_answer(message: StunMessage<'_>, pwd: &str) -> Result<Answer, StunError> {
    let mut bytes = [0; MAX_ANSWER_LEN];
    let len = message.to_bytes(Some(pwd.as_bytes()), &mut bytes, hmac_sha1)?;
    Ok(bytes[..len].iter().copied().collect())
}

/// HMAC-SHA1, the algorithm of MESSAGE-INTEGRITY (RFC 8489 section 14.5).
pub(super) fn hmac_sha1(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    use aws_lc_rs::hmac;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let mut context = hmac::Context::with_key(&key);
    for part in parts {
        context.update(part);
    }
    let mut mac = [0; 20];
    mac.copy_from_slice(context.sign().as_ref());
    mac
}
