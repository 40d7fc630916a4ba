//! What runs beside the packets is bounded in each second, whatever clients ask for.

use std::time::Duration;

use sfu_core::id::Ssrc;
use sfu_core::media::codec::MediaKind;
use sfu_core::wire::rtcp::{self, RtcpItem, SenderInfo};

use crate::client::{MS, Packet};
use crate::meeting::{Meeting, audio, video, vp8};

const SECONDS: usize = 10;
const VIEWERS: usize = 10;

/// Most RTCP packets to a publisher in a second: feedback on arrivals each 50 ms, a report, and
/// keyframe requests as fast as they are ever repeated.
const MOST_TO_PUBLISHER: usize = 20 + 4;

/// The client's id of the transport-wide sequence number.
const TRANSPORT_CC: u8 = 3;

/// Most RTCP packets to a viewer in a second: a report on each of its streams.
const MOST_TO_VIEWER: usize = 2;

/// Most wake-ups in a second: one each upkeep for the publisher, two for each viewer. What fits into a
/// burst of its pacer wakes nobody.
const MOST_WAKE_UPS: usize = 50 + VIEWERS * 2;

#[test]
fn rtcp_and_timers_are_bounded_while_every_viewer_asks_as_fast_as_it_can() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Video, &[]);
    let viewers: Vec<usize> = (0..VIEWERS)
        .map(|_| meeting.viewer(1, MediaKind::Video))
        .collect();
    let (key, inter) = (vp8(true, 0), vp8(false, 1));
    let mut wake_ups = 0;
    let mut n = 0;
    for frame in 0..SECONDS as u64 * 30 {
        for _ in 0..8 {
            let payload = if n == 0 { &key } else { &inter };
            let number = (n as u16).to_be_bytes().to_vec();
            meeting.clients[publisher].extension = Some((TRANSPORT_CC, number));
            meeting.send(publisher, &video(n, payload));
            n += 1;
        }
        if frame % 30 == 0 {
            let report = SenderInfo {
                ssrc: Ssrc(0x1000),
                ntp: (3_900_000_000 + frame / 30) << 32,
                rtp_timestamp: 3000 * n as u32,
                packets: 0,
                octets: 0,
            };
            meeting.clients[publisher]
                .send_rtcp(|out| rtcp::sender_report(out, report, &[], Some("c")));
        }
        for &viewer in &viewers {
            let Some(media) = meeting.clients[viewer].rtp.last().map(|p| Ssrc(p.ssrc)) else {
                continue;
            };
            let newest = meeting.clients[viewer].rtp.last().unwrap().sequence;
            for _ in 0..3 {
                let client = &mut meeting.clients[viewer];
                client.send_rtcp(|out| rtcp::pli(out, Ssrc(9), media));
                client.send_rtcp(|out| rtcp::nack(out, Ssrc(9), media, &[newest]));
            }
        }
        wake_ups += pass(&mut meeting, 33 * MS);
    }
    let to = |client: usize| meeting.clients[client].rtcp.len();
    let feedback = meeting.rtcp(publisher, |item| {
        usize::from(matches!(item, RtcpItem::TransportFeedback(_)))
    });
    assert!(feedback > 5 * SECONDS, "feedback flows: {feedback}");
    assert!(
        to(publisher) <= SECONDS * MOST_TO_PUBLISHER,
        "{}",
        to(publisher)
    );
    for viewer in viewers {
        assert!(to(viewer) > 0, "reports flow");
        assert!(to(viewer) <= SECONDS * MOST_TO_VIEWER, "{}", to(viewer));
    }
    assert!(wake_ups <= SECONDS * MOST_WAKE_UPS, "{wake_ups}");
}

#[test]
fn a_publisher_whose_numbers_and_clocks_jump_costs_few_reports() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Audio, &[]);
    let viewer = meeting.viewer(1, MediaKind::Audio);
    let mut rng = fastrand::Rng::with_seed(5);
    for n in 0..SECONDS as u64 * 100 {
        // Each packet begins a stretch, and each report is of another time.
        let packet = Packet {
            sequence: 1000 + 600 * n,
            timestamp: rng.u32(..),
            ..audio(n)
        };
        meeting.send(publisher, &packet);
        let report = SenderInfo {
            ssrc: Ssrc(0x2000),
            ntp: rng.u64(..),
            rtp_timestamp: rng.u32(..),
            packets: rng.u32(..),
            octets: rng.u32(..),
        };
        meeting.clients[publisher]
            .send_rtcp(|out| rtcp::sender_report(out, report, &[], Some("c")));
        meeting.drain();
        meeting.pass(10 * MS);
    }
    let reports = meeting.rtcp(viewer, |item| {
        usize::from(matches!(item, RtcpItem::SenderReport { .. }))
    });
    assert!(reports > SECONDS, "reports flow: {reports}");
    assert!(reports <= SECONDS * 11, "{reports}");
    assert_eq!(meeting.clients[viewer].rtp.len(), SECONDS * 100);
}

/// Lets time pass and counts the deadlines in it.
fn pass(meeting: &mut Meeting, span: Duration) -> usize {
    let end = meeting.now + span;
    let mut deadlines = 0;
    while let Some(at) = meeting.worker.poll_timeout().filter(|at| *at <= end) {
        deadlines += 1;
        let until = at.max(meeting.now) - meeting.now;
        meeting.pass(until);
    }
    meeting.pass(end - meeting.now);
    deadlines
}
