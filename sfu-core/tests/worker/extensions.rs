//! Header extensions: what a subscriber sees of its publisher's, and what only the engine says.

use std::time::{Duration, Instant};

use sfu_core::command::Command;
use sfu_core::event::Event;
use sfu_core::id::{Ssrc, TrackId};
use sfu_core::media::codec::{Codec, MediaKind};
use sfu_core::media::layer::Layers;
use sfu_core::media::path::Path;
use sfu_core::media::session::ExtensionMap;
use sfu_core::wire::rtcp::{self, FeedbackHeader, ReportBlock, RtcpItem, SenderInfo};

use crate::client::{Client, Got, LEVEL, MID, MS, Packet, RID, TRANSPORT_CC, format};
use crate::meeting::{Meeting, audio, participant, video, vp8};

/// The publisher's ids of what it sends beyond what every client of these tests has.
const PUBLISHERS: ExtensionMap = ExtensionMap {
    mid: Some(MID),
    rid: Some(RID),
    repaired_rid: Some(11),
    audio_level: Some(LEVEL),
    transport_cc: Some(TRANSPORT_CC),
    abs_send_time: Some(2),
    abs_capture_time: Some(5),
    dependency_descriptor: Some(12),
    video_orientation: Some(13),
    playout_delay: Some(6),
    layers_allocation: Some(9),
    one_way: NO_WAY,
};

/// A subscriber's ids: other ones.
const SUBSCRIBERS: ExtensionMap = ExtensionMap {
    mid: Some(14),
    rid: Some(13),
    repaired_rid: Some(12),
    audio_level: Some(11),
    transport_cc: Some(10),
    abs_send_time: Some(9),
    abs_capture_time: Some(8),
    dependency_descriptor: Some(7),
    video_orientation: Some(6),
    playout_delay: Some(5),
    layers_allocation: Some(4),
    one_way: NO_WAY,
};

const NO_WAY: sfu_core::media::extension_map::OneWay = sfu_core::media::extension_map::OneWay {
    peer_sends: 0,
    peer_receives: 0,
};

