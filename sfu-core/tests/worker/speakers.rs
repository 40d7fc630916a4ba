//! Who the worker says is speaking.

use sfu_core::command::Command;
use sfu_core::event::Event;
use sfu_core::id::TrackId;
use sfu_core::media::codec::MediaKind;

use crate::client::{MS, Packet};
use crate::meeting::{Meeting, audio, participant};

/// The lists that were told, by track and level, and the time between each and the one before.
fn told(meeting: &mut Meeting) -> Vec<Vec<(u64, u8)>> {
    let events = std::mem::take(&mut meeting.events).into_iter();
    let lists = events.filter_map(|event| match event {
        Event::SpeakersChanged { speakers, .. } => Some(speakers),
        _ => None,
    });
    lists
        .map(|list| {
            let list = list.iter();
            list.map(|one| (one.track.0, one.level_dbov)).collect()
        })
        .collect()
}

/// Both speak: so many packets each, of those levels or 4 dB less, as voices move.
fn speak(meeting: &mut Meeting, who: [usize; 2], numbers: std::ops::Range<u64>, levels: [u8; 2]) {
    for n in numbers {
        for (client, level) in who.into_iter().zip(levels) {
            let packet = Packet {
                level: Some((level + 4 * (n % 2) as u8).min(127) | 0x80),
                ..audio(n)
            };
            meeting.send(client, &packet);
        }
        meeting.pass(20 * MS);
    }
}

fn two() -> (Meeting, [usize; 2]) {
    let mut meeting = Meeting::new();
    let one = meeting.publisher(1, MediaKind::Audio, &[]);
    let other = meeting.publisher(2, MediaKind::Audio, &[]);
    meeting.events.clear();
    (meeting, [one, other])
}

#[test]
fn speakers_are_told_and_leave_when_they_fall_silent() {
    let (mut meeting, who) = two();
    speak(&mut meeting, who, 0..100, [30, 15]);
    assert_eq!(told(&mut meeting), [[(2, 17), (1, 32)]]);
    speak(&mut meeting, who, 100..200, [30, 127]);
    // The other leads before the first has left.
    assert_eq!(told(&mut meeting), [vec![(1, 32), (2, 17)], vec![(1, 32)]]);
    // Nothing comes any more, and still it is told in time.
    meeting.pass(1500 * MS);
    assert_eq!(told(&mut meeting), [[]]);
    meeting.pass(10_000 * MS);
    assert_eq!(told(&mut meeting).len(), 0);
}

#[test]
fn who_begins_is_told_within_300_ms_and_who_leads_before_the_list_that_shows_it() {
    let (mut meeting, who) = two();
    speak(&mut meeting, who, 0..100, [20, 127]);
    for silence in 100..115 {
        // At any time between two looks.
        meeting.pass(37 * MS);
        speak(&mut meeting, who, silence..silence + 1, [20, 127]);
        let listed = told(&mut meeting);
        assert!(listed.iter().flatten().all(|one| one.0 == 1));
    }
    let onset = meeting.now;
    let mut number = 115;
    let listed = loop {
        speak(&mut meeting, who, number..number + 1, [127, 15]);
        number += 1;
        if told(&mut meeting).iter().flatten().any(|one| one.0 == 2) {
            break meeting.now - onset;
        }
        assert!(number < 200);
    };
    assert!(listed <= 300 * MS, "{listed:?}");
    let order = loop {
        speak(&mut meeting, who, number..number + 1, [127, 15]);
        number += 1;
        let events = std::mem::take(&mut meeting.events);
        let order: Vec<_> = events.iter().filter_map(news).collect();
        if order.contains(&"2 leads") {
            break order;
        }
        assert!(number < 200);
    };
    assert_eq!(order, ["2 leads", "a list, 2 in front"]);
    let participant = participant(who[1]);
    meeting.command(Command::RemoveParticipant { participant });
    let order: Vec<_> = meeting.events.iter().filter_map(news).collect();
    assert_eq!(order, ["nobody leads", "a list"]);
}

fn news(event: &Event) -> Option<&'static str> {
    match event {
        Event::DominantSpeaker { track, .. } => Some(match track {
            Some(TrackId(2)) => "2 leads",
            Some(_) => "another leads",
            None => "nobody leads",
        }),
        Event::SpeakersChanged { speakers, .. } => {
            let first = speakers.first().map(|one| one.track);
            Some(match first == Some(TrackId(2)) {
                true => "a list, 2 in front",
                false => "a list",
            })
        }
        _ => None,
    }
}

#[test]
fn who_is_muted_or_leaves_is_no_speaker_at_once() {
    let (mut meeting, who) = two();
    speak(&mut meeting, who, 0..50, [20, 20]);
    told(&mut meeting);
    let (track, muted) = (TrackId(1), true);
    meeting.command(Command::SetTrackMuted { track, muted });
    assert_eq!(told(&mut meeting), [[(2, 22)]]);
    // What a muted client goes on sending is no speech.
    speak(&mut meeting, who, 50..100, [10, 20]);
    assert_eq!(told(&mut meeting).len(), 0);
    let participant = participant(who[1]);
    meeting.command(Command::RemoveParticipant { participant });
    assert_eq!(told(&mut meeting), [[]]);
}

#[test]
fn a_client_that_does_not_tell_its_levels_is_no_speaker() {
    let mut meeting = Meeting::new();
    let client = meeting.publisher(1, MediaKind::Audio, &[]);
    for n in 0..100 {
        let packet = Packet {
            level: None,
            ..audio(n)
        };
        meeting.send(client, &packet);
        meeting.pass(20 * MS);
    }
    assert_eq!(told(&mut meeting).len(), 0);
}

#[test]
fn a_sound_whose_stream_begins_anew_is_heard_whatever_its_timestamps() {
    let mut meeting = Meeting::new();
    let client = meeting.publisher(1, MediaKind::Audio, &[]);
    for n in 0..150_u32 {
        // Another stream, whose timestamps lie before the former one's.
        let (ssrc, behind) = if n < 50 {
            (0x2000, 0)
        } else {
            (0x2001, 1 << 24)
        };
        let packet = Packet {
            ssrc,
            timestamp: (960 * n).wrapping_sub(behind),
            ..audio(n.into())
        };
        meeting.send(client, &packet);
        meeting.pass(20 * MS);
    }
    assert_eq!(
        told(&mut meeting).last().map(Vec::as_slice),
        Some(&[(1, 20)][..])
    );
}
