//! A stranger's datagrams: counted, answered by nothing that matters, and felt by nobody.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use sfu_core::drop_reason::DropReason;
use sfu_core::event::Event;
use str0m::ice::{StunMessage, TransId};

use crate::meeting::{Meeting, Seat};
use crate::publisher::SourceKind;
use crate::trace::Facts;

fn stranger() -> SocketAddr {
    ([203, 0, 113, 9], 4444).into()
}

fn meeting() -> Meeting {
    Meeting::new(
        1,
        &[Seat::publishing(&[SourceKind::Video]), Seat::watching()],
    )
}

fn rtp() -> Vec<u8> {
    [
        &[0x80, 96, 0, 1, 0, 0, 0, 1, 0xde, 0xad, 0xbe, 0xef][..],
        &[7; 100],
    ]
    .concat()
}

fn rtcp() -> Vec<u8> {
    [&[0x81, 201, 0, 7, 0, 0, 0, 1][..], &[7; 40]].concat()
}

fn client_hello() -> Vec<u8> {
    [
        &[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 50][..],
        &[1; 50],
    ]
    .concat()
}

/// A binding request for `ufrag` that is sealed with `password`.
fn check(ufrag: &str, password: &str) -> Vec<u8> {
    let username = format!("{ufrag}:strn");
    let request = StunMessage::binding_request(&username, TransId::new(), true, 7, 99, true);
    let mut bytes = vec![0; 500];
    let provider = str0m::crypto::from_feature_flags().sha1_hmac_provider;
    let hmac = |key: &[u8], parts: &[&[u8]]| provider.sha1_hmac(key, parts);
    let len = request
        .to_bytes(Some(password.as_bytes()), &mut bytes, hmac)
        .unwrap();
    bytes.truncate(len);
    bytes
}

/// The engine's ufrag towards a client, which is no secret from whoever sees the path.
fn engine_ufrag(meeting: &Meeting, client: u64) -> String {
    let sdp = meeting.events.iter().find_map(|(_, event)| match event {
        Event::Answer {
            participant, sdp, ..
        } if participant.0 == client + 1 => Some(sdp),
        _ => None,
    });
    let line = sdp
        .unwrap()
        .lines()
        .find_map(|line| line.strip_prefix("a=ice-ufrag:"));
    line.unwrap().to_owned()
}

/// Lets `datagram` come from `from`, and says what it was dropped for.
fn fate(meeting: &mut Meeting, from: SocketAddr, datagram: Vec<u8>) -> Vec<DropReason> {
    let before = meeting.worker().stats().drops.clone();
    meeting.inject(from, datagram);
    meeting.run_for_ms(0);
    let after = &meeting.worker().stats().drops;
    let more = DropReason::ALL
        .into_iter()
        .filter(|reason| after.get(*reason) > before.get(*reason));
    more.collect()
}

#[test]
fn a_strangers_datagrams_are_counted_and_disturb_nobody() {
    let mut meeting = meeting();
    meeting.run_until_ms(1000);
    let ufrag = engine_ufrag(&meeting, 1);
    let mut broken = check(&ufrag, "");
    broken.truncate(30);
    let attempts = [
        (vec![], DropReason::NotDemultiplexed),
        (vec![0xff; 200], DropReason::NotDemultiplexed),
        (rtp(), DropReason::MediaUnknownPath),
        (rtcp(), DropReason::MediaUnknownPath),
        (client_hello(), DropReason::DtlsUnknownPath),
        (broken, DropReason::StunMalformed),
        (check("nobody", "whatever"), DropReason::StunUnknownUfrag),
        (
            check(&ufrag, "a guess at the password"),
            DropReason::StunBadIntegrity,
        ),
    ];
    for (datagram, reason) in attempts {
        let shown = format!("{:02x?}", &datagram[..datagram.len().min(12)]);
        assert_eq!(
            fate(&mut meeting, stranger(), datagram),
            [reason],
            "{shown}"
        );
    }
    let answered = meeting
        .trace
        .entries
        .iter()
        .filter(|e| !e.inwards && e.port == stranger().port());
    assert_eq!(answered.count(), 0, "the stranger was answered");
    meeting.run_until_ms(2500);
    meeting.wind_down();
    assert_eq!(meeting.complaints(1, (0, 0)), []);
}

#[test]
fn forged_media_from_a_participants_own_address_is_dropped() {
    let mut meeting = meeting();
    let sent = Rc::new(RefCell::new(Vec::<Vec<u8>>::new()));
    let tap = Rc::clone(&sent);
    meeting.filter_up(
        0,
        Box::new(move |datagram| {
            if datagram[0] & 0xc0 == 0x80 {
                tap.borrow_mut().push(datagram.to_vec());
            }
            false
        }),
    );
    meeting.run_until_ms(1000);
    let publisher = meeting.public(0);
    assert_eq!(
        fate(&mut meeting, publisher, rtp()),
        [DropReason::SrtpAuthFailed]
    );
    assert_eq!(
        fate(&mut meeting, publisher, rtcp()),
        [DropReason::SrtpAuthFailed]
    );
    let is_rtp = |datagram: &&Vec<u8>| !(192..=223).contains(&datagram[1]);
    let old = sent.borrow().iter().filter(is_rtp).nth(20).unwrap().clone();
    assert_eq!(
        fate(&mut meeting, publisher, old.clone()),
        [DropReason::SrtpReplayed]
    );
    let mut changed = sent.borrow().iter().rfind(is_rtp).unwrap().clone();
    changed[40] ^= 1;
    let reason = fate(&mut meeting, publisher, changed);
    let dropped = [DropReason::SrtpAuthFailed, DropReason::SrtpReplayed];
    assert!(
        reason.len() == 1 && dropped.contains(&reason[0]),
        "{reason:?}"
    );
    meeting.run_until_ms(2000);
    meeting.wind_down();
    assert_eq!(meeting.complaints(1, (0, 0)), []);
}

#[test]
fn media_before_the_handshake_is_dropped_and_the_handshake_goes_on() {
    let mut meeting = meeting();
    let publisher = meeting.public(0);
    let first_flight = |meeting: &Meeting| {
        let mut entries = meeting.trace.entries.iter();
        entries.any(|e| e.port == publisher.port() && e.inwards && e.facts == Facts::Dtls)
    };
    while !first_flight(&meeting) {
        meeting.run_for_ms(1);
    }
    assert_eq!(
        fate(&mut meeting, publisher, rtp()),
        [DropReason::MediaBeforeKeys]
    );
    assert_eq!(
        fate(&mut meeting, publisher, rtcp()),
        [DropReason::MediaBeforeKeys]
    );
    fate(&mut meeting, publisher, client_hello());
    meeting.run_until_ms(1500);
    meeting.wind_down();
    assert_eq!(meeting.complaints(1, (0, 0)), []);
}
