//! The seam to the media engine, and which worker a room lives on.

use std::sync::atomic::{AtomicUsize, Ordering};

use sfu_core::command::Command;

/// The engine's workers, as the application sees them.
pub trait MediaWorkers: Send + Sync + 'static {
    /// How many workers there are; at least one, and always the same.
    fn workers(&self) -> usize;

    /// Hands a command to a worker. Never blocks; commands to one worker keep their order.
    fn send(&self, worker: usize, command: Command);
}

/// Chooses a worker for each room: the one with the fewest participants, so that one large room and
/// many small ones share the cores.
#[derive(Debug)]
pub(super) struct Placement {
    participants: Box<[AtomicUsize]>,
    /// Breaks ties, so that rooms made ahead of their participants are spread too.
    rooms: Box<[AtomicUsize]>,
}

impl Placement {
    pub(super) fn new(workers: usize) -> Self {
        let zeroes = || (0..workers.max(1)).map(|_| AtomicUsize::new(0)).collect();
        Self {
            participants: zeroes(),
            rooms: zeroes(),
        }
    }

    /// The worker of a new room.
    pub(super) fn place_room(&self) -> usize {
        let load = |worker: &usize| {
            (
                self.participants[*worker].load(Ordering::Relaxed),
                self.rooms[*worker].load(Ordering::Relaxed),
            )
        };
        let worker = (0..self.rooms.len()).min_by_key(load).unwrap_or_default();
        self.rooms[worker].fetch_add(1, Ordering::Relaxed);
        worker
    }

    pub(super) fn room_ended(&self, worker: usize) {
        self.rooms[worker].fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn participant_joined(&self, worker: usize) {
        self.participants[worker].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn participant_left(&self, worker: usize) {
        self.participants[worker].fetch_sub(1, Ordering::Relaxed);
    }
}
