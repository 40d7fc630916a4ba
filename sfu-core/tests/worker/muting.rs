//! What becomes of a track while it is muted, and afterwards.

use sfu_core::command::Command;
use sfu_core::id::TrackId;
use sfu_core::media::codec::MediaKind;
use sfu_core::wire::rtcp::RtcpItem;

use crate::client::MS;
use crate::meeting::{Meeting, audio, video, vp8};

fn mute(meeting: &mut Meeting, muted: bool) {
    let track = TrackId(1);
    meeting.command(Command::SetTrackMuted { track, muted });
}

#[test]
fn what_was_said_while_muted_is_not_asked_for_and_is_no_loss() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Audio, &[]);
    let viewer = meeting.viewer(1, MediaKind::Audio);
    for n in 0..250 {
        match n {
            50 => mute(&mut meeting, true),
            200 => mute(&mut meeting, false),
            _ => {}
        }
        meeting.send(publisher, &audio(n));
        meeting.pass(20 * MS);
    }
    meeting.pass(1000 * MS);
    assert_eq!(meeting.clients[viewer].rtp.len(), 100);
    let sequences: Vec<_> = meeting.clients[viewer]
        .rtp
        .iter()
        .map(|p| p.sequence)
        .collect();
    assert!(
        sequences
            .windows(2)
            .all(|two| two[1] == two[0].wrapping_add(1))
    );
    assert_eq!(meeting.nacked(publisher), 0);
    let lost = meeting.rtcp(publisher, |item| match item {
        RtcpItem::ReceiverReport { reports, .. } => reports
            .clone()
            .filter(|block| block.cumulative_lost != 0)
            .count(),
        _ => 0,
    });
    assert_eq!(lost, 0, "no report speaks of loss");
}

#[test]
fn video_goes_on_with_a_keyframe_that_is_asked_for_after_the_mute() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Video, &[]);
    let viewer = meeting.viewer(1, MediaKind::Video);
    let mut asked = 0;
    for n in 0..120u64 {
        match n {
            30 => mute(&mut meeting, true),
            60 => {
                asked = meeting.keyframe_requests(publisher);
                mute(&mut meeting, false);
            }
            _ => {}
        }
        // The keyframe comes 100 ms after the request.
        let payload = vp8(n == 0 || n == 63, n as u16);
        meeting.send(publisher, &video(n, &payload));
        meeting.pass(33 * MS);
    }
    assert!(meeting.keyframe_requests(publisher) > asked, "asked for");
    let got = &meeting.clients[viewer].rtp;
    assert_eq!(got.len(), 30 + 57);
    assert_eq!(got[30].payload[4] & 1, 0, "a keyframe");
    assert!(
        got.windows(2)
            .all(|two| two[1].sequence == two[0].sequence.wrapping_add(1))
    );
}

#[test]
fn nobody_asks_a_muted_track_for_keyframes() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Video, &[]);
    meeting.send(publisher, &video(0, &vp8(true, 0)));
    mute(&mut meeting, true);
    meeting.viewer(1, MediaKind::Video);
    meeting.pass(10_000 * MS);
    assert_eq!(meeting.keyframe_requests(publisher), 0);
}
