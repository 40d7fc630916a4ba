//! What the control plane changes of a room, of who is in it and of what they publish.

use std::collections::BTreeMap;
use std::sync::Arc;

use sfu_core::command::Command;
use sfu_core::id::{ParticipantId, TrackId};

use super::info::{ParticipantInfo, ParticipantState, RoomInfo, TrackInfo};
use super::notice::Notice;
use super::permissions::Permissions;
use super::room::State;
use super::room_event::RoomEvent;
use super::tracks::no_track;
use super::{Rooms, check, limits, no_participant, no_room};
use crate::error::{ApiError, ErrorKind};

/// What is to change of a participant; what is `None` or absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParticipantUpdate {
    /// A name for people; may become empty.
    pub name: Option<String>,
    /// The application's own text; may become empty.
    pub metadata: Option<String>,
    /// Pairs to set; an empty value removes the pair.
    pub attributes: BTreeMap<String, String>,
    /// What it may do from now on: all of it, not the difference.
    pub permission: Option<Permissions>,
}

impl Rooms {
    /// Mutes a track for everyone, or lets it go on; its publisher and the others are told. A
    /// publisher may unmute itself again. Repeating it changes nothing.
    ///
    /// # Errors
    /// `NotFound` naming `room`, `identity` or `track_sid`; `PermissionDenied` naming `muted` if it
    /// would unmute and [`super::Settings::remote_unmute`] is off.
    pub fn mute_track(
        &self,
        room: &str,
        identity: &str,
        track_sid: &str,
        muted: bool,
    ) -> Result<TrackInfo, ApiError> {
        let room = self.0.registry.named(room).ok_or_else(no_room)?;
        let remote_unmute = self.0.settings.remote_unmute;
        room.with(|state| {
            let id = state.participant_named(identity)?;
            let (track, info) = state.track_of(id, track_sid)?;
            if info.muted && !muted && !remote_unmute {
                return Err(ApiError::field(
                    ErrorKind::PermissionDenied,
                    "muted",
                    "the server does not let tracks be unmuted but by their publishers",
                ));
            }
            if info.muted != muted {
                // Before any news of the participant: a client that learns from those that its
                // track is muted takes it for a mistake and says so.
                let sid = track_sid.to_owned();
                state.tell(id, Notice::MuteChanged { track: sid, muted });
                state.set_muted(track, muted);
                state.changed(id);
                if let Some(track) = state.tracks.get_mut(&track) {
                    track.muted_by_server = true;
                }
            }
            state.track_of(id, track_sid).map(|(_, info)| info)
        })
    }

    /// Changes a participant: everything or, on an error, nothing. It and the others are told. A
    /// permission that is lost ends what it allowed at once.
    ///
    /// # Errors
    /// `NotFound` naming `room` or `identity`; `InvalidArgument` naming the field.
    pub fn update_participant(
        &self,
        room: &str,
        identity: &str,
        update: ParticipantUpdate,
    ) -> Result<ParticipantInfo, ApiError> {
        let room = self.0.registry.named(room).ok_or_else(no_room)?;
        room.with(|state| {
            let id = state.participant_named(identity)?;
            let appears = state.update(id, update)?;
            state.updated(id, appears);
            let participant = state.participants.get(&id).ok_or_else(no_participant)?;
            Ok(participant.info(&state.tracks))
        })
    }

    /// Gives a room another text of the application's; everyone in it is told.
    ///
    /// # Errors
    /// `NotFound` naming `room`; `InvalidArgument` naming `metadata`.
    pub fn update_room_metadata(&self, room: &str, metadata: &str) -> Result<RoomInfo, ApiError> {
        check::text("metadata", metadata, limits::MAX_METADATA)?;
        let room = self.0.registry.named(room).ok_or_else(no_room)?;
        room.with(|state| {
            if state.ended {
                return Err(no_room());
            }
            if state.metadata != metadata {
                metadata.clone_into(&mut state.metadata);
                let info = state.info();
                state
                    .watch
                    .record(|| RoomEvent::RoomUpdated(Box::new(info.clone())));
                let info = Arc::new(info);
                let all: Vec<_> = state.participants.keys().copied().collect();
                for id in all {
                    state.tell(id, Notice::RoomChanged(Arc::clone(&info)));
                }
            }
            Ok(state.info())
        })
    }
}

impl State {
    pub(super) fn participant_named(&self, identity: &str) -> Result<ParticipantId, ApiError> {
        let found = self.identities.get(identity).copied();
        found.ok_or_else(no_participant)
    }

