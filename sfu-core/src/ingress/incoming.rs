//! A packet as it is handed to its encoding.

use crate::media::packet::CarriedExtensions;
use crate::wire::rtp::RtpHeader;

/// One authenticated packet of a stream, decrypted.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'p> {
    /// Its header; of a repair's packet as [`super::rtx::unwrap`] gives it.
    pub header: RtpHeader,
    /// Bytes of padding behind the payload.
    pub padding_len: u8,
    /// Its payload, without padding.
    pub payload: &'p [u8],
    /// What its subscribers get with it.
    pub extensions: CarriedExtensions,
    /// Its dependency descriptor, where it has one.
    pub descriptor: Option<&'p [u8]>,
    /// It was taken out of a repair.
    pub repaired: bool,
}

impl Incoming<'_> {
    /// Bytes of header, payload and padding.
    pub(super) fn size(&self) -> usize {
        let around = usize::from(self.header.header_len) + usize::from(self.padding_len);
        around + self.payload.len()
    }
}