/// A capture time of the short form, and what is made of it without a round trip known.
const CAPTURED: [u8; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

/// All that a publisher can say beside mid, rid and level.
fn everything() -> Vec<(u8, Vec<u8>)> {
    vec![
        (TRANSPORT_CC, vec![0x77, 0x77]),
        (2, vec![0x55, 0x55, 0x55]),
        (5, CAPTURED.to_vec()),
        (6, vec![0x00, 0x10, 0x20]),
        (7, vec![0xee; 3]),
        (8, vec![0xee; 4]),
        (9, vec![0x00]),
        (12, vec![0xc0, 0x00, 0x05]),
        (13, vec![0x01]),
        (14, vec![0xee, 0xee, 0xee]),
    ]
}

/// A client whose one section, of `kind`, has these extensions, and sends `rids` under `cid` if
/// there is one.
fn joined(
    meeting: &mut Meeting,
    kind: MediaKind,
    (cid, rids): (Option<&str>, &[&str]),
    map: ExtensionMap,
) -> usize {
    let client = meeting.join();
    meeting.clients[client].section(kind, cid, rids);
    meeting.clients[client].sections[0].extensions = map;
    client
}

fn publisher(meeting: &mut Meeting, track: u64, rids: &[&str]) -> usize {
    let client = joined(meeting, MediaKind::Video, (Some("cid"), rids), PUBLISHERS);
    meeting.announce(client, track, MediaKind::Video, "cid");
    meeting.connect(client);
    client
}

fn viewer(meeting: &mut Meeting, track: u64, map: ExtensionMap) -> usize {
    let client = joined(meeting, MediaKind::Video, (None, &[]), map);
    meeting.subscribe(client, track);
    meeting.connect(client);
    client
}

fn last(meeting: &Meeting, client: usize) -> &Got {
    meeting.clients[client].rtp.last().unwrap()
}

/// A block on a stream, of someone who got no sender report.
fn block(ssrc: u32) -> ReportBlock {
    ReportBlock {
        ssrc: Ssrc(ssrc),
        fraction_lost: 0,
        cumulative_lost: 0,
        extended_highest: 0,
        jitter: 0,
        last_sr: 0,
        delay_since_last_sr: 0,
    }
}

fn report(meeting: &mut Meeting, client: usize, ssrc: u32) {
    let block = block(ssrc);
    meeting.clients[client].send_rtcp(|out| rtcp::receiver_report(out, Ssrc(1), &[block]));
    meeting.drain();
}

#[test]
fn a_subscriber_sees_the_extensions_that_it_should_and_no_others() {
    let mut meeting = Meeting::new();
    let camera = publisher(&mut meeting, 1, &["q"]);
    let watcher = viewer(&mut meeting, 1, SUBSCRIBERS);
    let plain = viewer(&mut meeting, 1, ExtensionMap::default());
    meeting.clients[camera].more_extensions = everything();
    let key = vp8(true, 1);
    let packet = Packet {
        rid: Some("q"),
        level: Some(30),
        ..video(0, &key)
    };
    meeting.send(camera, &packet);
    let mut got = last(&meeting, watcher).extensions.clone();
    let at = got.iter().position(|(id, _)| *id == 9).unwrap();
    let (_, send_time) = got.remove(at);
    assert_ne!(send_time, [0x55; 3], "the publisher's");
    got.sort_unstable();
    let capture_time = [&CAPTURED[..], &[0; 8]].concat();
    let expected = [
        (5, vec![0x00, 0x10, 0x20]),
        (6, vec![0x01]),
        (7, vec![0xc0, 0x00, 0x05]),
        (8, capture_time),
        (10, vec![0, 0]),
        (11, vec![30]),
        (14, b"0".to_vec()),
    ];
    assert_eq!(got, expected);
    assert_eq!(last(&meeting, plain).extensions, []);
}

#[test]
fn what_a_publisher_repairs_shows_its_names_to_nobody() {
    let mut meeting = Meeting::new();
    let camera = publisher(&mut meeting, 1, &["q"]);
    let watcher = viewer(&mut meeting, 1, SUBSCRIBERS);
    for n in [0, 2] {
        let payload = vp8(n == 0, n);
        let named = Packet {
            rid: Some("q"),
            ..video(n.into(), &payload)
        };
        meeting.send(camera, &named);
    }
    // RFC 4588 section 4: the missing packet's number, then its payload.
    let repaired = [&1001u16.to_be_bytes()[..], &vp8(false, 1)].concat();
    meeting.clients[camera].more_extensions = vec![(11, b"q".to_vec())];
    let repair = Packet {
        ssrc: 0x1001,
        sequence: 5000,
        payload_type: crate::client::RTX,
        timestamp: 3000,
        ..video(0, &repaired)
    };
    meeting.send(camera, &repair);
    let got = &meeting.clients[watcher].rtp;
    assert_eq!(got.len(), 3);
    for got in got {
        let ids: Vec<_> = got.extensions.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids, [14, 10, 9]);
        assert_eq!(got.extension(14), Some(&b"0"[..]));
    }
}

#[test]
fn a_repair_carries_what_its_packet_carried() {
    let mut meeting = Meeting::new();
    let camera = publisher(&mut meeting, 1, &[]);
    let watcher = viewer(&mut meeting, 1, SUBSCRIBERS);
    meeting.clients[camera].more_extensions = everything();
    meeting.send(camera, &video(0, &vp8(true, 1)));
    let first = last(&meeting, watcher).clone();
    let ssrc = Ssrc(first.ssrc);
    meeting.clients[watcher].send_rtcp(|out| rtcp::nack(out, Ssrc(1), ssrc, &[first.sequence]));
    meeting.drain();
    let repair = last(&meeting, watcher);
    assert_ne!(repair.ssrc, first.ssrc);
    let carried = |got: &Got| {
        let mut all = got.extensions.clone();
        all.retain(|(id, _)| ![9, 10].contains(id));
        all
    };
    assert_eq!(carried(repair), carried(&first));
    assert_eq!(
        repair.extension(10),
        Some(&[0, 1][..]),
        "a number of its own"
    );
}

