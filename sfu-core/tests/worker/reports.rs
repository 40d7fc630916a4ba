//! Reports that leave in time.

use sfu_core::id::Ssrc;
use sfu_core::media::codec::MediaKind;
use sfu_core::wire::rtcp::{self, RtcpItem, SenderInfo};

use crate::client::MS;
use crate::meeting::{Meeting, audio};

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
