//! No packet stays behind, and none stays longer than it is of use.

use sfu_core::command::Command;
use sfu_core::drop_reason::DropReason;
use sfu_core::media::codec::MediaKind;

use crate::client::{MS, Packet};
use crate::meeting::{Meeting, POOL, audio, participant, video, vp8};

#[test]
fn every_packet_comes_back_when_everybody_has_left() {
    let mut meeting = Meeting::new();
    // Someone stays: a room that ends would take whatever was leaked with it.
    let stays = meeting.viewer(9, MediaKind::Video);
    let camera = meeting.publisher(1, MediaKind::Video, &[]);
    let microphone = meeting.publisher(2, MediaKind::Audio, &[]);
    let viewer = meeting.viewer(1, MediaKind::Video);
    let listener = meeting.viewer(2, MediaKind::Audio);
    for n in 0..300 {
        meeting.send(camera, &video(n, &vp8(n % 50 == 0, n as u16)));
        if n == 100 {
            // Another stream takes the section over.
            let payload = vp8(true, 0);
            let other = Packet {
                ssrc: 0x3000,
                ..video(0, &payload)
            };
            meeting.send(camera, &other);
        }
        meeting.send(microphone, &audio(n));
        let loses = n % 7 == 0;
        if let Some(last) = meeting.clients[viewer].rtp.last().filter(|_| loses) {
            let (ssrc, sequence) = (last.ssrc, last.sequence);
            meeting.clients[viewer].send_rtcp(|out| {
                let media = sfu_core::id::Ssrc(ssrc);
                sfu_core::wire::rtcp::nack(out, sfu_core::id::Ssrc(1), media, &[sequence])
            });
        }
        // Leaves with packets in its queue: nothing drains it here.
        if n == 200 {
            let mut sealed = meeting.clients[camera].seal(&video(n + 1, &vp8(false, 201)));
            let path = meeting.clients[camera].path;
            meeting
                .worker
                .handle_datagram(meeting.now, path, &mut sealed);
            let participant = participant(viewer);
            let command = Command::RemoveParticipant { participant };
            meeting.worker.handle_command(meeting.now, command);
            meeting.drain();
        }
        meeting.pass(10 * MS);
    }
    assert!(
        meeting.worker.stats().rtx_out > 0,
        "repairs were part of it"
    );
    assert!(meeting.worker.pool_free() < POOL as usize);
    for gone in [camera, listener, microphone] {
        let participant = participant(gone);
        meeting.command(Command::RemoveParticipant { participant });
    }
    assert_eq!(meeting.worker.pool_free(), POOL as usize);
    let _ = stays;
}

#[test]
fn packets_too_old_to_be_asked_for_make_room_for_others() {
    // Room for four encodings' caches, and twice as many slow encodings.
    let mut meeting = Meeting::with_pool(4 * 512);
    let clients: Vec<_> = (1..=8)
        .map(|track| meeting.publisher(track, MediaKind::Video, &[]))
        .collect();
    for n in 0..600 {
        for client in &clients {
            meeting.send(*client, &video(n, &vp8(n == 0, n as u16)));
        }
        meeting.pass(33 * MS);
    }
    let drops = &meeting.worker.stats().drops;
    assert_eq!(drops.get(DropReason::PoolExhausted), 0);
}

#[test]
fn those_with_long_queues_leave_room_in_the_pool_for_others() {
    // Two encodings whose caches fill half of it, and viewers whose queues could hold the rest.
    let mut meeting = Meeting::with_pool(4 * 512);
    let cameras = [1, 2].map(|track| meeting.publisher(track, MediaKind::Video, &[]));
    let viewers = [1, 2].map(|track| meeting.viewer(track, MediaKind::Video));
    let microphone = meeting.publisher(3, MediaKind::Audio, &[]);
    let listener = meeting.viewer(3, MediaKind::Audio);
    let mut large = vp8(true, 0);
    large.resize(1000, 7);
    // More at once than their networks are thought to carry.
    for n in 0..1100 {
        for camera in cameras {
            meeting.send(camera, &video(n, &large));
        }
    }
    for n in 0..40 {
        meeting.send(microphone, &audio(n));
    }
    let drops = &meeting.worker.stats().drops;
    assert_eq!(drops.get(DropReason::PoolExhausted), 0);
    assert_eq!(meeting.clients[listener].rtp.len(), 40);
    // What has waited for too long is not sent, and is asked for like all that is lost.
    meeting.pass(1000 * MS);
    let gone = meeting.worker.stats().drops.get(DropReason::NotSealed);
    assert!(gone > 500, "{gone}");
    let got = viewers.map(|viewer| meeting.clients[viewer].rtp.len());
    assert!(got.iter().sum::<usize>() > 4 * 512 / 8, "{got:?}");
}