#[test]
fn the_mid_is_the_subscribers_own_until_it_has_reported_on_the_stream() {
    let mut meeting = Meeting::new();
    let camera = publisher(&mut meeting, 1, &[]);
    let watcher = meeting.join();
    meeting.clients[watcher].section(MediaKind::Audio, None, &[]);
    meeting.clients[watcher].section(MediaKind::Video, None, &[]);
    meeting.clients[watcher].sections[1].mid = "theirs".try_into().unwrap();
    meeting.subscribe(watcher, 1);
    meeting.connect(watcher);
    meeting.send(camera, &video(0, &vp8(true, 1)));
    let first = last(&meeting, watcher).clone();
    assert_eq!(first.extension(MID), Some(&b"theirs"[..]));
    let repair = |meeting: &mut Meeting| {
        let ssrc = Ssrc(first.ssrc);
        meeting.clients[watcher].send_rtcp(|out| rtcp::nack(out, Ssrc(1), ssrc, &[first.sequence]));
        meeting.drain();
        last(meeting, watcher).clone()
    };
    let repairs = repair(&mut meeting).ssrc;
    report(&mut meeting, watcher, first.ssrc);
    meeting.send(camera, &video(1, &vp8(false, 2)));
    assert_eq!(last(&meeting, watcher).extension(MID), None);
    meeting.pass(200 * MS);
    assert_eq!(
        repair(&mut meeting).extension(MID),
        Some(&b"theirs"[..]),
        "its repairs are another stream"
    );
    report(&mut meeting, watcher, repairs);
    meeting.pass(200 * MS);
    let third = repair(&mut meeting);
    assert_eq!((third.ssrc, third.extension(MID)), (repairs, None));
}

#[test]
fn a_report_on_no_stream_of_ours_silences_no_mid() {
    let mut meeting = Meeting::new();
    let voice = meeting.publisher(1, MediaKind::Audio, &[]);
    let listener = meeting.viewer(1, MediaKind::Audio);
    for n in 0..40 {
        meeting.send(voice, &audio(n));
        let ours = last(&meeting, listener).ssrc;
        report(&mut meeting, listener, ours ^ 1 << (n % 32));
        assert_eq!(last(&meeting, listener).extension(MID), Some(&b"0"[..]));
    }
}

#[test]
fn one_count_numbers_all_that_a_transport_sends() {
    let mut meeting = Meeting::new();
    let camera = meeting.publisher(1, MediaKind::Video, &[]);
    let voice = meeting.publisher(2, MediaKind::Audio, &[]);
    let watcher = meeting.join();
    meeting.clients[watcher].section(MediaKind::Audio, None, &[]);
    meeting.clients[watcher].section(MediaKind::Video, None, &[]);
    // What is not to be numbered takes no number.
    meeting.clients[watcher].section(MediaKind::Audio, None, &[]);
    meeting.clients[watcher].sections[2].extensions.transport_cc = None;
    let other = meeting.publisher(3, MediaKind::Audio, &[]);
    for track in [1, 2, 3] {
        meeting.subscribe(watcher, track);
    }
    meeting.connect(watcher);
    for n in 0..30 {
        meeting.send(camera, &video(n, &vp8(n == 0, n as u16)));
        meeting.send(voice, &audio(n));
        meeting.send(other, &audio(n));
        meeting.pass(20 * MS);
        if n % 5 == 4 {
            let pictures = |got: &&Got| got.payload_type == crate::client::VP8;
            let (ssrc, lost) = {
                let mut sent = meeting.clients[watcher].rtp.iter().filter(pictures);
                let lost = sent.next_back().unwrap();
                (Ssrc(lost.ssrc), lost.sequence)
            };
            meeting.clients[watcher].send_rtcp(|out| rtcp::nack(out, Ssrc(1), ssrc, &[lost]));
            meeting.drain();
        }
    }
    let got = &meeting.clients[watcher].rtp;
    let numbers: Vec<_> = got
        .iter()
        .filter_map(|g| g.extension(TRANSPORT_CC))
        .collect();
    let expected: Vec<_> = (0..numbers.len() as u16).map(u16::to_be_bytes).collect();
    assert_eq!(numbers, expected);
    assert_eq!((got.len(), numbers.len()), (30 * 3 + 6, 30 * 2 + 6));
}

