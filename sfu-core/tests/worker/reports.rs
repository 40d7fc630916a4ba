//! Reports that leave in time.

use sfu_core::id::Ssrc;
use sfu_core::media::codec::MediaKind;
use sfu_core::wire::rtcp::{self, ReportBlock, RtcpItem, SenderInfo};

use crate::client::MS;
use crate::meeting::{Meeting, audio, video, vp8};

#[test]
fn someone_who_only_listens_hears_of_the_clock_within_two_seconds() {
    let mut meeting = Meeting::new();
    let viewer = meeting.join();
    meeting.clients[viewer].section(MediaKind::Audio, None, &[]);
    meeting.connect(viewer);
    meeting.pass(5000 * MS);
    let publisher = meeting.publisher(1, MediaKind::Audio, &[]);
    meeting.subscribe(viewer, 1);
    meeting.offer(viewer);
    for n in 0..100 {
        meeting.send(publisher, &audio(n));
        if n == 1 {
            let report = SenderInfo {
                ssrc: Ssrc(0x2000),
                ntp: 1 << 40,
                rtp_timestamp: 960,
                packets: 1,
                octets: 80,
            };
            meeting.clients[publisher]
                .send_rtcp(|out| rtcp::sender_report(out, report, &[], Some("c")));
        }
        meeting.pass(20 * MS);
    }
    let reports = meeting.rtcp(viewer, |item| {
        usize::from(matches!(item, RtcpItem::SenderReport { .. }))
    });
    assert!(reports >= 1, "{reports} sender reports");
}

/// The last sender report that a client got: its stream, and the middle of its wall clock.
fn last_sender_report(meeting: &Meeting, client: usize) -> Option<(Ssrc, u32)> {
    let mut last = None;
    for (_, compound) in &meeting.clients[client].rtcp {
        rtcp::read(compound, |item| {
            if let RtcpItem::SenderReport { sender, .. } = item {
                last = Some((sender.ssrc, (sender.ntp >> 16) as u32));
            }
        })
        .unwrap();
    }
    last
}

#[test]
fn a_publisher_far_away_is_asked_no_faster_than_it_can_answer() {
    let mut meeting = Meeting::new();
    let far = meeting.publisher(1, MediaKind::Video, &[]);
    let near = meeting.publisher(2, MediaKind::Audio, &[]);
    meeting.clients[far].section(MediaKind::Audio, None, &[]);
    meeting.subscribe(far, 2);
    meeting.offer(far);
    let report = SenderInfo {
        ssrc: Ssrc(0x2000),
        ntp: 1 << 40,
        rtp_timestamp: 0,
        packets: 1,
        octets: 80,
    };
    for n in 0..100 {
        meeting.send(near, &audio(n));
        if n == 1 {
            meeting.clients[near].send_rtcp(|out| rtcp::sender_report(out, report, &[], Some("c")));
        }
        meeting.pass(20 * MS);
        if let Some((ssrc, last_sr)) = last_sender_report(&meeting, far) {
            // The report took its time both ways.
            meeting.pass(300 * MS);
            let block = ReportBlock {
                ssrc,
                fraction_lost: 0,
                cumulative_lost: 0,
                extended_highest: 0,
                jitter: 0,
                last_sr,
                delay_since_last_sr: 0,
            };
            meeting.clients[far].send_rtcp(|out| rtcp::receiver_report(out, Ssrc(1), &[block]));
            break;
        }
    }
    let (key, delta) = (vp8(true, 1), vp8(false, 2));
    meeting.send(far, &video(0, &key));
    meeting.send(far, &video(2, &delta));
    meeting.pass(290 * MS);
    assert_eq!(meeting.nacked(far), 1);
    meeting.pass(100 * MS);
    assert_eq!(meeting.nacked(far), 2);
}
