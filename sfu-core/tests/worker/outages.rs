//! Participants whose network is gone for a while, and comes back.

use std::time::Duration;

use sfu_core::command::Command;
use sfu_core::media::codec::MediaKind;

use crate::client::MS;
use crate::meeting::{Meeting, audio, participant, video, vp8};
use crate::pacing::feed_back;

#[test]
fn who_has_another_address_is_sent_as_much_as_before() {
    let mut meeting = Meeting::new();
    let camera = meeting.publisher(1, MediaKind::Video, &[]);
    let viewer = meeting.viewer(1, MediaKind::Video);
    let estimate = |meeting: &mut Meeting| {
        let adaptation = meeting.worker.adaptation(participant(viewer));
        adaptation.expect("it is here").estimate.bps()
    };
    let mut payload = vp8(true, 0);
    payload.resize(1000, 7);
    let mut told = 0;
    for n in 0..700 {
        meeting.send(camera, &video(n, &payload));
        meeting.pass(8 * MS);
        // Its feedback comes no more from where it is known to be.
        if n % 10 == 9 && n < 500 {
            feed_back(&mut meeting, viewer, told);
            told = meeting.clients[viewer].rtp.len();
        }
        if n == 500 {
            assert!(estimate(&mut meeting) > 1_000_000);
        }
    }
    let fallen = estimate(&mut meeting);
    meeting.clients[viewer].path.remote.set_port(9);
    meeting.clients[viewer].check();
    meeting.drain();
    let found = estimate(&mut meeting);
    assert!(fallen < 1_000_000 && found > 1_000_000, "{fallen} {found}");
}

#[test]
fn a_listener_understands_what_comes_after_an_outage_however_much_it_missed() {
    let mut meeting = Meeting::new();
    let speaker = meeting.publisher(1, MediaKind::Audio, &[]);
    let listener = meeting.viewer(1, MediaKind::Audio);
    meeting.send(speaker, &audio(0));
    let before = meeting.clients[listener].rtp[0].sequence;
    // Its checks stop, and an ICE restart keeps it while its path loses its consent.
    meeting.clients[listener].engine = None;
    meeting.pass(Duration::from_secs(25));
    let mut offer = Box::new(meeting.clients[listener].offer());
    offer.transport.ice.ufrag = "again".try_into().unwrap();
    meeting.command(Command::Offer {
        participant: participant(listener),
        offer_id: 2,
        offer,
    });
    let engine = meeting.clients[listener].engine.take();
    meeting.pass(Duration::from_secs(10));
    // Half of the sequence numbers, and more: a receiver that saw none of these could not tell how
    // often they have wrapped (RFC 3711 section 3.3.1).
    for n in 1..40_000 {
        meeting.send(speaker, &audio(n));
    }
    meeting.clients[listener].engine = engine;
    meeting.clients[listener].check();
    meeting.drain();
    meeting.send(speaker, &audio(40_000));
    let got = &meeting.clients[listener].rtp;
    assert_eq!(got.len(), 2);
    assert_eq!(got[1].sequence, before.wrapping_add(1));
}
