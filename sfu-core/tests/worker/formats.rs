//! Several formats: which of them reaches whom, under which payload type, and who is told that none
//! does.

use std::time::Duration;

use sfu_core::command::Command;
use sfu_core::drop_reason::DropReason;
use sfu_core::event::{Event, SubscriptionFailure};
use sfu_core::id::{PayloadType, TrackId};
use sfu_core::media::codec::{Codec, MediaKind};
use sfu_core::media::format::{FormatParameters, PayloadMapping};

use crate::client::{Got, MS, Packet, format};
use crate::meeting::{Meeting, participant, video, vp8};

const RED: u8 = 63;
const OPUS: u8 = 111;

fn red(number: u8, blocks: u8) -> PayloadMapping {
    let blocks = PayloadType(blocks);
    PayloadMapping {
        parameters: FormatParameters::Red { blocks },
        ..format(Codec::OpusRed, number)
    }
}

/// A client that publishes track 1 in these formats.
fn publisher(meeting: &mut Meeting, kind: MediaKind, formats: &[PayloadMapping]) -> usize {
    let client = meeting.join();
    meeting.announce(client, 1, kind, "cid");
    meeting.clients[client].section(kind, Some("cid"), &[]);
    meeting.clients[client].sections[0].payloads = formats.iter().copied().collect();
    meeting.connect(client);
    client
}

/// A client that is sent track 1, and takes these formats.
fn viewer(meeting: &mut Meeting, kind: MediaKind, formats: &[PayloadMapping]) -> usize {
    let client = meeting.join();
    meeting.clients[client].section(kind, None, &[]);
    meeting.clients[client].sections[0].payloads = formats.iter().copied().collect();
    meeting.subscribe(client, 1);
    meeting.connect(client);
    client
}

fn packet(n: u64, payload_type: u8, ticks: u32, payload: &[u8]) -> Packet<'_> {
    Packet {
        ssrc: 0x3000,
        sequence: 1000 + n,
        payload_type,
        timestamp: n as u32 * ticks,
        mid: "0",
        rid: None,
        level: None,
        payload,
    }
}

fn last(meeting: &Meeting, client: usize) -> &Got {
    meeting.clients[client].rtp.last().unwrap()
}

/// The codecs that the control plane was told of, in order.
fn codecs(meeting: &Meeting) -> Vec<Codec> {
    let told = meeting.events.iter().filter_map(|event| match event {
        Event::TrackCodec { codec, .. } => Some(*codec),
        _ => None,
    });
    told.collect()
}

/// Who was told that it decodes nothing of track 1.
fn failed(meeting: &Meeting) -> Vec<u64> {
    let told = meeting.events.iter().filter_map(|event| match event {
        Event::SubscriptionFailed {
            participant,
            track: TrackId(1),
            failure: SubscriptionFailure::CodecUnsupported,
        } => Some(participant.0),
        _ => None,
    });
    told.collect()
}

/// A packet of redundant audio: one block before the packet's own sound.
fn redundant(blocks: u8) -> Vec<u8> {
    let mut payload = vec![0x80 | blocks, 0x0f, 0x00, 5, blocks];
    payload.extend(b"older");
    payload.extend(b"own sound");
    payload
}

