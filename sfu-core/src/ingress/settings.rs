//! What an encoding is made with.

use crate::id::{PayloadType, Ssrc};
use crate::media::format::{PayloadMapping, Payloads};

/// What a published encoding is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngressSettings {
    /// The formats that it may come in: not empty, and all of one kind. A publisher may change
    /// from one to another within the stream.
    pub formats: Payloads,
    /// The payload type that it begins with.
    pub payload_type: PayloadType,
    /// The stream.
    pub media_ssrc: Ssrc,
}

impl IngressSettings {
    /// The format of a payload type.
    pub(super) fn format(&self, payload_type: PayloadType) -> Option<&PayloadMapping> {
        let mut formats = self.formats.iter();
        formats.find(|format| format.payload_type == payload_type)
    }
}
