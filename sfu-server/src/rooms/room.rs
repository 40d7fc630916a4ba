//! One room: its lock, and what changes under it. The parts of [`State`] that belong to tracks,
//! subscriptions and timers are in files of their own.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use sfu_core::command::Command;
use sfu_core::id::{ParticipantId, TrackId};
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::Instant;

use super::ids;
use super::info::{Counts, ParticipantInfo, ParticipantState, RoomInfo};
use super::notice::{LeaveReason, Notice};
use super::participant::{Participant, Track};
use super::room_event::RoomEvent;
use super::watch_log::WatchLog;
use super::workers::{MediaWorkers, Placement};

/// A room's line to the engine: the worker on which all of it lives.
pub(super) struct Engine {
    pub(super) workers: Arc<dyn MediaWorkers>,
    pub(super) placement: Arc<Placement>,
    pub(super) worker: usize,
}

impl Engine {
    pub(super) fn send(&self, command: Command) {
        self.workers.send(self.worker, command);
    }
}

pub(super) struct Room {
    pub(super) name: String,
    pub(super) number: u32,
    state: Mutex<State>,
}

/// What the lock guards.
pub(super) struct State {
    pub(super) name: String,
    pub(super) sid: String,
    pub(super) number: u32,
    pub(super) engine: Engine,
    pub(super) metadata: String,
    pub(super) empty_timeout: Duration,
    pub(super) departure_timeout: Duration,
    pub(super) max_participants: u32,
    pub(super) created_at: SystemTime,
    /// Since when nobody is in it.
    pub(super) empty_since: Option<Instant>,
    pub(super) ever_joined: bool,
    pub(super) ended: bool,
    /// In the order of joining, which is the order of their numbers.
    pub(super) participants: BTreeMap<ParticipantId, Participant>,
    pub(super) identities: HashMap<Arc<str>, ParticipantId>,
    pub(super) tracks: HashMap<TrackId, Track>,
    /// The engine's tracks that are second codecs, and of which.
    pub(super) backups: HashMap<TrackId, TrackId>,
    /// Every track by its sid.
    pub(super) track_sids: HashMap<String, TrackId>,
    pub(super) last_participant: u32,
    pub(super) last_track: u32,
    /// Who left lately, oldest first: for those who were without signalling then.
    pub(super) departed: VecDeque<(Instant, ParticipantInfo)>,
    /// Who is speaking, and how loud in -dBov.
    pub(super) speakers: BTreeMap<ParticipantId, u8>,
    /// Who leads the conversation, or did last.
    pub(super) dominant: Option<ParticipantId>,
    pub(super) ever_spoken: bool,
    /// When it was last told how good connections are.
    pub(super) qualities_told: Option<Instant>,
    /// What watchers are told.
    pub(super) watch: Arc<WatchLog>,
    /// Participants whose outbox was full: removed before the lock is let go.
    too_slow: Vec<ParticipantId>,
}

/// What a new room is made of, its values checked and defaults filled in.
pub(super) struct NewRoom {
    pub(super) name: String,
    pub(super) number: u32,
    pub(super) engine: Engine,
    pub(super) metadata: String,
    pub(super) empty_timeout: Duration,
    pub(super) departure_timeout: Duration,
    pub(super) max_participants: u32,
}

impl Room {
    pub(super) fn new(new: NewRoom) -> Self {
        Self {
            name: new.name.clone(),
            number: new.number,
            state: Mutex::new(State {
                name: new.name,
                sid: ids::sid("RM_"),
                number: new.number,
                engine: new.engine,
                metadata: new.metadata,
                empty_timeout: new.empty_timeout,
                departure_timeout: new.departure_timeout,
                max_participants: new.max_participants,
                created_at: SystemTime::now(),
                empty_since: Some(Instant::now()),
                ever_joined: false,
                ended: false,
                participants: BTreeMap::new(),
                identities: HashMap::new(),
                tracks: HashMap::new(),
                backups: HashMap::new(),
                track_sids: HashMap::new(),
                last_participant: 0,
                last_track: 0,
                departed: VecDeque::new(),
                speakers: BTreeMap::new(),
                dominant: None,
                ever_spoken: false,
                qualities_told: None,
                watch: Arc::default(),
                too_slow: Vec::new(),
            }),
        }
    }