#[test]
fn redundant_sound_is_kept_renamed_or_stripped_for_each_listener() {
    let mut meeting = Meeting::new();
    let formats = [format(Codec::Opus, OPUS), red(RED, OPUS)];
    let speaker = publisher(&mut meeting, MediaKind::Audio, &formats);
    let same = viewer(&mut meeting, MediaKind::Audio, &formats);
    let other_numbers = [format(Codec::Opus, 109), red(70, 109)];
    let other = viewer(&mut meeting, MediaKind::Audio, &other_numbers);
    let plain = viewer(&mut meeting, MediaKind::Audio, &[format(Codec::Opus, 109)]);
    assert_eq!(codecs(&meeting), [Codec::OpusRed]);
    let sent = redundant(OPUS);
    for n in 0..50 {
        meeting.send(speaker, &packet(n, RED, 960, &sent));
        meeting.pass(20 * MS);
    }
    let cases = [
        (same, RED, sent.clone()),
        (other, 70, redundant(109)),
        (plain, 109, b"own sound".to_vec()),
    ];
    for (client, payload_type, payload) in cases {
        let got = &meeting.clients[client].rtp;
        assert_eq!(got.len(), 50);
        for one in got {
            assert_eq!(one.payload_type, payload_type);
            assert_eq!(one.payload, payload);
        }
    }
    // Plain Opus in the same stream goes to all as Opus.
    meeting.send(speaker, &packet(50, OPUS, 960, b"plain"));
    for (client, number) in [(same, OPUS), (other, 109), (plain, 109)] {
        let got = last(&meeting, client);
        assert_eq!(
            (got.payload_type, &got.payload[..]),
            (number, &b"plain"[..])
        );
    }
    assert_eq!(failed(&meeting), [0; 0]);
}

#[test]
fn pcmu_counts_in_its_own_clock() {
    let mut meeting = Meeting::new();
    let speaker = publisher(&mut meeting, MediaKind::Audio, &[format(Codec::Pcmu, 0)]);
    let formats = [format(Codec::Opus, OPUS), format(Codec::Pcmu, 0)];
    let listener = viewer(&mut meeting, MediaKind::Audio, &formats);
    for n in 0..10 {
        meeting.send(speaker, &packet(n, 0, 160, &[0x55; 160]));
        meeting.pass(20 * MS);
    }
    let got = &meeting.clients[listener].rtp;
    assert_eq!(got.len(), 10);
    assert!(
        got.iter()
            .all(|one| one.payload_type == 0 && one.payload == [0x55; 160])
    );
    assert_eq!(got[9].timestamp.wrapping_sub(got[0].timestamp), 9 * 160);
}

#[test]
fn a_stream_that_changes_its_clock_goes_on_as_one() {
    let mut meeting = Meeting::new();
    let formats = [format(Codec::Opus, OPUS), format(Codec::Pcmu, 0)];
    let speaker = publisher(&mut meeting, MediaKind::Audio, &formats);
    let listener = viewer(&mut meeting, MediaKind::Audio, &formats);
    for n in 0..60 {
        meeting.send(speaker, &packet(n, OPUS, 960, &[1; 50]));
        meeting.pass(20 * MS);
    }
    for n in 60..70 {
        meeting.send(speaker, &packet(n, 0, 160, &[2; 160]));
        meeting.pass(20 * MS);
    }
    let got = &meeting.clients[listener].rtp;
    assert_eq!(got.len(), 70);
    assert!(
        got.windows(2)
            .all(|two| two[1].sequence == two[0].sequence.wrapping_add(1))
    );
    let ticks = |at: usize| got[at].timestamp.wrapping_sub(got[at - 1].timestamp);
    assert_eq!((ticks(59), ticks(60), ticks(61)), (960, 160, 160));
    assert_eq!(codecs(&meeting), [Codec::Opus, Codec::Pcmu]);
    assert_eq!(meeting.nacked(speaker), 0);
}

#[test]
fn pictures_change_their_codec_at_a_keyframe() {
    let mut meeting = Meeting::new();
    let formats = [format(Codec::Vp8, 96), format(Codec::Vp9, 98)];
    let camera = publisher(&mut meeting, MediaKind::Video, &formats);
    let screen = viewer(&mut meeting, MediaKind::Video, &formats);
    let (key, delta) = (vp8(true, 1), vp8(false, 2));
    for n in 0..40 {
        let payload = if n == 0 { &key } else { &delta };
        meeting.send(camera, &packet(n, 96, 3000, payload));
        meeting.pass(33 * MS);
    }
    // No keyframe yet, and then one.
    let vp9_delta = [0xc8, 0x06, 0x86, 1];
    let vp9_key = [0x88, 0x07, 0x82, 1];
    meeting.send(camera, &packet(40, 98, 3000, &vp9_delta));
    // Within the time of a report the engine has asked for one.
    meeting.pass(1000 * MS);
    assert_eq!(meeting.clients[screen].rtp.len(), 40);
    assert!(meeting.keyframe_requests(camera) >= 1);
    meeting.send(camera, &packet(41, 98, 3000, &vp9_key));
    meeting.send(camera, &packet(42, 98, 3000, &vp9_delta));
    let got = &meeting.clients[screen].rtp;
    assert_eq!(got.len(), 42);
    // Its picture id is the next one.
    assert_eq!(got[40].payload[2..], vp9_key[2..]);
    assert_eq!((got[39].payload_type, got[40].payload_type), (96, 98));
    assert_eq!(got[40].sequence, got[39].sequence.wrapping_add(1));
    assert_eq!(codecs(&meeting), [Codec::Vp8, Codec::Vp9]);
    // A late subscriber that knows only what is sent now.
    let late = viewer(&mut meeting, MediaKind::Video, &formats[1..]);
    meeting.send(camera, &packet(43, 98, 3000, &vp9_key));
    assert_eq!(last(&meeting, late).payload_type, 98);
}

