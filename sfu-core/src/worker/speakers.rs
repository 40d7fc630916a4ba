//! Who is speaking: from the packets' levels to the room's list, and the news of it; and which
//! sounds go on to the fan-out.

use std::time::{Duration, Instant};

use arrayvec::ArrayVec;

use super::streams::Stream;
use super::{PeerKey, Room, Shared, fan_out};
use crate::drop_reason::DropReason;
use crate::event::Event;
use crate::media::codec::MediaKind;
use crate::media::packet::{PacketFacts, PacketRef};
use crate::room::active_speaker::{Passage, SpeakerNews};
use crate::room::tracks::TrackIndex;
use crate::wire::extensions::AudioLevel;

/// How much of what came before a sound could be heard is forwarded with it: the soft beginning of
/// its first syllable.
///
/// Higher: receivers play it late or throw it away, as they have no time to wait for it. Lower: a
/// word that begins softly is cut.
const LOOK_BACK: Duration = Duration::from_millis(100);

/// Most packets of it: of the shortest that clients send, 10 ms.
const LOOK_BACK_PACKETS: usize = 10;

/// Takes note of a stored packet's loudness.
pub(super) fn hear(
    shared: &mut Shared,
    room: &mut Room,
    now: Instant,
    index: TrackIndex,
    facts: &PacketFacts,
    clock_rate: u32,
) {
    let Some(track) = room.tracks.get_mut(index) else {
        return;
    };
    if track.kind != MediaKind::Audio {
        return;
    }
    let Some(level) = facts.extensions.audio_level.map(AudioLevel::from_byte) else {
        return room.speakers.hear_unknown(&mut track.loudness);
    };
    let sound = (index, &mut track.loudness);
    let level = level.level_dbov;
    let sooner = room
        .speakers
        .hear(now, sound, level, facts.timestamp, clock_rate);
    if sooner {
        arm(shared, room);
    }
}

/// Keeps a packet that was heard for the end of the burst, unless it is of a sound that is not
/// forwarded now. Pictures always are.
pub(super) fn arrived(
    shared: &mut Shared,
    room: &mut Room,
    now: Instant,
    stream: Stream,
    packet: PacketRef,
    facts: &PacketFacts,
) {
    let sequence = facts.sequence;
    match room
        .speakers
        .admit(now, stream.track, sequence, &mut room.tracks)
    {
        Passage::Forwarded => {}
        Passage::Withheld => return withheld(shared, room, stream.track),
        Passage::Begins { withheld_from } => {
            let begun = begin(shared, room, now, stream, withheld_from..sequence);
            let marker = facts.marker || !begun;
            let facts = PacketFacts { marker, ..*facts };
            return fan_out::arrived(shared, room, now, stream, packet, &facts);
        }
    }
    fan_out::arrived(shared, room, now, stream, packet, facts);
}

fn withheld(shared: &mut Shared, room: &Room, index: TrackIndex) {
    let routes = room.tracks.get(index).map_or(0, |track| track.routes.len());
    for _ in 0..routes {
        shared.stats.drops.count(DropReason::VoiceWithheld);
    }
}

/// A sound that was withheld goes on: its subscribers' numbers without a gap, with the newest of
/// `withheld`, the numbers of what they were not sent. False when there is nothing of it, and the
/// stretch begins with what comes after.
fn begin(
    shared: &mut Shared,
    room: &mut Room,
    now: Instant,
    stream: Stream,
    withheld: std::ops::Range<u64>,
) -> bool {
    // What came before it was withheld belongs before the seam.
    fan_out::fan_out(shared, room, now);
    let Some(track) = room.tracks.get(stream.track) else {
        return false;
    };
    for route in &track.routes {
        let egresses = &mut room.peers[route.peer].egresses;
        if let Some(sending) = egresses.get_mut(route.egress) {
            sending.egress.interrupt();
        }
    }
    let key = track.encodings[usize::from(stream.encoding)];
    let ingresses = &room.peers[track.publisher].ingresses;
    let Some(publishing) = key.and_then(|key| ingresses.get(key)) else {
        return false;
    };
    let newest_first = withheld.rev().take(LOOK_BACK_PACKETS);
    let recent = newest_first.filter_map(|sequence| {
        let packet = publishing.cache.get(sequence)?;
        let (facts, _) = shared.pool.get(packet)?;
        let age = now.saturating_duration_since(facts.arrived);
        (age <= LOOK_BACK).then_some((packet, *facts))
    });
    let mut recent: ArrayVec<_, LOOK_BACK_PACKETS> = recent.collect();
    if let Some((_, first)) = recent.last_mut() {
        // RFC 3551 section 4.1: the first packet after a silence is marked.
        first.marker = true;
    }
    let begun = !recent.is_empty();
    for (packet, facts) in recent.into_iter().rev() {
        fan_out::arrived(shared, room, now, stream, packet, &facts);
    }
    begun
}

/// Whether a sound is somebody's voice.
pub(super) fn set_voice(shared: &mut Shared, room: &mut Room, index: TrackIndex, is_voice: bool) {
    let news = room.speakers.set_voice(index, is_voice, &mut room.tracks);
    tell(shared, room, news);
}

/// Looks at the room's sounds if it is time to.
pub(super) fn look(shared: &mut Shared, room: &mut Room, now: Instant) {
    if room.speakers.due().is_some_and(|due| due <= now) {
        let news = room.speakers.look(now, &mut room.tracks);
        tell(shared, room, news);
    }
    // Each time: a participant has one deadline, and a sooner one takes the place of this.
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
    let news = room.speakers.silence(index, &mut room.tracks);
    tell(shared, room, news);
}

fn tell(shared: &mut Shared, room: &Room, news: SpeakerNews) {
    let room = room.id;
    if let Some(track) = news.dominant {
        let event = Event::DominantSpeaker { room, track };
        shared.events.push_back(event);
    }
    if let Some(speakers) = news.speakers {
        let event = Event::SpeakersChanged { room, speakers };
        shared.events.push_back(event);
    }
}
