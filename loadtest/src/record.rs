//! What is known of each participant, written by its task and read by the report.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::statistics::Received;

/// What a participant is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Sends a picture and a sound.
    Publisher,
    /// Receives all of its room.
    Subscriber,
}

/// One participant.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) role: Role,
    /// From 0 on.
    pub(crate) room: u32,
    /// In the room and role, from 0 on.
    pub(crate) number: u32,
    pub(crate) sent: Sent,
    pub(crate) intake: Intake,
    standing: Mutex<Standing>,
}

/// How a participant's call went so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing {
    /// How long joining took; `None` until it has.
    pub(crate) joined: Option<Duration>,
    /// What ended it before its time.
    pub(crate) failed: Option<String>,
}

/// What a publisher has sent.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    packets: AtomicU64,
    bytes: AtomicU64,
}

/// What the wire end of a peer connection notes.
#[derive(Debug, Default)]
pub(crate) struct Intake {
    received: Mutex<Received>,
    keyframe_wanted: AtomicBool,
    first_packet: Notify,
}

/// A panic elsewhere is reported there; the numbers are still numbers.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Record {
    /// Somebody who has not done anything yet.
    pub(crate) fn new(role: Role, room: u32, number: u32) -> Self {
        Self {
            role,
            room,
            number,
            sent: Sent::default(),
            intake: Intake::default(),
            standing: Mutex::default(),
        }
    }

    /// How the call went so far.
    pub(crate) fn standing(&self) -> Standing {
        lock(&self.standing).clone()
    }

    /// Notes that joining took so long.
    pub(crate) fn joined(&self, after: Duration) {
        lock(&self.standing).joined = Some(after);
    }

    /// Notes what ended it; the first cause stays.
    pub(crate) fn failed(&self, why: String) {
        lock(&self.standing).failed.get_or_insert(why);
    }
}

impl Sent {
    /// Counts a packet by its payload.
    pub(crate) fn count(&self, payload_bytes: usize) {
        self.packets.fetch_add(1, Ordering::Relaxed);
        self.bytes
            .fetch_add(payload_bytes as u64, Ordering::Relaxed);
    }

    /// Packets so far.
    pub(crate) fn packets(&self) -> u64 {
        self.packets.load(Ordering::Relaxed)
    }

    /// Payload bytes so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Intake {
    /// What was received so far.
    pub(crate) fn received(&self) -> MutexGuard<'_, Received> {
        lock(&self.received)
    }

    /// Notes that the server asks for a keyframe.
    pub(crate) fn want_keyframe(&self) {
        self.keyframe_wanted.store(true, Ordering::Relaxed);
    }

    /// Whether a keyframe was asked for since the last time.
    pub(crate) fn take_keyframe_wanted(&self) -> bool {
        self.keyframe_wanted.swap(false, Ordering::Relaxed)
    }

    /// Says that media came.
    pub(crate) fn media_came(&self) {
        self.first_packet.notify_one();
    }

    /// Waits for the first media packet.
    pub(crate) async fn first_media(&self) {
        self.first_packet.notified().await;
    }
}
