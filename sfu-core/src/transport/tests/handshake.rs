//! From the first check to keys, in both roles and versions.

use super::*;
use crate::id::Ssrc;

/// Both sides' keys are the same, each for its own direction.
fn assert_media_flows(call: &mut Call) {
    let (sender, mut receiver, profile) = call.peer.srtp();
    assert!(call.transport.is_connected());
    let ours = call.transport.srtp_sender().expect("connected");
    assert_eq!(ours.profile(), profile);

    let mut packet = sealed(ours, 5);
    let (len, index) = receiver.open_rtp(&mut packet, 12, Ssrc(42), 5).unwrap();
    assert_eq!((&packet[..len], index), (&rtp(5)[..], 5));

    let mut packet = sealed(&sender, 9);
    let opened = call.transport.open_rtp(&mut packet, 12, Ssrc(42), 9);
    assert_eq!(opened, Ok((rtp(9).len(), 9)));
    assert_eq!(packet[..rtp(9).len()], rtp(9));
}

#[test]
fn every_version_and_role_gives_both_sides_the_same_keys() {
    for version in [DtlsVersion::V12, DtlsVersion::V13, DtlsVersion::Auto] {
        for role in [DtlsRole::Passive, DtlsRole::Active] {
            let mut call = Call::new(version, role);
            assert_eq!(call.transport.local_parameters().2, role);
            // dimpl offers AES-256-GCM first, which either version's server then takes.
            assert_eq!(call.connect(), "AEAD_AES_256_GCM", "{version:?} {role:?}");
            assert_media_flows(&mut call);
            assert_eq!(call.transport.poll_event(), None);
            let certificate = call.peer.certificate.as_deref().unwrap();
            assert_eq!(
                dimpl::certificate::calculate_fingerprint(certificate),
                call.transport.local_parameters().1.0,
            );
        }
    }
}

#[test]
fn an_automatic_server_takes_a_client_of_either_version() {
    for version in [DtlsVersion::V12, DtlsVersion::V13] {
        let mut call = Call::new(DtlsVersion::Auto, DtlsRole::Passive);
        call.peer = Peer::new(version, true, 1200);
        call.connect();
        assert_media_flows(&mut call);
    }
}

#[test]
fn no_round_trip_goes_to_a_cookie() {
    let mut call = Call::new(DtlsVersion::V12, DtlsRole::Passive);
    call.check(1000, true).unwrap();
    call.peer.handle_timeout(call.now);
    let hello = call.peer.outbox.remove(0);
    call.transport
        .handle_dtls(call.now, path(1000), &hello)
        .unwrap();
    let mut out = [0; MAX_DATAGRAM];
    let (to, _) = call.transport.poll_datagram(&mut out).unwrap();
    assert_eq!(to, path(1000));
    // RFC 6347 section 4.2.2: a handshake record whose message is ServerHello (2), where a
    // HelloVerifyRequest (3) would ask for the cookie.
    assert_eq!((out[0], out[13]), (22, 2));
}

#[test]
fn a_client_hello_in_many_datagrams_is_reassembled_in_any_order() {
    for version in [DtlsVersion::V12, DtlsVersion::V13] {
        for reversed in [false, true] {
            let mut call = Call::with_mtu(version, DtlsRole::Passive, 100);
            call.check(1000, true).unwrap();
            call.peer.handle_timeout(call.now);
            assert!(call.peer.outbox.len() >= 2, "the hello fits one datagram");
            if reversed {
                call.peer.outbox.reverse();
            }
            call.exchange(path(1000));
            assert!(call.transport.is_connected(), "{version:?} {reversed}");
        }
    }
}