    /// Changes the room under its lock. Who could not be told of the change is gone afterwards.
    pub(super) fn with<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.lock();
        let result = change(&mut state);
        while let Some(slow) = state.too_slow.pop() {
            state.remove(slow, LeaveReason::TooSlow);
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic under this lock is a fault of ours that a test must find; the other rooms and
        // the people in this one are better served by going on than by a second panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The room as it is; `None` once it has ended.
    pub(super) fn info(&self) -> Option<RoomInfo> {
        let state = self.lock();
        (!state.ended).then(|| state.info())
    }

    pub(super) fn participants(&self) -> Vec<ParticipantInfo> {
        self.lock().everyone()
    }

    pub(super) fn add_counts(&self, sum: Counts) -> Counts {
        let state = self.lock();
        let subscriptions = state
            .participants
            .values()
            .map(|one| one.subscriptions.len());
        Counts {
            rooms: sum.rooms + usize::from(!state.ended),
            participants: sum.participants + state.participants.len(),
            tracks: sum.tracks + state.tracks.len(),
            subscriptions: sum.subscriptions + subscriptions.sum::<usize>(),
        }
    }

    /// Makes the session of that identity leave; false if there is none.
    pub(super) fn remove_identity(&self, identity: &str, reason: LeaveReason) -> bool {
        self.with(|state| {
            let found = state.identities.get(identity).copied();
            found.is_some_and(|id| state.remove(id, reason))
        })
    }

    /// Ends the room and tells everyone; only the first call does.
    pub(super) fn end(&self, reason: LeaveReason) {
        self.with(|state| state.end(reason));
    }
}

impl State {
    pub(super) fn info(&self) -> RoomInfo {
        let shown = || {
            self.participants
                .values()
                .filter(|one| !one.permissions.hidden)
        };
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        RoomInfo {
            sid: self.sid.clone(),
            name: self.name.clone(),
            empty_timeout: self.empty_timeout,
            departure_timeout: self.departure_timeout,
            max_participants: self.max_participants,
            created_at: self.created_at,
            metadata: self.metadata.clone(),
            num_participants: count(shown().count()),
            num_publishers: count(shown().filter(|one| !one.tracks.is_empty()).count()),
        }
    }

    /// Tells one participant; one that does not read is ended.
    pub(super) fn tell(&mut self, id: ParticipantId, notice: Notice) {
        let Some(participant) = self.participants.get(&id) else {
            return;
        };
        // A closed outbox is one whose socket is gone: the timers deal with it.
        if let Err(TrySendError::Full(_)) = participant.outbox.try_send(notice) {
            self.too_slow.push(id);
        }
    }

    /// Tells everyone but `about` what became of it. Of hidden ones nobody is told.
    pub(super) fn tell_others(&mut self, about: ParticipantId, info: ParticipantInfo) {
        if info.permissions.hidden {
            return;
        }
        let notice = Notice::ParticipantsChanged(Arc::new(vec![info]));
        let others: Vec<_> = self.participants.keys().copied().collect();
        for other in others.into_iter().filter(|other| *other != about) {
            self.tell(other, notice.clone());
        }
    }

    /// A participant changed: everyone else is told.
    pub(super) fn changed(&mut self, id: ParticipantId) {
        let Some(participant) = self.participants.get_mut(&id) else {
            return;
        };
        participant.version += 1;
        participant.news.changed = false;
        let info = participant.info(&self.tracks);
        self.tell_others(id, info);
    }

    /// Ends a participant's session: it, the others and the engine are told. False if unknown.
    pub(super) fn remove(&mut self, id: ParticipantId, reason: LeaveReason) -> bool {
        self.speaker_leaves(id);
        self.record_tracks_end(id);
        let Some(participant) = self.participants.remove(&id) else {
            return false;
        };
        self.identities.remove(&participant.identity);
        let mut info = participant.info(&self.tracks);
        info.version += 1;
        info.state = ParticipantState::Disconnected;
        info.left = Some(reason);
        for track in &participant.tracks {
            self.forget_track(*track);
        }
        for track in &participant.subscriptions {
            self.wanted_changed(id, *track);
        }
        self.engine
            .send(Command::RemoveParticipant { participant: id });
        self.engine.placement.participant_left(self.engine.worker);
        // A full outbox loses this; `ended` says it too.
        let _ = participant.outbox.try_send(Notice::Leave { reason });
        participant.ended.send_replace(Some(reason));
        tracing::info!(
            room = %self.name,
            identity = %participant.identity,
            participant = %participant.sid,
            ?reason,
            "participant left"
        );
        if !info.permissions.hidden {
            self.remember_departed(&info);
        }
        self.watch
            .record(|| RoomEvent::ParticipantLeft(Box::new(info.clone())));
        self.tell_others(id, info);
        if self.participants.is_empty() {
            self.empty_since = Some(Instant::now());
        }
        true
    }

    pub(super) fn end(&mut self, reason: LeaveReason) {
        if self.ended {
            return;
        }
        self.ended = true;
        tracing::info!(room = %self.name, sid = %self.sid, ?reason, "room ended");
        self.record_end(reason);
        for participant in std::mem::take(&mut self.participants).into_values() {
            let _ = participant.outbox.try_send(Notice::Leave { reason });
            participant.ended.send_replace(Some(reason));
            self.engine.placement.participant_left(self.engine.worker);
        }
        self.identities.clear();
        self.tracks.clear();
        self.backups.clear();
        self.track_sids.clear();
        self.engine.send(Command::CloseRoom {
            room: ids::room_id(self.number),
        });
        self.engine.placement.room_ended(self.engine.worker);
    }
}
