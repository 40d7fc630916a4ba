//! What shows of an AV1 picture in an RTP payload (RTP Payload Format For AV1, version 1.0, of the
//! Alliance for Open Media).

/// Most OBU elements of a packet that are looked at: a sequence header is among the first. Raising
/// it lets a packet of tiny elements cost more; lowering it misses keyframes whose packet starts
/// with other OBUs.
const MAX_ELEMENTS: usize = 8;

/// Bytes of a length in LEB128 that are read: a packet's lengths need 2.
const MAX_LEB128: usize = 4;

/// The OBU that every keyframe has before it (AV1 specification section 6.2.2).
const SEQUENCE_HEADER: u8 = 1;

/// What the front of an AV1 payload says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Av1Packet {
    /// The packet does not go on with an OBU of the one before: a frame may start here.
    pub frame_start: bool,
    /// The first packet of a coded video sequence: a receiver may start here.
    pub is_keyframe: bool,
    /// The temporal layer of the first OBU that names one, else 0.
    pub temporal_id: u8,
    /// The spatial layer of the same OBU.
    pub spatial_id: u8,
}

/// Reads an RTP payload.
///
/// `None` for one that is cut short, or that starts a sequence amid an OBU (section 4.4: Z and N
/// exclude each other).
#[must_use]
pub fn parse(payload: &[u8]) -> Option<Av1Packet> {
    let (&aggregation, mut rest) = payload.split_first()?;
    rest.first()?;
    // Section 4.4: Z, Y, two bits of W, N, and three that are reserved.
    let continues = aggregation & 0x80 != 0;
    let count = usize::from(aggregation >> 4 & 0x03);
    let new_sequence = aggregation & 0x08 != 0;
    if continues && new_sequence {
        return None;
    }
    let mut packet = Av1Packet {
        frame_start: !continues,
        is_keyframe: new_sequence,
        temporal_id: 0,
        spatial_id: 0,
    };
    let mut layer = None;
    for at in 0..MAX_ELEMENTS {
        if rest.is_empty() || count != 0 && at == count {
            break;
        }
        // Section 4.4: with W, the last element has no length.
        let element = if at + 1 == count {
            std::mem::take(&mut rest)
        } else {
            let (len, after) = leb128(rest)?;
            let (element, after) = after.split_at_checked(len)?;
            rest = after;
            element
        };
        // What goes on from the packet before has its header there.
        if at == 0 && continues {
            continue;
        }
        let Some((obu_type, layers)) = obu_header(element) else {
            continue;
        };
        packet.is_keyframe |= obu_type == SEQUENCE_HEADER;
        layer = layer.or(layers);
    }
    (packet.temporal_id, packet.spatial_id) = layer.unwrap_or((0, 0));
    Some(packet)
}

/// An OBU's type, and its temporal and spatial layer where it names them (AV1 specification
/// sections 5.3.2 and 5.3.3). `None` when it is cut short.
fn obu_header(obu: &[u8]) -> Option<(u8, Option<(u8, u8)>)> {
    let &first = obu.first()?;
    let obu_type = first >> 3 & 0x0f;
    let has_extension = first & 0x04 != 0;
    if !has_extension {
        return Some((obu_type, None));
    }
    let &extension = obu.get(1)?;
    Some((obu_type, Some((extension >> 5, extension >> 3 & 0x03))))
}

/// A length of at most [`MAX_LEB128`] bytes (AV1 specification section 4.10.5), and what follows.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0;
    for (at, &byte) in bytes.iter().enumerate().take(MAX_LEB128) {
        value |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEQUENCE: &[u8] = &[0x08, 0, 0, 0];
    const FRAME: &[u8] = &[0x30, 0x10, 0x20];
    /// A frame of temporal layer 2, spatial layer 1.
    const LAYERED_FRAME: &[u8] = &[0x34, 0x48, 0x10];

    /// A payload with W = 0: a length before each element.
    fn listed(aggregation: u8, elements: &[&[u8]]) -> Vec<u8> {
        let mut payload = vec![aggregation];
        for element in elements {
            payload.push(element.len() as u8);
            payload.extend(*element);
        }
        payload
    }

    /// A payload with W set: the last element has no length.
    fn counted(aggregation: u8, elements: &[&[u8]]) -> Vec<u8> {
        let mut payload = listed(aggregation | (elements.len() as u8) << 4, elements);
        let last = elements.last().unwrap().len();
        payload.remove(payload.len() - last - 1);
        payload
    }

    #[test]
    fn a_new_sequence_is_a_keyframe() {
        for payload in [
            listed(0x08, &[SEQUENCE, FRAME]),
            counted(0x08, &[SEQUENCE, FRAME]),
        ] {
            let packet = parse(&payload).unwrap();
            assert!(packet.is_keyframe && packet.frame_start);
        }
        let inter = parse(&counted(0, &[FRAME])).unwrap();
        assert!(!inter.is_keyframe && inter.frame_start);
    }

    #[test]
    fn a_sequence_header_tells_a_keyframe_too() {
        // A sender that does not set N.
        assert!(parse(&counted(0, &[SEQUENCE, FRAME])).unwrap().is_keyframe);
        assert!(parse(&listed(0, &[FRAME, SEQUENCE])).unwrap().is_keyframe);
        // The first bytes of a fragment are no header.
        let fragment = parse(&counted(0x80, &[SEQUENCE])).unwrap();
        assert!(!fragment.is_keyframe && !fragment.frame_start);
        assert!(
            parse(&counted(0x80, &[FRAME, SEQUENCE]))
                .unwrap()
                .is_keyframe
        );
    }

    #[test]
    fn layers_are_read_of_the_first_obu_that_names_them() {
        let packet = parse(&counted(0, &[FRAME, LAYERED_FRAME])).unwrap();
        assert_eq!((packet.temporal_id, packet.spatial_id), (2, 1));
        let packet = parse(&counted(0, &[FRAME])).unwrap();
        assert_eq!((packet.temporal_id, packet.spatial_id), (0, 0));
    }

    #[test]
    fn lengths_of_several_bytes_are_read() {
        let mut payload = vec![0x00, 0x84, 0x01];
        payload.extend([0x30; 132]);
        payload.extend([4, 0x08, 0, 0, 0]);
        assert!(parse(&payload).unwrap().is_keyframe);
        assert_eq!(parse(&[0x00, 0xff, 0xff, 0xff, 0xff, 0]), None);
    }

    #[test]
    fn no_more_than_a_few_elements_are_looked_at() {
        let tiny: &[u8] = &[0x10];
        let mut elements = vec![tiny; MAX_ELEMENTS - 1];
        elements.push(SEQUENCE);
        assert!(parse(&listed(0, &elements)).unwrap().is_keyframe);
        elements.insert(0, tiny);
        assert!(!parse(&listed(0, &elements)).unwrap().is_keyframe);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert_eq!(parse(&[]), None);
        assert_eq!(parse(&[0x10]), None, "nothing in it");
        assert_eq!(parse(&[0x98, 0x08]), None, "Z with N");
        assert_eq!(parse(&[0x00, 5, 1, 2]), None, "a length past the end");
    }
}
