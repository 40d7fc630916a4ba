//! AES in counter mode with HMAC-SHA1 (RFC 3711), keyed once.
//!
//! The block cipher's key schedule and the HMAC's two midstates are kept; a packet copies the
//! midstates (about a kilobyte, on the stack) and allocates nothing. The cipher works only in
//! place, so a shared payload is copied first.

use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;

use super::{RTCP_CLEAR_LEN, RTCP_INDEX_LEN};
use crate::id::Ssrc;

/// Length of the authentication tag, in bytes (RFC 3711 section 5.2).
pub(super) const TAG_LEN: usize = 10;

/// Length of the session authentication key, in bytes (RFC 3711 section 5.2).
pub(super) const AUTH_KEY_LEN: usize = 20;

/// Length of the session salt, in bytes (RFC 3711 section 8.2).
pub(super) const SALT_LEN: usize = 14;

/// The session keys and their salt, for RTP or for RTCP.
pub(super) struct CmCipher {
    key: EncryptingKey,
    salt: [u8; SALT_LEN],
    auth: hmac::Key,
}

impl CmCipher {
    pub(super) fn new(
        key: &[u8],
        salt: &[u8; SALT_LEN],
        auth_key: &[u8; AUTH_KEY_LEN],
    ) -> Result<Self, Unspecified> {
        Ok(Self {
            key: EncryptingKey::ctr(UnboundCipherKey::new(&AES_128, key)?)?,
            salt: *salt,
            auth: hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, auth_key),
        })
    }

    /// RFC 3711 section 4.1.1: the salt, the SSRC and the 48-bit index, each at its own shift, over
    /// a 16-bit block counter that starts at zero.
    pub(super) fn counter(&self, ssrc: Ssrc, index: u64) -> [u8; 16] {
        let salt = u128::from_be_bytes({
            let mut padded = [0; 16];
            padded[..SALT_LEN].copy_from_slice(&self.salt);
            padded
        });
        (salt ^ (u128::from(ssrc.0) << 64) ^ (u128::from(index) << 16)).to_be_bytes()
    }

    /// XORs the key stream over `body`: encryption and decryption are the same.
    pub(super) fn apply(&self, nonce: (Ssrc, u64), body: &mut [u8]) -> Result<(), Unspecified> {
        let counter = FixedLength::from(self.counter(nonce.0, nonce.1));
        self.key
            .less_safe_encrypt(body, EncryptionContext::Iv128(counter))?;
        Ok(())
    }

    /// RFC 3711 section 4.2: the header and the encrypted payload, then the rollover counter.
    fn rtp_tag(&self, header: &[u8], body: &[u8], index: u64) -> hmac::Tag {
        let [_, _, rollover @ .., _, _] = index.to_be_bytes();
        let mut context = hmac::Context::with_key(&self.auth);
        context.update(header);
        context.update(body);
        context.update(&rollover);
        context.sign()
    }

    /// Encrypts `body` in place, and writes its tag.
    pub(super) fn seal_rtp_in_place(
        &self,
        nonce: (Ssrc, u64),
        header: &[u8],
        body: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), Unspecified> {
        self.apply(nonce, body)?;
        tag.copy_from_slice(&self.rtp_tag(header, body, nonce.1).as_ref()[..TAG_LEN]);
        Ok(())
    }

    /// Opens `body_and_tag` in place; a failure leaves it as it was.
    pub(super) fn open_rtp(
        &self,
        nonce: (Ssrc, u64),
        header: &[u8],
        body_and_tag: &mut [u8],
    ) -> Result<(), Unspecified> {
        let (body, tag) = body_and_tag
            .split_last_chunk_mut::<TAG_LEN>()
            .ok_or(Unspecified)?;
        let expected = self.rtp_tag(header, body, nonce.1);
        verify_slices_are_equal(&expected.as_ref()[..TAG_LEN], tag)?;
        self.apply(nonce, body)
    }

    /// Seals the RTCP in `packet[..len]`, where `packet` ends with room for the index and the tag.
    pub(super) fn seal_rtcp(
        &self,
        nonce: (Ssrc, u64),
        packet: &mut [u8],
        len: usize,
        index_word: [u8; RTCP_INDEX_LEN],
    ) -> Result<(), Unspecified> {
        // RFC 3711 section 3.4, figure 2: the index stands before the tag, which covers it.
        let (authenticated, tag) = packet.split_at_mut(len + RTCP_INDEX_LEN);
        self.apply(nonce, &mut authenticated[RTCP_CLEAR_LEN..len])?;
        authenticated[len..].copy_from_slice(&index_word);
        let expected = hmac::sign(&self.auth, authenticated);
        tag.copy_from_slice(&expected.as_ref()[..TAG_LEN]);
        Ok(())
    }

    /// Opens a whole SRTCP packet in place; a failure leaves it as it was.
    pub(super) fn open_rtcp(
        &self,
        nonce: (Ssrc, u64),
        packet: &mut [u8],
    ) -> Result<(), Unspecified> {
        let (authenticated, tag) = packet
            .split_last_chunk_mut::<TAG_LEN>()
            .ok_or(Unspecified)?;
        let expected = hmac::sign(&self.auth, authenticated);
        verify_slices_are_equal(&expected.as_ref()[..TAG_LEN], tag)?;
        let body_end = authenticated.len() - RTCP_INDEX_LEN;
        self.apply(nonce, &mut authenticated[RTCP_CLEAR_LEN..body_end])
    }
}
