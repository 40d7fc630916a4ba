//! A participant whose signalling was interrupted takes its session up again.
//!
//! Nothing that was told meanwhile is kept for it: it is told how things are now, which makes up
//! for all of it. What was asked of the engine is asked again by the client's next offer.

use std::sync::Arc;

use sfu_core::id::ParticipantId;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::info::ParticipantInfo;
use super::join::{JoinParams, Joined, Notices};
use super::limits;
use super::notice::Notice;
use super::participant::{Media, Track};
use super::room::{Room, State};
use super::session::SessionHandle;
use super::{Rooms, no_participant, no_room};
use crate::error::ApiError;

impl Rooms {
    /// Takes up the session `sid` of the identity that `params` proves. Its older hold is void; its
    /// tracks and subscriptions stand; permissions and metadata are those it joined with.
    ///
    /// # Errors
    /// `NotFound` if the session is over, or its media is: the client must join anew. `RateLimited`
    /// by address.
    pub fn resume(&self, params: &JoinParams, sid: &str) -> Result<Joined, ApiError> {
        let now = Instant::now();
        self.count_join(params.address, now)?;
        let room = self.0.registry.named(&params.room).ok_or_else(no_room)?;
        room.with(|state| {
            let id = state.identities.get(params.identity.as_str()).copied();
            let id = id.filter(|id| {
                let participant = &state.participants[id];
                // Without media there is nothing to go on with: an ICE restart would find nobody.
                participant.sid == sid && !matches!(participant.media, Media::Lost(_))
            });
            let id = id.ok_or_else(no_participant)?;
            state.resume(&room, id, now).ok_or_else(no_participant)
        })
    }
}

impl State {
    fn resume(&mut self, room: &Arc<Room>, id: ParticipantId, now: Instant) -> Option<Joined> {
        let (outbox, queue) = mpsc::channel(limits::OUTBOX);
        let (ended, watched) = watch::channel(None);
        let participant = self.participants.get_mut(&id)?;
        participant.outbox = outbox;
        participant.ended = ended;
        participant.holds += 1;
        participant.signalling_lost = None;
        participant.pending_offers = 0;
        participant.quality.resumed();
        let holds = participant.holds;
        let last_data = participant.data.last_sequence;
        let me = participant.info(&self.tracks);
        tracing::info!(room = %self.name, identity = %me.identity, participant = %me.sid, "resumed");
        let tracks = participant.tracks.iter();
        let tracks = tracks.filter_map(|track| self.tracks.get(track));
        let repeated = tracks.flat_map(Track::repeated).collect();
        self.tell_all_speakers(id);
        self.tell_all_permissions(id);
        self.tell_all_stream_states(id);
        Some(Joined {
            session: SessionHandle::new(Arc::clone(room), id, holds, &me),
            notices: Notices::new(queue, watched),
            room: self.info(),
            me,
            repeated,
            others: self.others(id),
            departed: self.departed_lately(id, now),
            last_data,
        })
    }

    /// Everyone but `me`, without hidden ones.
    pub(super) fn others(&self, me: ParticipantId) -> Vec<ParticipantInfo> {
        let others = self.participants.iter();
        let shown = others.filter(|(id, one)| **id != me && !one.permissions.hidden);
        shown.map(|(_, one)| one.info(&self.tracks)).collect()
    }

    /// For those who are without signalling now: somebody whom the others saw is gone.
    pub(super) fn remember_departed(&mut self, info: &ParticipantInfo) {
        if self.departed.len() >= limits::MAX_DEPARTED {
            self.departed.pop_front();
        }
        // Who it was is all that is needed of it.
        let slim = ParticipantInfo {
            metadata: String::new(),
            attributes: std::collections::BTreeMap::new(),
            tracks: Vec::new(),
            ..info.clone()
        };
        self.departed.push_back((Instant::now(), slim));
    }

    /// Who left lately, or is hidden since, and is not back; never `me`.
    fn departed_lately(&self, me: ParticipantId, now: Instant) -> Vec<ParticipantInfo> {
        let is_there = |identity: &str| {
            let id = self.identities.get(identity);
            let hidden = |id| {
                let one = self.participants.get(id);
                one.is_none_or(|one| one.permissions.hidden)
            };
            id.is_some_and(|id| *id == me || !hidden(id))
        };
        let departed = self.departed.iter().filter(|(at, info)| {
            let lately = now.saturating_duration_since(*at) <= limits::REMEMBER_DEPARTED;
            lately && !is_there(info.identity.as_str())
        });
        departed.map(|(_, info)| info.clone()).collect()
    }

    pub(super) fn forget_departed(&mut self, now: Instant) {
        let old = |at: Instant| now.saturating_duration_since(at) > limits::REMEMBER_DEPARTED;
        while self.departed.front().is_some_and(|(at, _)| old(*at)) {
            self.departed.pop_front();
        }
    }
}

impl Track {
    /// What its publisher must know of it and may have missed.
    fn repeated(&self) -> Vec<Notice> {
        if self.info.mid.is_none() {
            // It waits for its offer, and its publisher for its sid.
            return vec![Notice::TrackPublished {
                cid: self.cid.clone(),
                track: Arc::new(self.info.clone()),
            }];
        }
        let muted = self.muted_by_server.then(|| Notice::MuteChanged {
            track: self.info.sid.clone(),
            muted: self.info.muted,
        });
        // The second codec may wait for its offer too.
        let second = self.info.backup.as_ref().zip(self.backup.as_ref());
        let second = second.filter(|(info, backup)| backup.track.is_some() && info.mid.is_none());
        let announced = second.map(|(info, _)| Notice::TrackPublished {
            cid: info.cid.clone(),
            track: Arc::new(self.info.clone()),
        });
        let wanted = self.wanted.ever_told.then(|| self.wanted_notice());
        muted.into_iter().chain(announced).chain(wanted).collect()
    }
}
