//! A look at an SCTP packet (RFC 9260) before the SCTP library takes it: what costs more than its
//! bytes is refused here.

use super::be16;

/// Bytes of the common header (RFC 9260 section 3.1).
const COMMON_HEADER_LEN: usize = 12;

/// Bytes of a chunk's header (RFC 9260 section 3.2).
const CHUNK_HEADER_LEN: usize = 4;

const CHUNK_DATA: u8 = 0;
const CHUNK_INIT: u8 = 1;
const CHUNK_INIT_ACK: u8 = 2;
const CHUNK_SACK: u8 = 3;
const CHUNK_I_DATA: u8 = 64;
const CHUNK_FORWARD_TSN: u8 = 192;

/// Bytes of a DATA chunk before its data (RFC 9260 section 3.3.1).
const DATA_HEADER_LEN: usize = 16;

/// Most chunks of a packet that are not data: a sender has one of a few kinds.
///
/// Each may ask for a packet in answer, so higher lets a packet be answered by more; lower could
/// refuse a peer that gathers its replies.
const MAX_CONTROL_CHUNKS: usize = 8;

/// Data of fewer bytes than this is small.
const SMALL_DATA: usize = 64;

/// What small data counts for. Whoever sends a byte at a time, in the order that suits a receiver
/// worst, makes a receive window hold a hundred thousand pieces, among which each new one is put in
/// its place. Higher slows that down more, and with it everyone's short messages; lower the reverse.
const SMALL_DATA_WORK: usize = 4;

/// The work that a packet makes, in chunks of a usual size. `None` when its chunks do not end within the packet, when data is
/// empty, when a stream that carries data or is skipped is not below `streams`, or when more than a
/// few chunks are not data.
///
/// The library keeps a record of each stream it ever heard of, walks them all for each FORWARD-TSN,
/// and answers each chunk that it does not know with a packet.
#[must_use]
pub fn work_within(packet: &[u8], streams: u16) -> Option<usize> {
    let mut rest = packet.get(COMMON_HEADER_LEN..)?;
    let (mut data, mut control) = (0, 0);
    while !rest.is_empty() {
        let len = be16(rest, 2).map(usize::from)?;
        let chunk = rest.get(..len).filter(|_| len >= CHUNK_HEADER_LEN)?;
        match chunk[0] {
            // RFC 9260 section 3.3.1, RFC 8260 section 2.1: the stream follows the TSN.
            CHUNK_DATA | CHUNK_I_DATA => {
                be16(chunk, 8).filter(|stream| *stream < streams && len > DATA_HEADER_LEN)?;
                let is_small = len < DATA_HEADER_LEN + SMALL_DATA;
                data += if is_small { SMALL_DATA_WORK } else { 1 };
            }
            // RFC 3758 section 3.2: pairs of a stream and a sequence number follow the TSN.
            CHUNK_FORWARD_TSN => {
                let known = |pair| be16(pair, 0).is_some_and(|stream| stream < streams);
                chunk.get(8..).filter(|pairs| pairs.chunks(4).all(known))?;
                control += 1;
            }
            _ => control += 1,
        }
        // RFC 9260 section 3.2: padded to four bytes; the last one's padding may be cut off.
        rest = rest.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    (data + control > 0 && control <= MAX_CONTROL_CHUNKS).then_some(data + control)
}

/// Lowers what a packet of our own says of the receive window by `less` bytes, to `most` at most.
///
/// Packets that say nothing of it are not touched.
pub fn narrow_window(packet: &mut [u8], less: u32, most: u32) {
    let mut at = COMMON_HEADER_LEN;
    let mut touched = false;
    while let Some(len) = be16(packet, at + 2).map(usize::from) {
        let tells = matches!(packet[at], CHUNK_INIT | CHUNK_INIT_ACK | CHUNK_SACK);
        // RFC 9260 sections 3.3.2 to 3.3.4: after an initiate tag, or a cumulative TSN.
        if let Some(window) = packet.get_mut(at + 8..at + 12).filter(|_| tells) {
            let said = window.iter().fold(0, |n, byte| n << 8 | u32::from(*byte));
            window.copy_from_slice(&said.saturating_sub(less).min(most).to_be_bytes());
            touched = true;
        }
        at += len.max(CHUNK_HEADER_LEN).next_multiple_of(4);
    }
    if touched {
        write_checksum(packet);
    }
}

/// Writes a packet's checksum anew (RFC 9260 section 6.8 and appendix A).
pub fn write_checksum(packet: &mut [u8]) {
    if let Some(place) = packet.get_mut(8..COMMON_HEADER_LEN) {
        place.fill(0);
        let checksum = crc32c(packet);
        packet[8..COMMON_HEADER_LEN].copy_from_slice(&checksum.to_le_bytes());
    }
}

/// CRC-32C (Castagnoli), its bits reflected (RFC 9260 appendix A).
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| CRC[usize::from((crc.to_le_bytes()[0]) ^ byte)] ^ (crc >> 8);
    !bytes.iter().fold(!0, step)
}

