//! The application: who is in which room, what they publish and what they are told.
//!
//! Every door speaks to [`Rooms`]; nothing in here knows a door's protocol. A room is one lock,
//! held for short synchronous work and never across an await; the registry of rooms is another,
//! and the two are never held together. Numbers that the engine knows things by carry the room's
//! number in their upper half ([`ids`]), so an event finds its room without any further index.
//!
//! Commands for the engine are sent while the room is locked: the engine sees them in the order in
//! which the room changed.

mod backup;
mod check;
mod data;
mod dynacast;
mod explain;
mod facts;
mod fault;
mod ids;
mod info;
mod join;
mod join_counts;
mod join_times;
pub mod limits;
mod moderation;
mod new_track;
mod news;
mod notice;
mod participant;
mod permissions;
mod quality;
mod recording;
mod registry;
mod resume;
mod room;
mod room_event;
mod session;
mod settings;
mod speakers;
mod stream_states;
mod subscription_permissions;
mod subscriptions;
mod track_traits;
mod tracks;
mod watch;
mod watch_log;
mod wishes;
mod workers;

#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use tokio::sync::Semaphore;

use crate::error::{ApiError, ErrorKind};
use crate::rate::{AddressBuckets, Rate};
use registry::Registry;
use room::{Engine, NewRoom, Room};
use workers::Placement;

pub use data::{DataCodec, DataCounts, DataDrop, DataHeader, DataSender, Delivery, ServerData};
pub use dynacast::WantedCodec;
pub use explain::{Explained, ExplainedSubscription, Told};
pub use info::{
    BackupInfo, Counts, ParticipantInfo, ParticipantState, Quality, RoomInfo, RoomOptions,
    TrackInfo, TrackLayer, TrackSource,
};
pub use join::{Ending, JoinParams, Joined, Notices};
pub use join_counts::JoinCounts;
pub use join_times::{JoinTimes, JoinTimesRead};
pub use moderation::ParticipantUpdate;
pub use new_track::NewTrack;
pub use notice::{LeaveReason, Notice, SubscriptionError};
pub use permissions::Permissions;
pub use quality::{ConnectionQuality, QualityInfo};
pub use recording::{BrokenOff, RecordedPiece, Recording};
pub use room_event::{Publisher, Recorded, RoomEvent};
pub use session::SessionHandle;
pub use settings::Settings;
pub use speakers::Speaker;
pub use stream_states::StreamInfo;
pub use subscription_permissions::TrackPermission;
pub use track_traits::{AudioFeature, BackupCodecPolicy, Encryption, TrackTraits};
pub use watch::{RoomEvents, Snapshot, TooSlow, Watch, WatchFrom};
pub use wishes::{ShownSize, TrackWish};
pub use workers::MediaWorkers;

/// All rooms of this node. Clones are the same rooms.
#[derive(Clone)]
pub struct Rooms(Arc<Shared>);

struct Shared {
    settings: Settings,
    workers: Arc<dyn MediaWorkers>,
    placement: Arc<Placement>,
    registry: Registry,
    joins: AddressBuckets,
    join_counts: JoinCounts,
    join_times: JoinTimes,
    /// A share for each watcher of a room.
    watchers: Arc<Semaphore>,
    /// A share for each recording of a participant's adaptation.
    recordings: Arc<Semaphore>,
    data_codec: OnceLock<Arc<dyn DataCodec>>,
    data_counts: DataCounts,
}

impl Rooms {
    /// No rooms yet.
    #[must_use]
    pub fn new(settings: Settings, workers: Arc<dyn MediaWorkers>) -> Self {
        Self(Arc::new(Shared {
            placement: Arc::new(Placement::new(workers.workers())),
            registry: Registry::default(),
            joins: AddressBuckets::new(
                Rate {
                    per_second: settings.joins_per_second,
                    burst: settings.join_burst,
                },
                limits::MAX_COUNTED_ADDRESSES,
            ),
            join_counts: JoinCounts::default(),
            join_times: JoinTimes::default(),
            watchers: Arc::new(Semaphore::new(limits::MAX_WATCHERS)),
            recordings: Arc::new(Semaphore::new(limits::MAX_RECORDINGS)),
            data_codec: OnceLock::new(),
            data_counts: DataCounts::default(),
            workers,
            settings,
        }))
    }

    /// Makes a room, or returns the one of that name unchanged: repeating it is safe.
    ///
    /// # Errors
    /// `InvalidArgument` naming the field; `ResourceExhausted` at [`limits::MAX_ROOMS`];
    /// `Unavailable` while shutting down.
    pub fn create_room(&self, options: &RoomOptions) -> Result<RoomInfo, ApiError> {
        loop {
            if let Some(info) = self.0.room_or_new(options)?.info() {
                return Ok(info);
            }
        }
    }

