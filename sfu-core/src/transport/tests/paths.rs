//! Which paths are good, which one media takes, and until when.

use super::*;
use crate::transport::ice::{CONSENT_TIMEOUT, MAX_VALID_PATHS, SILENT_PATH};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_plain_check_validates_and_only_a_nomination_moves_the_send_path() {
    let mut call = Call::new(DtlsVersion::V12, DtlsRole::Passive);
    assert!(!call.transport.accepts(path(1000)));

    let outcome = call.check(1000, false).unwrap();
    assert!(outcome.new_path && !outcome.nominated);
    assert!(call.transport.accepts(path(1000)));
    assert_eq!(call.transport.selected_path(), None);

    let outcome = call.check(1001, true).unwrap();
    assert!(outcome.new_path && outcome.nominated);
    assert_eq!(call.transport.selected_path(), Some(path(1001)));

    let outcome = call.check(1000, false).unwrap();
    assert!(!outcome.new_path && !outcome.nominated);
    assert_eq!(call.transport.selected_path(), Some(path(1001)));

    // Re-nomination, both ways.
    for port in [1000, 1001, 1000] {
        call.check(port, true).unwrap();
        assert_eq!(call.transport.selected_path(), Some(path(port)));
    }
}

#[test]
fn the_wrong_password_gets_no_answer_and_no_path() {
    let mut call = Call::new(DtlsVersion::V12, DtlsRole::Passive);
    let mut forged = call.local();
    forged.pwd = ArrayString::from("0123456789012345678901").unwrap();
    assert_eq!(
        call.check_with(path(1000), &forged, true),
        Err(DropReason::StunBadIntegrity)
    );
    assert!(!call.transport.accepts(path(1000)));
    assert_eq!(call.transport.selected_path(), None);

    let mut unknown = call.local();
    unknown.ufrag = ArrayString::from("AAAAAAAAAAAA").unwrap();
    assert_eq!(
        call.check_with(path(1000), &unknown, true),
        Err(DropReason::StunUnknownUfrag)
    );
    assert!(!call.transport.accepts(path(1000)));
}

#[test]
fn dtls_is_taken_from_valid_paths_only() {
    let mut call = Call::new(DtlsVersion::V12, DtlsRole::Passive);
    call.peer.handle_timeout(call.now);
    let hello = call.peer.outbox.remove(0);
    assert_eq!(
        call.transport.handle_dtls(call.now, path(1000), &hello),
        Err(DropReason::DtlsUnknownPath)
    );
    call.check(1000, false).unwrap();
    assert_eq!(
        call.transport.handle_dtls(call.now, path(1001), &hello),
        Err(DropReason::DtlsUnknownPath)
    );
    assert_eq!(
        call.transport.handle_dtls(call.now, path(1000), &hello),
        Ok(())
    );
}

#[test]
fn an_active_transport_waits_for_a_valid_check() {
    let mut call = Call::new(DtlsVersion::V12, DtlsRole::Active);
    let mut out = [0; MAX_DATAGRAM];
    call.wait(SECOND);
    assert_eq!(call.transport.poll_datagram(&mut out), None);
    let mut forged = call.local();
    forged.pwd = ArrayString::from("0123456789012345678901").unwrap();
    call.check_with(path(1000), &forged, true).unwrap_err();
    assert_eq!(call.transport.poll_datagram(&mut out), None);

    let local = call.local();
    let datagram = stun::check(&local, false, 9);
    let check = read_check(&datagram).unwrap();
    call.transport
        .handle_check(call.now, path(1000), &check)
        .unwrap();
    let kinds: Vec<_> = std::iter::from_fn(|| {
        let (to, len) = call.transport.poll_datagram(&mut out)?;
        assert_eq!(to, path(1000));
        classify(&out[..len])
    })
    .collect();
    assert_eq!(kinds[..2], [DatagramKind::Stun, DatagramKind::Dtls]);
}

