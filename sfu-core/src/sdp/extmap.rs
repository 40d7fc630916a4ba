//! Header extension ids (`a=extmap`, RFC 8285 section 5).

use rtc_sdp::description::common::Attribute;

use super::values;
use crate::media::session::ExtensionMap;

/// Reads the known extensions of one section. An id out of range, or used twice, is not agreed on.
pub(super) fn read(attributes: &[Attribute], allow_mixed: bool) -> ExtensionMap {
    let mut map = ExtensionMap::default();
    let mut used = [false; 256];
    for line in values(attributes, "extmap") {
        let Some((id, direction, uri)) = read_line(line) else {
            continue;
        };
        // RFC 8285 section 4.2: the one-byte form holds 1 to 14 and reserves 15; the two-byte form
        // is only understood by a peer that says so (section 4.1.2).
        let usable = matches!(id, 1..=14) || (allow_mixed && id > 15);
        if !usable || std::mem::replace(&mut used[usize::from(id)], true) {
            continue;
        }
        let place = map.named().into_iter().position(|(known, slot)| {
            let found = known == uri && slot.is_none();
            if found {
                *slot = Some(id);
            }
            found
        });
        let Some(place) = place else { continue };
        match direction {
            "sendonly" => map.one_way.peer_sends |= 1 << place,
            "recvonly" => map.one_way.peer_receives |= 1 << place,
            _ => {}
        }
    }
    map
}

/// The agreed extensions as an answer's lines name them: id, our direction with its slash, name.
pub(super) fn answered(
    map: &ExtensionMap,
) -> impl Iterator<Item = (u8, &'static str, &'static str)> {
    let one_way = map.one_way;
    let mut map = *map;
    let known = map.named().map(|(uri, id)| (uri, *id));
    known
        .into_iter()
        .enumerate()
        .filter_map(move |(place, (uri, id))| {
            // RFC 8285 section 6: what the offer says of one way, the answer says of the other.
            let direction = if one_way.peer_sends & 1 << place != 0 {
                "/recvonly"
            } else if one_way.peer_receives & 1 << place != 0 {
                "/sendonly"
            } else {
                ""
            };
            Some((id?, direction, uri))
        })
}

/// `<id>[/<direction>] <uri> [<attributes>]`: id, direction, URI. An inactive extension is as good
/// as not offered.
fn read_line(line: &str) -> Option<(u8, &str, &str)> {
    let mut words = line.split_ascii_whitespace();
    let id = words.next()?;
    let (id, direction) = id.split_once('/').unwrap_or((id, "sendrecv"));
    if direction == "inactive" {
        return None;
    }
    Some((id.parse().ok()?, direction, words.next()?))
}
