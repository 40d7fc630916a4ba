//! RTP and payload headers as a receiver reads them: the tests' own reading, which shares nothing
//! with the engine's.

/// An RTP packet in clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rtp {
    pub(crate) marker: bool,
    pub(crate) payload_type: u8,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
    pub(crate) extensions: Vec<(u8, Vec<u8>)>,
    pub(crate) header_len: usize,
}

pub(crate) fn be16(bytes: &[u8]) -> u16 {
    u16::from_be_bytes([bytes[0], bytes[1]])
}

pub(crate) fn be32(bytes: &[u8]) -> u32 {
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

/// RFC 3550 section 5.1 with the elements of RFC 8285.
pub(crate) fn rtp(packet: &[u8]) -> Rtp {
    let mut header_len = 12 + 4 * usize::from(packet[0] & 0x0f);
    let mut extensions = Vec::new();
    if packet[0] & 0x10 != 0 {
        let profile = be16(&packet[header_len..]);
        let len = 4 * usize::from(be16(&packet[header_len + 2..]));
        let all = &packet[header_len + 4..header_len + 4 + len];
        extensions = elements(profile, all);
        header_len += 4 + len;
    }
    Rtp {
        marker: packet[1] & 0x80 != 0,
        payload_type: packet[1] & 0x7f,
        sequence: be16(&packet[2..]),
        timestamp: be32(&packet[4..]),
        ssrc: be32(&packet[8..]),
        extensions,
        header_len,
    }
}

/// Appends header extensions, in the form that the longest of them needs (RFC 8285 section 4).
pub(crate) fn put_elements(packet: &mut Vec<u8>, elements: &[(u8, Vec<u8>)]) {
    let short = elements
        .iter()
        .all(|(_, value)| (1..=16).contains(&value.len()));
    let mut bytes = Vec::new();
    for (id, value) in elements {
        if short {
            bytes.push(id << 4 | (value.len() as u8 - 1));
        } else {
            bytes.extend([*id, value.len() as u8]);
        }
        bytes.extend(value);
    }
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    packet.extend(if short { [0xbe, 0xde] } else { [0x10, 0x00] });
    packet.extend((bytes.len() as u16 / 4).to_be_bytes());
    packet.extend(bytes);
}

fn elements(profile: u16, mut rest: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first == 0 {
            continue;
        }
        let (id, len) = if profile == 0xbede {
            (first >> 4, usize::from(first & 0x0f) + 1)
        } else {
            let (&len, after) = rest.split_first().unwrap();
            rest = after;
            (first, usize::from(len))
        };
        let (value, after) = rest.split_at(len);
        found.push((id, value.to_vec()));
        rest = after;
    }
    found
}

/// RFC 7741 section 4.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Vp8 {
    pub(crate) starts: bool,
    pub(crate) picture_id: Option<u16>,
    pub(crate) tl0: Option<u8>,
    pub(crate) temporal: Option<u8>,
    pub(crate) sync: bool,
    pub(crate) keyframe: bool,
    /// Where the numbers stand, for who rewrites them: of the picture id, and of TL0PICIDX.
    pub(crate) picture_id_at: usize,
    pub(crate) tl0_at: usize,
    /// Bytes of the descriptor.
    pub(crate) len: usize,
}

pub(crate) fn vp8(payload: &[u8]) -> Option<Vp8> {
    let first = *payload.first()?;
    let mut found = Vp8 {
        starts: first & 0x17 == 0x10,
        picture_id: None,
        tl0: None,
        temporal: None,
        sync: false,
        keyframe: false,
        picture_id_at: 0,
        tl0_at: 0,
        len: 1,
    };
    if first & 0x80 != 0 {
        let flags = *payload.get(1)?;
        found.len = 2;
        if flags & 0x80 != 0 {
            found.picture_id_at = found.len;
            let (value, len) = picture_id(&payload[found.len..])?;
            found.picture_id = Some(value);
            found.len += len;
        }
        if flags & 0x40 != 0 {
            found.tl0_at = found.len;
            found.tl0 = Some(*payload.get(found.len)?);
            found.len += 1;
        }
        if flags & 0x30 != 0 {
            let byte = *payload.get(found.len)?;
            if flags & 0x20 != 0 {
                found.temporal = Some(byte >> 6);
                found.sync = byte & 0x20 != 0;
            }
            found.len += 1;
        }
    }
    found.keyframe = found.starts && payload.get(found.len)? & 1 == 0;
    Some(found)
}

