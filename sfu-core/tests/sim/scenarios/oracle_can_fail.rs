//! The oracle is worth what it complains about: here something is broken each time.

use std::sync::Arc;
use std::time::Duration;

use str0m::format::Codec;

use crate::client::{Received, Seen, Streams};
use crate::meeting::{Meeting, Seat, base};
use crate::network::Link;
use crate::oracle::{self, Violation};
use crate::publisher::{Published, SourceKind};

fn meeting(seed: u64, link: Link) -> Meeting {
    Meeting::new(
        seed,
        &[
            Seat::publishing(&[SourceKind::Video]),
            Seat::watching().over(link, link),
        ],
    )
}

#[test]
fn a_network_that_loses_every_repair_is_complained_about() {
    let mut meeting = meeting(1, Link::of_ms(20).losing(20));
    let vp8 = meeting
        .client(1)
        .rtc
        .codec_config()
        .find(|p| p.spec().codec == Codec::Vp8);
    let rtx = *vp8.unwrap().resend().unwrap();
    meeting.filter_down(
        1,
        Box::new(move |datagram| datagram[0] & 0xc0 == 0x80 && datagram[1] & 0x7f == rtx),
    );
    meeting.run_until_ms(3000);
    meeting.wind_down();
    let complaints = meeting.complaints(1, (0, 0));
    let any = |kind: fn(&Violation) -> bool| complaints.iter().any(kind);
    assert!(
        any(|c| matches!(c, Violation::Missing(_))),
        "{complaints:?}"
    );
    assert!(
        any(|c| matches!(c, Violation::SequenceHole(_))),
        "{complaints:?}"
    );
    assert!(
        meeting.worker().stats().rtx_out > 0,
        "the engine did its part"
    );
}

#[test]
fn a_network_that_is_cut_is_complained_about() {
    let mut meeting = meeting(1, Link::of_ms(20));
    meeting.run_until_ms(1000);
    meeting.set_links(1, Link::of_ms(20), Link::of_ms(20).losing(1000));
    meeting.run_until_ms(1500);
    meeting.wind_down();
    let complaints = meeting.complaints(1, (0, 0));
    assert!(complaints.len() > 10, "{complaints:?}");
    assert!(
        complaints
            .iter()
            .all(|c| matches!(c, Violation::Missing(_))),
        "{complaints:?}"
    );
}

/// What a good meeting leaves behind, to be broken.
struct Record {
    published: Vec<Published>,
    received: Vec<Received>,
    seen: Vec<Seen>,
    streams: Streams,
}

fn record() -> Record {
    let mut meeting = meeting(1, Link::of_ms(20));
    meeting.run_until_ms(1000);
    meeting.wind_down();
    assert_eq!(meeting.complaints(1, (0, 0)), []);
    let client = meeting.client(1);
    Record {
        published: meeting.source(0, 0).published.clone(),
        received: client.frames.clone(),
        seen: client.packets.clone(),
        streams: client.streams[&100],
    }
}

fn of_frames(break_it: impl FnOnce(&mut Vec<Received>)) -> Vec<Violation> {
    let mut record = record();
    break_it(&mut record.received);
    oracle::frames(
        &record.published,
        &record.received,
        base() + Duration::from_millis(850),
        true,
    )
}

fn number(received: &Received) -> u32 {
    received.tag.unwrap().number
}

#[test]
fn every_complaint_about_frames_can_be_heard() {
    let record = record();
    let at = |index: usize| number(&record.received[index]);
    let (fifth, sixth, seventh) = (at(5), at(6), at(7));
    assert_eq!(of_frames(|_| {}), []);
    assert_eq!(of_frames(Vec::clear), [Violation::Nothing]);
    assert_eq!(
        of_frames(|r| r.insert(6, r[5])),
        [Violation::Repeated(fifth), Violation::Undecodable(fifth),]
    );
    assert_eq!(
        of_frames(|r| _ = r.remove(6)),
        [Violation::Missing(sixth), Violation::Undecodable(seventh),]
    );
    assert_eq!(
        of_frames(|r| _ = r.remove(0)),
        [Violation::Undecodable(at(1))]
    );
    let swapped = of_frames(|r| r.swap(5, 6));
    assert!(
        swapped.contains(&Violation::OutOfOrder(fifth)),
        "{swapped:?}"
    );
    let corrupt = of_frames(|r| r[6].tag = None);
    assert!(corrupt.contains(&Violation::Corrupt), "{corrupt:?}");
    let foreign = of_frames(|r| r[6].tag.as_mut().unwrap().track = 7);
    assert!(foreign.contains(&Violation::OtherTrack(7)), "{foreign:?}");
    let invented = of_frames(|r| r[6].tag.as_mut().unwrap().number = 5000);
    assert!(
        invented.contains(&Violation::NeverSent(5000)),
        "{invented:?}"
    );
}

fn of_packets(break_it: impl FnOnce(&mut Vec<Seen>)) -> Vec<Violation> {
    let Record {
        mut seen, streams, ..
    } = record();
    break_it(&mut seen);
    oracle::video_packets(&seen, streams, u32::MAX, 0)
}

/// Changes one byte of a packet's payload.
fn change(packet: &mut Seen, at: usize, by: u8) {
    let mut payload = packet.payload.to_vec();
    payload[at] ^= by;
    packet.payload = Arc::from(payload);
}

#[test]
fn every_complaint_about_packets_can_be_heard() {
    let Record { seen, .. } = record();
    // A frame's first packet, well behind the start.
    let first = (60..).find(|at| seen[at - 1].marker).unwrap();
    assert!(!seen[first].marker, "of several packets");
    let has = |complaints: Vec<Violation>, kind: fn(&Violation) -> bool| {
        assert!(complaints.iter().any(kind), "{complaints:?}");
    };
    assert_eq!(of_packets(|_| {}), []);
    assert_eq!(of_packets(Vec::clear), [Violation::Nothing]);
    has(of_packets(|s| drop(s.remove(first + 1))), |c| {
        matches!(c, Violation::SequenceHole(_))
    });
    has(of_packets(|s| s.insert(first, s[first].clone())), |c| {
        matches!(c, Violation::SequenceRepeated(_))
    });
    let doubled = of_packets(|s| {
        let mut other = s[first].clone();
        change(&mut other, 50, 1);
        s.insert(first, other);
    });
    has(doubled, |c| matches!(c, Violation::RepairDiffers(_)));
    has(of_packets(|s| s[first].timestamp += 1), |c| {
        matches!(c, Violation::TimestampOff { .. })
    });
    has(of_packets(|s| change(&mut s[first], 3, 1)), |c| {
        matches!(c, Violation::PictureIdOff(_))
    });
    has(of_packets(|s| change(&mut s[first], 4, 1)), |c| {
        matches!(c, Violation::Tl0Off(_))
    });
    has(of_packets(|s| s[first - 1].marker = false), |c| {
        matches!(c, Violation::MarkerOff(_))
    });
}
