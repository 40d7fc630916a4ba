//! The VP9 payload descriptor (RFC 9628 section 4.2).

pub use super::picture_id::PictureId;

/// Most reference indices of a packet (RFC 9628 section 4.2: the third has no successor).
const MAX_REFERENCES: usize = 3;

/// What the front of a VP9 payload says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vp9Descriptor {
    /// The picture's number: the same for all of its spatial layers.
    pub picture_id: Option<PictureId>,
    /// P: the frame rests on earlier pictures.
    pub inter_picture: bool,
    /// F: each packet says which pictures it rests on.
    pub flexible: bool,
    /// B: the first packet of a layer's frame.
    pub frame_start: bool,
    /// E: the last packet of a layer's frame.
    pub frame_end: bool,
    /// TID: the temporal layer, 0..=7.
    pub temporal_id: Option<u8>,
    /// U: later pictures of higher temporal layers rest on none of such layers before this picture.
    /// False without a temporal id.
    pub switching_up: bool,
    /// SID: the spatial layer, 0..=7.
    pub spatial_id: Option<u8>,
    /// D: the frame rests on the spatial layer below.
    pub inter_layer: bool,
    /// P_DIFF: in flexible mode the pictures that the frame rests on, as differences of picture ids;
    /// 0 is none, and ends them.
    pub references: [u8; MAX_REFERENCES],
    /// TL0PICIDX: counts the pictures of the base temporal layer; in non-flexible mode only.
    pub tl0_picture_index: Option<u8>,
    /// N_S: how many spatial layers there are, where a scalability structure tells.
    pub spatial_layers: Option<u8>,
    /// Width and height of the largest spatial layer that the scalability structure tells, in
    /// pixels.
    pub resolution: Option<(u16, u16)>,
    /// Bytes of the descriptor; the VP9 payload follows.
    pub descriptor_len: u16,
    /// The first packet of a picture that rests on nothing: a receiver may start here.
    pub is_keyframe: bool,
}

/// Where a descriptor's fields lie, in bytes from the payload's start.
struct Layout {
    picture_id: Option<(usize, PictureId)>,
    /// The byte of TID, U, SID and D.
    layers: Option<u8>,
    tl0: Option<usize>,
    references: [u8; MAX_REFERENCES],
    spatial_layers: Option<u8>,
    resolution: Option<(u16, u16)>,
    len: usize,
}

/// The bits of the first byte, from the top (RFC 9628 section 4.2).
const I: u8 = 0x80;
const P: u8 = 0x40;
const L: u8 = 0x20;
const F: u8 = 0x10;
const B: u8 = 0x08;
const E: u8 = 0x04;
const V: u8 = 0x02;

impl Layout {
    fn read(payload: &[u8]) -> Option<Self> {
        let flags = *payload.first()?;
        // RFC 9628 section 4.2: in flexible mode a picture id must be there.
        if flags & (F | I) == F {
            return None;
        }
        let mut layout = Self {
            picture_id: None,
            layers: None,
            tl0: None,
            references: [0; MAX_REFERENCES],
            spatial_layers: None,
            resolution: None,
            len: 1,
        };
        if flags & I != 0 {
            let picture_id = PictureId::read(payload, layout.len)?;
            layout.picture_id = Some((layout.len, picture_id));
            layout.len += picture_id.len();
        }
        if flags & L != 0 {
            layout.layers = Some(*payload.get(layout.len)?);
            layout.len += 1;
            if flags & F == 0 {
                layout.tl0 = Some(layout.len);
                layout.len += 1;
            }
        }
        if flags & (F | P) == F | P {
            layout.references(payload)?;
        }
        if flags & V != 0 {
            layout.scalability_structure(payload)?;
        }
        (layout.len <= payload.len()).then_some(layout)
    }

    /// P_DIFF and N, of which N says that another follows.
    fn references(&mut self, payload: &[u8]) -> Option<()> {
        for place in &mut self.references {
            let reference = *payload.get(self.len)?;
            self.len += 1;
            *place = reference >> 1;
            if reference & 0x01 == 0 {
                return Some(());
            }
        }
        None
    }

    /// RFC 9628 section 4.2.1: at most 8 resolutions and 255 pictures of at most 3 references, each
    /// of which takes a byte of the payload.
    fn scalability_structure(&mut self, payload: &[u8]) -> Option<()> {
        let head = *payload.get(self.len)?;
        self.len += 1;
        let layers = usize::from(head >> 5) + 1;
        self.spatial_layers = Some((head >> 5) + 1);
        if head & 0x10 != 0 {
            let sizes = payload.get(self.len..)?.get(..4 * layers)?;
            let last = sizes.last_chunk::<4>()?;
            let [width_high, width_low, height_high, height_low] = *last;
            self.resolution = Some((
                u16::from_be_bytes([width_high, width_low]),
                u16::from_be_bytes([height_high, height_low]),
            ));
            self.len += 4 * layers;
        }
        if head & 0x08 != 0 {
            let pictures = *payload.get(self.len)?;
            self.len += 1;
            for _ in 0..pictures {
                let references = *payload.get(self.len)? >> 2 & 0x03;
                self.len += 1 + usize::from(references);
            }
        }
        Some(())
    }
}

/// Reads the descriptor at the front of an RTP payload.
///
/// `None` when the descriptor is cut short or nothing follows it.
#[must_use]
pub fn parse(payload: &[u8]) -> Option<Vp9Descriptor> {
    let layout = Layout::read(payload)?;
    payload.get(layout.len)?;
    let flags = *payload.first()?;
    let spatial_id = layout.layers.map(|byte| byte >> 1 & 0x07);
    let frame_start = flags & B != 0;
    let inter_picture = flags & P != 0;
    Some(Vp9Descriptor {
        picture_id: layout.picture_id.map(|(_, id)| id),
        inter_picture,
        flexible: flags & F != 0,
        frame_start,
        frame_end: flags & E != 0,
        temporal_id: layout.layers.map(|byte| byte >> 5),
        switching_up: layout.layers.is_some_and(|byte| byte & 0x10 != 0),
        spatial_id,
        inter_layer: layout.layers.is_some_and(|byte| byte & 0x01 != 0),
        references: layout.references,
        tl0_picture_index: layout.tl0.and_then(|at| payload.get(at).copied()),
        spatial_layers: layout.spatial_layers,
        resolution: layout.resolution,
        descriptor_len: u16::try_from(layout.len).ok()?,
        // The upper spatial layers of such a picture rest on nothing earlier too.
        is_keyframe: frame_start && !inter_picture && spatial_id.unwrap_or(0) == 0,
    })
}

/// Rewrites the picture id and TL0PICIDX in place, each in the width that it came in. `payload` may
/// be the descriptor alone. A field that the descriptor lacks stays absent.
///
/// `None`, and nothing written, when the descriptor is cut short.
pub fn patch(payload: &mut [u8], picture_id: Option<u16>, tl0: Option<u8>) -> Option<()> {
    let layout = Layout::read(payload)?;
    if let (Some((at, former)), Some(value)) = (layout.picture_id, picture_id) {
        former.overwrite(payload, at, value);
    }
    if let (Some(at), Some(value)) = (layout.tl0, tl0) {
        payload[at] = value;
    }
    Some(())
}

#[cfg(test)]
mod tests;
