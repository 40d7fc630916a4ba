//! Packets that arrive together: none is lost, none overtakes another, and what is done between
//! their arrival and their leaving does not change what they are.

use sfu_core::command::Command;
use sfu_core::id::TrackId;
use sfu_core::media::codec::MediaKind;

use crate::client::{MS, Packet};
use crate::meeting::{Meeting, audio, video, vp8};

/// What a client got of one stream, in the order of arrival.
fn sequences(meeting: &Meeting, client: usize, ssrc: u32) -> Vec<u16> {
    let got = meeting.clients[client].rtp.iter();
    got.filter(|packet| packet.ssrc == ssrc)
        .map(|packet| packet.sequence)
        .collect()
}

/// Hands the worker one datagram and asks it for nothing yet.
fn arrive(meeting: &mut Meeting, client: usize, packet: &Packet<'_>) {
    let mut sealed = meeting.clients[client].seal(packet);
    let path = meeting.clients[client].path;
    meeting
        .worker
        .handle_datagram(meeting.now, path, &mut sealed);
}

fn is_continuous(sequences: &[u16]) -> bool {
    sequences
        .windows(2)
        .all(|pair| pair[1] == pair[0].wrapping_add(1))
}

#[test]
fn a_burst_longer_than_any_frame_arrives_whole_and_in_order() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Audio, &[]);
    let viewer = meeting.viewer(1, MediaKind::Audio);
    for n in 0..200 {
        arrive(&mut meeting, publisher, &audio(n));
    }
    meeting.drain();
    let ssrc = meeting.clients[viewer].rtp[0].ssrc;
    let got = sequences(&meeting, viewer, ssrc);
    assert_eq!(got.len(), 200);
    assert!(is_continuous(&got));
}

#[test]
fn interleaved_bursts_of_two_publishers_keep_each_ones_order() {
    let mut meeting = Meeting::new();
    let sound = meeting.publisher(1, MediaKind::Audio, &[]);
    let pictures = meeting.publisher(2, MediaKind::Video, &[]);
    let viewer = meeting.join();
    meeting.clients[viewer].section(MediaKind::Audio, None, &[]);
    meeting.clients[viewer].section(MediaKind::Video, None, &[]);
    meeting.subscribe(viewer, 1);
    meeting.subscribe(viewer, 2);
    meeting.connect(viewer);
    let (key, inter) = (vp8(true, 0), vp8(false, 1));
    for n in 0..40 {
        arrive(&mut meeting, sound, &audio(n));
        let payload = if n == 0 { &key } else { &inter };
        arrive(&mut meeting, pictures, &video(n, payload));
    }
    meeting.drain();
    // The sound is more than what leaves at once, and the pictures come behind it.
    meeting.pass(100 * MS);
    let mut ssrcs: Vec<u32> = meeting.clients[viewer].rtp.iter().map(|p| p.ssrc).collect();
    ssrcs.sort_unstable();
    ssrcs.dedup();
    assert_eq!(ssrcs.len(), 2);
    for ssrc in ssrcs {
        let got = sequences(&meeting, viewer, ssrc);
        assert_eq!(got.len(), 40);
        assert!(is_continuous(&got), "{got:?}");
    }
}

#[test]
fn what_came_before_a_mute_is_still_sent_and_nothing_after_it() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Audio, &[]);
    let viewer = meeting.viewer(1, MediaKind::Audio);
    for n in 0..5 {
        arrive(&mut meeting, publisher, &audio(n));
    }
    let track = TrackId(1);
    meeting.command(Command::SetTrackMuted { track, muted: true });
    arrive(&mut meeting, publisher, &audio(5));
    meeting.drain();
    assert_eq!(meeting.clients[viewer].rtp.len(), 5);
}

#[test]
fn a_publisher_that_leaves_within_a_burst_takes_nobody_along() {
    let mut meeting = Meeting::new();
    let leaver = meeting.publisher(1, MediaKind::Audio, &[]);
    let stayer = meeting.publisher(2, MediaKind::Audio, &[]);
    let viewer = meeting.viewer(2, MediaKind::Audio);
    for n in 0..5 {
        arrive(&mut meeting, leaver, &audio(n));
        arrive(&mut meeting, stayer, &audio(n));
    }
    let participant = crate::meeting::participant(leaver);
    meeting.command(Command::RemoveParticipant { participant });
    arrive(&mut meeting, stayer, &audio(5));
    meeting.drain();
    assert_eq!(meeting.clients[viewer].rtp.len(), 6);
}

#[test]
fn a_batch_that_fills_up_among_the_subscribers_loses_and_mixes_nothing() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Video, &[]);
    let viewers: Vec<_> = (0..60)
        .map(|_| meeting.viewer(1, MediaKind::Video))
        .collect();
    let payloads: Vec<_> = (0..24).map(|n| vp8(n == 0, n)).collect();
    for burst in payloads.chunks(8).enumerate() {
        for (n, payload) in burst.1.iter().enumerate() {
            let n = (burst.0 * 8 + n) as u64;
            arrive(&mut meeting, publisher, &video(n, payload));
        }
        // One batch only: what does not fit waits while more arrives.
        meeting.batch.clear();
        assert!(
            meeting
                .worker
                .poll_transmit(meeting.now, &mut meeting.batch)
        );
        meeting.hand_out();
    }
    meeting.drain();
    for viewer in viewers {
        let got = &meeting.clients[viewer].rtp;
        assert_eq!(got.len(), payloads.len());
        assert!(is_continuous(&sequences(&meeting, viewer, got[0].ssrc)));
        let picture_ids = got.iter().map(|packet| {
            let high = packet.payload[2] & 0x7f;
            u16::from_be_bytes([high, packet.payload[3]])
        });
        let first = picture_ids.clone().next().unwrap();
        let expected = (0..24).map(|n| (first + n) & 0x7fff);
        assert!(picture_ids.eq(expected), "{viewer}");
    }
}
