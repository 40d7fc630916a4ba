//! Which protocol a datagram on a shared port belongs to.

/// Bytes of a STUN header (RFC 8489 section 5).
const STUN_HEADER: usize = 20;

/// Bytes of a DTLS 1.2 record header (RFC 6347 section 4.1). A DTLS 1.3 record has a shorter header
/// (RFC 9147 section 4), but with its 16-byte tag it is never shorter than this.
const DTLS_HEADER: usize = 13;

/// Bytes of the fixed RTP header (RFC 3550 section 5.1).
const RTP_HEADER: usize = 12;

/// Bytes of an RTCP header and its sender's SSRC (RFC 3550 section 6.4), the part that SRTCP leaves
/// in the clear.
const RTCP_HEADER: usize = 8;

/// The protocol of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DatagramKind {
    /// STUN (RFC 8489): an ICE check.
    Stun,
    /// A DTLS record (RFC 6347, RFC 9147).
    Dtls,
    /// RTP, as a rule still encrypted (RFC 3711).
    Rtp,
    /// RTCP, as a rule still encrypted (RFC 3711).
    Rtcp,
}

/// Tells a datagram's protocol by its first bytes.
///
/// `None` for a first byte of a protocol that is not spoken here (ZRTP, TURN channels, QUIC), an
/// unassigned one, or fewer bytes than that protocol's header has. Reads two bytes at most, so that
/// nothing is spent on a sender that has proved nothing yet.
#[must_use]
pub fn classify(datagram: &[u8]) -> Option<DatagramKind> {
    let (kind, header) = match *datagram.first()? {
        // RFC 7983 section 7, figure 3.
        0..=3 => (DatagramKind::Stun, STUN_HEADER),
        20..=63 => (DatagramKind::Dtls, DTLS_HEADER),
        // RFC 5761 section 4: the marker bit and payload types 64 to 95 are RTCP's packet types 192
        // to 223.
        128..=191 => match *datagram.get(1)? & 0x7f {
            64..=95 => (DatagramKind::Rtcp, RTCP_HEADER),
            _ => (DatagramKind::Rtp, RTP_HEADER),
        },
        _ => return None,
    };
    (datagram.len() >= header).then_some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(first: u8, second: u8) -> Option<DatagramKind> {
        let mut datagram = [0; 40];
        datagram[0] = first;
        datagram[1] = second;
        classify(&datagram)
    }

    #[test]
    fn every_first_byte_has_the_meaning_of_rfc_7983() {
        for first in 0..=255 {
            let want = match first {
                0..=3 => Some(DatagramKind::Stun),
                20..=63 => Some(DatagramKind::Dtls),
                128..=191 => Some(DatagramKind::Rtp),
                _ => None,
            };
            assert_eq!(of(first, 0), want, "first byte {first}");
        }
    }

    #[test]
    fn rtcp_is_packet_types_192_to_223() {
        for second in 0..=255 {
            let want = match second {
                192..=223 | 64..=95 => DatagramKind::Rtcp,
                _ => DatagramKind::Rtp,
            };
            assert_eq!(of(0x80, second), Some(want), "second byte {second}");
        }
    }

    #[test]
    fn less_than_a_header_is_nothing() {
        for (first, second, header) in [(0, 1, 20), (22, 254, 13), (0x80, 96, 12), (0x80, 200, 8)] {
            let mut datagram = vec![0; header];
            datagram[0] = first;
            datagram[1] = second;
            assert!(classify(&datagram).is_some());
            for len in 0..header {
                assert_eq!(classify(&datagram[..len]), None, "{first} at {len} bytes");
            }
        }
    }
}
