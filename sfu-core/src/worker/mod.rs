//! One CPU core's state, and the corridor that alone walks between the rooms.
//!
//! Each leg of a packet's walk has its own file: [`inbound`], [`arrival`] with [`binding`],
//! [`identify`], [`streams`] and [`allocation`], [`forward`] with [`speakers`] and [`fan_out`],
//! [`outbound`] with [`pacing`], [`filler`], [`departure`], [`header`] and [`patience`]; [`bandwidth`]
//! is what a participant's network carries, and [`lines`] who shares it; [`data`] is that of data messages; [`feedback`] carries
//! RTCP's facts backwards, with [`repairs`] and [`publisher_clock`]; [`control`] with [`membership`]
//! and [`wishes`], and [`negotiation`] with [`sections`] and [`formats`], obey the control plane, and
//! [`explain`], [`recording`], [`census`] and [`adaptation`] answer it; [`timers`] does what is due by the
//! [`deadlines`], [`reports`] among it. All work on behalf of one room runs inside [`Worker::in_room`],
//! which contains a panic to that room.

mod adaptation;
mod allocation;
mod allot;
mod allotments;
mod arrival;
mod bandwidth;
mod binding;
mod census;
mod control;
mod data;
mod deadlines;
mod departure;
mod excess;
mod explain;
mod fan_out;
mod feedback;
mod filler;
mod formats;
mod forward;
mod granted;
mod header;
mod heard;
mod identify;
mod inbound;
mod lines;
mod membership;
mod negotiation;
mod outbound;
mod pacing;
mod patience;
mod peer;
mod publisher_clock;
mod recording;
mod repair_rate;
mod repairs;
mod reports;
mod requests;
mod rtcp_queue;
mod rungs;
mod sections;
mod settings;
mod speakers;
mod statistics;
mod stats;
mod streams;
mod timers;
mod traffic;
mod wishes;

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use rand_chacha::ChaCha12Rng;
use rand_core::SeedableRng;
use slab::Slab;

pub use census::{Census, ESTIMATE_BOUNDS};
pub use settings::WorkerSettings;
pub use stats::WorkerStats;
pub use traffic::{Traffic, TrafficKind, Volume};

use crate::drop_reason::DropReason;
use crate::event::Event;
use crate::id::{ParticipantId, RoomId, TrackId};
use crate::ingress::Ingress;
use crate::media::packet::PacketPool;
use crate::media::path::Path;
use crate::room::active_speaker::ActiveSpeakers;
use crate::room::tracks::{PeerIndex, TrackIndex, Tracks};
use crate::transport::lookup::Lookup;
use data::DataTurns;
use deadlines::Deadlines;
use lines::Lines;
use peer::Peer;

/// A participant's place in the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PeerKey {
    room: u32,
    peer: u32,
}

impl PeerKey {
    fn new(room: usize, peer: PeerIndex) -> Self {
        let narrow = |index: usize| u32::try_from(index).expect("fewer than 2^32 of them fit");
        Self {
            room: narrow(room),
            peer: narrow(peer),
        }
    }

    const fn room(self) -> usize {
        self.room as usize
    }

    const fn peer(self) -> PeerIndex {
        self.peer as usize
    }
}

/// One room's media: everything that goes when the room goes.
struct Room {
    id: RoomId,
    key: usize,
    peers: Slab<Peer>,
    tracks: Tracks,
    speakers: ActiveSpeakers,
    census: Census,
    /// What its tracks could be sent as.
    offers: rungs::Offers,
    /// What its subscribers have not been offered yet.
    burst: fan_out::Burst,
}

impl Room {
    /// The ingress of a track's encoding.
    fn ingress_of(&self, track: TrackIndex, encoding: u8) -> Option<&Ingress> {
        let track = self.tracks.get(track)?;
        let key = (*track.encodings.get(usize::from(encoding))?)?;
        Some(&self.peers.get(track.publisher)?.ingresses.get(key)?.ingress)
    }
}

/// What all rooms of a worker share.
struct Shared {
    settings: WorkerSettings,
    rng: ChaCha12Rng,
    pool: PacketPool,
    lookup: Lookup<PeerKey>,
    timers: Deadlines,
    /// When something waits no longer in a participant's pacer, or its estimate is due.
    pacers: Deadlines,
    /// Who shares a bottleneck with whom.
    lines: Lines,
    data_turns: DataTurns,
    /// Participants with something to send.
    dirty: VecDeque<PeerKey>,
    /// Rooms whose burst is not empty; some twice, some emptied since.
    burst_rooms: Vec<usize>,
    /// The last datagrams of transports that are gone: DTLS closures.
    farewells: VecDeque<(Path, Vec<u8>)>,
    events: VecDeque<Event>,
    stats: WorkerStats,
    participants: BTreeMap<ParticipantId, PeerKey>,
    /// The room that each track is in.
    tracks: BTreeMap<TrackId, usize>,
}

