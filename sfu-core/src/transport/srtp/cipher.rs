//! The session's cipher: one of the two, chosen once.

use aws_lc_rs::error::Unspecified;

use super::aes_cm::{self, CmCipher};
use super::aes_gcm::{self, GcmCipher};
use super::derivation::{Label, derive};
use super::profile::{Keys, SrtpError, SrtpProfile, overwrite};
use super::{RTCP_CLEAR_LEN, RTCP_ENCRYPTED, RTCP_INDEX_LEN};
use crate::id::Ssrc;

/// The labels of one protocol's session keys.
struct Labels {
    encryption: Label,
    authentication: Label,
    salt: Label,
}

const RTP: Labels = Labels {
    encryption: Label::RtpEncryption,
    authentication: Label::RtpAuthentication,
    salt: Label::RtpSalt,
};

const RTCP: Labels = Labels {
    encryption: Label::RtcpEncryption,
    authentication: Label::RtcpAuthentication,
    salt: Label::RtcpSalt,
};

/// A keyed cipher for one direction's RTP, or for its RTCP. A nonce is an (SSRC, packet index).
pub(super) enum Cipher {
    Gcm(GcmCipher),
    /// Boxed: three times the size of the other.
    Cm(Box<CmCipher>),
}

impl Cipher {
    /// The ciphers for RTP and for RTCP, in that order.
    pub(super) fn pair(profile: SrtpProfile, keys: &Keys) -> Result<(Self, Self), SrtpError> {
        keys.check(profile)?;
        Ok((
            Self::derive(profile, keys, &RTP)?,
            Self::derive(profile, keys, &RTCP)?,
        ))
    }

    fn derive(profile: SrtpProfile, master: &Keys, labels: &Labels) -> Result<Self, SrtpError> {
        let mut key = [0; 32];
        let key = &mut key[..profile.key_len()];
        let expand = |label, out: &mut [u8]| derive(master.key(), master.padded_salt(), label, out);
        expand(labels.encryption, key)?;
        let cipher = match profile {
            SrtpProfile::AeadAes128Gcm | SrtpProfile::AeadAes256Gcm => {
                let mut salt = [0; 12];
                expand(labels.salt, &mut salt)?;
                Self::Gcm(GcmCipher::new(key, &salt)?)
            }
            SrtpProfile::AesCm128HmacSha1_80 => {
                let mut salt = [0; aes_cm::SALT_LEN];
                expand(labels.salt, &mut salt)?;
                let mut auth_key = [0; aes_cm::AUTH_KEY_LEN];
                expand(labels.authentication, &mut auth_key)?;
                let cipher = CmCipher::new(key, &salt, &auth_key);
                overwrite(&mut auth_key);
                Self::Cm(Box::new(cipher?))
            }
        };
        overwrite(key);
        Ok(cipher)
    }

    /// Seals `payload` into `body`, of the same length, and writes the tag.
    pub(super) fn seal_rtp(
        &self,
        nonce: (Ssrc, u64),
        header: &[u8],
        payload: &[u8],
        body: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), Unspecified> {
        match self {
            Self::Gcm(cipher) => cipher.seal_rtp(nonce, header, payload, body, tag),
            Self::Cm(cipher) => {
                body.copy_from_slice(payload);
                cipher.seal_rtp_in_place(nonce, header, body, tag)
            }
        }
    }

    /// Seals `body` in place and writes the tag.
    pub(super) fn seal_rtp_in_place(
        &self,
        nonce: (Ssrc, u64),
        header: &[u8],
        body: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), Unspecified> {
        match self {
            Self::Gcm(cipher) => cipher.seal_rtp_in_place(nonce, header, body, tag),
            Self::Cm(cipher) => cipher.seal_rtp_in_place(nonce, header, body, tag),
        }
    }

    /// Opens `body_and_tag` in place.
    pub(super) fn open_rtp(
        &self,
        nonce: (Ssrc, u64),
        header: &[u8],
        body_and_tag: &mut [u8],
    ) -> Result<(), Unspecified> {
        match self {
            Self::Gcm(cipher) => cipher.open_rtp(nonce, header, body_and_tag),
            Self::Cm(cipher) => cipher.open_rtp(nonce, header, body_and_tag),
        }
    }

    /// Seals the RTCP in `packet[..len]`; `packet` is exactly as long as the result.
    pub(super) fn seal_rtcp(
        &self,
        ssrc: Ssrc,
        index: u32,
        packet: &mut [u8],
        len: usize,
    ) -> Result<(), Unspecified> {
        let nonce = (ssrc, u64::from(index));
        let index_word = (RTCP_ENCRYPTED | index).to_be_bytes();
        match self {
            Self::Gcm(cipher) => cipher.seal_rtcp(nonce, packet, len, index_word),
            Self::Cm(cipher) => cipher.seal_rtcp(nonce, packet, len, index_word),
        }
    }

    /// The word of the E bit and the SRTCP index, where this cipher keeps it; `None` for a packet
    /// too short to be SRTCP.
    pub(super) fn rtcp_index_word(&self, packet: &[u8]) -> Option<u32> {
        let (tag_len, after_index) = match self {
            Self::Gcm(_) => (aes_gcm::TAG_LEN, 0),
            Self::Cm(_) => (aes_cm::TAG_LEN, aes_cm::TAG_LEN),
        };
        if packet.len() < RTCP_CLEAR_LEN + tag_len + RTCP_INDEX_LEN {
            return None;
        }
        let (_, word) = packet[..packet.len() - after_index].split_last_chunk()?;
        Some(u32::from_be_bytes(*word))
    }

    /// Opens a whole SRTCP packet in place.
    pub(super) fn open_rtcp(
        &self,
        nonce: (Ssrc, u64),
        packet: &mut [u8],
    ) -> Result<(), Unspecified> {
        match self {
            Self::Gcm(cipher) => cipher.open_rtcp(nonce, packet),
            Self::Cm(cipher) => cipher.open_rtcp(nonce, packet),
        }
    }
}
