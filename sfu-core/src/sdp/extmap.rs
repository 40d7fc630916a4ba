//! Header extension ids (`a=extmap`, RFC 8285 section 5).

use rtc_sdp::description::common::Attribute;

use super::values;
use crate::media::session::ExtensionMap;
use crate::wire::extensions::uri;

/// The extensions that are agreed on, each with its place in the map.
pub(super) fn slots(map: &mut ExtensionMap) -> [(&'static str, &mut Option<u8>); 8] {
    [
        (uri::MID, &mut map.mid),
        (uri::RID, &mut map.rid),
        (uri::RRID, &mut map.repaired_rid),
        (uri::AUDIO_LEVEL, &mut map.audio_level),
        (uri::TRANSPORT_CC, &mut map.transport_cc),
        (uri::ABS_SEND_TIME, &mut map.abs_send_time),
        (uri::DEPENDENCY_DESCRIPTOR, &mut map.dependency_descriptor),
        (uri::VIDEO_ORIENTATION, &mut map.video_orientation),
    ]
}

/// Reads the known extensions of one section. An id out of range, or used twice, is not agreed on.
pub(super) fn read(attributes: &[Attribute], allow_mixed: bool) -> ExtensionMap {
    let mut map = ExtensionMap::default();
    let mut used = [false; 256];
    for line in values(attributes, "extmap") {
        let Some((id, uri)) = read_line(line) else {
            continue;
        };
        // RFC 8285 section 4.2: the one-byte form holds 1 to 14 and reserves 15; the two-byte form
        // is only understood by a peer that says so (section 4.1.2).
        let usable = matches!(id, 1..=14) || (allow_mixed && id > 15);
        if !usable || std::mem::replace(&mut used[usize::from(id)], true) {
            continue;
        }
        for (known, slot) in slots(&mut map) {
            if known == uri && slot.is_none() {
                *slot = Some(id);
            }
        }
    }
    map
}

/// `<id>[/<direction>] <uri> [<attributes>]`. An inactive extension is as good as not offered.
fn read_line(line: &str) -> Option<(u8, &str)> {
    let mut words = line.split_ascii_whitespace();
    let id = words.next()?;
    let (id, direction) = id.split_once('/').unwrap_or((id, "sendrecv"));
    if direction == "inactive" {
        return None;
    }
    Some((id.parse().ok()?, words.next()?))
}
