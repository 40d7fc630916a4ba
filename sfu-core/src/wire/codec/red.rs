//! Redundant audio (RFC 2198): older packets' sound before the packet's own, so that one that is
//! lost is heard from the next.

use crate::id::PayloadType;

/// Most blocks of a packet that is read, the packet's own included. libwebrtc sends 2, or by a
/// trial up to 10. Raising it lets a packet make the engine walk a longer list; lowering it drops
/// the sound of those who protect theirs that much.
pub const MAX_BLOCKS: usize = 16;

/// Bytes of a redundant block's header, and of the packet's own block.
const BLOCK_HEADER: usize = 4;
const PRIMARY_HEADER: usize = 1;

/// Where things lie in a packet of redundant audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Red {
    /// The payload type of every block.
    pub payload_type: PayloadType,
    /// Redundant blocks before the packet's own, 0..[`MAX_BLOCKS`].
    pub redundant: u8,
    /// Where the packet's own sound starts, in bytes from the payload's start; it reaches to the
    /// end.
    pub primary_start: u16,
}

/// Reads a payload whose blocks all have the same payload type, which is what a codec with its own
/// redundancy sends.
///
/// `None` when it is cut short, when the packet's own block is empty, for blocks of several types,
/// and for more than [`MAX_BLOCKS`].
#[must_use]
pub fn parse(payload: &[u8]) -> Option<Red> {
    let mut at = 0;
    let mut redundant_bytes = 0;
    let payload_type = *payload.first()? & 0x7f;
    for redundant in 0..MAX_BLOCKS {
        let &first = payload.get(at)?;
        if first & 0x7f != payload_type {
            return None;
        }
        // RFC 2198 section 3: F is set where another block's header follows.
        if first & 0x80 == 0 {
            let start = at + PRIMARY_HEADER + redundant_bytes;
            payload.get(start)?;
            return Some(Red {
                payload_type: PayloadType(payload_type),
                redundant: redundant as u8,
                primary_start: u16::try_from(start).ok()?,
            });
        }
        let &[_, _, high, low] = payload.get(at..)?.first_chunk::<BLOCK_HEADER>()?;
        // RFC 2198 section 3: 14 bits of timestamp offset, then 10 bits of length.
        redundant_bytes += usize::from(high & 0x03) << 8 | usize::from(low);
        at += BLOCK_HEADER;
    }
    None
}

/// Gives every block the payload type that the receiver knows its codec by.
///
/// `None`, and nothing written, when [`parse`] gives none.
pub fn patch(payload: &mut [u8], payload_type: PayloadType) -> Option<()> {
    let red = parse(payload)?;
    for block in 0..=usize::from(red.redundant) {
        let header = payload.get_mut(block * BLOCK_HEADER)?;
        *header = *header & 0x80 | payload_type.0 & 0x7f;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A packet of redundant audio: `redundant` blocks and the primary one, of type 111.
    fn packet(redundant: &[&[u8]], primary: &[u8]) -> Vec<u8> {
        let mut payload = Vec::new();
        for (age, block) in redundant.iter().enumerate() {
            let offset = 960 * (redundant.len() - age) as u32;
            let word = 1 << 31 | 111 << 24 | offset << 10 | block.len() as u32;
            payload.extend(word.to_be_bytes());
        }
        payload.push(111);
        payload.extend(redundant.concat());
        payload.extend(primary);
        payload
    }

    #[test]
    fn the_packets_own_sound_is_behind_all_else() {
        for redundant in [&[][..], &[b"older".as_slice()], &[b"oldest", b"older"]] {
            let payload = packet(redundant, b"own");
            let red = parse(&payload).unwrap();
            assert_eq!(usize::from(red.redundant), redundant.len());
            assert_eq!(red.payload_type, PayloadType(111));
            assert_eq!(&payload[usize::from(red.primary_start)..], b"own");
        }
    }

    #[test]
    fn a_block_may_be_empty_but_not_the_packets_own() {
        let payload = packet(&[b"", b"older"], b"own");
        let start = parse(&payload).unwrap().primary_start;
        assert_eq!(&payload[usize::from(start)..], b"own");
        assert_eq!(parse(&packet(&[b"older"], b"")), None);
        assert_eq!(parse(&packet(&[], b"")), None);
    }

    #[test]
    fn a_packet_cut_short_is_refused() {
        let payload = packet(&[b"oldest", b"older"], b"o");
        for len in 0..payload.len() {
            assert_eq!(parse(&payload[..len]), None, "{len}");
        }
    }

    #[test]
    fn more_blocks_than_the_bound_are_refused() {
        let block: &[u8] = b"x";
        let most = vec![block; MAX_BLOCKS - 1];
        assert!(parse(&packet(&most, b"own")).is_some());
        assert_eq!(parse(&packet(&vec![block; MAX_BLOCKS], b"own")), None);
    }

    #[test]
    fn blocks_of_several_codecs_are_refused() {
        let mut payload = packet(&[b"older"], b"own");
        payload[4] = 0;
        assert_eq!(parse(&payload), None);
    }

    #[test]
    fn every_block_gets_the_receivers_payload_type() {
        let before = packet(&[b"oldest", b"older"], b"own");
        let mut after = before.clone();
        patch(&mut after, PayloadType(109)).unwrap();
        let red = parse(&after).unwrap();
        assert_eq!(red.payload_type, PayloadType(109));
        patch(&mut after, PayloadType(111)).unwrap();
        assert_eq!(after, before);
        assert_eq!(patch(&mut after[..3], PayloadType(1)), None);
        assert_eq!(after, before);
    }
}
