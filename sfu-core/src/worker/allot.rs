//! Who gets what of a subscriber's bandwidth: asks the allocator, does what it says, and tells the
//! control plane which pictures are paused.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::granted::Granted;
use super::peer::{Peer, Sending};
use super::rungs::Offers;
use super::{PeerKey, Room, Shared, feedback, lines, requests, rungs};
use crate::bandwidth::allocator::{Allotment, Budget, Limit, allocate};
use crate::bandwidth::departure::Demand;
use crate::event::{Event, StreamState};
use crate::id::TrackId;
use crate::media::codec::MediaKind;
use crate::room::tracks::{PeerIndex, Track, TrackIndex};
use crate::unit::Bitrate;

/// How often a subscriber's bandwidth is divided anew while nothing calls for it.
///
/// Longer: rises come later. Shorter: more work for each subscriber.
const INTERVAL: Duration = Duration::from_millis(100);

/// The least time between two looks, whatever a client reports.
///
/// Longer: a fall is obeyed later. Shorter: a flood of reports costs more.
const SOONEST: Duration = Duration::from_millis(20);

/// How much of an estimate is set aside for repairs at the most, as a part of it. More: a burst of
/// losses costs layers. Less: repairs of a lossy link crowd out pictures.
const MOST_REPAIRS: u64 = 4;

/// How many looks the mean of repairs is over. More: calmer and later.
const REPAIR_LOOKS: u64 = 16;

/// What was divided last.
#[derive(Debug, Default)]
pub(super) struct Allotments {
    by_track: BTreeMap<TrackId, Allotment>,
    /// The control plane was told that these are paused.
    paused: BTreeSet<TrackId>,
    looked: Option<Instant>,
    /// Something other than the estimate has changed.
    is_stale: bool,
    demand: Demand,
    granted: Granted,
    /// What was divided.
    estimate: Bitrate,
    /// Bits a second of repairs, and the bytes of them at the last look.
    repairs: (u64, u64),
}

impl Allotments {
    /// What a track is to be sent at most; `None` while nothing is known of the bandwidth.
    pub(super) fn of(&self, track: TrackId) -> Option<&Allotment> {
        self.by_track.get(&track)
    }

    /// What a track could take if all others have what they are allotted.
    fn room_of(&self, allotted: &Allotment) -> Bitrate {
        let others = self
            .demand
            .allotted
            .bps()
            .saturating_sub(allotted.bitrate.bps());
        Bitrate::from_bps(self.estimate.bps().saturating_sub(others))
    }

    /// What was last asked of the estimator.
    pub(super) const fn demand(&self) -> Demand {
        self.demand
    }

    /// The subscription or the track is over.
    pub(super) fn forget(&mut self, track: TrackId) {
        self.by_track.remove(&track);
        self.paused.remove(&track);
        self.is_stale = true;
    }

    /// Something changed that is not urgent.
    pub(super) const fn look_again(&mut self) {
        self.is_stale = true;
    }

    fn is_due(&self, now: Instant, estimate: Option<Bitrate>) -> bool {
        let Some(estimate) = estimate else {
            return !self.by_track.is_empty();
        };
        // What was allotted in spite of an estimate, as sound is, is not looked at again for that.
        let divided = self.demand.allotted.min(self.estimate);
        let calls = self.is_stale || estimate < divided;
        let wait = if calls { SOONEST } else { INTERVAL };
        let passed = |at| now.saturating_duration_since(at) >= wait;
        self.looked.is_none_or(passed)
    }

    /// What goes for repairs of late.
    fn note_repairs(&mut self, now: Instant, bytes: u64, estimate: Bitrate) -> u64 {
        let (mean, before) = self.repairs;
        let span = self.looked.map(|at| now.saturating_duration_since(at));
        if span.is_none_or(|span| span >= INTERVAL) {
            let came = bytes.saturating_sub(before);
            let rate = Bitrate::from_bytes_over(came, span.unwrap_or_default()).bps();
            let mean = (mean * (REPAIR_LOOKS - 1) + rate) / REPAIR_LOOKS;
            self.repairs = (mean, bytes);
        }
        self.repairs.0.min(estimate.bps() / MOST_REPAIRS)
    }
}

/// Divides a subscriber's bandwidth anew, if it is time to.
pub(super) fn look(shared: &mut Shared, room: &mut Room, index: PeerIndex, now: Instant) {
    let Some(peer) = room.peers.get(index) else {
        return;
    };
    if peer.allotments.is_due(now, peer.bandwidth.budget()) {
        divide(shared, room, index, now);
    }
}

/// Divides a subscriber's bandwidth now.
pub(super) fn divide(shared: &mut Shared, room: &mut Room, index: PeerIndex, now: Instant) {
    divide_for(shared, room, index, now, None);
}

