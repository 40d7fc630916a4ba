//! Session keys from master keys: the AES-CM pseudo-random function, once per session.

use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::iv::FixedLength;

use super::profile::MAX_SALT_LEN;

/// What a derived value is for: the label of RFC 3711 section 4.3.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Label {
    RtpEncryption = 0,
    RtpAuthentication = 1,
    RtpSalt = 2,
    RtcpEncryption = 3,
    RtcpAuthentication = 4,
    RtcpSalt = 5,
}

/// Fills `out` with the key stream for `label`: AES-CM keyed with the master key
/// (RFC 3711 section 4.3.3; RFC 6188 section 3 for a 32-byte one), at a key derivation rate of zero.
pub(super) fn derive(
    master_key: &[u8],
    master_salt: &[u8; MAX_SALT_LEN],
    label: Label,
    out: &mut [u8],
) -> Result<(), Unspecified> {
    let algorithm = match master_key.len() {
        16 => &AES_128,
        32 => &AES_256,
        _ => return Err(Unspecified),
    };
    // RFC 3711 section 4.3.1: the label stands left of a 48-bit index, which is zero here, and both
    // are aligned to the right of the 14-byte salt. Section 4.3.3: two zero bytes follow.
    let mut counter = [0; 16];
    counter[..MAX_SALT_LEN].copy_from_slice(master_salt);
    counter[7] ^= label as u8;

    out.fill(0);
    EncryptingKey::ctr(UnboundCipherKey::new(algorithm, master_key)?)?
        .less_safe_encrypt(out, EncryptionContext::Iv128(FixedLength::from(counter)))?;
    Ok(())
}
