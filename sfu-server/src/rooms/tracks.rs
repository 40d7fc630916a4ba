//! What participants publish: announced, bound to a section, muted, ended.

use std::sync::Arc;

use sfu_core::command::Command;
use sfu_core::id::{Mid, ParticipantId, TrackId};
use sfu_core::media::codec::Codec;

use super::backup::Backup;
use super::dynacast::Wanted;
use super::info::TrackInfo;
use super::new_track::NewTrack;
use super::notice::Notice;
use super::participant::Track;
use super::room::State;
use super::room_event::RoomEvent;
use super::{ids, limits};
use crate::error::{ApiError, ErrorKind};

impl State {
    /// Gives a track its sid and tells the engine to expect it. Repeating it before the track is
    /// bound gives the same sid.
    pub(super) fn add_track(&mut self, id: ParticipantId, new: NewTrack) -> Result<(), ApiError> {
        new.check()?;
        let Some(participant) = self.participants.get(&id) else {
            return Ok(());
        };
        if !participant.permissions.may_publish_as(new.source, new.kind) {
            return Err(ApiError::field(
                ErrorKind::PermissionDenied,
                "source",
                "the token does not allow publishing it",
            ));
        }
        if !new.backup_of.is_empty() {
            return self.add_backup(id, &new.backup_of, &new);
        }
        let announced = participant.tracks.iter().find_map(|id| {
            let track = self.tracks.get(id)?;
            // A bound one of that cid is an earlier life of the same source.
            (track.cid == new.cid && track.info.mid.is_none()).then(|| track.info.clone())
        });
        if let Some(info) = announced {
            let (cid, track) = (new.cid, Arc::new(info));
            self.tell(id, Notice::TrackPublished { cid, track });
            return Ok(());
        }
        if participant.tracks.len() >= limits::MAX_TRACKS_PER_PARTICIPANT {
            let most = limits::MAX_TRACKS_PER_PARTICIPANT;
            let message = format!("at most {most} tracks");
            return Err(ApiError::new(ErrorKind::ResourceExhausted, message));
        }
        let info = new.info();
        tracing::info!(
            room = %self.name,
            identity = %participant.identity,
            track = %info.sid,
            kind = ?info.kind,
            source = ?info.source,
            "track announced"
        );
        self.announce(id, new, info);
        Ok(())
    }

    fn announce(&mut self, id: ParticipantId, new: NewTrack, info: TrackInfo) {
        let codecs = new.wishes();
        let cid = new.cid;
        self.last_track += 1;
        let track = ids::track_id(self.number, self.last_track);
        let Some(participant) = self.participants.get_mut(&id) else {
            return;
        };
        participant.tracks.push(track);
        let announcement = Box::new(info.announcement(track, &cid, &participant.sid, codecs));
        self.engine.send(Command::AnnounceTrack {
            participant: id,
            announcement,
        });
        self.announce_source(track, info.source);
        self.track_sids.insert(info.sid.clone(), track);
        let notice = Notice::TrackPublished {
            cid: cid.clone(),
            track: Arc::new(info.clone()),
        };
        let publisher = id;
        let backup = info.backup.as_ref().map(|_| Backup::new());
        self.tracks.insert(
            track,
            Track {
                publisher,
                cid,
                info,
                subscribed: false,
                resized: false,
                wanted: Wanted::ALL,
                backup,
                muted_by_server: false,
            },
        );
        self.tell(id, notice);
    }

    /// The engine has the track's section: the others are told, and who wants everything gets it.
    pub(super) fn track_bound(&mut self, track: TrackId, mid: Mid) {
        if self.backups.contains_key(&track) {
            self.backup_bound(self.track_of_carrier(track), mid);
            return;
        }
        let Some(bound) = self.tracks.get_mut(&track) else {
            return;
        };
        if bound.info.mid.as_deref() == Some(mid.as_str()) {
            return;
        }
        let first = bound.info.mid.is_none();
        bound.info.mid = Some(mid.to_string());
        let publisher = bound.publisher;
        // The others hear of the track before any offer or answer that carries it.
        self.changed(publisher);
        if first {
            if let Some(track) = self.tracks.get(&track) {
                self.record_track(track, RoomEvent::TrackPublished);
            }
            self.subscribe_everyone(publisher, track);
        }
    }

    /// The codec that a track comes in: others are told if they know the track already.
    pub(super) fn track_codec(&mut self, track: TrackId, codec: Codec) {
        let Some(found) = self.tracks.get_mut(&track) else {
            return;
        };
        if std::mem::replace(&mut found.info.codec, codec) != codec && found.info.mid.is_some() {
            let publisher = found.publisher;
            self.changed(publisher);
        }
    }

    /// A track ends: by its publisher's section, or by command.
    pub(super) fn unpublish(&mut self, track: TrackId) {
        if self.backups.contains_key(&track) {
            self.end_backup(self.track_of_carrier(track));
            return;
        }
        let Some(ended) = self.tracks.get(&track) else {
            return;
        };
        self.record_track(ended, RoomEvent::TrackUnpublished);
        let publisher = ended.publisher;
        let notice = Notice::TrackUnpublished {
            track: ended.info.sid.clone(),
        };
        self.forget_track(track);
        if let Some(participant) = self.participants.get_mut(&publisher) {
            participant.tracks.retain(|one| *one != track);
        }
        self.engine.send(Command::RemoveTrack { track });
        self.tell(publisher, notice);
        self.changed(publisher);
    }

    /// The publisher mutes its own track. One of somebody else's changes nothing.
    pub(super) fn mute(
        &mut self,
        id: ParticipantId,
        sid: &str,
        muted: bool,
    ) -> Result<(), ApiError> {
        let found = self.track_sids.get(sid).copied();
        let own = |track: &TrackId| {
            self.tracks
                .get(track)
                .is_some_and(|one| one.publisher == id)
        };
        let track = found.filter(own).ok_or_else(no_track)?;
        if self.set_muted(track, muted) {
            self.changed_itself(id);
        }
        if let Some(own) = self.tracks.get_mut(&track) {
            own.muted_by_server = false;
        }
        Ok(())
    }

    /// Mutes a track or lets it go on; true if that changes anything, which is for the caller to
    /// tell the others.
    pub(super) fn set_muted(&mut self, track: TrackId, muted: bool) -> bool {
        let changed = self.tracks.get_mut(&track);
        let Some(changed) = changed.filter(|track| track.info.muted != muted) else {
            return false;
        };
        changed.info.muted = muted;
        let backup = changed.backup.as_ref().and_then(|backup| backup.track);
        for track in [track].into_iter().chain(backup) {
            self.engine.send(Command::SetTrackMuted { track, muted });
        }
        if let Some(track) = self.tracks.get(&track) {
            self.record_track(track, RoomEvent::TrackMuteChanged);
        }
        true
    }

    /// Nothing refers to the track any more; the engine is told by the caller's command.
    pub(super) fn forget_track(&mut self, track: TrackId) {
        self.forget_backup(track);
        if let Some(track) = self.tracks.remove(&track) {
            self.track_sids.remove(&track.info.sid);
        }
        for participant in self.participants.values_mut() {
            participant.subscriptions.remove(&track);
            participant.withheld.remove(&track);
            participant.wishes.remove(&track);
            participant.on_backup.remove(&track);
            participant.paused.remove(&track);
        }
    }
}

pub(super) fn no_track() -> ApiError {
    ApiError::field(ErrorKind::NotFound, "track_sid", "no such track")
}
