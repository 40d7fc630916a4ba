//! A participant comes in.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use sfu_core::command::Command;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::info::{ParticipantInfo, RoomInfo, RoomOptions};
use super::notice::{LeaveReason, Notice};
use super::participant::Participant;
use super::permissions::Permissions;
use super::room::{Room, State};
use super::room_event::RoomEvent;
use super::session::SessionHandle;
use super::{Rooms, check, ids, limits, no_room};
use crate::error::{ApiError, ErrorKind};

/// Who wants to join what.
#[derive(Clone, Debug)]
pub struct JoinParams {
    /// The room's name.
    pub room: String,
    /// The application's own name of the participant.
    pub identity: String,
    /// A name for people.
    pub name: String,
    /// The application's own text.
    pub metadata: String,
    /// The application's own pairs.
    pub attributes: BTreeMap<String, String>,
    /// What it may do.
    pub permissions: Permissions,
    /// Whether it gets every track without asking.
    pub auto_subscribe: bool,
    /// Whether the join may make the room even where rooms are not made by joining.
    pub may_create: bool,
    /// Where it comes from.
    pub address: IpAddr,
    /// What it runs, for the log.
    pub client: String,
}

/// A session: how things are now, and how it goes on.
#[derive(Debug)]
pub struct Joined {
    /// What the participant can do.
    pub session: SessionHandle,
    /// What it is told from now on.
    pub notices: Notices,
    /// The room.
    pub room: RoomInfo,
    /// The participant itself.
    pub me: ParticipantInfo,
    /// The others, without hidden ones, in the order of joining.
    pub others: Vec<ParticipantInfo>,
    /// What may have been lost with the former signalling, to be told before how things are now;
    /// empty for a new session.
    pub repeated: Vec<Notice>,
    /// Who left while the session was without signalling, as far as remembered; empty for a new
    /// session.
    pub departed: Vec<ParticipantInfo>,
    /// The last of its counted data messages that arrived: it sends those after it again.
    pub last_data: u32,
}

/// What a session is told. At most [`limits::OUTBOX`] notices wait; one more ends the session.
#[derive(Debug)]
pub struct Notices {
    queue: mpsc::Receiver<Notice>,
    ended: watch::Receiver<Option<LeaveReason>>,
}

impl Notices {
    pub(super) fn new(
        queue: mpsc::Receiver<Notice>,
        ended: watch::Receiver<Option<LeaveReason>>,
    ) -> Self {
        Self { queue, ended }
    }

    /// The next notice; after [`Notice::Leave`] none comes. `None`: the session ended without
    /// room for that notice, see [`Notices::ended`].
    pub async fn next(&mut self) -> Option<Notice> {
        self.queue.recv().await
    }

    /// The next notice, if one waits.
    pub fn next_waiting(&mut self) -> Option<Notice> {
        self.queue.try_recv().ok()
    }

    /// Why the session ended, if it did; it may still have notices to tell.
    #[must_use]
    pub fn ended(&self) -> Option<LeaveReason> {
        *self.ended.borrow()
    }

    /// A second sight of the session's end, for whoever is busy writing to a client that does not
    /// read.
    #[must_use]
    pub fn ending(&self) -> Ending {
        Ending(self.ended.clone())
    }
}

/// Waits for the end of a session.
#[derive(Clone, Debug)]
pub struct Ending(watch::Receiver<Option<LeaveReason>>);

impl Ending {
    /// Resolves when the session was ended because its client does not read.
    pub async fn too_slow(&mut self) {
        let slow = |reason: &Option<LeaveReason>| *reason == Some(LeaveReason::TooSlow);
        if self.0.wait_for(slow).await.is_err() {
            // Ended otherwise: the notices say how.
            std::future::pending::<()>().await;
        }
    }
}

impl Rooms {
    /// Lets a participant in. The room is made by its first join; an older session of the same
    /// identity ends with [`LeaveReason::DuplicateIdentity`].
    ///
    /// # Errors
    /// `InvalidArgument` naming the field; `RateLimited` by address; `NotFound` if the room is not
    /// there and joins do not make rooms; `ResourceExhausted` if it is full; `Unavailable` while
    /// shutting down.
    pub fn join(&self, params: &JoinParams) -> Result<Joined, ApiError> {
        let joined = self.let_in(params);
        let result = joined.as_ref().map(|_| ()).map_err(ApiError::kind);
        self.0.join_counts.count(result);
        joined
    }

