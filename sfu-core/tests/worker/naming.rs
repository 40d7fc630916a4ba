//! Announced tracks find their sections, by name or without.

use sfu_core::event::Event;
use sfu_core::id::TrackId;
use sfu_core::media::codec::MediaKind;
use sfu_core::media::session::Direction;

use crate::meeting::Meeting;

/// Which track has which section, of those bound since the events were cleared.
fn bound(meeting: &mut Meeting) -> Vec<(TrackId, String)> {
    let events = std::mem::take(&mut meeting.events);
    let bound = events.iter().filter_map(|event| match event {
        Event::TrackBound { track, mid } => Some((*track, mid.to_string())),
        _ => None,
    });
    bound.collect()
}

#[test]
fn a_track_of_another_name_than_announced_is_found_by_its_kind() {
    let mut meeting = Meeting::new();
    let client = meeting.join();
    meeting.announce(client, 1, MediaKind::Audio, "{microphone}");
    meeting.announce(client, 2, MediaKind::Video, "{camera}");
    meeting.announce(client, 3, MediaKind::Video, "{screen}");
    for kind in [MediaKind::Audio, MediaKind::Video, MediaKind::Video] {
        meeting.clients[client].section(kind, Some("{another}"), &[]);
    }
    meeting.offer(client);
    let expected = [(1, "0"), (2, "1"), (3, "2")].map(|(id, mid)| (TrackId(id), mid.to_owned()));
    assert_eq!(bound(&mut meeting), expected);
}

#[test]
fn the_names_that_fit_go_first() {
    let mut meeting = Meeting::new();
    let client = meeting.join();
    meeting.announce(client, 1, MediaKind::Video, "camera");
    meeting.announce(client, 2, MediaKind::Video, "{screen}");
    meeting.clients[client].section(MediaKind::Video, Some("{another}"), &[]);
    meeting.clients[client].section(MediaKind::Video, Some("camera"), &[]);
    meeting.offer(client);
    let mut bound = bound(&mut meeting);
    bound.sort();
    let expected = [(1, "1"), (2, "0")].map(|(id, mid)| (TrackId(id), mid.to_owned()));
    assert_eq!(bound, expected);
}

#[test]
fn a_section_that_sends_since_before_is_not_taken_for_a_new_track() {
    let mut meeting = Meeting::new();
    let client = meeting.join();
    // Nobody announced it, or the server has ended it and the client does not know yet.
    meeting.clients[client].section(MediaKind::Video, Some("stale"), &[]);
    meeting.offer(client);
    meeting.announce(client, 1, MediaKind::Video, "{camera}");
    meeting.offer(client);
    assert_eq!(bound(&mut meeting), []);

    meeting.clients[client].section(MediaKind::Video, Some("{another}"), &[]);
    meeting.offer(client);
    assert_eq!(bound(&mut meeting), [(TrackId(1), "1".to_owned())]);

    // A transceiver that is used again counts as new.
    meeting.announce(client, 2, MediaKind::Video, "{screen}");
    meeting.clients[client].sections[0].direction = Direction::Inactive;
    meeting.offer(client);
    meeting.clients[client].sections[0].direction = Direction::SendOnly;
    meeting.offer(client);
    assert_eq!(bound(&mut meeting), [(TrackId(2), "0".to_owned())]);
}