#[test]
fn the_oldest_path_makes_room_but_never_the_selected_one() {
    let mut call = Call::new(DtlsVersion::V12, DtlsRole::Passive);
    call.check(1000, true).unwrap();
    let count = u16::try_from(MAX_VALID_PATHS).unwrap();
    for port in 1001..1000 + count {
        call.wait(SECOND / 2);
        assert_eq!(call.check(port, false).unwrap().evicted, None);
    }
    // 1001 is checked again, so 1002 is the oldest after the selected 1000.
    call.wait(SECOND / 2);
    call.check(1001, false).unwrap();
    let outcome = call.check(2000, false).unwrap();
    assert_eq!(outcome.evicted, Some(path(1002)));
    assert!(!call.transport.accepts(path(1002)));
    assert!(call.transport.accepts(path(1000)));
    assert_eq!(call.transport.selected_path(), Some(path(1000)));
    assert_eq!(call.transport.paths().count(), MAX_VALID_PATHS);
}

#[test]
fn consent_lives_by_checks_and_ends_without() {
    let mut call = Call::new(DtlsVersion::V12, DtlsRole::Passive);
    call.connect();
    for _ in 0..10 {
        call.wait(CONSENT_TIMEOUT - SECOND);
        call.check(1000, false).unwrap();
    }
    call.wait(CONSENT_TIMEOUT - Duration::from_millis(1));
    assert_eq!(call.transport.poll_event(), None);
    assert!(call.transport.is_connected());

    call.wait(Duration::from_millis(1));
    assert_eq!(
        call.transport.poll_event(),
        Some(TransportEvent::Lost(MediaLoss::ConsentExpired))
    );
    assert_eq!(call.transport.poll_event(), None);
    assert!(!call.transport.is_connected());
    assert_eq!(call.transport.selected_path(), None);
    // RFC 7675 section 5.1: nothing is sent any more.
    call.transport.close();
    assert_eq!(call.transport.poll_datagram(&mut [0; MAX_DATAGRAM]), None);
}

#[test]
fn a_peer_that_never_checks_is_lost() {
    let mut call = Call::new(DtlsVersion::V12, DtlsRole::Passive);
    call.wait(CONSENT_TIMEOUT - SECOND);
    assert_eq!(call.transport.poll_event(), None);
    call.wait(SECOND);
    assert_eq!(
        call.transport.poll_event(),
        Some(TransportEvent::Lost(MediaLoss::ConsentExpired))
    );
}

#[test]
fn media_follows_a_peer_that_a_nat_has_moved_and_that_nominates_no_more() {
    let mut call = Call::new(DtlsVersion::V12, DtlsRole::Passive);
    call.connect();
    call.wait(SILENT_PATH - Duration::from_millis(1));
    let outcome = call.check(1001, false).unwrap();
    assert!(outcome.new_path && !outcome.nominated);
    assert_eq!(call.transport.selected_path(), Some(path(1000)));
    call.wait(Duration::from_millis(1));
    let outcome = call.check(1001, false).unwrap();
    assert!(!outcome.new_path && outcome.nominated);
    assert_eq!(call.transport.selected_path(), Some(path(1001)));

    // And again; who has only the address, or another password, moves nothing.
    call.wait(SILENT_PATH);
    let mut forged = call.local();
    forged.pwd = ArrayString::from("0123456789012345678901").unwrap();
    call.check_with(path(1002), &forged, false).unwrap_err();
    assert_eq!(call.transport.selected_path(), Some(path(1001)));
    call.check(1002, false).unwrap();
    assert_eq!(call.transport.selected_path(), Some(path(1002)));
    assert!(call.transport.is_connected());
}

#[test]
fn a_send_path_that_is_checked_stays_whatever_else_is() {
    let mut call = Call::new(DtlsVersion::V12, DtlsRole::Passive);
    call.connect();
    for _ in 0..10 {
        call.wait(6 * SECOND);
        call.check(1001, false).unwrap();
        assert_eq!(call.transport.selected_path(), Some(path(1000)));
        call.check(1000, false).unwrap();
    }
}