#[test]
fn chromiums_order_of_profiles_still_gives_an_aead() {
    // GCM-256, GCM-128, CM-SHA1-80 as dimpl's client offers them, with an empty MKI
    // (RFC 5764 section 4.1.1); Chromium begins with CM-SHA1-80.
    const OFFERED: [u8; 13] = [0, 14, 0, 9, 0, 6, 0, 8, 0, 7, 0, 1, 0];
    const CHROMIUM: [u8; 13] = [0, 14, 0, 9, 0, 6, 0, 1, 0, 8, 0, 7, 0];
    const TAKEN: [u8; 9] = [0, 14, 0, 5, 0, 2, 0, 8, 0];

    let mut call = Call::new(DtlsVersion::V12, DtlsRole::Passive);
    call.check(1000, true).unwrap();
    call.peer.handle_timeout(call.now);
    let mut hello = call.peer.outbox.remove(0);
    let at = hello
        .windows(OFFERED.len())
        .position(|window| window == OFFERED)
        .expect("dimpl's order has changed: so may the server's preference have");
    hello[at..at + CHROMIUM.len()].copy_from_slice(&CHROMIUM);
    call.transport
        .handle_dtls(call.now, path(1000), &hello)
        .unwrap();
    // The peer's transcript differs now, so the handshake ends here; the ServerHello is plain.
    let mut out = [0; MAX_DATAGRAM];
    let (_, len) = call.transport.poll_datagram(&mut out).unwrap();
    assert!(
        out[..len]
            .windows(TAKEN.len())
            .any(|window| window == TAKEN),
        "the server did not take AEAD_AES_256_GCM"
    );
}

#[test]
fn lost_flights_come_again() {
    for version in [DtlsVersion::V12, DtlsVersion::V13] {
        for role in [DtlsRole::Passive, DtlsRole::Active] {
            for lost in [1, 2, 3, 5] {
                let mut call = Call::new(version, role);
                call.lose = lost;
                call.check(1000, true).unwrap();
                call.peer.handle_timeout(call.now);
                for _ in 0..40 {
                    call.exchange(path(1000));
                    if call.transport.is_connected() && call.peer.keys.is_some() {
                        break;
                    }
                    call.advance();
                }
                assert_eq!(call.lose, 0, "{version:?} {role:?} {lost}");
                assert_media_flows(&mut call);
                assert!(call.now > *BASE, "nothing had to come again");
            }
        }
    }
}

#[test]
fn another_certificate_gives_no_keys() {
    for version in [DtlsVersion::V12, DtlsVersion::V13] {
        for role in [DtlsRole::Passive, DtlsRole::Active] {
            let mut call = Call::new(version, role);
            let mut rng = ChaCha12Rng::seed_from_u64(1);
            let settings = TransportSettings::deterministic(version);
            call.transport = Transport::new(*BASE, WORKER, &IDENTITY, &settings, &mut rng);
            let mut announced = remote("peer", role);
            announced.fingerprint.0[31] ^= 1;
            call.transport
                .set_remote(*BASE, &announced, &mut rng)
                .unwrap();
            call.check(1000, true).unwrap();
            call.peer.handle_timeout(call.now);
            call.exchange(path(1000));
            assert_eq!(
                call.transport.poll_event(),
                Some(TransportEvent::Lost(MediaLoss::DtlsFailed))
            );
            assert!(!call.transport.is_connected());
            assert!(call.transport.srtp_sender().is_none());
            if version == DtlsVersion::V12 && role == DtlsRole::Passive {
                // Our last flight would have told the peer that all is well.
                assert!(call.peer.keys.is_none());
            }
            assert!(!call.transport.accepts(path(1000)));
            assert_eq!(call.check(1000, true), Err(DropReason::StunUnknownUfrag));
        }
    }
}

#[test]
fn a_handshake_nobody_answers_ends() {
    let mut call = Call::new(DtlsVersion::V12, DtlsRole::Active);
    call.check(1000, true).unwrap();
    for _ in 0..60 {
        call.wait(Duration::from_secs(1));
        call.transaction = 0;
        if call.check(1000, true).is_err() {
            break;
        }
        call.peer.outbox.clear();
    }
    assert_eq!(
        call.transport.poll_event(),
        Some(TransportEvent::Lost(MediaLoss::DtlsFailed))
    );
    assert_eq!(call.transport.poll_timeout(), None);
}

