//! Obeys the control plane: who is in which room, which tracks there are, who wants which.

use std::time::Instant;

use super::peer::SectionUse;
use super::sections::{end_egress, end_ingresses};
use super::{
    Room, Shared, Worker, explain, forward, membership, negotiation, recording, speakers, wishes,
};
use crate::command::{Command, TrackAnnouncement};
use crate::config::MAX_TRACKS_PER_PARTICIPANT;
use crate::id::{ParticipantId, TrackId};
use crate::room::tracks::{PeerIndex, TrackIndex};

impl Worker {
    /// Carries out one command. What it leads to is in the next [`Worker::poll_event`] and
    /// [`Worker::poll_transmit`].
    pub fn handle_command(&mut self, now: Instant, command: Command) {
        // What arrived before the command is forwarded as things were before it.
        self.fan_out_bursts(now);
        match command {
            Command::AddParticipant {
                room,
                participant,
                permissions,
            } => self.add_participant(now, room, participant, permissions),
            Command::SetPermissions {
                participant,
                permissions,
            } => {
                self.with_peer(participant, |shared, room, index| {
                    membership::set_permissions(shared, room, index, permissions);
                });
            }
            Command::RemoveParticipant { participant } => self.remove_participant(participant),
            Command::CloseRoom { room } => self.close_room(room),
            Command::Offer {
                participant,
                offer_id,
                offer,
            } => {
                self.with_peer(participant, |shared, room, index| {
                    negotiation::offer(shared, room, index, now, offer_id, &offer);
                });
            }
            Command::AnnounceTrack {
                participant,
                announcement,
            } => {
                self.with_peer(participant, |shared, room, index| {
                    announce(shared, room, index, *announcement);
                });
            }
            Command::RemoveTrack { track } => self.with_track(track, remove_track),
            Command::SetTrackMuted { track, muted } => {
                self.with_track(track, |shared, room, index| {
                    forward::set_muted(shared, room, index, muted, now);
                });
            }
            Command::SetTrackVoice { track, is_voice } => {
                self.with_track(track, |shared, room, index| {
                    speakers::set_voice(shared, room, index, is_voice);
                });
            }
            Command::SetTrackScreen { track, is_screen } => {
                self.with_track(track, |_, room, index| {
                    if let Some(track) = room.tracks.get_mut(index) {
                        track.is_screen = is_screen;
                    }
                });
            }
            Command::Subscribe { .. }
            | Command::Unsubscribe { .. }
            | Command::SetSubscriptionEnabled { .. }
            | Command::SetLayerWish { .. }
            | Command::ExplainSubscriptions { .. }
            | Command::RecordAdaptation { .. }
            | Command::StopRecording { .. } => self.handle_wish(now, &command),
            Command::SendData {
                recipients,
                label,
                payload,
            } => self.send_data(&recipients, &label, &payload),
            Command::InjectPanic { room } => {
                if let Some(&key) = self.room_keys.get(&room) {
                    self.in_room::<()>(key, |_, room| panic!("injected into room {}", room.id));
                }
            }
        }
    }

    /// What a participant wants to be sent, and what not, and why it gets what it gets.
    fn handle_wish(&mut self, now: Instant, command: &Command) {
        match *command {
            Command::Subscribe { participant, track } => {
                self.with_peer(participant, |shared, room, index| {
                    wishes::subscribe(shared, room, index, track);
                });
            }
            Command::Unsubscribe { participant, track } => {
                self.with_peer(participant, |shared, room, index| {
                    wishes::unsubscribe(shared, room, index, track);
                });
            }
            Command::SetSubscriptionEnabled {
                participant,
                track,
                enabled,
            } => {
                self.with_peer(participant, |shared, room, index| {
                    wishes::set_enabled(shared, room, index, track, enabled, now);
                });
            }
            Command::SetLayerWish {
                participant,
                track,
                wish,
            } => {
                self.with_peer(participant, |shared, room, index| {
                    wishes::set_wish(shared, room, index, track, wish, now);
                });
            }
            Command::ExplainSubscriptions {
                participant,
                request,
            } => {
                self.with_peer(participant, |shared, room, index| {
                    explain::subscriptions(shared, room, index, now, request);
                });
            }
            Command::RecordAdaptation { participant, .. }
            | Command::StopRecording { participant, .. } => {
                self.with_peer(participant, |shared, room, index| {
                    recording::obey(shared, room, index, now, command);
                });
            }
            _ => {}
        }
    }

    pub(super) fn with_peer(
        &mut self,
        participant: ParticipantId,
        work: impl FnOnce(&mut Shared, &mut Room, PeerIndex),
    ) {
        let Some(&key) = self.shared.participants.get(&participant) else {
            return;
        };
        self.in_room(key.room(), |shared, room| work(shared, room, key.peer()));
    }

    fn with_track(
        &mut self,
        track: TrackId,
        work: impl FnOnce(&mut Shared, &mut Room, TrackIndex),
    ) {
        let Some(&key) = self.shared.tracks.get(&track) else {
            return;
        };
        self.in_room(key, |shared, room| {
            if let Some(index) = room.tracks.index_of(track) {
                work(shared, room, index);
            }
        });
    }
}

fn announce(
    shared: &mut Shared,
    room: &mut Room,
    index: PeerIndex,
    announcement: TrackAnnouncement,
) {
    let may = room.peers[index].permissions.publish;
    if !may || room.tracks.of_publisher(index).count() >= MAX_TRACKS_PER_PARTICIPANT {
        return;
    }
    let id = announcement.track;
    if shared.tracks.contains_key(&id) {
        return;
    }
    if room.tracks.announce(index, announcement).is_some() {
        shared.tracks.insert(id, room.key);
        room.speakers.expect(room.tracks.len());
    }
}

/// Ends a track: its streams, its ingresses, and the egress of each subscription.
pub(super) fn remove_track(shared: &mut Shared, room: &mut Room, index: TrackIndex) {
    speakers::silence(shared, room, index);
    let Some(track) = room.tracks.remove(index) else {
        return;
    };
    shared.tracks.remove(&track.id);
    room.offers.forget(track.id);
    for route in &track.routes {
        end_egress(shared, &mut room.peers[route.peer], route.egress);
    }
    let peer = &mut room.peers[track.publisher];
    end_ingresses(shared, peer, index);
    for section in &mut peer.sections {
        if section.used == SectionUse::Receives(index) {
            section.used = SectionUse::Idle;
        }
    }
    for (_, peer) in &mut room.peers {
        peer.waiting.retain(|waiting| *waiting != track.id);
        peer.paused.remove(&track.id);
        peer.wishes.remove(&track.id);
        peer.allotments.forget(track.id);
    }
}