#[test]
fn the_send_time_is_that_of_leaving() {
    let mut meeting = Meeting::new();
    let camera = publisher(&mut meeting, 1, &[]);
    let watcher = viewer(&mut meeting, 1, SUBSCRIBERS);
    let send_time = |meeting: &Meeting| {
        let got = last(meeting, watcher).extension(9).unwrap();
        u32::from_be_bytes([0, got[0], got[1], got[2]])
    };
    meeting.send(camera, &video(0, &vp8(true, 1)));
    let first = send_time(&meeting);
    let mut sealed = meeting.clients[camera].seal(&video(1, &vp8(false, 2)));
    let path: Path = meeting.clients[camera].path;
    meeting
        .worker
        .handle_datagram(meeting.now, path, &mut sealed);
    // It waits a quarter of a second: the socket was full.
    meeting.now += 250 * MS;
    meeting.drain();
    let waited = send_time(&meeting).wrapping_sub(first) & 0xff_ffff;
    assert_eq!(waited, 1 << 16, "a quarter of 18 bits");
    meeting.pass(Duration::from_secs(64) - 250 * MS);
    meeting.send(camera, &video(2, &vp8(false, 3)));
    assert_eq!(send_time(&meeting), first, "it wraps after 64 s");
}

#[test]
fn a_capture_time_is_offset_by_how_late_our_clock_runs() {
    let mut meeting = Meeting::new();
    let camera = publisher(&mut meeting, 1, &[]);
    let voice = meeting.publisher(2, MediaKind::Audio, &[]);
    let watcher = viewer(&mut meeting, 1, SUBSCRIBERS);
    let offset = |meeting: &Meeting| {
        let got = last(meeting, watcher).extension(8).unwrap();
        assert_eq!(got[..8], CAPTURED);
        i64::from_be_bytes(got[8..].try_into().unwrap())
    };
    let capture_time = |offset: i64| vec![(5, [CAPTURED, offset.to_be_bytes()].concat())];
    meeting.clients[camera].more_extensions = capture_time(-(1 << 32));
    meeting.send(camera, &video(0, &vp8(true, 1)));
    assert_eq!(
        offset(&meeting),
        -(1 << 32),
        "the publisher's, of no known round trip"
    );
    // The publisher is also sent something, and its report shows a round trip of half a second.
    meeting.clients[camera].section(MediaKind::Audio, None, &[]);
    meeting.subscribe(camera, 2);
    meeting.offer(camera);
    round_trip(&mut meeting, voice, camera, 500 * MS);
    meeting.send(camera, &video(1, &vp8(false, 2)));
    assert_eq!(
        offset(&meeting),
        -(1 << 32) + (1 << 30),
        "a quarter of a second"
    );
    meeting.clients[camera].more_extensions = capture_time(i64::MAX);
    meeting.send(camera, &video(2, &vp8(false, 3)));
    assert_eq!(offset(&meeting), i64::MAX);
}

