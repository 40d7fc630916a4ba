//! A track's second codec, for those who cannot decode the first.
//!
//! A publisher names it when it announces the track, and sends it only when it is told that somebody
//! wants it (`dynacast`). For the engine it is a track of its own; for everybody else there is one
//! track, and who is subscribed to it is sent the one or the other.

use std::sync::Arc;

use sfu_core::command::Command;
use sfu_core::event::SubscriptionFailure;
use sfu_core::id::{Mid, ParticipantId, TrackId};
use sfu_core::media::codec::{Codec, MediaKind};
use sfu_core::media::format::CodecWishes;
use tokio::time::Instant;

use super::dynacast::Wanted;
use super::info::TrackInfo;
use super::new_track::NewTrack;
use super::notice::{Notice, SubscriptionError};
use super::room::State;
use super::track_traits::BackupCodecPolicy;
use super::tracks::no_track;
use super::wishes::TrackWish;
use super::{ids, limits};
use crate::error::ApiError;

/// What a room knows of a track's second codec beyond what it tells.
#[derive(Debug)]
pub(super) struct Backup {
    /// The engine's number of it, once it was announced.
    pub(super) track: Option<TrackId>,
    /// What of it is wanted.
    pub(super) wanted: Wanted,
    /// Since when its publisher is to send it and does not.
    asked: Option<Instant>,
    /// Everybody is sent it, and nobody the first codec.
    instead: bool,
}

impl Backup {
    /// Nobody asked for it.
    pub(super) const fn new() -> Self {
        Self {
            track: None,
            wanted: Wanted::NOTHING,
            asked: None,
            instead: false,
        }
    }
}

impl TrackInfo {
    /// The engine may be asked to forward the second codec.
    fn backup_bound(&self) -> bool {
        self.backup.as_ref().is_some_and(|one| one.mid.is_some())
    }
}

impl State {
    /// The engine's track that a subscriber is sent; `None` while it waits for the second codec.
    pub(super) fn carrier(&self, id: ParticipantId, track: TrackId) -> Option<TrackId> {
        let participant = self.participants.get(&id)?;
        if !participant.on_backup.contains(&track) {
            return Some(track);
        }
        let found = self.tracks.get(&track)?;
        let backup = found.backup.as_ref()?;
        backup.track.filter(|_| found.info.backup_bound())
    }

    /// The track that an engine's track is of.
    pub(super) fn track_of_carrier(&self, carrier: TrackId) -> TrackId {
        self.backups.get(&carrier).copied().unwrap_or(carrier)
    }

    /// Expects the second codec of a track. Repeating it before it is bound changes nothing; after
    /// that it begins anew.
    pub(super) fn add_backup(
        &mut self,
        id: ParticipantId,
        sid: &str,
        new: &NewTrack,
    ) -> Result<(), ApiError> {
        let track = self.own_track(id, sid, MediaKind::Video)?;
        let found = self.tracks.get(&track).ok_or_else(no_track)?;
        let backup = found.info.backup.as_ref();
        let Some(backup) = backup.filter(|backup| Some(backup.codec) == new.codec) else {
            return Err(ApiError::invalid(
                "simulcast_codecs",
                "not announced with the track",
            ));
        };
        let known = backup.cid == new.cid && backup.mid.is_none();
        let codec = backup.codec;
        if !known {
            self.end_backup(track);
            self.announce_backup(id, track, codec, new);
        }
        if let Some(found) = self.tracks.get(&track) {
            let (cid, track) = (new.cid.clone(), Arc::new(found.info.clone()));
            self.tell(id, Notice::TrackPublished { cid, track });
        }
        Ok(())
    }

    fn announce_backup(&mut self, id: ParticipantId, track: TrackId, codec: Codec, new: &NewTrack) {
        self.last_track += 1;
        let carrier = ids::track_id(self.number, self.last_track);
        let (Some(participant), Some(found)) =
            (self.participants.get(&id), self.tracks.get_mut(&track))
        else {
            return;
        };
        let (Some(info), Some(backup)) = (found.info.backup.as_mut(), found.backup.as_mut()) else {
            return;
        };
        let source = found.info.source;
        backup.track = Some(carrier);
        info.cid.clone_from(&new.cid);
        info.layers.clone_from(&new.layers);
        let wishes = CodecWishes {
            codec: Some(codec),
            ..CodecWishes::default()
        };
        let announcement = found
            .info
            .announcement(carrier, &new.cid, &participant.sid, wishes);
        self.backups.insert(carrier, track);
        tracing::info!(room = %self.name, track = %found.info.sid, ?codec, "second codec announced");
        self.engine.send(Command::AnnounceTrack {
            participant: id,
            announcement: Box::new(announcement),
        });
        self.announce_source(carrier, source);
    }

    /// The second codec of a track is not sent any more: who is sent it only because everybody is
    /// goes back to the first. Who does not decode that waits for the second anew.
    pub(super) fn end_backup(&mut self, track: TrackId) {
        self.forget_backup(track);
        let found = self.tracks.get_mut(&track);
        let backup = found.and_then(|found| found.backup.as_mut());
        if !backup.is_some_and(|backup| std::mem::take(&mut backup.instead)) {
            return;
        }
        for participant in self.participants.values_mut() {
            participant.on_backup.remove(&track);
        }
        for id in self.subscribers(track) {
            self.send_carrier(id, track);
            self.wanted_changed(id, track);
        }
    }

