//! The protection profiles, and whose key is whose in the DTLS exporter's output.

use std::fmt;

use super::RTCP_INDEX_LEN;

/// Longest master key of any profile, in bytes.
const MAX_KEY_LEN: usize = 32;

/// Longest master salt of any profile, in bytes.
pub(super) const MAX_SALT_LEN: usize = 14;

/// How a session's packets are encrypted and authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SrtpProfile {
    /// AES-128 in GCM with a 16-byte tag (RFC 7714 section 14.2): the cheapest to seal.
    AeadAes128Gcm,
    /// AES-256 in GCM with a 16-byte tag (RFC 7714 section 14.2).
    AeadAes256Gcm,
    /// AES-128 in counter mode with an 80-bit HMAC-SHA1 tag (RFC 5764 section 4.1.2): what every
    /// WebRTC endpoint must support, at several times the cost of GCM.
    AesCm128HmacSha1_80,
}

impl SrtpProfile {
    /// Length of the master key, and of the session key, in bytes.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::AeadAes128Gcm | Self::AesCm128HmacSha1_80 => 16,
            Self::AeadAes256Gcm => 32,
        }
    }

    /// Length of the master salt, and of the session salt, in bytes.
    #[must_use]
    pub const fn salt_len(self) -> usize {
        match self {
            // RFC 7714 section 12: 96 bits.
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => 12,
            // RFC 3711 section 8.2: 112 bits.
            Self::AesCm128HmacSha1_80 => 14,
        }
    }

    /// Bytes that sealing adds to an RTP packet: the authentication tag.
    #[must_use]
    pub const fn rtp_overhead(self) -> usize {
        match self {
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => super::aes_gcm::TAG_LEN,
            Self::AesCm128HmacSha1_80 => super::aes_cm::TAG_LEN,
        }
    }

    /// Bytes that sealing adds to an RTCP packet: the authentication tag, and the SRTCP index.
    #[must_use]
    pub const fn rtcp_overhead(self) -> usize {
        self.rtp_overhead() + RTCP_INDEX_LEN
    }

    /// Bytes of keying material that the DTLS exporter is asked for: two keys and two salts
    /// (RFC 5764 section 4.2).
    #[must_use]
    pub const fn keying_material_len(self) -> usize {
        2 * (self.key_len() + self.salt_len())
    }

    /// The registered crypto suite, as browsers report it in `srtpCipher` (RFC 4568 section 6.2,
    /// RFC 7714 section 14.1).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Self::AeadAes256Gcm => "AEAD_AES_256_GCM",
            Self::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
        }
    }
}

/// Why a set of keys made no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SrtpError {
    /// The master key is not of the profile's length.
    #[error("SRTP master key: {actual} bytes, the profile wants {expected}")]
    KeyLength {
        /// Bytes the profile wants.
        expected: usize,
        /// Bytes given.
        actual: usize,
    },
    /// The master salt is not of the profile's length.
    #[error("SRTP master salt: {actual} bytes, the profile wants {expected}")]
    SaltLength {
        /// Bytes the profile wants.
        expected: usize,
        /// Bytes given.
        actual: usize,
    },
    /// The cryptographic library refused the key.
    #[error("SRTP session key: refused by the cryptographic library")]
    Refused,
}

impl From<aws_lc_rs::error::Unspecified> for SrtpError {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::Refused
    }
}

/// One direction's master key and salt. Overwritten when dropped; never printed.
pub struct Keys {
    key: [u8; MAX_KEY_LEN],
    key_len: usize,
    salt: [u8; MAX_SALT_LEN],
    salt_len: usize,
}

impl Keys {
    /// A master `key` and `salt` for `profile`.
    ///
    /// # Errors
    /// [`SrtpError::KeyLength`] or [`SrtpError::SaltLength`] when one is not of the profile's
    /// length.
    pub fn new(profile: SrtpProfile, key: &[u8], salt: &[u8]) -> Result<Self, SrtpError> {
        check_lengths(profile, key.len(), salt.len())?;
        let mut keys = Self {
            key: [0; MAX_KEY_LEN],
            key_len: key.len(),
            salt: [0; MAX_SALT_LEN],
            salt_len: salt.len(),
        };
        keys.key[..key.len()].copy_from_slice(key);
        keys.salt[..salt.len()].copy_from_slice(salt);
        Ok(keys)
    }

    pub(super) fn check(&self, profile: SrtpProfile) -> Result<(), SrtpError> {
        check_lengths(profile, self.key_len, self.salt_len)
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.key[..self.key_len]
    }

    /// The salt as the key derivation takes it: 14 bytes, a shorter one padded with zeros on the
    /// right (RFC 7714 section 11).
    pub(super) fn padded_salt(&self) -> &[u8; MAX_SALT_LEN] {
        &self.salt
    }
}

fn check_lengths(profile: SrtpProfile, key: usize, salt: usize) -> Result<(), SrtpError> {
    if key != profile.key_len() {
        return Err(SrtpError::KeyLength {
            expected: profile.key_len(),
            actual: key,
        });
    }
    if salt != profile.salt_len() {
        return Err(SrtpError::SaltLength {
            expected: profile.salt_len(),
            actual: salt,
        });
    }
    Ok(())
}

impl Drop for Keys {
    fn drop(&mut self) {
        overwrite(&mut self.key);
        overwrite(&mut self.salt);
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

/// Overwrites a secret with zeros. The black box keeps the compiler from leaving out a write whose
/// result nobody reads.
pub(super) fn overwrite(secret: &mut [u8]) {
    secret.fill(0);
    std::hint::black_box(secret);
}

/// Splits the DTLS exporter's output into the client's and the server's master keys, in that order.
/// `None` when `material` is not [`SrtpProfile::keying_material_len`] bytes long.
#[must_use]
pub fn split_keying_material(profile: SrtpProfile, material: &[u8]) -> Option<(Keys, Keys)> {
    if material.len() != profile.keying_material_len() {
        return None;
    }
    // RFC 5764 section 4.2: client key, server key, client salt, server salt.
    let (keys, salts) = material.split_at(2 * profile.key_len());
    let (client_key, server_key) = keys.split_at(profile.key_len());
    let (client_salt, server_salt) = salts.split_at(profile.salt_len());
    Some((
        Keys::new(profile, client_key, client_salt).ok()?,
        Keys::new(profile, server_key, server_salt).ok()?,
    ))
}
