//! A room's tracks, and the routes from each to its subscriptions.

use std::collections::BTreeMap;
use std::time::Instant;

use slab::Slab;

use super::active_speaker::Loudness;
use super::allocation::Allocation;
use super::qualities::Qualities;
use crate::command::TrackAnnouncement;
use crate::id::{Mid, PayloadType, TrackId};
use crate::media::codec::MediaKind;
use crate::media::format::Payloads;
use crate::media::layer::{LayerWish, Layers};
use crate::media::session::MAX_ENCODINGS;

/// A participant's place in its room.
pub type PeerIndex = usize;

/// A track's place in its room.
pub type TrackIndex = usize;

/// One subscription of a track: whose, and which of the subscriber's egresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The subscriber.
    pub peer: PeerIndex,
    /// The egress within the subscriber.
    pub egress: usize,
}

/// A published source.
#[derive(Debug)]
pub struct Track {
    /// Its number.
    pub id: TrackId,
    /// Who publishes it.
    pub publisher: PeerIndex,
    /// Audio or video.
    pub kind: MediaKind,
    /// What the publisher said of it.
    pub announcement: TrackAnnouncement,
    /// The publisher's section, once negotiated.
    pub mid: Option<Mid>,
    /// The formats that the publisher may send, the one that it is to send first in front; empty
    /// until its section is negotiated.
    pub formats: Payloads,
    /// The payload type that it sends now.
    pub format: Option<PayloadType>,
    /// Since when it does.
    pub format_since: Option<Instant>,
    /// Its section has stopped sending: it is over, and only the control plane does not know yet.
    pub ended: bool,
    /// The publisher's ingress of each encoding, in the order of its offer.
    pub encodings: [Option<usize>; MAX_ENCODINGS],
    /// Which encoding is better than which, and which of them live.
    pub qualities: Qualities,
    /// What the publisher says that its layers cost and show, once it has.
    pub allocation: Option<Box<Allocation>>,
    /// A packet has arrived.
    pub started: bool,
    /// How loud it is, of sound.
    pub loudness: Loudness,
    /// It is a shared screen.
    pub is_screen: bool,
    /// Where its packets go.
    pub routes: Vec<Route>,
}

impl Track {
    /// The layers that a subscription with that wish aims at, which aims at `former` until now;
    /// `None` while there is nothing to send. A quality is an encoding where there are several,
    /// else a spatial layer; a frame rate is a temporal layer.
    #[must_use]
    pub fn target(&self, wish: LayerWish, former: Option<Layers>) -> Option<Layers> {
        self.target_within(wish, former, None)
    }

    /// As [`Self::target`], and no more than `allotted`, where there is such a bound.
    #[must_use]
    pub fn target_within(
        &self,
        wish: LayerWish,
        former: Option<Layers>,
        allotted: Option<Layers>,
    ) -> Option<Layers> {
        if self.announcement.muted {
            return None;
        }
        let bound = allotted.map(|allotted| self.qualities.quality_of(allotted.encoding));
        let wanted = wish.max_quality.into_iter().chain(bound).min();
        let encoding = self.qualities.choose(match self.qualities.best_offered() {
            0 => wish.max_quality,
            _ => wanted,
        })?;
        let mut layers = Layers::all_of(encoding);
        if let (Some(quality), 0) = (wish.max_quality, self.qualities.best_offered()) {
            layers.top.spatial = quality;
        }
        if let Some(wanted) = wish.max_frame_rate {
            let former = former.filter(|former| former.encoding == encoding);
            let now = former.map(|former| former.top.temporal);
            layers.top.temporal = self.qualities.top_for(encoding, wanted, now);
        }
        if let Some(allotted) = allotted.filter(|allotted| allotted.encoding == encoding) {
            layers.top.spatial = layers.top.spatial.min(allotted.top.spatial);
            layers.top.temporal = layers.top.temporal.min(allotted.top.temporal);
        }
        Some(layers)
    }

    /// The payload type that subscribers must be able to take: what is sent now, or first.
    #[must_use]
    pub fn needed_format(&self) -> Option<PayloadType> {
        let first = self.formats.first().map(|format| format.payload_type);
        self.format.or(first)
    }
}

