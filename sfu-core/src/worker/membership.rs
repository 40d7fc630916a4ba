//! Participants come and go, and a room with them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use rand_core::Rng;
use slab::Slab;

use super::allotments::Allotments;
use super::bandwidth::Bandwidth;
use super::census::{self, Census, Counted};
use super::control::remove_track;
use super::departure::Departures;
use super::peer::{Peer, Requested};
use super::publisher_clock::PublisherClock;
use super::rtcp_queue::RtcpQueue;
use super::streams::Streams;
use super::wishes::unsubscribe;
use super::{PeerKey, Room, Shared, Worker, fan_out, rungs};
use crate::bandwidth::pacer::Pacer;
use crate::command::MediaPermissions;
use crate::id::{ParticipantId, RoomId, Ssrc};
use crate::ingress::twcc_recorder::TwccRecorder;
use crate::media::send_batch::MAX_DATAGRAM;
use crate::media::session::ExtensionMap;
use crate::room::active_speaker::ActiveSpeakers;
use crate::room::tracks::{PeerIndex, Tracks};
use crate::transport::Transport;
use crate::wire::seq::TimestampUnwrapper;

impl Worker {
    pub(super) fn add_participant(
        &mut self,
        now: Instant,
        id: RoomId,
        participant: ParticipantId,
        permissions: MediaPermissions,
    ) {
        if self.shared.participants.contains_key(&participant) {
            return;
        }
        let key = *self.room_keys.entry(id).or_insert_with(|| {
            let entry = self.rooms.vacant_entry();
            let key = entry.key();
            entry.insert(Room {
                id,
                key,
                peers: Slab::new(),
                tracks: Tracks::default(),
                census: Census::default(),
                speakers: ActiveSpeakers::new(self.shared.settings.forwarded_voices),
                offers: rungs::Offers::default(),
                burst: fan_out::Burst::new(),
            });
            key
        });
        self.in_room(key, |shared, room| {
            let peer = new_peer(shared, participant, permissions, now);
            let index = room.peers.insert(peer);
            let key = PeerKey::new(room.key, index);
            shared.participants.insert(participant, key);
            shared
                .lookup
                .set_ufrags(key, room.peers[index].transport.local_ufrags());
            if let Some(at) = room.peers[index].transport.poll_timeout() {
                shared.timers.arm(key, at);
            }
        });
    }

    pub(super) fn remove_participant(&mut self, participant: ParticipantId) {
        let Some(&key) = self.shared.participants.get(&participant) else {
            return;
        };
        let emptied = self.in_room(key.room(), |shared, room| {
            remove_peer(shared, room, key.peer());
            room.peers.is_empty()
        });
        if emptied == Some(true) {
            self.drop_room(key.room());
        }
    }

    pub(super) fn close_room(&mut self, id: RoomId) {
        let Some(&key) = self.room_keys.get(&id) else {
            return;
        };
        self.in_room(key, |shared, room| {
            let peers: Vec<_> = room.peers.iter().map(|(index, _)| index).collect();
            for index in peers {
                remove_peer(shared, room, index);
            }
        });
        self.drop_room(key);
    }

    fn drop_room(&mut self, key: usize) {
        if let Some(room) = self.rooms.try_remove(key) {
            self.forget_room(&room);
        }
    }
}

fn new_peer(
    shared: &mut Shared,
    id: ParticipantId,
    permissions: MediaPermissions,
    now: Instant,
) -> Peer {
    let settings = &shared.settings;
    let (worker, identity) = (settings.worker, &settings.identity);
    Peer {
        id,
        permissions,
        ever_published: permissions.publish,
        transport: Transport::new(now, worker, identity, &settings.transport, &mut shared.rng),
        sections: Vec::new(),
        extensions: ExtensionMap::default(),
        departures: Departures::default(),
        receiver_clock: TimestampUnwrapper::new(),
        streams: Streams::default(),
        ingresses: Slab::new(),
        egresses: Slab::new(),
        pacer: Pacer::default(),
        bandwidth: Bandwidth::new(now, settings.adaptation),
        rtcp: RtcpQueue::default(),
        rtcp_ssrc: Ssrc(shared.rng.next_u32() | 1),
        arrivals: TwccRecorder::new(now),
        waiting: Vec::new(),
        paused: BTreeSet::new(),
        wishes: BTreeMap::new(),
        allotments: Allotments::default(),
        requested: Requested::default(),
        rtt: None,
        clock: PublisherClock::default(),
        next_report: now,
        next_statistics: now,
        session_version: 0,
        dirty: false,
        data_waits: false,
        counted: Counted::default(),
    }
}

/// What a participant may do from now on. What it may no longer do ends.
pub(super) fn set_permissions(
    shared: &mut Shared,
    room: &mut Room,
    index: PeerIndex,
    permissions: MediaPermissions,
) {
    let peer = &mut room.peers[index];
    peer.permissions = permissions;
    peer.ever_published |= permissions.publish;
    if !permissions.publish {
        let tracks: Vec<_> = room.tracks.of_publisher(index).collect();
        for track in tracks {
            remove_track(shared, room, track);
        }
    }
    if !permissions.subscribe {
        let peer = &room.peers[index];
        let sent = peer.egresses.iter().filter_map(|(_, sending)| {
            let track = room.tracks.get(sending.track)?;
            Some(track.id)
        });
        let wanted: Vec<_> = sent.chain(peer.waiting.iter().copied()).collect();
        for track in wanted {
            unsubscribe(shared, room, index, track);
        }
    }
}

/// Ends a participant: its tracks, its subscriptions, its entries in the worker's tables.
fn remove_peer(shared: &mut Shared, room: &mut Room, index: PeerIndex) {
    let tracks: Vec<_> = room.tracks.of_publisher(index).collect();
    for track in tracks {
        remove_track(shared, room, track);
    }
    census::forget(room, index);
    let Some(mut peer) = room.peers.try_remove(index) else {
        return;
    };
    for (_, sending) in &peer.egresses {
        room.tracks.remove_route(sending.track, index);
    }
    peer.release_packets(&mut shared.pool);
    say_goodbye(shared, &mut peer);
    let key = PeerKey::new(room.key, index);
    shared.participants.remove(&peer.id);
    shared.lookup.remove(key);
    shared.timers.cancel(key);
    shared.pacers.cancel(key);
    shared.lines.leave(&mut peer.bandwidth.on_line, key);
    shared.dirty.retain(|other| *other != key);
}

/// Closes DTLS, so that the browser need not wait for its consent to run out.
fn say_goodbye(shared: &mut Shared, peer: &mut Peer) {
    peer.transport.close();
    let mut datagram = [0; MAX_DATAGRAM];
    while let Some((path, len)) = peer.transport.poll_datagram(&mut datagram) {
        shared.farewells.push_back((path, datagram[..len].to_vec()));
    }
}