impl Shared {
    /// Notes that a participant has something to send.
    fn mark_dirty(&mut self, room: usize, index: PeerIndex, peer: &mut Peer) {
        if !peer.dirty {
            peer.dirty = true;
            self.dirty.push_back(PeerKey::new(room, index));
        }
    }
}

/// One core's media engine. The face: `handle_*` takes facts in, `poll_*` gives effects out.
pub struct Worker {
    shared: Shared,
    rooms: Slab<Room>,
    room_keys: BTreeMap<RoomId, usize>,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker")
            .field("id", &self.shared.settings.worker)
            .field("rooms", &self.room_keys.len())
            .field("participants", &self.shared.participants.len())
            .finish_non_exhaustive()
    }
}

impl Worker {
    /// A worker without rooms. `seed` is the only source of the engine's randomness: give it from
    /// the operating system's generator, or a constant for a run that must repeat.
    #[must_use]
    pub fn new(settings: WorkerSettings, seed: [u8; 32]) -> Self {
        let mut rng = ChaCha12Rng::from_seed(seed);
        Self {
            shared: Shared {
                pool: PacketPool::new(settings.pool_packets),
                lookup: Lookup::new(&mut rng),
                rng,
                settings,
                timers: Deadlines::default(),
                pacers: Deadlines::default(),
                lines: Lines::default(),
                data_turns: DataTurns::default(),
                dirty: VecDeque::new(),
                burst_rooms: Vec::new(),
                farewells: VecDeque::new(),
                events: VecDeque::new(),
                stats: WorkerStats::default(),
                participants: BTreeMap::new(),
                tracks: BTreeMap::new(),
            },
            rooms: Slab::new(),
            room_keys: BTreeMap::new(),
        }
    }

    /// The next fact for the control plane.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.shared.events.pop_front()
    }

    /// Runs one room's work. A panic within it ends that room and nothing else: `None` then, and
    /// when there is no such room.
    fn in_room<R>(
        &mut self,
        key: usize,
        work: impl FnOnce(&mut Shared, &mut Room) -> R,
    ) -> Option<R> {
        let room = self.rooms.get_mut(key)?;
        let shared = &mut self.shared;
        match catch_unwind(AssertUnwindSafe(|| work(shared, room))) {
            Ok(result) => Some(result),
            Err(_) => {
                self.poison(key);
                None
            }
        }
    }

    /// Drops a room whose work panicked: whole, whatever state it was left in.
    fn poison(&mut self, key: usize) {
        let Some(room) = self.rooms.try_remove(key) else {
            return;
        };
        tracing::error!(room = %room.id, "a panic in the room's own work ended it");
        self.shared.stats.rooms_failed += 1;
        self.shared.stats.drops.count(DropReason::RoomPoisoned);
        self.shared
            .events
            .push_back(Event::RoomFailed { room: room.id });
        self.forget_room(&room);
        // What the panic left half done may panic again when it is dropped.
        let _ = catch_unwind(AssertUnwindSafe(move || drop(room)));
    }

    /// Takes a room's every entry out of the worker's tables.
    fn forget_room(&mut self, room: &Room) {
        self.room_keys.remove(&room.id);
        let key = room.key;
        let gone: Vec<_> = self
            .shared
            .participants
            .iter()
            .filter(|(_, peer)| peer.room() == key)
            .map(|(&id, &peer)| (id, peer))
            .collect();
        for (id, peer) in gone {
            self.shared.participants.remove(&id);
            self.shared.lookup.remove(peer);
            self.shared.timers.cancel(peer);
            self.shared.pacers.cancel(peer);
            self.shared.lines.forget(peer);
        }
        self.shared.tracks.retain(|_, room| *room != key);
        self.shared.dirty.retain(|peer| peer.room() != key);
        self.shared.pool.reclaim(owner(key));
    }

    /// The next time at which [`Worker::handle_timeout`] has work.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let turn = self.shared.data_turns.next();
        let paced = self.shared.pacers.next();
        let due = self.shared.timers.next();
        due.into_iter().chain(paced).chain(turn).min()
    }
}

/// A room's mark on its packets in the pool.
fn owner(room: usize) -> u32 {
    u32::try_from(room).expect("fewer than 2^32 rooms fit")
}