#[test]
fn before_the_handshake_ends_a_plain_check_selects_nothing_however_late() {
    let mut call = Call::new(DtlsVersion::V12, DtlsRole::Passive);
    call.check(1000, false).unwrap();
    call.wait(2 * SILENT_PATH);
    call.check(1001, false).unwrap();
    assert_eq!(call.transport.selected_path(), None);
}

#[test]
fn a_silent_send_path_is_withdrawn_while_another_keeps_the_transport() {
    let mut call = Call::new(DtlsVersion::V12, DtlsRole::Passive);
    call.connect();
    call.wait(SILENT_PATH - SECOND);
    call.check(1001, false).unwrap();
    call.wait(CONSENT_TIMEOUT - SILENT_PATH + SECOND);
    assert_eq!(call.transport.selected_path(), None);
    assert!(!call.transport.is_path_live(call.now, path(1000)));
    assert!(call.transport.is_path_live(call.now, path(1001)));
    assert_eq!(call.transport.poll_event(), None);

    // Media has gone before, so that a plain check is enough to let it go on.
    call.check(1001, false).unwrap();
    assert_eq!(call.transport.selected_path(), Some(path(1001)));
    assert!(call.transport.is_connected());
}

#[test]
fn an_ice_restart_keeps_the_old_credentials_until_the_new_ones_nominate() {
    let mut call = Call::new(DtlsVersion::V12, DtlsRole::Passive);
    call.connect();
    let old = call.local();
    let offer = remote("peer2", DtlsRole::Passive);
    call.transport
        .set_remote(call.now, &offer, &mut call.rng)
        .unwrap();
    let new = call.local();
    assert_ne!(new.ufrag, old.ufrag);
    assert_ne!(new.pwd, old.pwd);
    assert_eq!(
        call.transport.local_ufrags().collect::<Vec<_>>(),
        [&new.ufrag[..], &old.ufrag[..]]
    );

    // The old pair goes on; the new one is checked, and the passwords are not mixed.
    assert!(call.check_with(path(1000), &old, true).unwrap().nominated);
    let outcome = call.check_with(path(1001), &new, false).unwrap();
    assert!(outcome.new_path && !outcome.ufrag_retired);
    assert_eq!(call.transport.selected_path(), Some(path(1000)));
    let mixed = IceCredentials {
        ufrag: new.ufrag,
        pwd: old.pwd,
    };
    assert_eq!(
        call.check_with(path(1001), &mixed, true),
        Err(DropReason::StunBadIntegrity)
    );
    call.check_with(path(1000), &old, false).unwrap();

    let outcome = call.check_with(path(1001), &new, true).unwrap();
    assert!(outcome.nominated && outcome.ufrag_retired);
    assert_eq!(call.transport.selected_path(), Some(path(1001)));
    assert_eq!(call.transport.local_ufrags().count(), 1);
    assert_eq!(
        call.check_with(path(1000), &old, true),
        Err(DropReason::StunUnknownUfrag)
    );
    // DTLS and SRTP go on.
    assert!(call.transport.is_connected());
    assert_eq!(call.transport.poll_event(), None);
}

#[test]
fn the_same_credentials_in_a_later_offer_are_no_restart() {
    let mut call = Call::new(DtlsVersion::V12, DtlsRole::Passive);
    let before = call.local();
    let again = remote("peer", DtlsRole::Passive);
    call.transport
        .set_remote(call.now, &again, &mut call.rng)
        .unwrap();
    assert_eq!(call.local(), before);
    assert_eq!(call.transport.local_ufrags().count(), 1);
}

