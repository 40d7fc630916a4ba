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