#[test]
fn who_loses_packets_is_asked_to_wait_for_repairs() {
    let mut meeting = Meeting::new();
    let camera = publisher(&mut meeting, 1, &[]);
    let voice = meeting.publisher(2, MediaKind::Audio, &[]);
    let [loses, gets] = [0; 2].map(|_| viewer(&mut meeting, 1, SUBSCRIBERS));
    for watcher in [loses, gets] {
        meeting.clients[watcher].section(MediaKind::Audio, None, &[]);
        meeting.subscribe(watcher, 2);
        meeting.offer(watcher);
        round_trip(&mut meeting, voice, watcher, 100 * MS);
    }
    for n in 0..4 {
        meeting.send(camera, &video(n, &vp8(n == 0, n as u16)));
        assert_eq!(last(&meeting, loses).extension(5), None, "frame {n}");
        let got = last(&meeting, loses).clone();
        let nack = |out: &mut _| rtcp::nack(out, Ssrc(1), Ssrc(got.ssrc), &[got.sequence]);
        if n > 0 {
            meeting.clients[loses].send_rtcp(nack);
        }
        meeting.pass(40 * MS);
    }
    meeting.send(camera, &video(4, &vp8(false, 4)));
    let bounds = last(&meeting, loses).extension(5).expect("a delay");
    let least = u32::from(bounds[0]) << 4 | u32::from(bounds[1]) >> 4;
    assert!((24..=26).contains(&least), "{least}0 ms");
    assert_eq!(last(&meeting, gets).extension(5), None);
    // What the publisher says goes.
    meeting.clients[camera].more_extensions = vec![(6, vec![0x00, 0x10, 0x20])];
    meeting.send(camera, &video(5, &vp8(false, 5)));
    assert_eq!(
        last(&meeting, loses).extension(5),
        Some(&[0x00, 0x10, 0x20][..])
    );
}

/// Has `client`, who is sent what `voice` says, report such that it seems `away`.
fn round_trip(meeting: &mut Meeting, voice: usize, client: usize, away: Duration) {
    let sender = SenderInfo {
        ssrc: Ssrc(0x2000),
        ntp: 1 << 40,
        rtp_timestamp: 0,
        packets: 1,
        octets: 80,
    };
    for n in 0..100 {
        meeting.send(voice, &audio(n));
        if n == 0 {
            meeting.clients[voice]
                .send_rtcp(|out| rtcp::sender_report(out, sender, &[], Some("c")));
        }
        meeting.pass(20 * MS);
        let Some((at, ssrc, last_sr)) = sender_report(&meeting.clients[client]) else {
            continue;
        };
        meeting.pass(at + away - meeting.now);
        let block = ReportBlock {
            last_sr,
            ..block(ssrc)
        };
        meeting.clients[client].send_rtcp(|out| rtcp::receiver_report(out, Ssrc(1), &[block]));
        return meeting.drain();
    }
    panic!("no report");
}

/// The last sender report: when it came, its stream, and the middle of its wall clock.
fn sender_report(client: &Client) -> Option<(Instant, u32, u32)> {
    let mut found = None;
    for (at, compound) in &client.rtcp {
        rtcp::read(compound, |item| {
            if let RtcpItem::SenderReport { sender, .. } = item {
                found = Some((*at, sender.ssrc.0, (sender.ntp >> 16) as u32));
            }
        })
        .unwrap();
    }
    found
}

#[test]
fn what_is_malformed_is_left_out() {
    let mut meeting = Meeting::new();
    let camera = publisher(&mut meeting, 1, &[]);
    let watcher = viewer(&mut meeting, 1, SUBSCRIBERS);
    let cases: [(u8, &[u8]); 6] = [
        (5, &[1; 7]),
        (5, &[1; 9]),
        (6, &[1, 2]),
        (6, &[1, 2, 3, 4]),
        // The least delay over the greatest.
        (6, &[0xff, 0xf0, 0x00]),
        (12, &[0xc0, 0]),
    ];
    for (n, (id, value)) in (0..).zip(cases) {
        meeting.clients[camera].more_extensions = vec![(id, value.to_vec())];
        meeting.send(camera, &video(n, &vp8(n == 0, n as u16)));
        let mut ids: Vec<_> = last(&meeting, watcher).extensions.clone();
        ids.retain(|(id, _)| ![9, 10, 14].contains(id));
        assert_eq!(ids, [], "{id} {value:?}");
    }
    assert_eq!(meeting.clients[watcher].rtp.len(), cases.len());
}

