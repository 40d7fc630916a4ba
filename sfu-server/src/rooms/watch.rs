//! Watching a room: how it is now, or where the watcher left off, and then every event in order.

use std::fmt;
use std::sync::Arc;

use sfu_core::id::ParticipantId;

use super::info::{ParticipantInfo, RoomInfo, TrackInfo};
use super::limits;
use super::notice::LeaveReason;
use super::participant::Track;
use super::room::State;
use super::room_event::{Publisher, Recorded, RoomEvent};
use super::watch_log::{Next, WatchLog};
use super::{Rooms, no_room};
use crate::error::{ApiError, ErrorKind};

/// Where a watch that was cut off goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchFrom {
    /// The life of the room that was watched.
    pub room_sid: String,
    /// The last event that was read.
    pub after: u64,
}

/// A watch: how it begins, and how it goes on.
#[derive(Debug)]
pub struct Watch {
    /// The last event's number before the first that `events` gives.
    pub sequence: u64,
    /// How the room is; `None`: the watch goes on where it was cut off.
    pub snapshot: Option<Snapshot>,
    /// What happens.
    pub events: RoomEvents,
}

/// A room at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The room.
    pub room: RoomInfo,
    /// Everybody, hidden ones too, in the order of joining.
    pub participants: Vec<ParticipantInfo>,
    /// All that speak, the loudest first.
    pub speakers: Vec<(Publisher, f32)>,
}

/// The events of one room for one watcher.
pub struct RoomEvents {
    log: Arc<WatchLog>,
    id: u64,
    read: u64,
    over: bool,
}

/// The watcher's next event was thrown away before it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooSlow;

impl Rooms {
    /// Watches a room: from its state now, or after the event that `from` names where the room
    /// still has what followed it.
    ///
    /// # Errors
    /// `NotFound`; `InvalidArgument` naming `after_sequence` if the room has not come so far;
    /// `ResourceExhausted` at [`limits::MAX_WATCHERS`] and [`limits::MAX_WATCHERS_PER_ROOM`].
    pub fn watch(&self, room: &str, from: Option<&WatchFrom>) -> Result<Watch, ApiError> {
        let room = self.0.registry.named(room).ok_or_else(no_room)?;
        let share = Arc::clone(&self.0.watchers).try_acquire_owned();
        let share = share.map_err(|_| full(limits::MAX_WATCHERS, "server"))?;
        room.with(|state| {
            if state.ended {
                return Err(no_room());
            }
            let last = state.watch.last();
            let from = from.filter(|from| from.room_sid == state.sid);
            let after = match from {
                Some(from) if from.after > last => {
                    let message = format!("the room's last event is {last}");
                    return Err(ApiError::invalid("after_sequence", message));
                }
                Some(from) if state.watch.has_all_after(from.after) => Some(from.after),
                _ => None,
            };
            // Under the room's lock: no event is told twice, none is missed.
            let snapshot = after.is_none().then(|| Snapshot {
                room: state.info(),
                participants: state.everyone(),
                speakers: state.speaking(),
            });
            let sequence = after.unwrap_or(last);
            let entered = state.watch.enter(sequence, share);
            let id = entered.ok_or_else(|| full(limits::MAX_WATCHERS_PER_ROOM, "room"))?;
            Ok(Watch {
                sequence,
                snapshot,
                events: RoomEvents {
                    log: Arc::clone(&state.watch),
                    id,
                    read: sequence,
                    over: false,
                },
            })
        })
    }

    /// Watchers of rooms now.
    #[must_use]
    pub fn watchers(&self) -> usize {
        limits::MAX_WATCHERS.saturating_sub(self.0.watchers.available_permits())
    }
}

fn full(most: usize, of: &str) -> ApiError {
    let message = format!("the {of} has {most} watchers and takes no more");
    ApiError::new(ErrorKind::ResourceExhausted, message)
}

impl RoomEvents {
    /// The next event; `None` after [`RoomEvent::RoomEnded`]. Losing the future loses no event.
    pub async fn next(&mut self) -> Option<Result<Arc<Recorded>, TooSlow>> {
        if self.over {
            return None;
        }
        loop {
            match self.log.next(self.id) {
                Next::Event(recorded) => {
                    self.read = recorded.sequence;
                    self.over = matches!(recorded.event, RoomEvent::RoomEnded(_));
                    return Some(Ok(recorded));
                }
                Next::NothingYet => self.log.after(self.read).await,
                Next::Lost => {
                    self.over = true;
                    return Some(Err(TooSlow));
                }
            }
        }
    }
}

impl Drop for RoomEvents {
    fn drop(&mut self) {
        self.log.leave(self.id);
    }
}

impl fmt::Debug for RoomEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoomEvents")
            .field("read", &self.read)
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}

impl State {
    /// Everybody, hidden ones too, in the order of joining.
    pub(super) fn everyone(&self) -> Vec<ParticipantInfo> {
        let participants = self.participants.values();
        participants.map(|one| one.info(&self.tracks)).collect()
    }

    /// Watchers are told of a participant.
    pub(super) fn record_participant(
        &self,
        id: ParticipantId,
        event: impl FnOnce(Box<ParticipantInfo>) -> RoomEvent,
    ) {
        if let Some(participant) = self.participants.get(&id) {
            self.watch
                .record(|| event(Box::new(participant.info(&self.tracks))));
        }
    }

    /// Watchers are told of a track, unless nobody was told that it is there.
    pub(super) fn record_track(
        &self,
        track: &Track,
        event: impl FnOnce(Publisher, Box<TrackInfo>) -> RoomEvent,
    ) {
        if let (Some(publisher), Some(_)) =
            (self.participants.get(&track.publisher), &track.info.mid)
        {
            self.watch.record(|| {
                let publisher = Publisher {
                    identity: publisher.identity.to_string(),
                    sid: publisher.sid.clone(),
                };
                event(publisher, Box::new(track.info.clone()))
            });
        }
    }

    /// Watchers are told that a participant's tracks end.
    pub(super) fn record_tracks_end(&self, id: ParticipantId) {
        let tracks = self.participants.get(&id).into_iter();
        let tracks = tracks.flat_map(|publisher| &publisher.tracks);
        for track in tracks.filter_map(|track| self.tracks.get(track)) {
            self.record_track(track, RoomEvent::TrackUnpublished);
        }
    }

    /// Watchers are told that the room is over.
    pub(super) fn record_end(&self, reason: LeaveReason) {
        self.watch.record(|| RoomEvent::RoomEnded(reason));
    }
}