    fn let_in(&self, params: &JoinParams) -> Result<Joined, ApiError> {
        params.check()?;
        let now = Instant::now();
        self.count_join(params.address, now)?;
        loop {
            let room = self.room_to_join(params)?;
            if let Some(joined) = Room::join(&room, params, now) {
                return joined;
            }
            // It ended between the look-up and the lock: its name is free for a new one.
            self.0.registry.forget(&room);
        }
    }

    /// Whether such a join would be let in now; changes nothing.
    ///
    /// # Errors
    /// As for [`Rooms::join`], without the rate of joins and the room's bound.
    pub fn check_join(&self, params: &JoinParams) -> Result<(), ApiError> {
        params.check()?;
        let made = self.0.settings.auto_create || params.may_create;
        if made || self.0.registry.named(&params.room).is_some() {
            Ok(())
        } else {
            Err(no_room())
        }
    }

    pub(super) fn count_join(&self, address: IpAddr, now: Instant) -> Result<(), ApiError> {
        self.0.joins.take(address, now).map_err(|wait| {
            let message = format!("too many joins from one address; try again in {wait:?}");
            ApiError::new(ErrorKind::RateLimited, message)
        })
    }

    fn room_to_join(&self, params: &JoinParams) -> Result<Arc<Room>, ApiError> {
        if let Some(room) = self.0.registry.named(&params.room) {
            return Ok(room);
        }
        if !self.0.settings.auto_create && !params.may_create {
            return Err(no_room());
        }
        self.0.room_or_new(&RoomOptions {
            name: params.room.clone(),
            ..RoomOptions::default()
        })
    }
}

impl JoinParams {
    fn check(&self) -> Result<(), ApiError> {
        check::name("room", &self.room, limits::MAX_ROOM_NAME)?;
        check::name("identity", &self.identity, limits::MAX_IDENTITY)?;
        check::text("name", &self.name, limits::MAX_NAME)?;
        check::text("metadata", &self.metadata, limits::MAX_METADATA)?;
        check::attributes(&self.attributes)
    }
}

impl Room {
    /// `None`: the room has ended.
    fn join(
        this: &Arc<Self>,
        params: &JoinParams,
        now: Instant,
    ) -> Option<Result<Joined, ApiError>> {
        this.with(|state| {
            if state.ended {
                return None;
            }
            let older = state.identities.get(params.identity.as_str()).copied();
            let others = state.participants.len() - usize::from(older.is_some());
            if others >= usize::try_from(state.max_participants).unwrap_or(usize::MAX) {
                let most = state.max_participants;
                let message = format!("the room holds {most} participants and no more");
                let full = ApiError::field(ErrorKind::ResourceExhausted, "room", message);
                return Some(Err(full));
            }
            if let Some(older) = older {
                state.remove(older, LeaveReason::DuplicateIdentity);
            }
            Some(Ok(state.join(this, params, now)))
        })
    }
}

impl State {
    fn join(&mut self, room: &Arc<Room>, params: &JoinParams, now: Instant) -> Joined {
        self.last_participant += 1;
        let id = ids::participant_id(self.number, self.last_participant);
        let (outbox, queue) = mpsc::channel(limits::OUTBOX);
        let (ended, watched) = watch::channel(None);
        let participant = Participant::new(params, outbox, ended, now);
        let me = participant.info(&self.tracks);
        tracing::info!(
            room = %self.name,
            identity = %params.identity,
            participant = %me.sid,
            client = %params.client,
            "participant joined"
        );
        let others = self.others(id);
        self.identities
            .insert(Arc::clone(&participant.identity), id);
        self.participants.insert(id, participant);
        self.empty_since = None;
        self.ever_joined = true;
        self.engine.placement.participant_joined(self.engine.worker);
        self.engine.send(Command::AddParticipant {
            room: ids::room_id(self.number),
            participant: id,
            permissions: params.permissions.media(),
        });
        self.record_participant(id, RoomEvent::ParticipantJoined);
        self.tell_others(id, me.clone());
        if params.auto_subscribe && params.permissions.subscribe {
            self.subscribe_to_all(id);
        }
        self.tell_speakers_now(id);
        Joined {
            session: SessionHandle::new(Arc::clone(room), id, 0, &me),
            notices: Notices::new(queue, watched),
            room: self.info(),
            me,
            others,
            repeated: Vec::new(),
            departed: Vec::new(),
            last_data: 0,
        }
    }
}
