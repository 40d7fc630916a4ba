//! AES in Galois/counter mode (RFC 7714), keyed once.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;

use super::{RTCP_CLEAR_LEN, RTCP_INDEX_LEN};
use crate::id::Ssrc;

/// Length of the authentication tag, in bytes (RFC 7714 section 13.1).
pub(super) const TAG_LEN: usize = 16;

/// A session key and its salt, for RTP or for RTCP.
pub(super) struct GcmCipher {
    key: LessSafeKey,
    salt: [u8; NONCE_LEN],
}

impl GcmCipher {
    /// Keys the cipher: AES-128 or AES-256 by the key's length.
    pub(super) fn new(key: &[u8], salt: &[u8; NONCE_LEN]) -> Result<Self, Unspecified> {
        let algorithm = match key.len() {
            16 => &AES_128_GCM,
            32 => &AES_256_GCM,
            _ => return Err(Unspecified),
        };
        Ok(Self {
            key: LessSafeKey::new(UnboundKey::new(algorithm, key)?),
            salt: *salt,
        })
    }

    /// RFC 7714 section 8.1 (RTP): two zero bytes, SSRC, rollover counter, sequence number; section
    /// 9.1 (RTCP): two zero bytes, SSRC, two zero bytes, SRTCP index. Both are a 48-bit index in the
    /// last six bytes; the whole is XORed with the salt.
    pub(super) fn nonce(&self, ssrc: Ssrc, index: u64) -> [u8; NONCE_LEN] {
        let mut nonce = self.salt;
        xor(&mut nonce[2..6], &ssrc.0.to_be_bytes());
        xor(&mut nonce[6..], &index.to_be_bytes()[2..]);
        nonce
    }

    pub(super) fn seal_rtp(
        &self,
        nonce: (Ssrc, u64),
        header: &[u8],
        payload: &[u8],
        body: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), Unspecified> {
        let nonce = Nonce::assume_unique_for_key(self.nonce(nonce.0, nonce.1));
        // RFC 7714 section 8.2: the header, with its extensions, is the associated data.
        self.key
            .seal_out_of_place_scatter(nonce, Aad::from(header), payload, body, &[], tag)
    }

    pub(super) fn seal_rtp_in_place(
        &self,
        nonce: (Ssrc, u64),
        header: &[u8],
        body: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), Unspecified> {
        let nonce = Nonce::assume_unique_for_key(self.nonce(nonce.0, nonce.1));
        self.key
            .seal_in_place_scatter(nonce, Aad::from(header), body, &[], tag)
    }

    /// Opens `body_and_tag` in place; what it holds after a failure is unspecified.
    pub(super) fn open_rtp(
        &self,
        nonce: (Ssrc, u64),
        header: &[u8],
        body_and_tag: &mut [u8],
    ) -> Result<(), Unspecified> {
        let nonce = Nonce::assume_unique_for_key(self.nonce(nonce.0, nonce.1));
        self.key
            .open_in_place(nonce, Aad::from(header), body_and_tag)?;
        Ok(())
    }

    /// Seals the RTCP in `packet[..len]`, where `packet` ends with room for the tag and the index.
    pub(super) fn seal_rtcp(
        &self,
        nonce: (Ssrc, u64),
        packet: &mut [u8],
        len: usize,
        index_word: [u8; RTCP_INDEX_LEN],
    ) -> Result<(), Unspecified> {
        let nonce = Nonce::assume_unique_for_key(self.nonce(nonce.0, nonce.1));
        let (clear, rest) = packet.split_at_mut(RTCP_CLEAR_LEN);
        let (body, trailer) = rest.split_at_mut(len - RTCP_CLEAR_LEN);
        // RFC 7714 section 9.2, figure 3: the tag stands before the index.
        let (tag, index) = trailer.split_at_mut(TAG_LEN);
        self.key.seal_in_place_scatter(
            nonce,
            Aad::from(rtcp_associated_data(clear, index_word)),
            body,
            &[],
            tag,
        )?;
        index.copy_from_slice(&index_word);
        Ok(())
    }

    /// Opens a whole SRTCP packet in place; what its body holds after a failure is unspecified.
    pub(super) fn open_rtcp(
        &self,
        nonce: (Ssrc, u64),
        packet: &mut [u8],
    ) -> Result<(), Unspecified> {
        let nonce = Nonce::assume_unique_for_key(self.nonce(nonce.0, nonce.1));
        let (clear, rest) = packet.split_at_mut(RTCP_CLEAR_LEN);
        let (body_and_tag, index_word) = rest
            .split_last_chunk_mut::<RTCP_INDEX_LEN>()
            .ok_or(Unspecified)?;
        self.key.open_in_place(
            nonce,
            Aad::from(rtcp_associated_data(clear, *index_word)),
            body_and_tag,
        )?;
        Ok(())
    }
}

/// RFC 7714 section 9.2: the clear header and SSRC, then the word of the E bit and the index.
fn rtcp_associated_data(
    clear: &[u8],
    index_word: [u8; RTCP_INDEX_LEN],
) -> [u8; RTCP_CLEAR_LEN + RTCP_INDEX_LEN] {
    let mut data = [0; RTCP_CLEAR_LEN + RTCP_INDEX_LEN];
    data[..RTCP_CLEAR_LEN].copy_from_slice(clear);
    data[RTCP_CLEAR_LEN..].copy_from_slice(&index_word);
    data
}

fn xor(target: &mut [u8], with: &[u8]) {
    for (byte, with) in target.iter_mut().zip(with) {
        *byte ^= with;
    }
}