/// A room's tracks.
#[derive(Debug, Default)]
pub struct Tracks {
    slots: Slab<Track>,
    by_id: BTreeMap<TrackId, TrackIndex>,
}

impl Tracks {
    /// Adds an announced track; `None` when its number is taken.
    pub fn announce(
        &mut self,
        publisher: PeerIndex,
        announcement: TrackAnnouncement,
    ) -> Option<TrackIndex> {
        let id = announcement.track;
        if self.by_id.contains_key(&id) {
            return None;
        }
        let index = self.slots.insert(Track {
            id,
            publisher,
            kind: announcement.kind,
            announcement,
            mid: None,
            formats: Payloads::new(),
            format: None,
            format_since: None,
            ended: false,
            encodings: [None; MAX_ENCODINGS],
            qualities: Qualities::default(),
            allocation: None,
            started: false,
            loudness: Loudness::default(),
            is_screen: false,
            routes: Vec::new(),
        });
        self.by_id.insert(id, index);
        Some(index)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Where a track is.
    #[must_use]
    pub fn index_of(&self, id: TrackId) -> Option<TrackIndex> {
        self.by_id.get(&id).copied()
    }

    /// The track at an index.
    #[must_use]
    pub fn get(&self, index: TrackIndex) -> Option<&Track> {
        self.slots.get(index)
    }

    /// The track at an index, to change.
    pub fn get_mut(&mut self, index: TrackIndex) -> Option<&mut Track> {
        self.slots.get_mut(index)
    }

    /// Takes a track out; its routes come with it, for their egresses to be ended.
    pub fn remove(&mut self, index: TrackIndex) -> Option<Track> {
        let track = self.slots.try_remove(index)?;
        self.by_id.remove(&track.id);
        Some(track)
    }

    /// The tracks of one publisher, in the order of their numbers.
    pub fn of_publisher(&self, peer: PeerIndex) -> impl Iterator<Item = TrackIndex> + '_ {
        self.by_id
            .values()
            .copied()
            .filter(move |&index| self.slots[index].publisher == peer)
    }

    /// The publisher's announced track that the client calls `cid` and that has had no section
    /// yet: a track published anew may be announced before the former one of that name is gone.
    #[must_use]
    pub fn unbound_by_cid(&self, peer: PeerIndex, cid: &str) -> Option<TrackIndex> {
        self.of_publisher(peer).find(|&index| {
            let track = &self.slots[index];
            track.mid.is_none() && !track.ended && track.announcement.cid == cid
        })
    }

    /// The publisher's first announced track of that kind that has had no section yet.
    #[must_use]
    pub fn unbound_of_kind(&self, peer: PeerIndex, kind: MediaKind) -> Option<TrackIndex> {
        self.of_publisher(peer).find(|&index| {
            let track = &self.slots[index];
            track.mid.is_none() && !track.ended && track.kind == kind
        })
    }

