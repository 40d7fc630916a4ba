//! Bytes that nobody well-meaning sends.

use rand_core::Rng;

use super::*;
use crate::id::Ssrc;

/// Every truncation of `bytes`, every byte of it changed, and noise of every length up to its own.
fn variants(bytes: &[u8], rng: &mut ChaCha12Rng) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for at in 0..bytes.len() {
        all.push(bytes[..at].to_vec());
        for value in [0, 1, 0x7f, 0x80, 0xff, bytes[at] ^ 1] {
            let mut changed = bytes.to_vec();
            changed[at] = value;
            all.push(changed);
        }
        let mut noise = vec![0; at];
        rng.fill_bytes(&mut noise);
        // The start kept, so that it gets past the demultiplexer.
        noise
            .iter_mut()
            .zip(bytes)
            .take(at / 2)
            .for_each(|(n, b)| *n = *b);
        all.push(noise);
    }
    all.push([bytes, bytes].concat());
    all
}

#[test]
fn no_altered_check_is_believed() {
    let mut call = Call::new(DtlsVersion::V12, DtlsRole::Passive);
    let original = stun::check(&call.local(), true, 9);
    let mut rng = ChaCha12Rng::seed_from_u64(3);
    for bytes in variants(&original, &mut rng) {
        if bytes == original {
            continue;
        }
        if let Ok(check) = read_check(&bytes) {
            let judged = call.transport.handle_check(call.now, path(1000), &check);
            assert!(judged.is_err(), "{bytes:?}");
        }
        call.collect();
        assert!(call.answers.is_empty(), "an answer to {bytes:?}");
    }
    assert_eq!(call.transport.paths().count(), 0);
    assert!(read_check(&original).is_ok());
}

#[test]
fn altered_checks_with_a_fitting_checksum_are_read_without_a_panic() {
    let mut call = Call::new(DtlsVersion::V12, DtlsRole::Passive);
    let local = call.local();
    let original = stun::unsigned(&local.ufrag, true, 9)
        .integrity(&local.pwd)
        .bytes();
    let mut rng = ChaCha12Rng::seed_from_u64(4);
    let mut read = 0;
    for mut bytes in variants(&original, &mut rng) {
        // Made whole again as far as a sender without the password can.
        bytes.resize(bytes.len().next_multiple_of(4).max(20), 0);
        bytes[4..8].copy_from_slice(&original[4..8]);
        let bytes = refit(bytes);
        if bytes == stun::check(&local, true, 9) {
            continue;
        }
        if let Ok(check) = read_check(&bytes) {
            read += 1;
            let judged = call.transport.handle_check(call.now, path(1000), &check);
            assert!(judged.is_err(), "{bytes:?}");
        }
    }
    assert!(read > 100, "only {read} got past the framing");
    assert_eq!(call.transport.paths().count(), 0);
}

/// Appends a fitting FINGERPRINT and length.
fn refit(bytes: Vec<u8>) -> Vec<u8> {
    stun::Writer::from_bytes(bytes).fingerprint().bytes()
}

#[test]
fn altered_dtls_never_panics_and_never_gives_keys() {
    for version in [DtlsVersion::V12, DtlsVersion::V13, DtlsVersion::Auto] {
        let mut rng = ChaCha12Rng::seed_from_u64(5);
        let mut first = Call::new(version, DtlsRole::Passive);
        first.peer.handle_timeout(first.now);
        let hello = first.peer.outbox.concat();
        // Settings made once: most of a transport's cost in these thousands.
        let settings = TransportSettings::new(version);
        for bytes in variants(&hello, &mut rng) {
            let mut transport = Transport::new(*BASE, WORKER, &IDENTITY, &settings, &mut rng);
            let offer = remote("peer", DtlsRole::Passive);
            transport.set_remote(*BASE, &offer, &mut rng).unwrap();
            let local = transport.local_parameters().0.clone();
            let datagram = stun::check(&local, false, 9);
            let check = read_check(&datagram).unwrap();
            transport.handle_check(*BASE, path(1000), &check).unwrap();
            for _ in 0..2 {
                let _ = transport.handle_dtls(*BASE, path(1000), &bytes);
            }
            assert!(!transport.is_connected());
        }
    }
}

#[test]
fn altered_dtls_does_not_end_a_connected_call() {
    for version in [DtlsVersion::V12, DtlsVersion::V13] {
        let mut call = Call::new(version, DtlsRole::Passive);
        call.check(1000, true).unwrap();
        call.peer.handle_timeout(call.now);
        let hello = call.peer.outbox.concat();
        call.exchange(path(1000));
        assert!(call.transport.is_connected());
        call.transport.poll_event().unwrap();
        let mut rng = ChaCha12Rng::seed_from_u64(6);
        // A renegotiation, an alert in the clear, and noise in between.
        let alert = [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40].to_vec();
        for bytes in variants(&hello, &mut rng)
            .into_iter()
            .chain(variants(&alert, &mut rng))
            .chain([alert])
        {
            let _ = call.transport.handle_dtls(call.now, path(1000), &bytes);
            assert_eq!(call.transport.poll_event(), None, "{version:?} {bytes:?}");
        }
        assert!(call.transport.is_connected());
        let (sender, ..) = call.peer.srtp();
        let mut packet = sealed(&sender, 1);
        assert!(
            call.transport
                .open_rtp(&mut packet, 12, Ssrc(42), 1)
                .is_ok()
        );
    }
}

#[test]
fn a_peers_huge_certificate_fits_or_fails_but_never_panics() {
    // dimpl asserts that the certificate fits the buffer it is handed out in.
    for kilobytes in [1, 4, 12, 20, 30, 60] {
        let mut call = Call::new(DtlsVersion::V12, DtlsRole::Passive);
        let mut certificate = PEER_CERTIFICATE.clone();
        certificate.certificate.resize(kilobytes * 1000, 0);
        let config = Config::builder()
            .max_queue_tx(100)
            .mtu(1400)
            .build()
            .unwrap();
        call.peer.dtls = dimpl::Dtls::new_12(Arc::new(config), certificate, *BASE);
        call.peer.dtls.set_active(true);
        call.check(1000, true).unwrap();
        call.peer.handle_timeout(call.now);
        call.exchange(path(1000));
        assert_eq!(
            call.transport.poll_event(),
            Some(TransportEvent::Lost(MediaLoss::DtlsFailed)),
            "{kilobytes} kB"
        );
    }
}

#[test]
fn queued_answers_are_bounded() {
    let mut call = Call::new(DtlsVersion::V12, DtlsRole::Passive);
    let datagram = stun::check(&call.local(), true, 9);
    let check = read_check(&datagram).unwrap();
    for _ in 0..10 * MAX_QUEUED_ANSWERS {
        call.transport
            .handle_check(call.now, path(1000), &check)
            .unwrap();
    }
    call.collect();
    assert_eq!(call.answers.len(), MAX_QUEUED_ANSWERS);
}