#[test]
fn who_decodes_nothing_of_a_track_is_told_and_sent_nothing() {
    let mut meeting = Meeting::new();
    let camera = meeting.publisher(1, MediaKind::Video, &[]);
    let blind = viewer(&mut meeting, MediaKind::Video, &[format(Codec::Av1, 45)]);
    let seeing = viewer(&mut meeting, MediaKind::Video, &[format(Codec::Vp8, 120)]);
    assert_eq!(failed(&meeting), [participant(blind).0]);
    let key = vp8(true, 1);
    meeting.send(camera, &video(0, &key));
    assert_eq!(meeting.clients[blind].rtp.len(), 0);
    assert_eq!(last(&meeting, seeing).payload_type, 120);
    // It is over: nothing waits, nothing is asked for.
    meeting.events.clear();
    meeting.offer(blind);
    assert!(failed(&meeting).is_empty());
    let asked = |event: &Event| matches!(event, Event::SectionsNeeded { .. });
    assert!(!meeting.events.iter().any(asked));
    // And it may ask again.
    meeting.subscribe(blind, 1);
    meeting.offer(blind);
    assert_eq!(failed(&meeting), [participant(blind).0]);
}

#[test]
fn a_publisher_that_no_longer_offers_what_it_sent_keeps_who_decodes_the_rest() {
    let mut meeting = Meeting::new();
    let formats = [format(Codec::Vp8, 96), format(Codec::Vp9, 98)];
    let camera = publisher(&mut meeting, MediaKind::Video, &formats);
    let screen = viewer(&mut meeting, MediaKind::Video, &formats);
    let key = vp8(true, 1);
    meeting.send(camera, &packet(0, 96, 3000, &key));
    meeting.pass(33 * MS);
    meeting.clients[camera].sections[0].payloads = formats[1..].iter().copied().collect();
    meeting.offer(camera);
    assert!(failed(&meeting).is_empty());
    meeting.send(camera, &packet(1, 98, 3000, &[0x88, 0x07, 0x82, 1]));
    assert_eq!(last(&meeting, screen).payload_type, 98);
    assert_eq!(codecs(&meeting), [Codec::Vp8, Codec::Vp9]);
}

#[test]
fn who_cannot_follow_a_change_of_codec_is_told() {
    let mut meeting = Meeting::new();
    let formats = [format(Codec::Vp8, 96), format(Codec::Vp9, 98)];
    let camera = publisher(&mut meeting, MediaKind::Video, &formats);
    let both = viewer(&mut meeting, MediaKind::Video, &formats);
    let one = viewer(&mut meeting, MediaKind::Video, &formats[..1]);
    let key = vp8(true, 1);
    meeting.send(camera, &packet(0, 96, 3000, &key));
    assert_eq!(meeting.clients[one].rtp.len(), 1);
    meeting.pass(1100 * MS);
    meeting.send(camera, &packet(1, 98, 3000, &[0x88, 0x07, 0x82, 1]));
    assert_eq!(failed(&meeting), [participant(one).0]);
    assert_eq!(meeting.clients[one].rtp.len(), 1);
    assert_eq!(meeting.clients[both].rtp.len(), 2);
}

