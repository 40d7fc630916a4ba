//! What subscribers ask for of a track's pictures.

use sfu_core::command::Command;
use sfu_core::event::Event;
use sfu_core::id::TrackId;
use sfu_core::media::codec::MediaKind;
use sfu_core::media::explanation::SubscriptionReason;
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
    let mut meeting = Meeting::unpaced();
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

/// The `n`th frame of 30 a second, every other one of the second temporal layer; `sync` says of
/// those that they need no other of their layer.
fn layered(meeting: &mut Meeting, publisher: usize, n: u64, sync: bool) {
    let temporal = (n % 2) as u8;
    let plain = vp8(n == 0, 0);
    // RFC 7741 section 4.2: with picture id, TL0PICIDX, and TID with Y.
    let [high, low] = (n as u16 | 0x8000).to_be_bytes();
    let flags = temporal << 6 | u8::from(temporal == 1 && sync) << 5;
    let mut payload = vec![0x90, 0xe0, high, low, (n / 2) as u8, flags];
    payload.extend(&plain[4..]);
    payload.push(temporal);
    meeting.send(publisher, &video(n, &payload));
    meeting.pass(33 * MS);
}

fn why(meeting: &mut Meeting, client: usize) -> SubscriptionReason {
    meeting.events.clear();
    meeting.command(Command::ExplainSubscriptions {
        participant: participant(client),
        request: 1,
    });
    let told = meeting.events.iter().find_map(|event| match event {
        Event::SubscriptionsExplained { explanations, .. } => Some(explanations[0].reason),
        _ => None,
    });
    told.unwrap()
}

#[test]
fn a_wish_for_fewer_frames_leaves_out_a_temporal_layer_and_says_so_of_its_return() {
    let mut meeting = Meeting::unpaced();
    let publisher = meeting.publisher(1, MediaKind::Video, &[]);
    let slow = meeting.viewer(1, MediaKind::Video);
    let fast = meeting.viewer(1, MediaKind::Video);
    let ask = |meeting: &mut Meeting, max_frame_rate| {
        meeting.command(Command::SetLayerWish {
            participant: participant(slow),
            track: TrackId(1),
            wish: LayerWish {
                max_frame_rate,
                ..LayerWish::default()
            },
        });
    };
    ask(&mut meeting, Some(15));
    // The rates are known after a second of frames.
    (0..40).for_each(|n| layered(&mut meeting, publisher, n, false));
    let before = [slow, fast].map(|client| meeting.clients[client].rtp.len());
    (40..100).for_each(|n| layered(&mut meeting, publisher, n, false));
    let got = |meeting: &Meeting, client: usize| meeting.clients[client].rtp.len();
    assert_eq!(got(&meeting, slow) - before[0], 30);
    assert_eq!(got(&meeting, fast) - before[1], 60);
    assert_eq!(newest(&meeting, slow), 0);
    assert_eq!(why(&mut meeting, slow), SubscriptionReason::AsAsked);
    let numbers = meeting.clients[slow].rtp.iter().map(|got| got.sequence);
    let numbers: Vec<u16> = numbers.collect();
    assert!(
        numbers
            .windows(2)
            .all(|two| two[1] == two[0].wrapping_add(1))
    );
    // It returns with a frame that needs none of those that were left out.
    ask(&mut meeting, None);
    (100..110).for_each(|n| layered(&mut meeting, publisher, n, false));
    assert_eq!(newest(&meeting, slow), 0);
    let waits = SubscriptionReason::WaitingForLayerSwitch;
    assert_eq!(why(&mut meeting, slow), waits);
    (110..112).for_each(|n| layered(&mut meeting, publisher, n, true));
    assert_eq!(newest(&meeting, slow), 1);
    assert_eq!(why(&mut meeting, slow), SubscriptionReason::AsAsked);
    assert_eq!(meeting.keyframe_requests(publisher), 0);
}
