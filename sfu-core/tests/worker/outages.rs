//! Participants whose network is gone for a while, and comes back.

use std::time::Duration;

use sfu_core::command::Command;
use sfu_core::media::codec::MediaKind;

use crate::meeting::{Meeting, audio, participant};

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
