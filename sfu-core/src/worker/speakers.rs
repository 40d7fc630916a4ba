//! Who is speaking: from the packets' levels to the room's list, and the news of it.

use std::time::Instant;

use super::{PeerKey, Room, Shared};
use crate::event::{Event, Speaker};
use crate::media::codec::MediaKind;
use crate::media::packet::PacketFacts;
use crate::room::tracks::TrackIndex;
use crate::wire::extensions::AudioLevel;

/// Takes note of a stored packet's loudness.
pub(super) fn hear(
    shared: &mut Shared,
    room: &mut Room,
    now: Instant,
    index: TrackIndex,
    facts: &PacketFacts,
    clock_rate: u32,
) {
    let Some(level) = facts.extensions.audio_level.map(AudioLevel::from_byte) else {
        return;
    };
    let Some(track) = room.tracks.get_mut(index) else {
        return;
    };
    if track.kind != MediaKind::Audio {
        return;
    }
    let sound = (index, &mut track.loudness);
    let level = level.level_dbov;
    let first = room
        .speakers
        .hear(now, sound, level, facts.timestamp, clock_rate);
    if first {
        arm(shared, room);
    }
}

/// Looks at the room's sounds if it is time to.
pub(super) fn look(shared: &mut Shared, room: &mut Room, now: Instant) {
    if room.speakers.due().is_none_or(|due| due > now) {
        return;
    }
    if let Some(speakers) = room.speakers.look(now, &mut room.tracks) {
        tell(shared, room, speakers);
    }
    arm(shared, room);
}

/// Sees to it that somebody is looked after when it is time to look.
fn arm(shared: &mut Shared, room: &Room) {
    if let (Some(due), Some(peer)) = (room.speakers.due(), room.speakers.someone(&room.tracks)) {
        shared.timers.arm(PeerKey::new(room.key, peer), due);
    }
}

/// A track is muted or over: it leaves the list at once.
pub(super) fn silence(shared: &mut Shared, room: &mut Room, index: TrackIndex) {
    if let Some(speakers) = room.speakers.silence(index, &mut room.tracks) {
        tell(shared, room, speakers);
    }
}

fn tell(shared: &mut Shared, room: &Room, speakers: Vec<Speaker>) {
    let room = room.id;
    let event = Event::SpeakersChanged { room, speakers };
    shared.events.push_back(event);
}
