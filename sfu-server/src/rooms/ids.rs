//! Names of things: random ones for clients, numbers for the engine.

use sfu_core::id::{ParticipantId, RoomId, TrackId};

/// Bits of a participant's or track's number that count within the room.
const LOCAL_BITS: u32 = 32;

/// Letters of a sid after its prefix: 12 of 62 are 71 bits, so that none is met twice.
const SID_LETTERS: usize = 12;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `prefix` and [`SID_LETTERS`] random letters.
pub(super) fn sid(prefix: &str) -> String {
    let mut sid = String::with_capacity(prefix.len() + SID_LETTERS);
    sid.push_str(prefix);
    while sid.len() < prefix.len() + SID_LETTERS {
        let mut bytes = [0; SID_LETTERS * 2];
        getrandom::fill(&mut bytes).expect("the system's random source always answers");
        let letters = bytes
            .iter()
            // Four times the alphabet fits a byte; the rest is dropped, so that all are as likely.
            .filter(|byte| usize::from(**byte) < ALPHABET.len() * 4)
            .map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]));
        sid.extend(letters.take(prefix.len() + SID_LETTERS - sid.len()));
    }
    sid
}

/// The room's number for the engine.
pub(super) fn room_id(room: u32) -> RoomId {
    RoomId(u64::from(room))
}

/// The number of a room that [`room_id`] named; no other has one above 32 bits.
pub(super) fn room_number(room: RoomId) -> u32 {
    u32::try_from(room.0).unwrap_or_default()
}

pub(super) fn participant_id(room: u32, count: u32) -> ParticipantId {
    ParticipantId(u64::from(room) << LOCAL_BITS | u64::from(count))
}

pub(super) fn track_id(room: u32, count: u32) -> TrackId {
    TrackId(u64::from(room) << LOCAL_BITS | u64::from(count))
}

/// The room in which a participant's or track's number was given out.
pub(super) fn room_of(id: u64) -> u32 {
    u32::try_from(id >> LOCAL_BITS).expect("32 of 64 bits are left")
}