#[test]
fn descriptors_reach_who_takes_both_forms_only() {
    let mut meeting = Meeting::new();
    let av1 = [format(Codec::Av1, 45)];
    let camera = joined(
        &mut meeting,
        MediaKind::Video,
        (Some("cid"), &[]),
        PUBLISHERS,
    );
    meeting.clients[camera].sections[0].payloads = av1.into_iter().collect();
    meeting.announce(camera, 1, MediaKind::Video, "cid");
    meeting.connect(camera);
    let mut watchers = Vec::new();
    for mixed in [true, false] {
        let watcher = joined(&mut meeting, MediaKind::Video, (None, &[]), SUBSCRIBERS);
        meeting.clients[watcher].sections[0].payloads = av1.into_iter().collect();
        meeting.clients[watcher].sections[0].extmap_allow_mixed = mixed;
        meeting.subscribe(watcher, 1);
        meeting.connect(watcher);
        watchers.push(watcher);
    }
    let descriptor = |len: usize| [&[0xc0, 0, 1][..], &vec![0; len - 3]].concat();
    // Who cannot be sent a structure must not be sent what is read by it either.
    for (n, len) in [(0, 17), (1, 16)] {
        meeting.clients[camera].more_extensions = vec![(12, descriptor(len))];
        let payload = [0x18 - 8 * (n as u8), 0x0a, 1];
        let packet = Packet {
            payload_type: 45,
            ..video(n, &payload)
        };
        meeting.send(camera, &packet);
        let [mixed, plain] = [0, 1].map(|at| last(&meeting, watchers[at]).extension(7));
        assert_eq!(mixed, Some(&descriptor(len)[..]));
        assert_eq!(plain, None);
    }
    // The rest of the header is there in both forms.
    for watcher in watchers {
        assert_eq!(last(&meeting, watcher).extension(10), Some(&[0, 1][..]));
    }
}

#[test]
fn feedback_on_arrivals_is_counted() {
    let mut meeting = Meeting::new();
    let voice = meeting.publisher(1, MediaKind::Audio, &[]);
    let listener = meeting.viewer(1, MediaKind::Audio);
    meeting.send(voice, &audio(0));
    let header = FeedbackHeader {
        sender: Ssrc(1),
        media: Ssrc(last(&meeting, listener).ssrc),
        base_sequence: 0,
        reference_time: 7,
        feedback_count: 0,
    };
    meeting.clients[listener].send_rtcp(|out| rtcp::transport_feedback(out, header, &[Some(1)]));
    meeting.drain();
    assert_eq!(meeting.worker.stats().transport_feedbacks_in, 1);
}

#[test]
fn what_a_publisher_says_of_its_layers_is_read_and_goes_no_further() {
    let mut meeting = Meeting::new();
    let camera = publisher(&mut meeting, 1, &[]);
    let watcher = viewer(&mut meeting, 1, SUBSCRIBERS);
    // One stream, one layer: 100 kbit/s, 320x180, 30 frames a second.
    let sized = vec![0x01, 0x00, 100, 1, 63, 0, 179, 30];
    let values = [vec![0xff], sized, vec![0x01, 0x00, 120], vec![0x01, 0x00]];
    for (n, value) in (0..).zip(values) {
        meeting.clients[camera].more_extensions = vec![(9, value)];
        meeting.send(camera, &video(n, &vp8(n == 0, n as u16)));
        let told = meeting.worker.allocation(TrackId(1));
        assert_eq!(told.is_some(), n > 0, "what cannot be read tells nothing");
        let ids = last(&meeting, watcher).extensions.iter();
        let ids: Vec<_> = ids.map(|(id, _)| *id).collect();
        assert_eq!(ids, [14, 10, 9]);
    }
    let told = meeting.worker.allocation(TrackId(1)).unwrap();
    assert_eq!(told.bitrate(Layers::all_of(0)).unwrap().bps(), 120_000);
    let pictures = told.pictures(Layers::all_of(0)).unwrap();
    assert_eq!((pictures.width, pictures.max_frame_rate), (320, 30));
}