#[test]
fn a_publisher_that_hops_between_formats_costs_nobody_else_anything() {
    let mut meeting = Meeting::new();
    let formats = [format(Codec::Opus, OPUS), format(Codec::Pcmu, 0)];
    let speaker = publisher(&mut meeting, MediaKind::Audio, &formats);
    let listener = viewer(&mut meeting, MediaKind::Audio, &formats);
    for n in 0..1000 {
        let number = if n % 2 == 0 { OPUS } else { 0 };
        meeting.send(speaker, &packet(n, number, 960, &[1; 50]));
        meeting.pass(2 * MS);
    }
    // Two seconds, at most one change in each.
    assert!(codecs(&meeting).len() <= 4, "{:?}", codecs(&meeting));
    let dropped = meeting
        .worker
        .stats()
        .drops
        .get(DropReason::PayloadTypeUnknown);
    assert!(dropped > 400, "{dropped}");
    assert!(meeting.clients[listener].rtp.len() > 400);
}

#[test]
fn a_publisher_that_hops_between_streams_of_other_formats_tells_nobody_more_often() {
    let mut meeting = Meeting::new();
    let formats = [format(Codec::Opus, OPUS), format(Codec::Pcmu, 0)];
    let speaker = publisher(&mut meeting, MediaKind::Audio, &formats);
    viewer(&mut meeting, MediaKind::Audio, &formats);
    for n in 0..1000_u32 {
        let number = if n % 2 == 0 { OPUS } else { 0 };
        let hop = Packet {
            ssrc: 0x3000 + n % 2,
            ..packet(n.into(), number, 960, &[1; 50])
        };
        meeting.send(speaker, &hop);
        meeting.pass(2 * MS);
    }
    // Two seconds, at most one change in each.
    assert!(codecs(&meeting).len() <= 4, "{:?}", codecs(&meeting));
}

#[test]
fn one_viewers_picture_numbers_are_never_anothers() {
    let mut meeting = Meeting::new();
    let formats = [format(Codec::Vp9, 98)];
    let camera = publisher(&mut meeting, MediaKind::Video, &formats);
    let paused = viewer(&mut meeting, MediaKind::Video, &formats);
    let steady = viewer(&mut meeting, MediaKind::Video, &formats);
    let set_enabled = |meeting: &mut Meeting, enabled| {
        meeting.command(Command::SetSubscriptionEnabled {
            participant: participant(paused),
            track: TrackId(1),
            enabled,
        });
    };
    for n in 0..6_u8 {
        match n {
            2 => set_enabled(&mut meeting, false),
            4 => set_enabled(&mut meeting, true),
            _ => {}
        }
        // A keyframe each, with the picture id `n`.
        let payload = [0x88, n, 0x82, 1];
        meeting.send(camera, &packet(n.into(), 98, 3000, &payload));
        meeting.pass(33 * MS);
    }
    let ids = |client: usize| -> Vec<u8> {
        let got = meeting.clients[client].rtp.iter();
        got.map(|packet| packet.payload[1]).collect()
    };
    assert_eq!(ids(steady), [0, 1, 2, 3, 4, 5]);
    assert_eq!(ids(paused), [0, 1, 2, 3]);
}

#[test]
fn a_track_without_a_section_is_not_asked_for_until_it_has_one() {
    let mut meeting = Meeting::new();
    let camera = meeting.join();
    meeting.announce(camera, 1, MediaKind::Video, "cid");
    let screen = meeting.viewer(1, MediaKind::Video);
    let asked = |meeting: &Meeting| {
        let events = meeting.events.iter();
        let of_screen = |event: &&Event| matches!(event, Event::SectionsNeeded { participant: who, .. } if *who == participant(screen));
        events.filter(of_screen).count()
    };
    meeting.offer(screen);
    assert_eq!(asked(&meeting), 0);
    meeting.clients[camera].section(MediaKind::Video, Some("cid"), &[]);
    meeting.connect(camera);
    assert_eq!(asked(&meeting), 1);
    meeting.offer(screen);
    let key = vp8(true, 1);
    meeting.send(camera, &video(0, &key));
    meeting.send(camera, &video(1, &key));
    assert!(!meeting.clients[screen].rtp.is_empty());
}

