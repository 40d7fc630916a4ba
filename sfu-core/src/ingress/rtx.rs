//! Repairs as publishers send them (RFC 4588): a packet in a packet.

use crate::id::{PayloadType, Ssrc};
use crate::wire::rtp::RtpHeader;

/// Bytes of the original sequence number before the original payload (RFC 4588 section 4).
const OSN_LEN: u16 = 2;

/// The original packet inside a repair: its header, whose `header_len` reaches to the original
/// payload within the same bytes, and that payload. `payload` is the repair's, decrypted and without
/// padding; `media` is the stream that it repairs and the payload type there.
///
/// `None` when there is no original in it: a probe of padding only.
#[must_use]
pub fn unwrap<'p>(
    header: &RtpHeader,
    payload: &'p [u8],
    media: (Ssrc, PayloadType),
) -> Option<(RtpHeader, &'p [u8])> {
    let (&osn, original) = payload.split_first_chunk()?;
    let (ssrc, payload_type) = media;
    let header = RtpHeader {
        ssrc,
        payload_type,
        sequence: u16::from_be_bytes(osn),
        header_len: header.header_len.checked_add(OSN_LEN)?,
        ..*header
    };
    Some((header, original))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_original_is_found_where_it_lies() {
        let packet = [
            0x80, 0xe1, 0x12, 0x34, 0, 0, 0, 7, 0, 0, 0, 9, 0xab, 0xcd, b'h', b'i',
        ];
        let header = RtpHeader::parse(&packet).unwrap();
        let media = (Ssrc(5), PayloadType(96));
        let (original, payload) = unwrap(&header, &packet[12..], media).unwrap();
        assert_eq!(payload, b"hi");
        assert_eq!(&packet[usize::from(original.header_len)..], b"hi");
        assert_eq!(original.sequence, 0xabcd);
        assert_eq!((original.ssrc, original.payload_type), media);
        assert_eq!((original.timestamp, original.marker), (7, true));
    }

    #[test]
    fn a_probe_holds_nothing() {
        let header = RtpHeader::parse(&[0x80; 12]).unwrap();
        let media = (Ssrc(5), PayloadType(96));
        assert!(unwrap(&header, &[], media).is_none());
        assert!(unwrap(&header, &[1], media).is_none());
        assert_eq!(unwrap(&header, &[1, 2], media).unwrap().1, b"");
    }
}