/// What each byte does to the checksum.
const CRC: [u32; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < table.len() {
        let mut crc = at as u32;
        let mut bit = 0;
        while bit < 8 {
            // The polynomial 0x1edc6f41, reflected.
            crc = (crc >> 1) ^ (0x82f6_3b78 * (crc & 1));
            bit += 1;
        }
        table[at] = crc;
        at += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_standard_s() {
        // RFC 3720 appendix B.4: 32 zeros, 32 ones, and counting up.
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        let counting: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c(&counting), 0x46dd_794e);
    }

    #[test]
    fn the_window_is_narrowed_wherever_it_stands_and_nothing_else_is() {
        let told = |kind: u8, window: u32| {
            let window = window.to_be_bytes();
            let head = [kind, 0, 0, 16, 9, 9, 9, 9];
            [&head[..], &window, &[0, 10, 0, 20]].concat()
        };
        let window = |packet: &[u8], at| u32::from_be_bytes(packet[at..at + 4].try_into().unwrap());
        for kind in [CHUNK_INIT, CHUNK_INIT_ACK, CHUNK_SACK] {
            let mut narrow = packet(&[&data(1), &told(kind, 1000)]);
            let before = narrow.clone();
            narrow_window(&mut narrow, 300, 800);
            assert_eq!(window(&narrow, 40), 700);
            assert_ne!(narrow[8..12], before[8..12]);
            assert_eq!(narrow[12..40], before[12..40]);
            assert_eq!(narrow[44..], before[44..]);
            narrow_window(&mut narrow, 0, 600);
            assert_eq!(window(&narrow, 40), 600);
            narrow_window(&mut narrow, 601, 600);
            assert_eq!(window(&narrow, 40), 0);
        }
        // Without one, cut short, or with lengths that lead nowhere.
        let whole = packet(&[&told(CHUNK_SACK, 1000)]);
        let others = [packet(&[&data(1)]), packet(&[&[3, 0, 0, 0]])];
        for other in others
            .iter()
            .map(Vec::as_slice)
            .chain((0..24).map(|len| &whole[..len]))
        {
            let mut same = other.to_vec();
            narrow_window(&mut same, 300, 800);
            assert_eq!(same, other);
        }
    }

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

    fn is_within(packet: &[u8], streams: u16) -> bool {
        work_within(packet, streams).is_some()
    }

    #[test]
    fn small_data_counts_more_and_few_chunks_are_not_data() {
        let count = |chunks: &[&[u8]]| work_within(&packet(chunks), 256);
        let (data, unknown) = (data(1), [0xc1, 0, 0, 4]);
        let mut large = data.clone();
        large[3] = 16 + 64;
        large.resize(16 + 64, 7);
        assert_eq!(count(&[&large, &large, &unknown]), Some(3));
        assert_eq!(count(&[&data[..]; 50]), Some(50 * SMALL_DATA_WORK));
        assert_eq!(count(&[&unknown[..]; 8]), Some(8));
        assert_eq!(count(&[&unknown[..]; 9]), None);
        assert_eq!(count(&[]), None);
        let empty = [&[0, 3, 0, 16], &data[4..16]].concat();
        assert_eq!(count(&[&empty]), None);
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