fn picture_id(bytes: &[u8]) -> Option<(u16, usize)> {
    let first = *bytes.first()?;
    if first & 0x80 == 0 {
        return Some((first.into(), 1));
    }
    Some((be16(bytes.get(..2)?) & 0x7fff, 2))
}

/// RFC 9628 section 4.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Vp9 {
    pub(crate) starts: bool,
    pub(crate) ends: bool,
    pub(crate) predicted: bool,
    pub(crate) flexible: bool,
    pub(crate) picture_id: u16,
    pub(crate) spatial: u8,
    pub(crate) temporal: u8,
    pub(crate) up_switch: bool,
    pub(crate) inter_layer: bool,
    pub(crate) tl0: Option<u8>,
    pub(crate) differences: Vec<u16>,
    pub(crate) has_structure: bool,
    pub(crate) picture_id_at: usize,
    pub(crate) tl0_at: usize,
    /// Bytes of the descriptor up to the scalability structure.
    pub(crate) len: usize,
}

impl Vp9 {
    pub(crate) fn keyframe(&self) -> bool {
        self.starts && !self.predicted && !self.inter_layer && self.spatial == 0
    }
}

/// `None` too where picture id or layers are missing: no sender of several layers leaves them out.
pub(crate) fn vp9(payload: &[u8]) -> Option<Vp9> {
    let first = *payload.first()?;
    let (with_id, layers) = (first & 0x80 != 0, first & 0x20 != 0);
    if !with_id {
        return None;
    }
    let (id, id_len) = picture_id(&payload[1..])?;
    let mut found = Vp9 {
        starts: first & 0x08 != 0,
        ends: first & 0x04 != 0,
        predicted: first & 0x40 != 0,
        flexible: first & 0x10 != 0,
        picture_id: id,
        spatial: 0,
        temporal: 0,
        up_switch: false,
        inter_layer: false,
        tl0: None,
        differences: Vec::new(),
        has_structure: first & 0x02 != 0,
        picture_id_at: 1,
        tl0_at: 0,
        len: 1 + id_len,
    };
    if layers {
        let byte = *payload.get(found.len)?;
        found.temporal = byte >> 5;
        found.up_switch = byte & 0x10 != 0;
        found.spatial = byte >> 1 & 7;
        found.inter_layer = byte & 1 != 0;
        found.len += 1;
        if !found.flexible {
            found.tl0_at = found.len;
            found.tl0 = Some(*payload.get(found.len)?);
            found.len += 1;
        }
    }
    if found.flexible && found.predicted {
        loop {
            let byte = *payload.get(found.len)?;
            found.len += 1;
            found.differences.push(u16::from(byte >> 1));
            if byte & 1 == 0 {
                break;
            }
        }
    }
    Some(found)
}

/// Whether an AV1 payload starts a temporal unit with a coded video sequence (RTP Payload Format For
/// AV1, version 1.0, section 4.4): the N bit; and whether its first element is a sequence header.
pub(crate) fn av1_starts_sequence(payload: &[u8]) -> bool {
    let Some(&aggregation) = payload.first() else {
        return false;
    };
    let (continues, count) = (aggregation & 0x80 != 0, aggregation >> 4 & 3);
    // With a count of one the only element has no length.
    let at = if count == 1 { 1 } else { 2 };
    let header = payload.get(at).copied().unwrap_or(0);
    aggregation & 0x08 != 0 && !continues && header >> 3 & 0x0f == 1
}

/// Whether an H.264 payload is the first of an IDR picture with its parameter sets (RFC 6184): an
/// SPS by itself or at the front of an aggregate.
pub(crate) fn h264_has_sps(payload: &[u8]) -> bool {
    match payload.first().map(|byte| byte & 0x1f) {
        Some(7) => true,
        Some(24) => payload.get(3).is_some_and(|byte| byte & 0x1f == 7),
        _ => false,
    }
}

/// Whether an H.265 payload begins with parameter sets (RFC 7798), which stand before each IRAP.
pub(crate) fn h265_has_sps(payload: &[u8]) -> bool {
    let kind = |byte: &u8| byte >> 1 & 0x3f;
    match payload.first().map(kind) {
        Some(32 | 33) => true,
        Some(48) => payload
            .get(4)
            .map(kind)
            .is_some_and(|kind| (32..=33).contains(&kind)),
        _ => false,
    }
}

/// The temporal sub-layer of an H.265 payload (RFC 7798 section 1.1.4).
pub(crate) fn h265_temporal(payload: &[u8]) -> u8 {
    (payload[1] & 7) - 1
}
