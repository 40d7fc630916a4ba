//! More feedback than anybody has a use for: it costs its sender its own, and nobody else.

use sfu_core::drop_reason::DropReason;
use sfu_core::id::Ssrc;
use sfu_core::media::codec::MediaKind;
use sfu_core::wire::rtcp::transport_feedback::MAX_STATUSES;
use sfu_core::wire::rtcp::{self, FeedbackHeader};

use crate::client::MS;
use crate::meeting::{Meeting, video, vp8};

/// A publisher and two viewers, who have seen a picture.
fn meeting() -> (Meeting, usize, [usize; 2]) {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Video, &[]);
    let viewers = [(); 2].map(|()| meeting.viewer(1, MediaKind::Video));
    meeting.send(publisher, &video(0, &vp8(true, 0)));
    meeting.pass(20 * MS);
    (meeting, publisher, viewers)
}

/// Feedback that says of as many packets as it may that they are lost, in 40 bytes.
fn tell_losses(meeting: &mut Meeting, viewer: usize) {
    let header = FeedbackHeader {
        sender: Ssrc(9),
        media: Ssrc(0),
        base_sequence: 0,
        reference_time: 1,
        feedback_count: 0,
    };
    let lost = [None; MAX_STATUSES as usize];
    meeting.clients[viewer].send_rtcp(|out| rtcp::transport_feedback(out, header, &lost));
    meeting.drain();
}

fn nack(meeting: &mut Meeting, viewer: usize) {
    let media = Ssrc(meeting.clients[viewer].rtp[0].ssrc);
    let numbers: Vec<u16> = (0..250).collect();
    meeting.clients[viewer].send_rtcp(|out| rtcp::nack(out, Ssrc(1), media, &numbers));
    meeting.drain();
}

fn given_up(meeting: &Meeting) -> u64 {
    let drops = &meeting.worker.stats().drops;
    drops.get(DropReason::FeedbackExceeded)
}

#[test]
fn who_tells_of_more_packets_than_there_are_is_not_listened_to_for_the_rest_of_the_second() {
    let (mut meeting, publisher, [hostile, other]) = meeting();
    for _ in 0..100 {
        tell_losses(&mut meeting, hostile);
    }
    let heard = meeting.worker.stats().transport_feedbacks_in;
    assert!((1..=8).contains(&heard), "{heard}");
    assert_eq!(given_up(&meeting), 100 - heard);
    // It asks in vain; the other is heard, and both are sent what comes.
    let pli = |meeting: &mut Meeting, viewer: usize| {
        let media = Ssrc(meeting.clients[viewer].rtp[0].ssrc);
        meeting.clients[viewer].send_rtcp(|out| rtcp::pli(out, Ssrc(1), media));
        meeting.drain();
        meeting.worker.stats().keyframe_requests_in
    };
    assert_eq!(pli(&mut meeting, hostile), 0);
    assert_eq!(pli(&mut meeting, other), 1);
    meeting.send(publisher, &video(1, &vp8(false, 1)));
    meeting.pass(1000 * MS);
    let got = [hostile, other].map(|viewer| meeting.clients[viewer].rtp.len());
    assert!(got.iter().all(|got| *got >= 2), "{got:?}");
    assert_eq!(pli(&mut meeting, hostile), 2, "a new second");
}

#[test]
fn who_asks_for_more_packets_than_there_are_is_not_listened_to_for_the_rest_of_the_second() {
    let (mut meeting, _, [hostile, other]) = meeting();
    for _ in 0..100 {
        nack(&mut meeting, hostile);
    }
    let looked_up = meeting.worker.stats().nacked_in;
    assert!((2_000..=5_000).contains(&looked_up), "{looked_up}");
    assert!(given_up(&meeting) > 50);
    nack(&mut meeting, other);
    assert_eq!(meeting.worker.stats().nacked_in, looked_up + 250);
}
