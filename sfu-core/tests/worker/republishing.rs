//! Tracks that end and come again.

use sfu_core::command::Command;
use sfu_core::event::Event;
use sfu_core::id::TrackId;
use sfu_core::media::codec::MediaKind;
use sfu_core::media::session::Direction;

use crate::client::{MS, Packet};
use crate::meeting::{Meeting, audio, participant};

#[test]
fn a_track_that_ended_is_not_taken_for_its_successor_of_the_same_name() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Audio, &[]);
    // Unpublished and published anew, in one offer.
    meeting.announce(publisher, 2, MediaKind::Audio, "cid");
    meeting.clients[publisher].sections[0].direction = Direction::Inactive;
    meeting.clients[publisher].section(MediaKind::Audio, Some("cid"), &[]);
    meeting.events.clear();
    meeting.offer(publisher);
    let bound = meeting.events.iter().filter_map(|event| match event {
        Event::TrackBound { track, mid } => Some((*track, mid.to_string())),
        _ => None,
    });
    assert_eq!(bound.collect::<Vec<_>>(), [(TrackId(2), "1".to_owned())]);
}

#[test]
fn a_stream_goes_on_in_its_section_after_its_numbers_have_wrapped() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Audio, &[]);
    let viewer = meeting.viewer(1, MediaKind::Audio);
    let at = |n: u64| Packet {
        sequence: 65_000 + n,
        ..audio(n)
    };
    for n in 0..1000 {
        meeting.send(publisher, &at(n));
    }
    meeting.clients[publisher].sections[0].direction = Direction::Inactive;
    meeting.offer(publisher);
    meeting.command(Command::RemoveTrack { track: TrackId(1) });
    meeting.announce(publisher, 2, MediaKind::Audio, "cid");
    meeting.clients[publisher].sections[0].direction = Direction::SendOnly;
    meeting.offer(publisher);
    meeting.subscribe(viewer, 2);
    // Its only section is said to be empty first.
    meeting.offer(viewer);
    meeting.offer(viewer);
    let before = meeting.clients[viewer].rtp.len();
    // The same transceiver has the same sender: its SSRC and its numbers go on.
    for n in 1000..1010 {
        meeting.send(publisher, &at(n));
        meeting.pass(20 * MS);
    }
    assert_eq!(meeting.clients[viewer].rtp.len() - before, 10);
}

#[test]
fn a_subscription_paused_before_it_has_a_section_starts_paused() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Audio, &[]);
    let viewer = meeting.join();
    meeting.clients[viewer].section(MediaKind::Audio, None, &[]);
    meeting.subscribe(viewer, 1);
    let set_enabled = |meeting: &mut Meeting, enabled| {
        meeting.command(Command::SetSubscriptionEnabled {
            participant: participant(viewer),
            track: TrackId(1),
            enabled,
        });
    };
    set_enabled(&mut meeting, false);
    meeting.connect(viewer);
    meeting.send(publisher, &audio(0));
    assert_eq!(meeting.clients[viewer].rtp.len(), 0);
    set_enabled(&mut meeting, true);
    meeting.send(publisher, &audio(1));
    assert_eq!(meeting.clients[viewer].rtp.len(), 1);
}

#[test]
fn streams_that_came_and_went_leave_room_for_new_ones() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Audio, &[]);
    let viewer = meeting.viewer(1, MediaKind::Audio);
    for stream in 0..100 {
        for n in 0..200 {
            meeting.send(
                publisher,
                &Packet {
                    ssrc: 0x5000 + stream,
                    ..audio(n)
                },
            );
        }
    }
    assert_eq!(meeting.clients[viewer].rtp.len(), 100 * 200);
}

/// What the last answer to a client says of each of its sections.
fn directions(meeting: &Meeting, client: usize) -> Vec<String> {
    let answers = meeting.events.iter().rev();
    let mut answers = answers.filter_map(|event| match event {
        Event::Answer {
            participant: who,
            sdp,
            ..
        } if *who == participant(client) => Some(sdp),
        _ => None,
    });
    let words = ["a=sendonly", "a=recvonly", "a=sendrecv", "a=inactive"];
    let lines = answers.next().unwrap().lines();
    lines
        .filter(|line| words.contains(line))
        .map(|line| line[2..].to_owned())
        .collect()
}

/// How often a client was asked for an offer since the last call, and for how many sections.
fn asked(meeting: &mut Meeting, client: usize) -> Vec<u32> {
    let of = |event: &Event| match event {
        Event::SectionsNeeded {
            participant: who,
            audio,
            ..
        } if *who == participant(client) => Some(*audio),
        _ => None,
    };
    let asked = meeting.events.iter().filter_map(of).collect();
    meeting.events.clear();
    asked
}

#[test]
fn a_section_is_said_to_be_empty_before_it_carries_another_track() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Audio, &[]);
    let viewer = meeting.viewer(1, MediaKind::Audio);
    let roomy = meeting.join();
    meeting.clients[roomy].section(MediaKind::Audio, None, &[]);
    meeting.clients[roomy].section(MediaKind::Audio, None, &[]);
    meeting.subscribe(roomy, 1);
    meeting.connect(roomy);
    assert_eq!(directions(&meeting, viewer), ["sendonly"]);

    meeting.clients[publisher].sections[0].direction = Direction::Inactive;
    meeting.offer(publisher);
    meeting.command(Command::RemoveTrack { track: TrackId(1) });
    meeting.announce(publisher, 2, MediaKind::Audio, "cid");
    meeting.clients[publisher].sections[0].direction = Direction::SendOnly;
    meeting.offer(publisher);
    for client in [viewer, roomy] {
        asked(&mut meeting, client);
        meeting.subscribe(client, 2);
        assert_eq!(asked(&mut meeting, client), [0], "sections are enough");
    }
    // A free one is taken at once.
    meeting.offer(roomy);
    assert_eq!(directions(&meeting, roomy), ["inactive", "sendonly"]);
    meeting.offer(viewer);
    assert_eq!(directions(&meeting, viewer), ["inactive"]);
    assert_eq!(asked(&mut meeting, viewer), [0], "once more");
    meeting.offer(viewer);
    assert_eq!(directions(&meeting, viewer), ["sendonly"]);
    assert_eq!(asked(&mut meeting, viewer), [0; 0]);
}
