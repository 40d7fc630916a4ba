//! Units that packets cut: NAL units of H.264 (RFC 6184 section 5.8) and H.265 (RFC 7798 section
//! 4.4.3), OBUs of AV1 (RTP Payload Format For AV1, version 1.0, section 4.4).

use sfu_core::media::codec::Codec;

use super::{Arrived, Fault};

#[derive(Clone, Debug, Default)]
pub(crate) struct Units {
    /// A unit goes on in the next packet.
    open: bool,
    /// Whether one is open is not known.
    unsure: bool,
}

/// Whether the payload begins a unit, and whether its last unit goes on; `None` for one that must
/// not be.
fn cut(codec: Codec, payload: &[u8]) -> Option<(bool, bool)> {
    let first = *payload.first()?;
    match codec {
        Codec::Av1 => Some((first & 0x80 == 0, first & 0x40 != 0)),
        Codec::H264 if first & 0x1f == 28 => {
            let header = *payload.get(1)?;
            Some((header & 0x80 != 0, header & 0x40 == 0))
        }
        Codec::H265 if first >> 1 & 0x3f == 49 => {
            let header = *payload.get(2)?;
            Some((header & 0x80 != 0, header & 0x40 == 0))
        }
        _ => Some((true, false)),
    }
}

/// Whether a payload may be the first of a frame whose start nothing marks.
pub(super) fn may_start(codec: Codec, payload: &[u8]) -> bool {
    let starts_unit = cut(codec, payload).is_some_and(|(starts, _)| starts);
    // H.264's and H.265's frames of one slice, as these encoders write them: a unit is a frame, but
    // for parameter sets.
    starts_unit
}

impl Units {
    pub(super) fn lost(&mut self) {
        self.unsure = true;
    }

    pub(super) fn packet(
        &mut self,
        codec: Codec,
        packet: &Arrived,
        starts: bool,
    ) -> Result<(), Fault> {
        let (begins, goes_on) = cut(codec, &packet.payload).ok_or(Fault::Unreadable)?;
        let was_open = std::mem::replace(&mut self.open, goes_on);
        let unsure = std::mem::take(&mut self.unsure);
        if starts && !begins {
            return Err(Fault::FrameWithoutStart);
        }
        if !unsure && begins == was_open {
            return Err(Fault::MixedFrame);
        }
        if packet.marker && goes_on {
            return Err(Fault::FrameCut);
        }
        Ok(())
    }
}
