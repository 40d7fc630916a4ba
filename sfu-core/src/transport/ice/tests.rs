use crate::drop_reason::DropReason;
use crate::transport::ice::{MAX_CHECK_LEN, read_check};
use crate::transport::tests::stun::{self, Writer};

const PWD: &str = "VOkJxbRl1RmTxUk/WvJxBt";

/// RFC 5769 section 2.1: a sample request, made with another implementation.
const SAMPLE: [u8; 108] = [
    0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
    0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73,
    0x74, 0x20, 0x63, 0x6c, 0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff,
    0x80, 0x29, 0x00, 0x08, 0x93, 0x2f, 0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00, 0x09,
    0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76, 0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14,
    0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e, 0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49,
    0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf,
];

fn refused(writer: Writer) {
    assert_eq!(
        read_check(&writer.bytes()).unwrap_err(),
        DropReason::StunMalformed
    );
}

#[test]
fn the_sample_request_of_rfc_5769_is_read_and_verified() {
    let check = read_check(&SAMPLE).unwrap();
    assert_eq!(check.local_ufrag, "evtj");
    assert_eq!(check.remote_ufrag, "h6vY");
    assert!(!check.use_candidate);
    assert!(check.sender_is_controlled);
    assert!(check.is_signed_with(PWD));
    assert!(!check.is_signed_with("VOkJxbRl1RmTxUk/WvJxBu"));
    assert!(!check.is_signed_with(""));
}

#[test]
fn every_changed_bit_of_the_sample_breaks_its_checksum() {
    for bit in 0..SAMPLE.len() * 8 {
        let mut changed = SAMPLE;
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(read_check(&changed).is_err(), "bit {bit}");
    }
}

#[test]
fn a_check_needs_its_parts() {
    let whole = || {
        stun::unsigned("ufrag", true, 1)
            .integrity(PWD)
            .fingerprint()
    };
    let bytes = whole().bytes();
    let check = read_check(&bytes).unwrap();
    assert_eq!((check.local_ufrag, check.remote_ufrag), ("ufrag", "peer"));
    assert!(check.use_candidate && !check.sender_is_controlled);

    refused(stun::unsigned("ufrag", true, 1).integrity(PWD));
    refused(stun::unsigned("ufrag", true, 1).fingerprint());
    let start = || Writer::new(0x0001, 1);
    refused(start());
    refused(start().fingerprint());
    refused(
        start()
            .attribute(stun::PRIORITY, &[1; 4])
            .integrity(PWD)
            .fingerprint(),
    );
    for username in [&b"ufrag"[..], b"ufrag:", b"", b"\xff\xfe:peer"] {
        refused(
            start()
                .attribute(stun::USERNAME, username)
                .attribute(stun::PRIORITY, &[1; 4])
                .integrity(PWD)
                .fingerprint(),
        );
    }
    refused(
        start()
            .attribute(stun::USERNAME, b"ufrag:peer")
            .integrity(PWD)
            .fingerprint(),
    );
}

#[test]
fn only_binding_requests_are_checks() {
    // Indication, success, error, Allocate, Data, and a class bit alone.
    for kind in [0x0011, 0x0101, 0x0111, 0x0003, 0x0017, 0x4001] {
        let mut bytes = stun::unsigned("ufrag", true, 1).bytes();
        bytes[..2].copy_from_slice(&u16::to_be_bytes(kind));
        refused(Writer::from_bytes(bytes).integrity(PWD).fingerprint());
    }
}

#[test]
fn attributes_that_must_be_understood_are_refused_before_the_signature_and_ignored_after_it() {
    // MAPPED-ADDRESS, UNKNOWN-ATTRIBUTES, REALM, DATA, one unassigned, and ALTERNATE-SERVER, which
    // the codec would write into the log.
    for kind in [0x0001, 0x000a, 0x0014, 0x0013, 0x7ffe, 0x8023] {
        let extra = stun::unsigned("ufrag", true, 1).attribute(kind, &[0; 4]);
        refused(extra.integrity(PWD).fingerprint());

        let bytes = stun::unsigned("ufrag", true, 1)
            .integrity(PWD)
            .attribute(kind, &[0; 4])
            .fingerprint()
            .bytes();
        assert!(read_check(&bytes).unwrap().is_signed_with(PWD), "{kind:#x}");
    }
    // GOOG-MISC-INFO and whatever else browsers add to the range that may be ignored.
    let bytes = stun::unsigned("ufrag", true, 1)
        .attribute(0xc059, &[0; 6])
        .integrity(PWD)
        .fingerprint()
        .bytes();
    assert!(read_check(&bytes).unwrap().is_signed_with(PWD));
}

#[test]
fn a_check_longer_than_any_agents_is_refused() {
    let with_padding = |len: usize| {
        let start = stun::unsigned("ufrag", true, 1);
        let rest = len - start.clone().bytes().len() - 4 - 24 - 8;
        start
            .attribute(0xc059, &vec![0; rest])
            .integrity(PWD)
            .fingerprint()
            .bytes()
    };
    let bytes = with_padding(MAX_CHECK_LEN);
    assert_eq!(bytes.len(), MAX_CHECK_LEN);
    assert!(read_check(&bytes).is_ok());
    assert!(read_check(&with_padding(MAX_CHECK_LEN + 4)).is_err());
}
