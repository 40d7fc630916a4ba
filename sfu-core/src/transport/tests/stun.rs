//! A STUN client by hand, independent of the codec under test (RFC 8489).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::media::session::IceCredentials;

pub(in crate::transport) const USERNAME: u16 = 0x0006;
pub(in crate::transport) const MESSAGE_INTEGRITY: u16 = 0x0008;
pub(in crate::transport) const ERROR_CODE: u16 = 0x0009;
pub(in crate::transport) const XOR_MAPPED_ADDRESS: u16 = 0x0020;
pub(in crate::transport) const PRIORITY: u16 = 0x0024;
pub(in crate::transport) const USE_CANDIDATE: u16 = 0x0025;
pub(in crate::transport) const FINGERPRINT: u16 = 0x8028;
pub(in crate::transport) const ICE_CONTROLLED: u16 = 0x8029;
pub(in crate::transport) const ICE_CONTROLLING: u16 = 0x802a;

const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// A message being written.
#[derive(Clone)]
pub(in crate::transport) struct Writer(Vec<u8>);

impl Writer {
    pub(in crate::transport) fn new(kind: u16, transaction: u8) -> Self {
        let mut bytes = kind.to_be_bytes().to_vec();
        bytes.extend([0, 0]);
        bytes.extend(COOKIE);
        bytes.extend([transaction; 12]);
        Self(bytes)
    }

    /// Goes on from bytes that need not make sense.
    pub(in crate::transport) fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(in crate::transport) fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        self.0.extend(kind.to_be_bytes());
        self.0
            .extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        self.0.extend(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self.set_len(0);
        self
    }

    fn set_len(&mut self, more: usize) {
        let len = u16::try_from(self.0.len() + more - 20).unwrap();
        self.0[2..4].copy_from_slice(&len.to_be_bytes());
    }

    pub(in crate::transport) fn integrity(mut self, pwd: &str) -> Self {
        self.set_len(24);
        let mac = hmac_sha1(pwd, &self.0);
        self.attribute(MESSAGE_INTEGRITY, &mac)
    }

    pub(in crate::transport) fn fingerprint(mut self) -> Self {
        self.set_len(8);
        let crc = crc32(&self.0) ^ 0x5354_554e;
        self.attribute(FINGERPRINT, &crc.to_be_bytes())
    }

    pub(in crate::transport) fn bytes(self) -> Vec<u8> {
        self.0
    }
}

fn hmac_sha1(pwd: &str, bytes: &[u8]) -> Vec<u8> {
    use aws_lc_rs::hmac;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, pwd.as_bytes());
    hmac::sign(&key, bytes).as_ref().to_vec()
}

/// ITU-T V.42's CRC-32, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

/// A check of a controlling full agent towards `local` credentials.
pub(in crate::transport) fn check(
    local: &IceCredentials,
    nominates: bool,
    transaction: u8,
) -> Vec<u8> {
    unsigned(&local.ufrag, nominates, transaction)
        .integrity(&local.pwd)
        .fingerprint()
        .bytes()
}

/// The part of a check before MESSAGE-INTEGRITY.
pub(in crate::transport) fn unsigned(ufrag: &str, nominates: bool, transaction: u8) -> Writer {
    let writer = Writer::new(0x0001, transaction)
        .attribute(USERNAME, format!("{ufrag}:peer").as_bytes())
        .attribute(0xc057, &[0, 1, 0, 10])
        .attribute(ICE_CONTROLLING, &[7; 8])
        .attribute(PRIORITY, &[0x6e, 0x7f, 0x1e, 0xff]);
    if nominates {
        writer.attribute(USE_CANDIDATE, &[])
    } else {
        writer
    }
}

/// An answer as the client reads it.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::transport) enum Answer {
    Success(SocketAddr),
    Error(u16),
}

/// Reads an answer to `transaction`, and checks its signature and its checksum.
pub(in crate::transport) fn read_answer(bytes: &[u8], pwd: &str, transaction: u8) -> Answer {
    let kind = u16::from_be_bytes([bytes[0], bytes[1]]);
    assert_eq!(bytes[4..8], COOKIE);
    assert_eq!(bytes[8..20], [transaction; 12], "another transaction");
    let (signed, fingerprint) = bytes.split_at(bytes.len() - 8);
    assert_eq!(
        Writer(signed.to_vec()).fingerprint().bytes(),
        bytes,
        "FINGERPRINT {fingerprint:?}"
    );
    let unsigned = &signed[..signed.len() - 24];
    assert_eq!(
        Writer(unsigned.to_vec())
            .integrity(pwd)
            .fingerprint()
            .bytes(),
        bytes,
        "MESSAGE-INTEGRITY"
    );
    let value = |kind: u16| {
        let mut rest = &unsigned[20..];
        while let [k0, k1, l0, l1, after @ ..] = rest {
            let len = usize::from(u16::from_be_bytes([*l0, *l1]));
            if [*k0, *k1] == kind.to_be_bytes() {
                return &after[..len];
            }
            rest = &after[len.next_multiple_of(4)..];
        }
        panic!("no attribute {kind:#x}");
    };
    match kind {
        0x0101 => Answer::Success(unxor(value(XOR_MAPPED_ADDRESS), &bytes[4..20])),
        0x0111 => {
            let error = value(ERROR_CODE);
            Answer::Error(u16::from(error[2]) * 100 + u16::from(error[3]))
        }
        other => panic!("message type {other:#x}"),
    }
}

/// RFC 8489 section 14.2.
fn unxor(value: &[u8], mask: &[u8]) -> SocketAddr {
    let port = u16::from_be_bytes([value[2] ^ mask[0], value[3] ^ mask[1]]);
    let ip: Vec<u8> = value[4..].iter().zip(mask).map(|(v, m)| v ^ m).collect();
    let ip = match value[1] {
        1 => IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(ip).unwrap())),
        _ => IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(ip).unwrap())),
    };
    SocketAddr::new(ip, port)
}