#[test]
fn media_before_keys_is_named_so() {
    let mut call = Call::new(DtlsVersion::V12, DtlsRole::Passive);
    call.check(1000, true).unwrap();
    assert_eq!(
        call.transport.open_rtp(&mut rtp(1), 12, Ssrc(42), 1),
        Err(DropReason::MediaBeforeKeys)
    );
    assert_eq!(
        call.transport.open_rtcp(&mut [0x80, 200, 0, 1, 0, 0, 0, 1]),
        Err(DropReason::MediaBeforeKeys)
    );
}

#[test]
fn close_tells_the_peer_at_once_and_the_peers_close_ends_the_transport() {
    for version in [DtlsVersion::V12, DtlsVersion::V13] {
        let mut call = Call::new(version, DtlsRole::Passive);
        call.connect();
        call.transport.close();
        call.exchange(path(1000));
        assert!(call.peer.closed, "{version:?}");
        assert_eq!(call.transport.poll_event(), None);
        assert_eq!(call.transport.poll_timeout(), None);

        let mut call = Call::new(version, DtlsRole::Passive);
        call.connect();
        call.peer.dtls.close().unwrap();
        call.peer.drain();
        call.exchange(path(1000));
        assert_eq!(
            call.transport.poll_event(),
            Some(TransportEvent::Lost(MediaLoss::DtlsClosed)),
            "{version:?}"
        );
    }
}

#[test]
fn a_later_offer_cannot_change_the_certificate() {
    let mut call = Call::new(DtlsVersion::V12, DtlsRole::Passive);
    let mut other = remote("new", DtlsRole::Passive);
    other.fingerprint.0[0] ^= 1;
    let before = call.local();
    assert_eq!(
        call.transport.set_remote(call.now, &other, &mut call.rng),
        Err(OfferError::FingerprintChanged)
    );
    assert_eq!(call.local(), before);
}

#[test]
fn a_later_offer_does_not_change_the_role() {
    let mut call = Call::new(DtlsVersion::V12, DtlsRole::Active);
    let again = remote("peer", DtlsRole::Passive);
    call.transport
        .set_remote(call.now, &again, &mut call.rng)
        .unwrap();
    assert_eq!(call.transport.local_parameters().2, DtlsRole::Active);
}

#[test]
fn what_a_transport_is_made_of_can_move_to_a_workers_thread() {
    // The transport itself cannot: the SCTP library counts references without locks. A worker makes
    // its transports on its own thread.
    fn is_send<T: Send>() {}
    is_send::<DtlsIdentity>();
    is_send::<TransportSettings>();
    is_send::<lookup::Lookup<u32>>();
}

#[test]
fn a_seeded_transport_keeps_the_same_times() {
    let times = |version, seed| {
        let mut call = Call::new(version, DtlsRole::Active);
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        let settings = TransportSettings::deterministic(version);
        call.transport = Transport::new(*BASE, WORKER, &IDENTITY, &settings, &mut rng);
        let offer = remote("peer", DtlsRole::Active);
        call.transport.set_remote(*BASE, &offer, &mut rng).unwrap();
        call.lose = usize::MAX;
        call.check(1000, true).unwrap();
        let mut times = Vec::new();
        while times.len() < 5 {
            let due = call.transport.poll_timeout().unwrap();
            times.push(due - *BASE);
            call.transport.handle_timeout(due);
            call.now = due;
            call.collect();
        }
        times
    };
    for version in [DtlsVersion::V12, DtlsVersion::V13, DtlsVersion::Auto] {
        assert_eq!(times(version, 1), times(version, 1), "{version:?}");
        assert_ne!(times(version, 1), times(version, 2), "{version:?}");
    }
}