    /// Nothing refers to the second codec of a track any more.
    pub(super) fn forget_backup(&mut self, track: TrackId) {
        let Some(found) = self.tracks.get_mut(&track) else {
            return;
        };
        let carrier = found.backup.as_mut().and_then(|backup| {
            let carrier = backup.track.take()?;
            // Who wants it asks for it anew.
            backup.wanted = Wanted::NOTHING;
            backup.wanted.look_again();
            Some(carrier)
        });
        if let Some(info) = &mut found.info.backup {
            info.mid = None;
        }
        if let Some(carrier) = carrier {
            self.backups.remove(&carrier);
            self.engine.send(Command::RemoveTrack { track: carrier });
        }
    }

    /// The engine has the section of the second codec: who waits for it gets it.
    pub(super) fn backup_bound(&mut self, track: TrackId, mid: Mid) {
        let Some(found) = self.tracks.get_mut(&track) else {
            return;
        };
        let (Some(info), Some(backup)) = (found.info.backup.as_mut(), found.backup.as_mut()) else {
            return;
        };
        if info.mid.replace(mid.to_string()).is_some() {
            return;
        }
        backup.asked = None;
        backup.wanted.look_again();
        let policy = found.info.traits.backup_codec_policy;
        backup.instead = policy == BackupCodecPolicy::Regression;
        let (publisher, instead) = (found.publisher, backup.instead);
        self.changed(publisher);
        for id in self.subscribers(track) {
            if instead && self.onto_backup(id, track) {
                self.engine.send(Command::Unsubscribe {
                    participant: id,
                    track,
                });
            }
            if self.participants[&id].on_backup.contains(&track) {
                self.send_carrier(id, track);
            }
        }
    }

    pub(super) fn subscribers(&self, track: TrackId) -> Vec<ParticipantId> {
        let all = self.participants.iter();
        let subscribed = all.filter(|(_, one)| one.subscriptions.contains(&track));
        subscribed.map(|(id, _)| *id).collect()
    }

    /// A subscriber is to be sent the second codec from now on, if there is one; true if that is new.
    fn onto_backup(&mut self, id: ParticipantId, track: TrackId) -> bool {
        let Some(found) = self.tracks.get_mut(&track) else {
            return false;
        };
        let Some(participant) = self.participants.get_mut(&id) else {
            return false;
        };
        if found.backup.is_none() || !participant.on_backup.insert(track) {
            return false;
        }
        found.wanted.look_again();
        self.wanted_changed(id, track);
        true
    }

    /// A track that everybody is sent in its second codec.
    pub(super) fn follow_others(&mut self, id: ParticipantId, track: TrackId) {
        let backup = self.tracks.get(&track).and_then(|one| one.backup.as_ref());
        if backup.is_some_and(|backup| backup.instead) {
            self.onto_backup(id, track);
        }
    }

    /// Has the engine send what a subscriber is to have, as it asked for it.
    pub(super) fn send_carrier(&mut self, id: ParticipantId, track: TrackId) {
        if let Some(carrier) = self.carrier(id, track) {
            self.engine.send(Command::Subscribe {
                participant: id,
                track: carrier,
            });
            self.ask_engine(id, track, TrackWish::default());
        }
    }

    /// The engine cannot serve a subscription: the second codec may do.
    pub(super) fn carrier_failed(
        &mut self,
        id: ParticipantId,
        carrier: TrackId,
        failure: SubscriptionFailure,
    ) {
        let track = self.track_of_carrier(carrier);
        let participant = self.participants.get(&id);
        if participant.is_none_or(|one| !one.subscriptions.contains(&track)) {
            return;
        }
        let unsupported = failure == SubscriptionFailure::CodecUnsupported;
        let first = carrier == track;
        if first && unsupported && self.onto_backup(id, track) {
            self.send_carrier(id, track);
        } else if self.carrier(id, track) == Some(carrier) {
            let error = match failure {
                SubscriptionFailure::CodecUnsupported => SubscriptionError::CodecUnsupported,
                _ => SubscriptionError::NotAllowed,
            };
            self.subscription_failed(id, track, error);
        }
    }

    /// Tells those who wait for a second codec that does not come.
    pub(super) fn give_up_backups(&mut self, now: Instant) {
        let mut overdue = Vec::new();
        for (id, track) in &mut self.tracks {
            let bound = track.info.backup_bound();
            let Some(backup) = &mut track.backup else {
                continue;
            };
            if bound || !backup.wanted.is_any() {
                backup.asked = None;
                continue;
            }
            let asked = *backup.asked.get_or_insert(now);
            if now.saturating_duration_since(asked) >= limits::BACKUP_WITHIN {
                backup.asked = None;
                overdue.push(*id);
            }
        }
        for track in overdue {
            for id in self.subscribers(track) {
                if self.participants[&id].on_backup.contains(&track) {
                    self.subscription_failed(id, track, SubscriptionError::CodecUnsupported);
                }
            }
        }
    }
}