    /// A track of that participant.
    fn track_of(&self, id: ParticipantId, sid: &str) -> Result<(TrackId, TrackInfo), ApiError> {
        let number = self.track_sids.get(sid).copied();
        let track = number.and_then(|number| Some((number, self.tracks.get(&number)?)));
        let track = track.filter(|(_, track)| track.publisher == id);
        let (number, track) = track.ok_or_else(no_track)?;
        Ok((number, track.info.clone()))
    }

    /// Changes a participant, whoever asks for it; the caller sees to it that it and the others
    /// are told. True if it was hidden until now.
    pub(super) fn update(
        &mut self,
        id: ParticipantId,
        update: ParticipantUpdate,
    ) -> Result<bool, ApiError> {
        let name = update.name.as_deref().unwrap_or_default();
        let metadata = update.metadata.as_deref().unwrap_or_default();
        check::text("name", name, limits::MAX_NAME)?;
        check::text("metadata", metadata, limits::MAX_METADATA)?;
        let Some(participant) = self.participants.get_mut(&id) else {
            return Ok(false);
        };
        let was_hidden = participant.permissions.hidden;
        let mut attributes = participant.attributes.clone();
        attributes.extend(update.attributes);
        attributes.retain(|_, value| !value.is_empty());
        check::attributes(&attributes)?;
        participant.attributes = attributes;
        if let Some(name) = update.name {
            participant.name = name;
        }
        if let Some(metadata) = update.metadata {
            participant.metadata = metadata;
        }
        if let Some(permissions) = update.permission {
            self.permit(id, &permissions);
        }
        let shown = self.participants.get(&id);
        let shown = shown.is_some_and(|one| !one.permissions.hidden);
        Ok(was_hidden && shown)
    }

    /// A participant is another than before: everyone is told.
    pub(super) fn updated(&mut self, id: ParticipantId, appears: bool) {
        self.changed(id);
        if appears {
            // After the others were told that it is there.
            self.subscribe_everyone_to_all_of(id);
        }
        self.record_participant(id, RoomEvent::ParticipantUpdated);
        if let Some(participant) = self.participants.get_mut(&id) {
            participant.news.updated = false;
            let info = Arc::new(participant.info(&self.tracks));
            self.tell(id, Notice::SelfChanged(info));
        }
    }

    /// A participant may do this from now on, and no longer what it may not.
    fn permit(&mut self, id: ParticipantId, permissions: &Permissions) {
        let Some(participant) = self.participants.get_mut(&id) else {
            return;
        };
        let former = std::mem::replace(&mut participant.permissions, permissions.clone());
        let auto_subscribe = participant.auto_subscribe;
        tracing::info!(
            room = %self.name,
            identity = %participant.identity,
            participant = %participant.sid,
            ?permissions,
            "permissions changed"
        );
        if former.media() != permissions.media() {
            self.engine.send(Command::SetPermissions {
                participant: id,
                permissions: permissions.media(),
            });
        }
        self.unpublish_what_is_not_allowed(id, permissions);
        if former.subscribe && !permissions.subscribe {
            self.unsubscribe_from_all(id);
        }
        if !former.subscribe && permissions.subscribe && auto_subscribe {
            self.subscribe_to_all(id);
        }
        if !former.hidden && permissions.hidden {
            self.vanish(id);
        }
    }

    fn unpublish_what_is_not_allowed(&mut self, id: ParticipantId, permissions: &Permissions) {
        let Some(participant) = self.participants.get(&id) else {
            return;
        };
        let may = |track: &TrackId| {
            let info = self.tracks.get(track).map(|track| &track.info);
            info.is_some_and(|info| permissions.may_publish_as(info.source, info.kind))
        };
        let tracks = participant.tracks.iter().copied();
        let over: Vec<_> = tracks.filter(|track| !may(track)).collect();
        for track in over {
            self.unpublish(track);
        }
    }

    /// The others lose sight of a participant that is hidden from now on.
    fn vanish(&mut self, id: ParticipantId) {
        self.speaker_leaves(id);
        self.unsubscribe_everyone_from(id);
        let Some(participant) = self.participants.get_mut(&id) else {
            return;
        };
        participant.version += 1;
        let mut info = participant.info(&self.tracks);
        info.state = ParticipantState::Disconnected;
        info.tracks.clear();
        self.remember_departed(&info);
        let notice = Notice::ParticipantsChanged(Arc::new(vec![info]));
        let others: Vec<_> = self.participants.keys().copied().collect();
        for other in others.into_iter().filter(|other| *other != id) {
            self.tell(other, notice.clone());
        }
    }
}
