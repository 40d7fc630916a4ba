//! A look at an SCTP packet (RFC 9260) before the SCTP library takes it: what costs more than its
//! bytes is refused here.

use super::be16;

/// Bytes of the common header (RFC 9260 section 3.1).
const COMMON_HEADER_LEN: usize = 12;

/// Bytes of a chunk's header (RFC 9260 section 3.2).
const CHUNK_HEADER_LEN: usize = 4;

const CHUNK_DATA: u8 = 0;
const CHUNK_I_DATA: u8 = 64;
const CHUNK_FORWARD_TSN: u8 = 192;

/// Whether every chunk ends within the packet, and every stream that carries data or is skipped is
/// below `streams`. The library keeps a record of each stream it ever heard of, and walks them all
/// for each FORWARD-TSN.
#[must_use]
pub fn is_within(packet: &[u8], streams: u16) -> bool {
    let mut rest = match packet.get(COMMON_HEADER_LEN..) {
        Some(chunks) if !chunks.is_empty() => chunks,
        _ => return false,
    };
    while !rest.is_empty() {
        let Some(len) = be16(rest, 2).map(usize::from) else {
            return false;
        };
        if len < CHUNK_HEADER_LEN {
            return false;
        }
        let Some(chunk) = rest.get(..len) else {
            return false;
        };
        let within = match chunk[0] {
            // RFC 9260 section 3.3.1, RFC 8260 section 2.1: the stream follows the TSN.
            CHUNK_DATA | CHUNK_I_DATA => be16(chunk, 8).is_some_and(|stream| stream < streams),
            // RFC 3758 section 3.2: pairs of a stream and a sequence number follow the TSN.
            CHUNK_FORWARD_TSN => chunk.get(8..).is_some_and(|skipped| {
                skipped
                    .chunks(4)
                    .all(|pair| be16(pair, 0).is_some_and(|stream| stream < streams))
            }),
            _ => true,
        };
        if !within {
            return false;
        }
        // RFC 9260 section 3.2: padded to four bytes; the last one's padding may be cut off.
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: [u8; 12] = [0x13, 0x88, 0x13, 0x88, 1, 2, 3, 4, 0, 0, 0, 0];

    fn packet(chunks: &[&[u8]]) -> Vec<u8> {
        [&HEADER[..], &chunks.concat()].concat()
    }

    fn data(stream: u16) -> Vec<u8> {
        let [high, low] = stream.to_be_bytes();
        vec![
            0, 3, 0, 17, 0, 0, 0, 1, high, low, 0, 0, 0, 0, 0, 53, 7, 0, 0, 0,
        ]
    }

    fn forward_tsn(streams: &[u16]) -> Vec<u8> {
        let len = u8::try_from(8 + 4 * streams.len()).unwrap();
        let mut chunk = vec![192, 0, 0, len, 0, 0, 0, 9];
        for stream in streams {
            chunk.extend(stream.to_be_bytes());
            chunk.extend([0, 1]);
        }
        chunk
    }

    #[test]
    fn streams_out_of_bounds_are_refused_wherever_they_stand() {
        assert!(is_within(&packet(&[&data(255)]), 256));
        assert!(!is_within(&packet(&[&data(256)]), 256));
        assert!(is_within(
            &packet(&[&data(0), &forward_tsn(&[0, 255])]),
            256
        ));
        assert!(!is_within(
            &packet(&[&data(0), &forward_tsn(&[0, 256])]),
            256
        ));
        assert!(!is_within(&packet(&[&data(0), &data(300)]), 256));
        assert!(is_within(&packet(&[&forward_tsn(&[])]), 256));
    }

    #[test]
    fn chunks_end_within_the_packet() {
        let whole = packet(&[&data(1)]);
        // The padding of the last chunk may be missing (RFC 9260 section 3.2), but nothing else.
        for len in 0..whole.len() {
            assert_eq!(
                is_within(&whole[..len], 256),
                len >= whole.len() - 3,
                "{len}"
            );
        }
        assert!(
            !is_within(&packet(&[&[6, 0, 0, 3]]), 256),
            "shorter than its own header"
        );
        assert!(!is_within(&packet(&[&[6, 0, 0, 9, 0, 0, 0, 0]]), 256));
    }
}