    /// Ends one subscriber's route from a track and says which egress it led to.
    pub fn remove_route(&mut self, index: TrackIndex, peer: PeerIndex) -> Option<usize> {
        let routes = &mut self.slots.get_mut(index)?.routes;
        let at = routes.iter().position(|route| route.peer == peer)?;
        Some(routes.swap_remove(at).egress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::layer::Layer;

    fn announcement(track: u64, cid: &str) -> TrackAnnouncement {
        TrackAnnouncement {
            track: TrackId(track),
            kind: MediaKind::Video,
            cid: cid.to_owned(),
            stream_label: String::new(),
            track_label: String::new(),
            muted: false,
            codecs: Default::default(),
        }
    }

    #[test]
    fn a_track_is_found_by_its_number_and_by_its_publishers_name_of_it() {
        let mut tracks = Tracks::default();
        let mine = tracks.announce(1, announcement(10, "camera")).unwrap();
        let theirs = tracks.announce(2, announcement(11, "camera")).unwrap();
        assert!(tracks.announce(2, announcement(11, "again")).is_none());
        assert_eq!(tracks.unbound_by_cid(1, "camera"), Some(mine));
        assert_eq!(tracks.unbound_by_cid(2, "camera"), Some(theirs));
        assert_eq!(tracks.unbound_by_cid(2, "screen"), None);
        tracks.get_mut(mine).unwrap().mid = Some(Mid::from("0").unwrap());
        let again = tracks.announce(1, announcement(12, "camera")).unwrap();
        assert_eq!(tracks.unbound_by_cid(1, "camera"), Some(again));
        assert!(tracks.remove(mine).is_some());
        assert_eq!(tracks.index_of(TrackId(10)), None);
        assert_eq!(tracks.of_publisher(2).collect::<Vec<_>>(), [theirs]);
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
    fn a_wish_becomes_layers_of_what_is_published() {
        let mut tracks = Tracks::default();
        let index = tracks.announce(1, announcement(10, "camera")).unwrap();
        let track = tracks.get_mut(index).unwrap();
        let wish = |max_quality, max_frame_rate| LayerWish {
            max_quality,
            max_frame_rate,
            ..LayerWish::default()
        };
        assert_eq!(
            track.target(wish(None, None), None),
            None,
            "nothing came yet"
        );
        let start = Instant::now();
        for n in 0..41 {
            let now = start + n * std::time::Duration::from_millis(50);
            let temporal = u8::from(n % 2 == 1);
            track.qualities.note(now, 0, n * 4500, temporal);
        }
        let layers = |encoding, spatial, temporal| {
            let top = Layer { spatial, temporal };
            Some(Layers { encoding, top })
        };
        const ALL: u8 = u8::MAX;
        assert_eq!(track.target(wish(None, None), None), layers(0, ALL, ALL));
        // One encoding: its qualities are spatial layers.
        assert_eq!(
            track.target(wish(Some(1), Some(20)), None),
            layers(0, 1, ALL)
        );
        assert_eq!(track.target(wish(None, Some(10)), None), layers(0, ALL, 0));
        // 20 frames a second are too much for 17, and not too much to stay with.
        let former = track.target(wish(None, None), None);
        assert_eq!(track.target(wish(None, Some(17)), None), layers(0, ALL, 0));
        assert_eq!(track.target(wish(None, Some(17)), former), former);
        // Several encodings are the qualities.
        let rids = ["q", "h"].map(|rid| crate::id::Rid::from(rid).unwrap());
        track.qualities.set_offered(&rids, 0);
        assert_eq!(track.target(wish(Some(1), None), None), layers(0, ALL, ALL));
        track.qualities.note(start, 1, 0, 0);
        assert_eq!(track.target(wish(Some(1), None), None), layers(1, ALL, ALL));
        track.announcement.muted = true;
        assert_eq!(track.target(wish(None, None), None), None);
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
    fn nothing_above_what_is_allotted_is_aimed_at() {
        let mut tracks = Tracks::default();
        let index = tracks.announce(1, announcement(10, "camera")).unwrap();
        let track = tracks.get_mut(index).unwrap();
        let rids = ["q", "h", "f"].map(|rid| crate::id::Rid::from(rid).unwrap());
        track.qualities.set_offered(&rids, 0);
        let start = Instant::now();
        for encoding in 0..3 {
            track.qualities.note(start, encoding, 0, 0);
        }
        let layers = |encoding, temporal| {
            let top = Layer {
                spatial: 0,
                temporal,
            };
            Some(Layers { encoding, top })
        };
        let all = LayerWish::default();
        let low = LayerWish {
            max_quality: Some(0),
            ..all
        };
        let bound = layers(1, 1);
        assert_eq!(track.target_within(all, None, bound), bound);
        assert_eq!(
            track.target_within(low, None, bound),
            Some(Layers::all_of(0))
        );
        assert_eq!(
            track.target_within(all, None, None),
            Some(Layers::all_of(2))
        );
    }

    #[test]
    fn a_removed_route_names_its_egress_once() {
        let mut tracks = Tracks::default();
        let index = tracks.announce(1, announcement(10, "camera")).unwrap();
        let routes = [Route { peer: 2, egress: 5 }, Route { peer: 3, egress: 6 }];
        tracks.get_mut(index).unwrap().routes.extend(routes);
        assert_eq!(tracks.remove_route(index, 2), Some(5));
        assert_eq!(tracks.remove_route(index, 2), None);
        assert_eq!(
            tracks.get(index).unwrap().routes,
            [Route { peer: 3, egress: 6 }]
        );
    }
}
