//! Whom publishers let have their tracks.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use sfu_core::id::{ParticipantId, TrackId};

use super::notice::Notice;
use super::room::State;
use super::session::SessionHandle;
use super::{check, limits};
use crate::error::{ApiError, ErrorKind};

/// What a publisher lets one other participant have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrackPermission {
    /// The other's identity, present or not; empty: by its sid.
    pub identity: String,
    /// The other's sid; looked at only without an identity.
    pub sid: String,
    /// All of the publisher's tracks, those to come too.
    pub all_tracks: bool,
    /// These tracks, by sid.
    pub track_sids: Vec<String>,
}

/// Who may be sent a publisher's tracks.
#[derive(Debug, Default)]
pub(super) enum Audience {
    #[default]
    Everyone,
    /// Those of these identities.
    Only(HashMap<Arc<str>, Share>),
}

/// What one of them may be sent.
#[derive(Debug)]
pub(super) enum Share {
    All,
    These(BTreeSet<String>),
}

impl Audience {
    fn includes(&self, identity: &str, track_sid: &str) -> bool {
        match self {
            Self::Everyone => true,
            Self::Only(shares) => match shares.get(identity) {
                None => false,
                Some(Share::All) => true,
                Some(Share::These(sids)) => sids.contains(track_sid),
            },
        }
    }
}

impl SessionHandle {
    /// Lets everyone have its tracks, or only those who are named; what was said before is void.
    /// Who loses a track is sent nothing of it any more; who wanted it gets it when it may, a little later where that
    /// changes more often than [`limits::NEWS_PER_SECOND`].
    ///
    /// # Errors
    /// `ResourceExhausted` naming `track_permissions` beyond [`limits::MAX_TRACK_PERMISSIONS`] or
    /// [`limits::MAX_PERMITTED_TRACKS`]; `InvalidArgument` naming `participant_identity` where
    /// nobody is named.
    pub fn set_subscription_permissions(
        &self,
        everyone: bool,
        permissions: &[TrackPermission],
    ) -> Result<(), ApiError> {
        check(permissions)?;
        self.with(Ok(()), |state| {
            let audience = if everyone {
                Audience::Everyone
            } else {
                state.audience(permissions)
            };
            let Some(publisher) = state.participants.get_mut(&self.id) else {
                return Ok(());
            };
            publisher.audience = audience;
            let gives = publisher.news.may_be_told();
            state.apply_audience(self.id, gives);
            Ok(())
        })
    }
}

fn check(permissions: &[TrackPermission]) -> Result<(), ApiError> {
    let most = limits::MAX_TRACK_PERMISSIONS;
    let tracks: usize = permissions.iter().map(|one| one.track_sids.len()).sum();
    if permissions.len() > most || tracks > limits::MAX_PERMITTED_TRACKS {
        let message = format!(
            "at most {most} participants and {} tracks in all",
            limits::MAX_PERMITTED_TRACKS
        );
        let field = "track_permissions";
        return Err(ApiError::field(
            ErrorKind::ResourceExhausted,
            field,
            message,
        ));
    }
    for one in permissions {
        if one.sid.is_empty() {
            check::name("participant_identity", &one.identity, limits::MAX_IDENTITY)?;
        }
        check::text("participant_identity", &one.identity, limits::MAX_IDENTITY)?;
        for sid in &one.track_sids {
            check::text("track_sids", sid, limits::MAX_TRACK_WORD)?;
        }
    }
    Ok(())
}

impl State {
    fn audience(&self, permissions: &[TrackPermission]) -> Audience {
        // Looked up by sid only here: one walk through the room, however many are named.
        let by_sid = permissions.iter().any(|one| one.identity.is_empty());
        let all = self.participants.values().filter(|_| by_sid);
        let by_sid: HashMap<&str, _> = all.map(|one| (one.sid.as_str(), &one.identity)).collect();
        let mut shares = HashMap::new();
        for one in permissions {
            let identity = if one.identity.is_empty() {
                // One who is not there any more comes back under another sid.
                by_sid.get(one.sid.as_str()).copied().map(Arc::clone)
            } else {
                Some(Arc::from(one.identity.as_str()))
            };
            let share = if one.all_tracks {
                Share::All
            } else {
                Share::These(one.track_sids.iter().cloned().collect())
            };
            shares.extend(identity.map(|identity| (identity, share)));
        }
        Audience::Only(shares)
    }

    /// Whether the publisher lets that participant have that track.
    pub(super) fn is_permitted(&self, id: ParticipantId, track: TrackId) -> bool {
        let permitted = || {
            let track = self.tracks.get(&track)?;
            let publisher = self.participants.get(&track.publisher)?;
            let identity = &self.participants.get(&id)?.identity;
            Some(publisher.audience.includes(identity, &track.info.sid))
        };
        permitted().unwrap_or(false)
    }

    /// Takes away what is no longer permitted, and gives what is wanted and permitted again: now,
    /// or soon where that was asked for too often. What was not given need not be taken away, so
    /// that this bounds both.
    pub(super) fn apply_audience(&mut self, publisher: ParticipantId, gives: bool) {
        let Some(one) = self.participants.get_mut(&publisher) else {
            return;
        };
        one.news.gives = !gives;
        let tracks = one.tracks.clone();
        let all: Vec<_> = self.participants.keys().copied().collect();
        for track in tracks {
            for id in &all {
                self.apply_permission(*id, track, gives);
            }
        }
    }

    fn apply_permission(&mut self, id: ParticipantId, track: TrackId, gives: bool) {
        let permitted = self.is_permitted(id, track);
        let Some(participant) = self.participants.get_mut(&id) else {
            return;
        };
        if permitted && gives && participant.withheld.remove(&track) {
            self.tell_permission(id, track, true);
            let _ = self.subscribe(id, track);
        } else if !permitted && participant.subscriptions.remove(&track) {
            participant.withheld.insert(track);
            participant.ever_withheld = true;
            self.send_no_more(id, track);
            self.tell_permission(id, track, false);
        }
    }

    /// Keeps in mind that a participant wants a track that it may not have now; it is told.
    pub(super) fn withhold(&mut self, id: ParticipantId, track: TrackId) {
        if let Some(participant) = self.participants.get_mut(&id)
            && participant.withheld.insert(track)
        {
            participant.ever_withheld = true;
            self.tell_permission(id, track, false);
        }
    }

    /// Who was without signalling is told of all that it wants, withheld or not.
    pub(super) fn tell_all_permissions(&mut self, to: ParticipantId) {
        let Some(participant) = self.participants.get(&to).filter(|one| one.ever_withheld) else {
            return;
        };
        let withheld = participant.withheld.iter().map(|track| (*track, false));
        let sent = participant.subscriptions.iter().map(|track| (*track, true));
        let all: Vec<_> = withheld.chain(sent).collect();
        for (track, allowed) in all {
            self.tell_permission(to, track, allowed);
        }
    }

    pub(super) fn tell_permission(&mut self, to: ParticipantId, track: TrackId, allowed: bool) {
        let Some(track) = self.tracks.get(&track) else {
            return;
        };
        let Some(publisher) = self.participants.get(&track.publisher) else {
            return;
        };
        let notice = Notice::SubscriptionPermitted {
            publisher: publisher.sid.clone(),
            track: track.info.sid.clone(),
            allowed,
        };
        self.tell(to, notice);
    }
}