/// As [`divide`], because of something that has come of the track `news`: that may be the keyframe
/// that its subscribers need.
fn divide_for(
    shared: &mut Shared,
    room: &mut Room,
    index: PeerIndex,
    now: Instant,
    news: Option<TrackIndex>,
) {
    let key = PeerKey::new(room.key, index);
    lines::follow(shared, &mut room.peers[index], key, now);
    let Some(estimate) = room.peers[index].bandwidth.budget() else {
        let_all(shared, &mut room.peers[index]);
        return aim_all(shared, room, index, now, news);
    };
    for key in 0..room.peers[index].egresses.capacity() {
        let sending = room.peers[index].egresses.get(key);
        let pictures = sending.filter(|sending| sending.kind == MediaKind::Video);
        if let Some(track) = pictures.map(|sending| sending.track) {
            rungs::refresh(room, track, now);
        }
    }
    let bandwidth = &room.peers[index].bandwidth;
    let (repairs, is_told) = (bandwidth.repairs, bandwidth.is_told());
    let repairs = room.peers[index]
        .allotments
        .note_repairs(now, repairs, estimate);
    let budget = Budget {
        estimate,
        reserved: Bitrate::from_bps(requests::sounds(room, index).saturating_add(repairs)),
        granted: room.peers[index].allotments.granted.at(now, is_told),
    };
    let requests = requests::pictures(room, index);
    let (allotments, demand) = allocate(now, budget, &requests);
    let peer = &mut room.peers[index];
    peer.bandwidth
        .note_allocation(now, budget, &requests, (&allotments, demand));
    peer.bandwidth.set_demand(now, demand);
    lines::note_demand(shared, peer, key, now, demand);
    let state = &mut peer.allotments;
    (state.looked, state.is_stale) = (Some(now), false);
    (state.demand, state.estimate) = (demand, estimate);
    state.by_track = allotments.iter().map(|one| (one.track, *one)).collect();
    aim_all(shared, room, index, now, news);
    tell(shared, &mut room.peers[index], &allotments);
}

/// Nothing is known of the bandwidth: all that is wanted is sent.
fn let_all(shared: &mut Shared, peer: &mut Peer) {
    let paused = std::mem::take(&mut peer.allotments).paused;
    let states: Vec<_> = paused
        .into_iter()
        .map(|track| (track, StreamState::Active))
        .collect();
    if !states.is_empty() {
        let participant = peer.id;
        shared.events.push_back(Event::StreamStates {
            participant,
            states,
        });
    }
}

/// Aims all of a subscriber's pictures at what they are allotted.
fn aim_all(
    shared: &mut Shared,
    room: &mut Room,
    index: PeerIndex,
    now: Instant,
    news: Option<TrackIndex>,
) {
    for key in 0..room.peers[index].egresses.capacity() {
        let peer = &mut room.peers[index];
        let sending = peer.egresses.get(key);
        let pictures = sending.filter(|sending| sending.kind == MediaKind::Video);
        let Some(track) = pictures.and_then(|sending| room.tracks.get(sending.track)) else {
            continue;
        };
        let is_other = peer.egresses.get(key).map(|sending| sending.track) != news;
        if aim(peer, track, &room.offers, key) && is_other {
            feedback::request_wanted_keyframe(shared, room, index, key, now);
        }
    }
}

/// Aims a subscription at what is wanted and allotted of its track. True when that is something else
/// than before.
pub(super) fn aim(peer: &mut Peer, track: &Track, offers: &Offers, key: usize) -> bool {
    let wish = peer.wish(track.id);
    let Peer {
        egresses,
        allotments,
        ..
    } = peer;
    let Some(Sending { egress, .. }) = egresses.get_mut(key) else {
        return false;
    };
    let former = egress.target();
    let allotted = allotments.of(track.id);
    let target = match allotted {
        Some(allotted) if allotted.is_paused() => None,
        _ => track.target_within(wish, former, allotted.and_then(|allotted| allotted.layers)),
    };
    egress.set_target(target);
    if let (Some(target), Some(current)) = (target, egress.current())
        && let Some(allotted) = allotted.filter(|allotted| allotted.limit != Limit::Nothing)
        && track.qualities.quality_of(current) > track.qualities.quality_of(target.encoding)
    {
        egress.go_on_with(offers.least_of(track.id, current, allotments.room_of(allotted)));
    }
    target != former
}

/// Another set of a track's encodings lives, or their frame rates are others: its subscribers aim
/// anew, and where the bandwidth is known it is divided anew.
pub(super) fn track_changed(
    shared: &mut Shared,
    room: &mut Room,
    index: TrackIndex,
    now: Instant,
    at_once: bool,
) {
    if let Some(track) = room.tracks.get(index).filter(|_| at_once) {
        room.offers.forget(track.id);
    }
    let mut at = 0;
    while let Some(track) = room.tracks.get(index)
        && let Some(route) = track.routes.get(at).copied()
    {
        at += 1;
        let peer = &mut room.peers[route.peer];
        if track.kind == MediaKind::Video && peer.bandwidth.estimate().is_some() {
            peer.allotments.look_again();
            if at_once {
                divide_for(shared, room, route.peer, now, Some(index));
            }
            continue;
        }
        aim(peer, track, &room.offers, route.egress);
    }
}

/// Tells the control plane which pictures are paused now, and which no longer.
fn tell(shared: &mut Shared, peer: &mut Peer, allotments: &[Allotment]) {
    let paused = &mut peer.allotments.paused;
    let states: Vec<_> = allotments
        .iter()
        .filter_map(|one| match one.is_paused() {
            true => paused
                .insert(one.track)
                .then_some((one.track, StreamState::Paused)),
            false => paused
                .remove(&one.track)
                .then_some((one.track, StreamState::Active)),
        })
        .collect();
    if !states.is_empty() {
        let participant = peer.id;
        shared.events.push_back(Event::StreamStates {
            participant,
            states,
        });
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
mod tests {
    use super::*;

    #[test]
    fn a_fall_is_looked_at_soon_and_once() {
        let start = Instant::now();
        let kbps = |kbps: u64| Bitrate::from_bps(kbps * 1000);
        let allotments = Allotments {
            looked: Some(start),
            demand: Demand {
                allotted: kbps(90),
                ..Demand::default()
            },
            estimate: kbps(40),
            ..Allotments::default()
        };
        let soon = start + SOONEST;
        assert!(allotments.is_due(soon, Some(kbps(39))));
        assert!(
            !allotments.is_due(soon, Some(kbps(40))),
            "sound alone is more than that, and nothing has changed"
        );
        assert!(allotments.is_due(start + INTERVAL, Some(kbps(40))));
    }
}
