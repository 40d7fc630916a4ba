//! Simulcast: which encoding is the best, which of them live, and what is asked of those that do not.

use sfu_core::drop_reason::DropReason;
use sfu_core::id::Ssrc;
use sfu_core::media::codec::MediaKind;
use sfu_core::wire::rtcp::RtcpItem;

use crate::client::{MS, Packet};
use crate::meeting::{Meeting, video, vp8};

/// Sends a frame of each of those encodings, told apart by its last byte; `n` counts frames.
fn frames(meeting: &mut Meeting, client: usize, rids: &[&str], n: u64, keyframe: bool) {
    for rid in rids {
        let mut payload = vp8(keyframe, n as u16);
        payload.extend(rid.bytes());
        let packet = Packet {
            ssrc: 100 + u32::from(rid.as_bytes()[0]),
            rid: Some(rid),
            ..video(n, &payload)
        };
        meeting.send(client, &packet);
    }
    meeting.pass(33 * MS);
}

/// The encoding of what a client was sent last.
fn newest(meeting: &Meeting, client: usize) -> char {
    let packet = meeting.clients[client].rtp.last().unwrap();
    char::from(*packet.payload.last().unwrap())
}

/// How often a client was asked for a keyframe of that encoding.
fn requests(meeting: &Meeting, client: usize, rid: char) -> usize {
    meeting.rtcp(client, |item| match item {
        RtcpItem::KeyframeRequest { media, .. } => usize::from(media.0 == 100 + u32::from(rid)),
        _ => 0,
    })
}

#[test]
fn a_client_that_offers_its_best_first_is_shown_at_its_best() {
    let mut meeting = Meeting::unpaced();
    let publisher = meeting.publisher(1, MediaKind::Video, &["f", "h", "q"]);
    let viewer = meeting.viewer(1, MediaKind::Video);
    (0..3).for_each(|n| frames(&mut meeting, publisher, &["q", "h", "f"], n, true));
    assert_eq!(newest(&meeting, viewer), 'f');
}

#[test]
fn the_order_in_which_ssrcs_are_announced_says_nothing_of_encodings_that_have_names() {
    let mut meeting = Meeting::unpaced();
    let publisher = meeting.publisher(1, MediaKind::Video, &["q", "h", "f"]);
    // As a client may that has its streams in a table without an order.
    let ssrcs = [b'f', b'h', b'q'].map(|rid| (Ssrc(100 + u32::from(rid)), None));
    meeting.clients[publisher].sections[0].ssrcs = ssrcs.into_iter().collect();
    meeting.offer(publisher);
    let viewer = meeting.viewer(1, MediaKind::Video);
    (0..3).for_each(|n| frames(&mut meeting, publisher, &["q", "h", "f"], n, true));
    assert_eq!(newest(&meeting, viewer), 'f');
}

#[test]
fn a_name_that_was_never_offered_hides_no_announced_ssrc() {
    let mut meeting = Meeting::unpaced();
    let publisher = meeting.publisher(1, MediaKind::Video, &[]);
    let announced = (Ssrc(100 + u32::from(b'f')), None);
    meeting.clients[publisher].sections[0].ssrcs = [announced].into_iter().collect();
    meeting.offer(publisher);
    let viewer = meeting.viewer(1, MediaKind::Video);
    (0..3).for_each(|n| frames(&mut meeting, publisher, &["f"], n, true));
    assert_eq!(newest(&meeting, viewer), 'f');
}

#[test]
fn encodings_of_unknown_names_are_told_apart_by_their_pictures() {
    let mut meeting = Meeting::unpaced();
    let publisher = meeting.publisher(1, MediaKind::Video, &["a", "b", "c"]);
    let viewer = meeting.viewer(1, MediaKind::Video);
    for n in 0..3 {
        for (rid, width) in [("c", 320_u16), ("b", 640), ("a", 1280)] {
            let mut payload = vp8(true, n);
            payload[10..12].copy_from_slice(&width.to_le_bytes());
            payload.extend(rid.bytes());
            let packet = Packet {
                ssrc: 100 + u32::from(rid.as_bytes()[0]),
                rid: Some(rid),
                ..video(n.into(), &payload)
            };
            meeting.send(publisher, &packet);
        }
        meeting.pass(33 * MS);
    }
    assert_eq!(newest(&meeting, viewer), 'a');
}

