//! A subscriber that tells of arrivals by the streams' own numbers (RFC 8888).

use std::collections::BTreeMap;
use std::time::Duration;

use sfu_core::id::Ssrc;
use sfu_core::media::codec::MediaKind;
use sfu_core::unit::Bitrate;
use sfu_core::wire::rtcp;
use sfu_core::wire::rtcp::congestion_feedback::PacketArrival;

use crate::client::{MS, Packet};
use crate::meeting::{Meeting, participant, video, vp8};

/// Where in its time a feedback is made, in 1/65536 s.
fn timestamp(millis: u64) -> u32 {
    // Near the wrap.
    (0xffff_8000 + millis * 65_536 / 1000) as u32
}

/// What the link to a viewer is thought to carry, where a byte takes so long, who for eight seconds
/// tells of all that it gets of 1 Mbit/s, less what `skew` is added to the numbers.
fn estimate_after(byte: Duration, skew: u16) -> Bitrate {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Video, &[]);
    let viewer = meeting.join();
    meeting.clients[viewer].section(MediaKind::Video, None, &[]);
    let section = &mut meeting.clients[viewer].sections[0];
    section.congestion_feedback = true;
    section.extensions.transport_cc = None;
    meeting.subscribe(viewer, 1);
    meeting.connect(viewer);
    let mut payload = vp8(true, 0);
    payload.resize(1000, 7);
    let (mut told, mut free) = (0, meeting.now);
    for frame in 0..1000_u64 {
        let packet = Packet {
            timestamp: 720 * frame as u32,
            ..video(frame, &payload)
        };
        meeting.send(publisher, &packet);
        meeting.pass(8 * MS);
        if frame % 10 != 9 {
            continue;
        }
        // Each stream by itself, the newest in front, as no transport-wide feedback could.
        let mut streams = BTreeMap::<u32, (u16, Vec<_>)>::new();
        let arriving = meeting.clients[viewer].rtp[told..].iter();
        let arrived = arriving.map_while(|got| {
            let at = free.max(got.at) + byte * got.len as u32;
            free = if at <= meeting.now { at } else { free };
            (at <= meeting.now).then_some((at, got))
        });
        for (at, got) in arrived {
            told += 1;
            let ago = meeting.now.duration_since(at).as_millis();
            let before = u16::try_from(ago * 1024 / 1000).ok();
            let first = got.sequence.wrapping_add(skew);
            let (_, reports) = streams.entry(got.ssrc).or_insert((first, Vec::new()));
            reports.push(Some(PacketArrival { ecn: 0, before }));
        }
        let streams = streams.iter().rev();
        let streams = streams.map(|(&ssrc, (first, reports))| (Ssrc(ssrc), *first, &reports[..]));
        let head = (Ssrc(1), timestamp(8 * frame));
        meeting.clients[viewer].send_rtcp(|out| rtcp::congestion_feedback(out, head, streams));
        meeting.drain();
    }
    assert!(told > 150, "{told}");
    let adaptation = meeting.worker.adaptation(participant(viewer));
    adaptation.expect("it is here").estimate
}

#[test]
fn what_the_streams_own_numbers_tell_makes_the_estimate() {
    let free = estimate_after(Duration::ZERO, 0);
    assert!(free.bps() > 1_000_000, "all came, and at once: {free}");
    let thin = estimate_after(Duration::from_micros(20), 0);
    assert!(
        (200_000..450_000).contains(&thin.bps()),
        "400 kbit/s: {thin}"
    );
    let nonsense = estimate_after(Duration::ZERO, 9000);
    assert_eq!(nonsense, Bitrate::default(), "who tells nothing is unknown");
}