/// The ids of the dependency descriptor at either end.
const THEIRS: u8 = 12;
const OURS: u8 = 9;

#[test]
fn a_dependency_descriptor_reaches_who_agreed_on_it() {
    let mut meeting = Meeting::new();
    let av1 = [format(Codec::Av1, 45)];
    let camera = meeting.join();
    meeting.announce(camera, 1, MediaKind::Video, "cid");
    meeting.clients[camera].section(MediaKind::Video, Some("cid"), &[]);
    let section = &mut meeting.clients[camera].sections[0];
    section.payloads = av1.into_iter().collect();
    section.extensions.dependency_descriptor = Some(THEIRS);
    meeting.connect(camera);
    let with = meeting.join();
    meeting.clients[with].section(MediaKind::Video, None, &[]);
    let section = &mut meeting.clients[with].sections[0];
    section.payloads = av1.into_iter().collect();
    section.extensions.dependency_descriptor = Some(OURS);
    meeting.subscribe(with, 1);
    meeting.connect(with);
    let without = viewer(&mut meeting, MediaKind::Video, &av1);
    for n in 0..3u8 {
        let descriptor = vec![0xc0, 0xff, 0xfe + n % 2, n];
        meeting.clients[camera].extension = Some((THEIRS, descriptor.clone()));
        let payload = if n == 0 {
            [0x18, 0x0a, 1]
        } else {
            [0x10, 0x30, 1]
        };
        meeting.send(camera, &packet(n.into(), 45, 3000, &payload));
        let got = last(&meeting, with);
        assert_eq!(got.carried(), [(OURS, descriptor)]);
        assert_eq!(got.payload, payload);
        assert_eq!(last(&meeting, without).carried(), []);
    }
}

#[test]
fn the_cameras_rotation_reaches_who_agreed_on_it() {
    let mut meeting = Meeting::new();
    let camera = meeting.join();
    meeting.announce(camera, 1, MediaKind::Video, "cid");
    meeting.clients[camera].section(MediaKind::Video, Some("cid"), &[]);
    meeting.clients[camera].sections[0]
        .extensions
        .video_orientation = Some(13);
    meeting.connect(camera);
    let with = meeting.join();
    meeting.clients[with].section(MediaKind::Video, None, &[]);
    meeting.clients[with].sections[0]
        .extensions
        .video_orientation = Some(7);
    meeting.subscribe(with, 1);
    meeting.connect(with);
    meeting.clients[camera].extension = Some((13, vec![0x09]));
    let key = vp8(true, 1);
    meeting.send(camera, &video(0, &key));
    assert_eq!(last(&meeting, with).carried(), [(7, vec![0x09])]);
}

#[test]
fn silence_left_out_keeps_a_track_alive_and_whole() {
    let mut meeting = Meeting::new();
    let speaker = publisher(&mut meeting, MediaKind::Audio, &[format(Codec::Opus, OPUS)]);
    let listener = viewer(&mut meeting, MediaKind::Audio, &[format(Codec::Opus, OPUS)]);
    // A packet every 400 ms, and then half a minute of nothing at all.
    for n in 0..20 {
        meeting.send(speaker, &packet(n, OPUS, 19_200, &[0x78]));
        meeting.pass(400 * MS);
    }
    meeting.pass(Duration::from_secs(20));
    meeting.send(speaker, &packet(20, OPUS, 19_200, &[0x78; 60]));
    let got = &meeting.clients[listener].rtp;
    assert_eq!(got.len(), 21);
    assert!(
        got.windows(2)
            .all(|two| two[1].sequence == two[0].sequence.wrapping_add(1))
    );
    assert_eq!(
        got[19].timestamp.wrapping_sub(got[0].timestamp),
        19 * 19_200
    );
    assert_eq!(
        (meeting.nacked(speaker), meeting.keyframe_requests(speaker)),
        (0, 0)
    );
}