#[test]
fn a_restart_that_overtakes_another_keeps_the_pair_in_use() {
    let mut call = Call::new(DtlsVersion::V12, DtlsRole::Passive);
    call.connect();
    let old = call.local();
    for ufrag in ["peer2", "peer3"] {
        let offer = remote(ufrag, DtlsRole::Passive);
        call.transport
            .set_remote(call.now, &offer, &mut call.rng)
            .unwrap();
    }
    let new = call.local();
    assert_eq!(
        call.transport.local_ufrags().collect::<Vec<_>>(),
        [&new.ufrag[..], &old.ufrag[..]]
    );
    call.check_with(path(1000), &old, true).unwrap();
    assert!(
        call.check_with(path(1001), &new, true)
            .unwrap()
            .ufrag_retired
    );
}

#[test]
fn a_restart_gives_a_silent_peer_time_to_come_back() {
    let mut call = Call::new(DtlsVersion::V12, DtlsRole::Passive);
    call.connect();
    call.wait(25 * SECOND);
    let offer = remote("peer2", DtlsRole::Passive);
    call.transport
        .set_remote(call.now, &offer, &mut call.rng)
        .unwrap();
    call.wait(25 * SECOND);
    assert_eq!(call.transport.poll_event(), None);
    // Its old path has no consent any more, so nothing goes there.
    assert_eq!(call.transport.selected_path(), None);
    call.check(1001, true).unwrap();
    assert_eq!(call.transport.selected_path(), Some(path(1001)));
    assert!(call.transport.is_connected());
}

#[test]
fn a_controlled_peer_is_told_to_switch_and_changes_nothing() {
    let mut call = Call::new(DtlsVersion::V12, DtlsRole::Passive);
    let local = call.local();
    let controlled = |pwd: &str| {
        stun::Writer::new(0x0001, 9)
            .attribute(stun::USERNAME, format!("{}:peer", local.ufrag).as_bytes())
            .attribute(stun::ICE_CONTROLLED, &[0xff; 8])
            .attribute(stun::PRIORITY, &[1; 4])
            .attribute(stun::USE_CANDIDATE, &[])
            .integrity(pwd)
            .fingerprint()
            .bytes()
    };
    let datagram = controlled(&local.pwd);
    let check = read_check(&datagram).unwrap();
    let outcome = call.transport.handle_check(call.now, path(1000), &check);
    assert_eq!(outcome, Ok(CheckOutcome::default()));
    call.collect();
    let (to, answer) = call.answers.pop().unwrap();
    assert_eq!(to, path(1000));
    assert_eq!(
        stun::read_answer(&answer, &local.pwd, 9),
        Answer::Error(487)
    );
    assert!(!call.transport.accepts(path(1000)));
    assert_eq!(call.transport.selected_path(), None);

    // Nobody else is told anything.
    let datagram = controlled("0123456789012345678901");
    let check = read_check(&datagram).unwrap();
    let outcome = call.transport.handle_check(call.now, path(1000), &check);
    assert_eq!(outcome, Err(DropReason::StunBadIntegrity));
    call.collect();
    assert!(call.answers.is_empty());
}

#[test]
fn an_answer_names_the_address_as_the_peer_knows_it() {
    let mut call = Call::new(DtlsVersion::V12, DtlsRole::Passive);
    let local = call.local();
    let v6: SocketAddr = "[2001:db8::7]:4000".parse().unwrap();
    for (at, seen) in [
        (path(1000).remote, path(1000).remote),
        (v6, v6),
        (mapped(path(1000).remote), path(1000).remote),
    ] {
        let came_by = Path {
            remote: at,
            ..path(0)
        };
        let datagram = stun::check(&local, false, 9);
        let check = read_check(&datagram).unwrap();
        call.transport
            .handle_check(call.now, came_by, &check)
            .unwrap();
        call.collect();
        let (to, answer) = call.answers.pop().unwrap();
        assert_eq!(to, came_by);
        assert_eq!(
            stun::read_answer(&answer, &local.pwd, 9),
            Answer::Success(seen)
        );
    }
}
