//! Feedback on its way through, and feedback that means nothing here.

use sfu_core::drop_reason::DropReason;
use sfu_core::event::Event;
use sfu_core::id::Ssrc;
use sfu_core::media::codec::MediaKind;
use sfu_core::media::send_batch::SendBatch;
use sfu_core::media::session::{OfferError, SectionKind};
use sfu_core::wire::rtcp;

use crate::client::{MS, Packet};
use crate::meeting::{Meeting, audio, video, vp8};

#[test]
fn a_request_waits_for_the_next_batch_when_this_one_is_full() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Video, &[]);
    let viewer = meeting.viewer(1, MediaKind::Video);
    meeting.send(publisher, &video(0, &vp8(true, 0)));
    meeting.pass(2000 * MS);
    let before = meeting.keyframe_requests(publisher);
    // One datagram fills it: the answer to the publisher's check.
    meeting.batch = SendBatch::with_capacity(1500);
    let media = Ssrc(meeting.clients[viewer].rtp[0].ssrc);
    meeting.clients[viewer].send_rtcp(|out| rtcp::pli(out, Ssrc(1), media));
    meeting.clients[publisher].check();
    meeting.drain();
    assert_eq!(meeting.keyframe_requests(publisher), before + 1);
}

#[test]
fn repairs_are_not_repaired() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Video, &[]);
    let viewer = meeting.viewer(1, MediaKind::Video);
    meeting.send(publisher, &video(0, &vp8(true, 0)));
    let (media, sequence) = {
        let got = &meeting.clients[viewer].rtp[0];
        (Ssrc(got.ssrc), got.sequence)
    };
    let ask = |meeting: &mut Meeting, ssrc| {
        meeting.clients[viewer].send_rtcp(|out| rtcp::nack(out, Ssrc(1), ssrc, &[sequence]));
        meeting.drain();
        meeting.worker.stats().rtx_out
    };
    assert_eq!(ask(&mut meeting, media), 1);
    meeting.pass(1000 * MS);
    let repair = Ssrc(meeting.clients[viewer].rtp[1].ssrc);
    assert_ne!(repair, media);
    assert_eq!(
        ask(&mut meeting, repair),
        1,
        "its numbers are not the stream's"
    );
}

#[test]
fn a_stream_has_the_payload_type_that_it_began_with() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Audio, &[]);
    let viewer = meeting.viewer(1, MediaKind::Audio);
    meeting.send(publisher, &audio(0));
    let tone = Packet {
        payload_type: 126,
        ..audio(1)
    };
    meeting.send(publisher, &tone);
    assert_eq!(meeting.clients[viewer].rtp.len(), 1);
    let drops = &meeting.worker.stats().drops;
    assert_eq!(drops.get(DropReason::PayloadTypeUnknown), 1);
}

#[test]
fn a_section_that_is_in_use_keeps_its_kind() {
    let mut meeting = Meeting::new();
    let publisher = meeting.publisher(1, MediaKind::Audio, &[]);
    meeting.clients[publisher].sections[0].kind = SectionKind::Media(MediaKind::Video);
    meeting.events.clear();
    meeting.offer(publisher);
    let refused = meeting.events.iter().any(|event| {
        matches!(
            event,
            Event::OfferRefused {
                error: OfferError::SectionsMoved(0),
                ..
            }
        )
    });
    assert!(refused, "{:?}", meeting.events);
}