#[test]
fn what_a_repair_repeats_of_layers_is_not_news() {
    let mut meeting = Meeting::new();
    let camera = publisher(&mut meeting, 1, &["q"]);
    let told = |meeting: &Meeting| {
        let told = meeting.worker.allocation(TrackId(1)).unwrap();
        told.bitrate(Layers::all_of(0)).unwrap().bps()
    };
    for (n, rate) in [(0, 100), (2, 120)] {
        meeting.clients[camera].more_extensions = vec![(9, vec![0x01, 0x00, rate])];
        let payload = vp8(n == 0, n);
        let named = Packet {
            rid: Some("q"),
            ..video(n.into(), &payload)
        };
        meeting.send(camera, &named);
    }
    assert_eq!(told(&meeting), 120_000);
    let repaired = [&1001u16.to_be_bytes()[..], &vp8(false, 1)].concat();
    let old = vec![(9, vec![0x01, 0x00, 110]), (11, b"q".to_vec())];
    meeting.clients[camera].more_extensions = old;
    let repair = Packet {
        ssrc: 0x1001,
        sequence: 5000,
        payload_type: crate::client::RTX,
        timestamp: 3000,
        ..video(0, &repaired)
    };
    meeting.send(camera, &repair);
    assert_eq!(meeting.worker.stats().rtx_in, 1);
    assert_eq!(told(&meeting), 120_000);
}

#[test]
fn an_answer_offers_nobody_the_layers_of_others() {
    let mut meeting = Meeting::new();
    let camera = publisher(&mut meeting, 1, &[]);
    let watcher = viewer(&mut meeting, 1, SUBSCRIBERS);
    let idle = joined(&mut meeting, MediaKind::Video, (None, &[]), SUBSCRIBERS);
    meeting.offer(idle);
    let lines = |client: usize, name: &str| {
        let mut answers = meeting.events.iter().filter_map(|event| match event {
            Event::Answer {
                participant: to,
                sdp,
                ..
            } if *to == participant(client) => Some(sdp),
            _ => None,
        });
        let last = answers.next_back().unwrap();
        let lines = last.lines().filter(|line| line.contains(name));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let layers = "video-layers-allocation00";
    assert_eq!(lines(watcher, layers), [""; 0]);
    assert_eq!(lines(camera, layers).len(), 1);
    assert_eq!(lines(idle, layers).len(), 1, "it may publish here later");
    for client in [camera, watcher, idle] {
        assert_eq!(lines(client, "abs-capture-time").len(), 1);
        assert_eq!(lines(client, "playout-delay").len(), 1);
        assert_eq!(lines(client, " transport-cc").len(), 1);
    }
}

#[test]
fn a_new_offer_changes_the_ids() {
    let mut meeting = Meeting::new();
    let voice = meeting.publisher(1, MediaKind::Audio, &[]);
    let listener = meeting.viewer(1, MediaKind::Audio);
    meeting.send(voice, &audio(0));
    assert_eq!(last(&meeting, listener).extension(LEVEL), Some(&[20][..]));
    let map = &mut meeting.clients[listener].sections[0].extensions;
    (map.audio_level, map.abs_send_time) = (Some(8), Some(1));
    meeting.offer(listener);
    meeting.command(Command::SetSubscriptionEnabled {
        participant: participant(listener),
        track: TrackId(1),
        enabled: true,
    });
    meeting.send(voice, &audio(1));
    let got = last(&meeting, listener);
    assert_eq!(got.extension(8), Some(&[20][..]));
    assert_eq!(got.extension(1).map(<[u8]>::len), Some(3));
}
