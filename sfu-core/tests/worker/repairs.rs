//! What subscribers have lost and ask for again, when it is there no longer.

use sfu_core::id::Ssrc;
use sfu_core::media::codec::MediaKind;
use sfu_core::wire::rtcp;

use crate::client::MS;
use crate::meeting::{Meeting, audio, video, vp8};

/// What a viewer has lost, by its place among what it got.
fn nack(meeting: &mut Meeting, viewer: usize, lost: &[usize]) {
    let got = &meeting.clients[viewer].rtp;
    let media = Ssrc(got[0].ssrc);
    let sequences: Vec<u16> = lost.iter().map(|at| got[*at].sequence).collect();
    meeting.clients[viewer].send_rtcp(|out| rtcp::nack(out, Ssrc(1), media, &sequences));
    meeting.drain();
}

#[test]
fn what_is_no_longer_kept_leads_to_one_keyframe_request() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Video, &[]);
    let viewers = [0; 3].map(|_| meeting.viewer(1, MediaKind::Video));
    // Frames so far apart that most are too old to be kept.
    for n in 0..30 {
        meeting.send(publisher, &video(n, &vp8(n == 0, n as u16)));
        meeting.pass(200 * MS);
    }
    let before = meeting.keyframe_requests(publisher);
    let asked = |meeting: &Meeting| meeting.keyframe_requests(publisher) - before;
    // What is still kept is repaired, and what came before the keyframe is of no use.
    nack(&mut meeting, viewers[0], &[28, 29]);
    assert_eq!((asked(&meeting), meeting.worker.stats().rtx_out), (0, 2));
    for viewer in viewers {
        nack(&mut meeting, viewer, &[3, 4, 5, 6]);
        nack(&mut meeting, viewer, &[4, 5]);
    }
    assert_eq!(
        (asked(&meeting), meeting.worker.stats().repairs_not_found),
        (1, 18)
    );
    meeting.pass(400 * MS);
    nack(&mut meeting, viewers[1], &[3]);
    assert_eq!(asked(&meeting), 1, "one is under way");
    meeting.send(publisher, &video(30, &vp8(true, 30)));
    for _ in 0..5 {
        meeting.pass(600 * MS);
        nack(&mut meeting, viewers[2], &[3, 4, 5, 20]);
    }
    assert_eq!(asked(&meeting), 1, "the keyframe has made up for it");
}

#[test]
fn what_an_outage_took_is_made_good_by_a_keyframe_and_not_sent_again() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Video, &[]);
    let viewer = meeting.viewer(1, MediaKind::Video);
    for n in 0..75 {
        meeting.send(publisher, &video(n, &vp8(n == 0, n as u16)));
        meeting.pass(33 * MS);
    }
    let before = meeting.keyframe_requests(publisher);
    // Two seconds were lost, and are asked for again and again.
    for _ in 0..3 {
        let lost: Vec<usize> = (15..75).collect();
        nack(&mut meeting, viewer, &lost);
        meeting.pass(150 * MS);
    }
    assert_eq!(meeting.worker.stats().rtx_out, 0);
    assert_eq!(meeting.keyframe_requests(publisher) - before, 1);
    // What is lost after that is repaired.
    meeting.send(publisher, &video(75, &vp8(false, 75)));
    meeting.send(publisher, &video(76, &vp8(true, 76)));
    nack(&mut meeting, viewer, &[74, 75, 76]);
    assert_eq!(meeting.worker.stats().rtx_out, 2);
}

#[test]
fn a_packet_whose_repair_was_lost_too_is_sent_twice() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Video, &[]);
    let viewer = meeting.viewer(1, MediaKind::Video);
    for n in 0..3 {
        meeting.send(publisher, &video(n, &vp8(n == 0, n as u16)));
        meeting.pass(33 * MS);
    }
    for want in [1, 3, 5] {
        nack(&mut meeting, viewer, &[1]);
        meeting.pass(150 * MS);
        assert_eq!(meeting.worker.stats().rtx_out, want);
    }
}

#[test]
fn lost_sound_asks_for_no_keyframe() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Audio, &[]);
    let viewer = meeting.viewer(1, MediaKind::Audio);
    for n in 0..100 {
        meeting.send(publisher, &audio(n));
        meeting.pass(40 * MS);
    }
    nack(&mut meeting, viewer, &[1, 50, 99]);
    assert_eq!(meeting.keyframe_requests(publisher), 0);
}
