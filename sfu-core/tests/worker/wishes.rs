//! What subscribers ask for of a track's pictures.

use sfu_core::command::Command;
use sfu_core::id::TrackId;
use sfu_core::media::codec::MediaKind;
use sfu_core::media::layer::LayerWish;

use crate::client::{MS, Packet};
use crate::meeting::{Meeting, participant, video, vp8};

const RIDS: [&str; 3] = ["q", "h", "f"];

fn wish(meeting: &mut Meeting, client: usize, max_quality: Option<u8>) {
    let wish = LayerWish {
        max_quality,
        ..LayerWish::default()
    };
    meeting.command(Command::SetLayerWish {
        participant: participant(client),
        track: TrackId(1),
        wish,
    });
}

/// Sends a keyframe of each encoding, told apart by its last byte.
fn send_all(meeting: &mut Meeting, publisher: usize, n: u64) {
    for (encoding, rid) in (0..).zip(RIDS) {
        let mut payload = vp8(true, 7);
        payload.push(encoding);
        let packet = Packet {
            ssrc: 100 + u32::from(encoding),
            rid: Some(rid),
            ..video(n, &payload)
        };
        meeting.send(publisher, &packet);
    }
    meeting.pass(33 * MS);
}

/// The encoding of what a client was sent last.
fn newest(meeting: &Meeting, client: usize) -> u8 {
    let packet = meeting.clients[client].rtp.last().unwrap();
    *packet.payload.last().unwrap()
}

#[test]
fn each_subscriber_gets_the_quality_that_it_asks_for() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Video, &RIDS);
    let first = meeting.viewer(1, MediaKind::Video);
    let second = meeting.viewer(1, MediaKind::Video);
    wish(&mut meeting, first, Some(0));
    (0..5).for_each(|n| send_all(&mut meeting, publisher, n));
    assert_eq!((newest(&meeting, first), newest(&meeting, second)), (0, 2));
    wish(&mut meeting, first, None);
    wish(&mut meeting, second, Some(1));
    (5..10).for_each(|n| send_all(&mut meeting, publisher, n));
    assert_eq!((newest(&meeting, first), newest(&meeting, second)), (2, 1));
}
