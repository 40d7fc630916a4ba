//! What becomes of tracks and subscriptions whose permission is taken away.

use sfu_core::command::{Command, MediaPermissions};
use sfu_core::event::Event;
use sfu_core::media::codec::MediaKind;

use crate::client::MS;
use crate::meeting::{Meeting, audio, participant};

fn permit(meeting: &mut Meeting, client: usize, publish: bool, subscribe: bool) {
    meeting.command(Command::SetPermissions {
        participant: participant(client),
        permissions: MediaPermissions { publish, subscribe },
    });
}

fn refused(meeting: &Meeting) -> usize {
    let refused = |event: &&Event| matches!(event, Event::OfferRefused { .. });
    meeting.events.iter().filter(refused).count()
}

#[test]
fn who_may_no_longer_publish_is_not_heard_and_can_still_negotiate() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Audio, &[]);
    let viewer = meeting.viewer(1, MediaKind::Audio);
    meeting.send(publisher, &audio(0));
    meeting.pass(20 * MS);
    permit(&mut meeting, publisher, false, true);
    meeting.send(publisher, &audio(1));
    meeting.pass(20 * MS);
    assert_eq!(meeting.clients[viewer].rtp.len(), 1);
    assert_eq!(meeting.worker.population().2, 0, "the track is over");

    // Its section still says that it sends when it offers for another reason.
    meeting.offer(publisher);
    assert_eq!(refused(&meeting), 0);
    meeting.announce(publisher, 2, MediaKind::Audio, "cid");
    meeting.offer(publisher);
    assert_eq!(meeting.worker.population().2, 0, "nothing is announced");

    permit(&mut meeting, publisher, true, true);
    meeting.announce(publisher, 3, MediaKind::Audio, "cid");
    meeting.offer(publisher);
    meeting.subscribe(viewer, 3);
    // Its only section is said to be empty first.
    meeting.offer(viewer);
    meeting.offer(viewer);
    meeting.send(publisher, &audio(2));
    meeting.pass(20 * MS);
    assert_eq!(meeting.clients[viewer].rtp.len(), 2);
}

#[test]
fn who_could_never_publish_is_told_by_a_refusal() {
    let mut meeting = Meeting::new();
    let client = meeting.join();
    meeting.command(Command::RemoveParticipant {
        participant: participant(client),
    });
    meeting.command(Command::AddParticipant {
        room: sfu_core::id::RoomId(1),
        participant: participant(client),
        permissions: MediaPermissions {
            publish: false,
            subscribe: true,
        },
    });
    meeting.clients[client].section(MediaKind::Audio, Some("cid"), &[]);
    meeting.offer(client);
    assert_eq!(refused(&meeting), 1);
}

#[test]
fn who_may_no_longer_subscribe_is_sent_nothing_at_once() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Audio, &[]);
    let viewer = meeting.viewer(1, MediaKind::Audio);
    let other = meeting.viewer(1, MediaKind::Audio);
    meeting.send(publisher, &audio(0));
    meeting.events.clear();
    permit(&mut meeting, viewer, true, false);
    let offer_again = |event: &Event| {
        matches!(event, Event::SectionsNeeded { participant: who, audio: 0, video: 0 }
            if *who == participant(viewer))
    };
    assert!(
        meeting.events.iter().any(offer_again),
        "its section is to be ended"
    );
    meeting.send(publisher, &audio(1));
    meeting.subscribe(viewer, 1);
    meeting.offer(viewer);
    meeting.send(publisher, &audio(2));
    meeting.pass(100 * MS);
    assert_eq!(meeting.clients[viewer].rtp.len(), 1);
    assert_eq!(meeting.clients[other].rtp.len(), 3);

    permit(&mut meeting, viewer, true, true);
    meeting.subscribe(viewer, 1);
    meeting.offer(viewer);
    meeting.send(publisher, &audio(3));
    meeting.pass(100 * MS);
    assert_eq!(meeting.clients[viewer].rtp.len(), 2);
}