    /// A room by name.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn get_room(&self, name: &str) -> Result<RoomInfo, ApiError> {
        let room = self.0.registry.named(name);
        room.and_then(|room| room.info()).ok_or_else(no_room)
    }

    /// The rooms of these names that exist, or all if `names` is empty; ordered by name.
    #[must_use]
    pub fn list_rooms(&self, names: &[String]) -> Vec<RoomInfo> {
        let mut rooms: Vec<RoomInfo> = self
            .0
            .registry
            .all()
            .iter()
            .filter(|room| names.is_empty() || names.contains(&room.name))
            .filter_map(|room| room.info())
            .collect();
        rooms.sort_by(|a, b| a.name.cmp(&b.name));
        rooms
    }

    /// Ends a room; everyone in it is told.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn delete_room(&self, name: &str) -> Result<(), ApiError> {
        let room = self.0.registry.named(name).ok_or_else(no_room)?;
        self.0.end_room(&room, LeaveReason::RoomDeleted);
        Ok(())
    }

    /// The participants of a room, in the order in which they joined; hidden ones too.
    ///
    /// # Errors
    /// `NotFound` if there is no such room.
    pub fn list_participants(&self, room: &str) -> Result<Vec<ParticipantInfo>, ApiError> {
        let room = self.0.registry.named(room).ok_or_else(no_room)?;
        Ok(room.participants())
    }

    /// One participant of a room.
    ///
    /// # Errors
    /// `NotFound` naming the field, if there is no such room or participant.
    pub fn get_participant(&self, room: &str, identity: &str) -> Result<ParticipantInfo, ApiError> {
        let mut participants = self.list_participants(room)?;
        participants.retain(|participant| participant.identity == identity);
        participants.pop().ok_or_else(no_participant)
    }

    /// Makes a participant leave; it is told.
    ///
    /// # Errors
    /// `NotFound` naming the field, if there is no such room or participant.
    pub fn remove_participant(&self, room: &str, identity: &str) -> Result<(), ApiError> {
        let room = self.0.registry.named(room).ok_or_else(no_room)?;
        if room.remove_identity(identity, LeaveReason::ParticipantRemoved) {
            Ok(())
        } else {
            Err(no_participant())
        }
    }

    /// How much there is now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.0
            .registry
            .all()
            .iter()
            .fold(Counts::default(), |sum, room: &Arc<Room>| {
                room.add_counts(sum)
            })
    }

    /// How the joins went so far.
    #[must_use]
    pub fn join_counts(&self) -> &JoinCounts {
        &self.0.join_counts
    }

    /// How long they took.
    #[must_use]
    pub fn join_times(&self) -> &JoinTimes {
        &self.0.join_times
    }

    /// Tells everyone that the server stops, and ends all rooms. Nobody can join after.
    pub fn shut_down(&self) {
        for room in self.0.registry.close() {
            self.0.end_room(&room, LeaveReason::ServerShutdown);
        }
    }
}

fn no_room() -> ApiError {
    ApiError::field(
        ErrorKind::NotFound,
        "room",
        "the requested room does not exist",
    )
}

fn no_participant() -> ApiError {
    ApiError::field(ErrorKind::NotFound, "identity", "no such participant")
}

impl Shared {
    /// The room of that name, or a new one with these options.
    fn room_or_new(&self, options: &RoomOptions) -> Result<Arc<Room>, ApiError> {
        let (empty_timeout, departure_timeout) = check::room_options(options)?;
        let max = options.max_participants.unwrap_or_default();
        let most = self.settings.max_participants;
        self.registry.named_or(&options.name, |number| {
            let worker = self.placement.place_room();
            tracing::info!(room = %options.name, worker, "room created");
            Room::new(NewRoom {
                name: options.name.clone(),
                number,
                engine: Engine {
                    workers: Arc::clone(&self.workers),
                    placement: Arc::clone(&self.placement),
                    worker,
                },
                metadata: options.metadata.clone(),
                empty_timeout: empty_timeout.unwrap_or(self.settings.empty_timeout),
                departure_timeout: departure_timeout.unwrap_or(self.settings.departure_timeout),
                max_participants: if max == 0 { most } else { max.min(most) },
            })
        })
    }

    /// Ends a room and forgets it.
    fn end_room(&self, room: &Room, reason: LeaveReason) {
        room.end(reason);
        self.registry.forget(room);
    }
}
