//! What a participant does once it is in.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use sfu_core::command::Command;
use sfu_core::id::ParticipantId;
use sfu_core::media::session::OfferedSession;
use tokio::time::Instant;

use super::info::ParticipantInfo;
use super::limits;
use super::moderation::ParticipantUpdate;
use super::new_track::NewTrack;
use super::notice::LeaveReason;
use super::room::{Room, State};
use super::wishes::TrackWish;
use crate::error::{ApiError, ErrorKind};

/// A participant's hold on its session. Once the session has ended, nothing it asks for changes
/// anything. Dropping it says that the signalling is lost; the participant stays for as long as its
/// media lives, and [`limits::GONE_AFTER`] more.
pub struct SessionHandle {
    room: Arc<Room>,
    pub(super) id: ParticipantId,
    /// Which hold it is: void once the session was taken up anew.
    holds: u32,
    sid: String,
    identity: String,
}

impl SessionHandle {
    pub(super) fn new(
        room: Arc<Room>,
        id: ParticipantId,
        holds: u32,
        me: &ParticipantInfo,
    ) -> Self {
        Self {
            room,
            id,
            holds,
            sid: me.sid.clone(),
            identity: me.identity.clone(),
        }
    }

    /// Changes the room, unless this hold is void.
    pub(super) fn with<R>(&self, void: R, change: impl FnOnce(&mut State) -> R) -> R {
        self.room
            .with(|state| match state.participants.get(&self.id) {
                Some(participant) if participant.holds == self.holds => change(state),
                _ => void,
            })
    }

    /// The room's name.
    #[must_use]
    pub fn room(&self) -> &str {
        &self.room.name
    }

    /// The participant's sid.
    #[must_use]
    pub fn sid(&self) -> &str {
        &self.sid
    }

    /// The participant's identity.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Announces a track; [`Notice::TrackPublished`] follows.
    ///
    /// # Errors
    /// `PermissionDenied` naming the source; `InvalidArgument` naming the field;
    /// `ResourceExhausted` at [`limits::MAX_TRACKS_PER_PARTICIPANT`].
    pub fn add_track(&self, track: NewTrack) -> Result<(), ApiError> {
        self.with(Ok(()), |state| state.add_track(self.id, track))
    }

    /// Hands an offer to the engine; [`Notice::Answer`] or [`Notice::OfferRefused`] follows.
    ///
    /// # Errors
    /// `ResourceExhausted` while [`limits::MAX_PENDING_OFFERS`] wait for their answers.
    pub fn offer(&self, offer_id: u32, offer: OfferedSession) -> Result<(), ApiError> {
        self.with(Ok(()), |state| {
            let Some(participant) = state.participants.get_mut(&self.id) else {
                return Ok(());
            };
            if participant.pending_offers >= limits::MAX_PENDING_OFFERS {
                let most = limits::MAX_PENDING_OFFERS;
                let message = format!("{most} offers wait for their answers already");
                let kind = ErrorKind::ResourceExhausted;
                return Err(ApiError::field(kind, "offer", message));
            }
            participant.pending_offers += 1;
            state.engine.send(Command::Offer {
                participant: self.id,
                offer_id,
                offer: Box::new(offer),
            });
            Ok(())
        })
    }

    /// Mutes or unmutes a track of its own; the others are told.
    ///
    /// # Errors
    /// `NotFound` if it is not its own.
    pub fn mute(&self, track_sid: &str, muted: bool) -> Result<(), ApiError> {
        self.with(Ok(()), |state| state.mute(self.id, track_sid, muted))
    }

    /// Wants these tracks, by sid. [`Notice::SubscriptionFailed`] names those it cannot have.
    pub fn subscribe(&self, track_sids: &[String]) {
        self.with((), |state| state.subscribe_by_sid(self.id, track_sids));
    }

    /// Wants these tracks no more.
    pub fn unsubscribe(&self, track_sids: &[String]) {
        self.with((), |state| state.unsubscribe_by_sid(self.id, track_sids));
    }

    /// Asks for something else of these tracks, subscribed to or not. It holds until it is changed,
    /// for as long as they are there.
    pub fn set_wish(&self, track_sids: &[String], wish: TrackWish) {
        self.with((), |state| {
            state.wish_by_sid(self.id, track_sids, |_| wish);
        });
    }

    /// Pauses these tracks, or lets them go on, whatever else is asked of them.
    pub fn set_enabled(&self, track_sids: &[String], enabled: bool) {
        self.with((), |state| {
            let change = |wish| TrackWish { enabled, ..wish };
            state.wish_by_sid(self.id, track_sids, change);
        });
    }

    /// Changes the participant's own name, metadata and attributes. Empty texts leave what is
    /// there; an attribute with an empty value is removed.
    ///
    /// # Errors
    /// `PermissionDenied` without the right; `InvalidArgument` naming the field.
    pub fn update_own(
        &self,
        name: &str,
        metadata: &str,
        attributes: BTreeMap<String, String>,
    ) -> Result<(), ApiError> {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let update = ParticipantUpdate {
            name: given(name),
            metadata: given(metadata),
            attributes,
            permission: None,
        };
        self.with(Ok(()), |state| {
            let participant = state.participants.get(&self.id);
            let may = participant.is_some_and(|one| one.permissions.update_own_metadata);
            if !may {
                return Err(ApiError::field(
                    ErrorKind::PermissionDenied,
                    "metadata",
                    "the token does not allow changing it",
                ));
            }
            state.update(self.id, update)?;
            state.updated_itself(self.id);
            Ok(())
        })
    }

    /// Whether all of these are its own tracks, by sid. A void hold knows of none.
    #[must_use]
    pub fn publishes(&self, track_sids: &[String]) -> bool {
        self.with(false, |state| {
            let own = |sid: &String| {
                let track = state.track_sids.get(sid);
                let track = track.and_then(|track| state.tracks.get(track));
                track.is_some_and(|track| track.publisher == self.id)
            };
            track_sids.iter().all(own)
        })
    }

    /// Leaves at once.
    pub fn leave(&self) {
        self.end(LeaveReason::ClientInitiated);
    }

    /// Ends the session for a reason that its door found.
    pub fn end(&self, reason: LeaveReason) {
        self.with((), |state| {
            state.remove(self.id, reason);
        });
    }

    /// No socket carries the signalling any more.
    pub fn signalling_lost(&self) {
        self.with((), |state| {
            if let Some(participant) = state.participants.get_mut(&self.id) {
                participant.signalling_lost.get_or_insert_with(Instant::now);
            }
        });
    }
}

impl Drop for SessionHandle {
    fn drop(&mut self) {
        self.signalling_lost();
    }
}

impl fmt::Debug for SessionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionHandle")
            .field("room", &self.room.name)
            .field("identity", &self.identity)
            .field("sid", &self.sid)
            .finish_non_exhaustive()
    }
}