#[test]
fn the_encoding_that_its_publisher_turned_off_is_left_within_a_second_and_never_asked_for() {
    let mut meeting = Meeting::unpaced();
    let publisher = meeting.publisher(1, MediaKind::Video, &["q", "h", "f"]);
    let viewer = meeting.viewer(1, MediaKind::Video);
    (0..30).for_each(|n| frames(&mut meeting, publisher, &["q", "h", "f"], n, n == 0));
    assert_eq!(newest(&meeting, viewer), 'f');
    // One packet of it is lost for good, just before it is turned off.
    frames(&mut meeting, publisher, &["q", "h", "f"], 31, false);
    let (best, next) = (
        requests(&meeting, publisher, 'f'),
        requests(&meeting, publisher, 'h'),
    );
    let mut n = 32;
    while requests(&meeting, publisher, 'h') == next {
        frames(&mut meeting, publisher, &["q", "h"], n, false);
        n += 1;
    }
    // Half a second, and the frames in which that shows.
    assert!((15..=18).contains(&(n - 32)), "after {} frames", n - 32);
    frames(&mut meeting, publisher, &["q", "h"], n, true);
    assert_eq!(newest(&meeting, viewer), 'h');
    for n in n + 1..n + 200 {
        frames(&mut meeting, publisher, &["q", "h"], n, false);
    }
    assert_eq!(requests(&meeting, publisher, 'f'), best, "it is off");
    // It comes back with the middle of a picture: asked for at once, and taken at its keyframe.
    frames(&mut meeting, publisher, &["q", "h", "f"], n + 200, false);
    assert_eq!(newest(&meeting, viewer), 'h');
    assert_eq!(requests(&meeting, publisher, 'f'), best + 1);
    frames(&mut meeting, publisher, &["q", "h", "f"], n + 201, true);
    assert_eq!(newest(&meeting, viewer), 'f');
}

#[test]
fn a_publisher_whose_network_was_away_goes_on_where_it_was() {
    let mut meeting = Meeting::unpaced();
    let publisher = meeting.publisher(1, MediaKind::Video, &["q", "f"]);
    let viewer = meeting.viewer(1, MediaKind::Video);
    (0..30).for_each(|n| frames(&mut meeting, publisher, &["q", "f"], n, n == 0));
    let asked = meeting.keyframe_requests(publisher);
    meeting.pass(5000 * MS);
    (30..60).for_each(|n| frames(&mut meeting, publisher, &["q", "f"], n, false));
    assert_eq!(newest(&meeting, viewer), 'f');
    assert_eq!(
        meeting.keyframe_requests(publisher),
        asked,
        "nothing was missed"
    );
}

#[test]
fn a_screen_of_one_frame_a_second_is_alive() {
    let mut meeting = Meeting::unpaced();
    let publisher = meeting.publisher(1, MediaKind::Video, &["q", "f"]);
    let viewer = meeting.viewer(1, MediaKind::Video);
    for n in 0..10 {
        frames(&mut meeting, publisher, &["q", "f"], n, n == 0);
        meeting.pass(967 * MS);
        assert_eq!(newest(&meeting, viewer), 'f', "{n}");
    }
    assert!(requests(&meeting, publisher, 'q') <= 1);
}

#[test]
fn a_late_packet_of_a_stream_that_was_replaced_changes_nothing() {
    let mut meeting = Meeting::unpaced();
    let publisher = meeting.publisher(1, MediaKind::Video, &[]);
    let viewer = meeting.viewer(1, MediaKind::Video);
    let of = |ssrc: u32, n: u64, payload: &[u8]| -> Vec<u8> {
        // What is sealed now comes when it is sent.
        let packet = Packet {
            ssrc,
            ..video(n, payload)
        };
        meeting.clients[publisher].seal(&packet)
    };
    let (key, inter) = (vp8(true, 0), vp8(false, 1));
    let first: Vec<_> = (0..41)
        .map(|n| of(1, n, if n == 0 { &key } else { &inter }))
        .collect();
    let second: Vec<_> = (0..20)
        .map(|n| of(2, n, if n == 0 { &key } else { &inter }))
        .collect();
    let mut first = first.into_iter();
    let send = |meeting: &mut Meeting, packet: Vec<u8>| {
        meeting.clients[publisher].outbox.push(packet);
        meeting.drain();
        meeting.clients[viewer].rtp.len()
    };
    for n in 1..=40 {
        assert_eq!(send(&mut meeting, first.next().unwrap()), n);
    }
    for (n, packet) in second.into_iter().enumerate() {
        assert_eq!(send(&mut meeting, packet), 41 + n);
        if n == 10 {
            assert_eq!(send(&mut meeting, first.next().unwrap()), 41 + n, "late");
        }
        meeting.pass(MS);
    }
    let drops = &meeting.worker.stats().drops;
    assert_eq!(drops.get(DropReason::StreamContested), 1);
}
