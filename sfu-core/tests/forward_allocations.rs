//! No forwarded packet allocates: from the datagram to the filled batch, for every subscriber.
//!
//! Counted is what goes through Rust's allocator on this thread; the cryptographic library is C and
//! has its own door to the heap.

#![allow(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

#[allow(dead_code, reason = "shared with the worker's tests")]
#[path = "worker/client.rs"]
mod client;
#[allow(dead_code, reason = "shared with the worker's tests")]
#[path = "worker/meeting.rs"]
mod meeting;

use client::{MS, Packet, format};
use meeting::{Meeting, audio, video, vp8};
use sfu_core::drop_reason::DropReason;
use sfu_core::id::PayloadType;
use sfu_core::media::codec::{Codec, MediaKind};
use sfu_core::media::format::{FormatParameters, PayloadMapping};

/// More than fit one node of a tree or one small table: an allocation that is rare shows.
const SUBSCRIBERS: u64 = 100;

/// Allocations of `packets` more packets, and of the packets that they became.
fn forward<'p>(
    meeting: &mut Meeting,
    publisher: usize,
    packets: impl Iterator<Item = Packet<'p>>,
) -> u64 {
    let path = meeting.clients[publisher].path;
    let mut allocations = 0;
    for packet in packets {
        meeting.now += 10 * MS;
        let mut datagram = meeting.clients[publisher].seal(&packet);
        let sent = meeting.worker.stats().rtp_out;
        meeting.batch.clear();
        let (now, worker, batch) = (meeting.now, &mut meeting.worker, &mut meeting.batch);
        let info = allocation_counter::measure(|| {
            worker.handle_datagram(now, path, &mut datagram);
            let more = worker.poll_transmit(now, batch);
            assert!(!more, "a batch's room");
        });
        assert_eq!(meeting.worker.stats().rtp_out - sent, SUBSCRIBERS);
        allocations += info.count_total;
        // Between packets, what is due is done: feedback and reports are not forwarding.
        meeting.worker.handle_timeout(now);
    }
    allocations
}

#[test]
fn forwarding_allocates_nothing() {
    for kind in [MediaKind::Video, MediaKind::Audio] {
        let mut meeting = Meeting::new();
        let publisher = meeting.publisher(1, kind, &[]);
        for _ in 0..SUBSCRIBERS {
            meeting.viewer(1, kind);
        }
        let (key, inter) = (vp8(true, 0), vp8(false, 1));
        let packet = |n: u64| match kind {
            MediaKind::Video if n == 0 => video(n, &key),
            MediaKind::Video => video(n, &inter),
            MediaKind::Audio => audio(n),
        };
        let first = forward(&mut meeting, publisher, (0..1).map(packet));
        assert!(first > 0, "the stream is made: the counter counts");
        // Queues and tables take their room.
        forward(&mut meeting, publisher, (1..100).map(packet));
        let later = forward(&mut meeting, publisher, (100..700).map(packet));
        assert_eq!(later, 0, "{kind:?}");
    }
}

/// Redundant sound that is stripped, or whose blocks are renamed, and pictures with a dependency
/// descriptor: what is rewritten is rewritten where it is sealed.
#[test]
fn what_differs_for_each_subscriber_allocates_nothing() {
    let red = |number, blocks| PayloadMapping {
        parameters: FormatParameters::Red {
            blocks: PayloadType(blocks),
        },
        ..format(Codec::OpusRed, number)
    };
    let (opus, other) = (format(Codec::Opus, 111), format(Codec::Opus, 109));
    let mut sound = vec![0x80 | 111, 0x0f, 0, 5, 111];
    sound.extend(b"olderown sound");
    let picture = [0x18, 0x0a, 1, 2, 3];
    let av1 = format(Codec::Av1, 45);
    type Case<'c> = (&'c [PayloadMapping], &'c [PayloadMapping], u8, &'c [u8]);
    let cases: [Case<'_>; 3] = [
        (&[opus, red(63, 111)], &[other], 63, &sound),
        (&[opus, red(63, 111)], &[other, red(70, 109)], 63, &sound),
        (&[av1], &[av1], 45, &picture),
    ];
    for (sent, taken, payload_type, payload) in cases {
        let kind = sent[0].codec.kind();
        let mut meeting = Meeting::new();
        let publisher = meeting.join();
        meeting.announce(publisher, 1, kind, "cid");
        section(&mut meeting, publisher, kind, Some("cid"), sent);
        meeting.connect(publisher);
        meeting.clients[publisher].extension = Some((DESCRIPTOR, vec![0xc0, 0, 1]));
        for _ in 0..SUBSCRIBERS {
            let subscriber = meeting.join();
            section(&mut meeting, subscriber, kind, None, taken);
            meeting.subscribe(subscriber, 1);
            meeting.connect(subscriber);
        }
        let packet = |n: u64| Packet {
            ssrc: 0x3000,
            sequence: 1000 + n,
            payload_type,
            timestamp: 960 * n as u32,
            mid: "0",
            rid: None,
            level: None,
            payload,
        };
        forward(&mut meeting, publisher, (0..100).map(packet));
        let later = forward(&mut meeting, publisher, (100..400).map(packet));
        assert_eq!(later, 0, "payload type {payload_type}");
    }
}

/// The id of the dependency descriptor.
const DESCRIPTOR: u8 = 12;

fn section(
    meeting: &mut Meeting,
    client: usize,
    kind: MediaKind,
    cid: Option<&str>,
    formats: &[PayloadMapping],
) {
    meeting.clients[client].section(kind, cid, &[]);
    let section = &mut meeting.clients[client].sections[0];
    section.payloads = formats.iter().copied().collect();
    section.extensions.dependency_descriptor = Some(DESCRIPTOR);
}

/// Voices that take one place from each other: what is withheld, and where a voice begins.
#[test]
fn choosing_among_voices_allocates_nothing() {
    let mut meeting = Meeting::with_voices(1);
    let voices = [1, 2].map(|track| meeting.publisher(track, MediaKind::Audio, &[]));
    for _ in 0..SUBSCRIBERS {
        let viewer = meeting.join();
        for track in [1, 2] {
            meeting.clients[viewer].section(MediaKind::Audio, None, &[]);
            meeting.subscribe(viewer, track);
        }
        meeting.connect(viewer);
    }
    let mut allocations = 0;
    for n in 0..400 {
        meeting.now += 20 * MS;
        let turn = n / 50 % 2;
        for (voice, client) in (0..).zip(voices) {
            let level = if voice == turn { 20 } else { 127 };
            let packet = Packet {
                level: Some(level),
                ..audio(n)
            };
            let path = meeting.clients[client].path;
            let mut datagram = meeting.clients[client].seal(&packet);
            let (now, worker, batch) = (meeting.now, &mut meeting.worker, &mut meeting.batch);
            let info = allocation_counter::measure(|| {
                worker.handle_datagram(now, path, &mut datagram);
                while {
                    batch.clear();
                    worker.poll_transmit(now, batch)
                } {}
            });
            if n >= 100 {
                allocations += info.count_total;
            }
        }
        let now = meeting.now;
        meeting.worker.handle_timeout(now);
        if n % 100 == 0 {
            meeting.clients.iter_mut().for_each(client::Client::check);
            meeting.drain();
        }
    }
    let withheld = meeting.worker.stats().drops.get(DropReason::VoiceWithheld);
    assert!(withheld >= 350 * SUBSCRIBERS, "{withheld}");
    assert_eq!(allocations, 0);
}
