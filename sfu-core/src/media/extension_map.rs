//! Which header extension goes under which id.

use crate::wire::extensions::uri;

/// The header extension ids of a section: the engine's known ones, by meaning. `None`: not agreed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExtensionMap {
    /// `sdes:mid` (RFC 9143).
    pub mid: Option<u8>,
    /// `sdes:rtp-stream-id` (RFC 8852).
    pub rid: Option<u8>,
    /// `sdes:repaired-rtp-stream-id` (RFC 8852).
    pub repaired_rid: Option<u8>,
    /// `ssrc-audio-level` (RFC 6464).
    pub audio_level: Option<u8>,
    /// Transport-wide sequence number (draft-holmer-rmcat-transport-wide-cc-extensions-01).
    pub transport_cc: Option<u8>,
    /// Absolute send time.
    pub abs_send_time: Option<u8>,
    /// Absolute capture time.
    pub abs_capture_time: Option<u8>,
    /// AV1 dependency descriptor: what a receiver of several layers goes by.
    pub dependency_descriptor: Option<u8>,
    /// Coordination of video orientation (3GPP TS 26.114).
    pub video_orientation: Option<u8>,
    /// Bounds of the receiver's delay.
    pub playout_delay: Option<u8>,
    /// What a publisher's layers are: read by the engine, and sent to nobody.
    pub layers_allocation: Option<u8>,
    /// Which of them go one way only.
    pub one_way: OneWay,
}

/// Extensions that the peer offered one way only (RFC 8285 section 5), a bit for each by its place
/// in [`ExtensionMap::named`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OneWay {
    /// The peer sends them, and takes none.
    pub peer_sends: u16,
    /// The peer takes them, and sends none.
    pub peer_receives: u16,
}

/// How many extensions an [`ExtensionMap`] has room for.
pub const KNOWN_EXTENSIONS: usize = 11;

impl ExtensionMap {
    /// Each known extension's name in SDP, and its place in the map.
    pub fn named(&mut self) -> [(&'static str, &mut Option<u8>); KNOWN_EXTENSIONS] {
        [
            (uri::MID, &mut self.mid),
            (uri::RID, &mut self.rid),
            (uri::RRID, &mut self.repaired_rid),
            (uri::AUDIO_LEVEL, &mut self.audio_level),
            (uri::TRANSPORT_CC, &mut self.transport_cc),
            (uri::ABS_SEND_TIME, &mut self.abs_send_time),
            (uri::ABS_CAPTURE_TIME, &mut self.abs_capture_time),
            (uri::DEPENDENCY_DESCRIPTOR, &mut self.dependency_descriptor),
            (uri::VIDEO_ORIENTATION, &mut self.video_orientation),
            (uri::PLAYOUT_DELAY, &mut self.playout_delay),
            (uri::VIDEO_LAYERS_ALLOCATION, &mut self.layers_allocation),
        ]
    }

    /// Takes over what only `other`, of the same bundle, knows. One bundle has one meaning for each
    /// id (RFC 9143 section 9.2): an id that is taken is not taken over again.
    pub fn merge(&mut self, mut other: Self) {
        let mut taken = [false; 256];
        for (_, id) in self.named() {
            if let Some(id) = *id {
                taken[usize::from(id)] = true;
            }
        }
        for ((_, slot), (_, id)) in self.named().into_iter().zip(other.named()) {
            let free = id.filter(|&id| !taken[usize::from(id)]);
            if let (None, Some(id)) = (*slot, free) {
                taken[usize::from(id)] = true;
                *slot = Some(id);
            }
        }
    }

    /// What of it concerns a peer that is only sent to.
    #[must_use]
    pub fn of_a_receiver(mut self) -> Self {
        self.layers_allocation = None;
        let sent_only = self.one_way.peer_sends;
        for (place, (_, id)) in self.named().into_iter().enumerate() {
            if sent_only & 1 << place != 0 {
                *id = None;
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_has_a_name_of_its_own() {
        let mut map = ExtensionMap::default();
        let mut names: Vec<_> = map.named().into_iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), KNOWN_EXTENSIONS);
        for (id, (_, slot)) in (1..).zip(map.named()) {
            *slot = Some(id);
        }
        let text = format!("{map:?}");
        assert!(!text.contains("None"), "a place without a name: {text}");
    }

    #[test]
    fn nobody_is_sent_what_it_only_sends_itself_or_what_is_the_engines() {
        let map = ExtensionMap {
            mid: Some(1),
            dependency_descriptor: Some(2),
            playout_delay: Some(3),
            layers_allocation: Some(4),
            one_way: OneWay {
                peer_sends: 1 << 7,
                peer_receives: 1 << 9,
            },
            ..ExtensionMap::default()
        };
        let to_it = map.of_a_receiver();
        assert_eq!((to_it.mid, to_it.playout_delay), (Some(1), Some(3)));
        assert_eq!(
            (to_it.dependency_descriptor, to_it.layers_allocation),
            (None, None)
        );
    }

    #[test]
    fn the_first_section_that_knows_an_extension_says_its_id() {
        let mut map = ExtensionMap {
            mid: Some(4),
            audio_level: Some(1),
            ..ExtensionMap::default()
        };
        map.merge(ExtensionMap {
            mid: Some(9),
            rid: Some(10),
            ..ExtensionMap::default()
        });
        let expected = ExtensionMap {
            mid: Some(4),
            audio_level: Some(1),
            rid: Some(10),
            ..ExtensionMap::default()
        };
        assert_eq!(map, expected);
    }

    #[test]
    fn an_id_never_gets_a_second_meaning() {
        let mut map = ExtensionMap {
            mid: Some(4),
            ..ExtensionMap::default()
        };
        map.merge(ExtensionMap {
            rid: Some(4),
            repaired_rid: Some(5),
            transport_cc: Some(5),
            ..ExtensionMap::default()
        });
        assert_eq!((map.mid, map.rid), (Some(4), None));
        assert_eq!((map.repaired_rid, map.transport_cc), (Some(5), None));
    }
}
