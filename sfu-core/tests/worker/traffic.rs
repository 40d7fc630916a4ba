//! What is counted of what comes and goes.

use sfu_core::id::Ssrc;
use sfu_core::media::codec::MediaKind;
use sfu_core::wire::rtcp;
use sfu_core::worker::TrafficKind;

use crate::client::MS;
use crate::meeting::{Meeting, audio, video, vp8};

fn packets(meeting: &Meeting, kind: TrafficKind) -> (u64, u64) {
    let stats = meeting.worker.stats();
    (
        stats.taken_in.get(kind).packets,
        stats.sent.get(kind).packets,
    )
}

#[test]
fn packets_are_counted_by_what_they_carry() {
    let mut meeting = Meeting::new();
    let camera = meeting.publisher(1, MediaKind::Video, &[]);
    let viewer = meeting.viewer(1, MediaKind::Video);
    let sound = meeting.publisher(2, MediaKind::Audio, &[]);
    for number in 0..3_u16 {
        meeting.send(camera, &video(number.into(), &vp8(number == 0, number)));
    }
    meeting.send(sound, &audio(0));
    assert_eq!(packets(&meeting, TrafficKind::Video), (3, 3));
    assert_eq!(
        packets(&meeting, TrafficKind::Audio),
        (1, 0),
        "nobody listens"
    );
    assert_eq!(packets(&meeting, TrafficKind::Rtx), (0, 0));
    for kind in [TrafficKind::Dtls, TrafficKind::Stun] {
        let (taken_in, sent) = packets(&meeting, kind);
        assert!(taken_in >= 3 && sent >= 3, "{kind:?}");
    }
    let got = &meeting.clients[viewer].rtp[1];
    let (media, sequence) = (Ssrc(got.ssrc), got.sequence);
    let reports = packets(&meeting, TrafficKind::Rtcp).0;
    meeting.clients[viewer].send_rtcp(|out| rtcp::nack(out, Ssrc(1), media, &[sequence]));
    meeting.drain();
    meeting.pass(3000 * MS);
    // By now it is no longer kept.
    meeting.clients[viewer].send_rtcp(|out| rtcp::nack(out, Ssrc(1), media, &[sequence]));
    meeting.clients[viewer].send_rtcp(|out| rtcp::pli(out, Ssrc(1), media));
    meeting.drain();
    assert_eq!(packets(&meeting, TrafficKind::Rtx), (0, 1));
    assert!(packets(&meeting, TrafficKind::Rtcp).0 >= reports + 3);
    let stats = meeting.worker.stats();
    assert_eq!(
        (stats.nacks_in, stats.nacked_in, stats.repairs_not_found),
        (2, 2, 1)
    );
    assert_eq!((stats.keyframe_requests_in, stats.firs_in), (1, 0));

    // All that leaves is of some kind.
    let all = TrafficKind::ALL.map(|kind| stats.sent.get(kind));
    let sent: u64 = all.iter().map(|volume| volume.packets).sum();
    let bytes: u64 = all.iter().map(|volume| volume.bytes).sum();
    assert_eq!((sent, bytes), (stats.datagrams_out, stats.bytes_out));
}
