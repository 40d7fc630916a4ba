//! A subscriber that tells of arrivals by the streams' own numbers (RFC 8888).

use sfu_core::id::Ssrc;
use sfu_core::media::codec::MediaKind;
use sfu_core::unit::Bitrate;
use sfu_core::wire::rtcp;
use sfu_core::wire::rtcp::congestion_feedback::PacketArrival;

use crate::client::MS;
use crate::meeting::{Meeting, participant, video, vp8};

/// Where in its time a feedback is made, in 1/65536 s.
fn timestamp(millis: u64) -> u32 {
    // Near the wrap.
    (0xffff_8000 + millis * 65_536 / 1000) as u32
}

/// What the link to a viewer is thought to carry, who for four seconds tells of all that it gets,
/// less what `number` is added to the numbers.
fn estimate_after(skew: u16) -> Bitrate {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Video, &[]);
    let viewer = meeting.join();
    meeting.clients[viewer].section(MediaKind::Video, None, &[]);
    let section = &mut meeting.clients[viewer].sections[0];
    section.congestion_feedback = true;
    section.extensions.transport_cc = None;
    meeting.subscribe(viewer, 1);
    meeting.connect(viewer);
    let mut told = 0;
    for tick in 0..200_u64 {
        meeting.send(publisher, &video(tick, &vp8(tick == 0, tick as u16)));
        meeting.pass(20 * MS);
        if tick % 5 < 4 {
            continue;
        }
        let got = meeting.clients[viewer].rtp[told..].to_vec();
        told += got.len();
        let Some(first) = got.first() else { continue };
        let ago = |at| {
            let before = meeting.now.duration_since(at).as_millis();
            u16::try_from(before * 1024 / 1000).unwrap()
        };
        let reports: Vec<_> = got
            .iter()
            .map(|got| {
                let before = Some(ago(got.at));
                Some(PacketArrival { ecn: 0, before })
            })
            .collect();
        let stream = (
            Ssrc(first.ssrc),
            first.sequence.wrapping_add(skew),
            &reports[..],
        );
        let head = (Ssrc(1), timestamp(20 * tick));
        meeting.clients[viewer].send_rtcp(|out| rtcp::congestion_feedback(out, head, [stream]));
        meeting.drain();
    }
    assert!(told > 190, "{told}");
    let adaptation = meeting.worker.adaptation(participant(viewer));
    adaptation.expect("it is here").estimate
}

#[test]
fn what_the_streams_own_numbers_tell_makes_the_estimate() {
    let (told, nonsense) = (estimate_after(0), estimate_after(9000));
    assert_eq!(nonsense, Bitrate::default(), "who tells nothing is unknown");
    assert!(told.bps() > 0);
}
