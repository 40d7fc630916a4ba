//! The Data Channel Establishment Protocol (RFC 8832), and how user messages are marked (RFC 8831).

use super::{be16, be32};

/// Payload protocol identifier of DCEP (RFC 8831 section 8).
pub const PPID_DCEP: u32 = 50;
/// Text in UTF-8.
pub const PPID_STRING: u32 = 51;
/// Bytes.
pub const PPID_BINARY: u32 = 53;
/// Text of no length: SCTP carries no empty message, so one byte stands for it.
pub const PPID_STRING_EMPTY: u32 = 56;
/// Bytes of no length, in the same way.
pub const PPID_BINARY_EMPTY: u32 = 57;

const MESSAGE_ACK: u8 = 2;
const MESSAGE_OPEN: u8 = 3;

/// Bytes of an OPEN before its label (RFC 8832 section 5.1).
const OPEN_HEADER_LEN: usize = 12;

/// DATA_CHANNEL_ACK, whole (RFC 8832 section 5.2).
pub const ACK: [u8; 1] = [MESSAGE_ACK];

/// How hard a channel tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reliability {
    /// Every message arrives.
    Reliable,
    /// A message is sent again at most this often.
    Retransmits(u32),
    /// A message is sent again for at most this many milliseconds.
    Lifetime(u32),
}

/// DATA_CHANNEL_OPEN (RFC 8832 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Open<'a> {
    /// Messages arrive in the order they were sent.
    pub ordered: bool,
    /// How hard the channel tries.
    pub reliability: Reliability,
    /// What both ends know the channel by: UTF-8 by the RFC, not checked here.
    pub label: &'a [u8],
    /// The subprotocol, as the label.
    pub protocol: &'a [u8],
}

/// A message of DCEP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// The sender opens a channel on the stream that this came by.
    Open(Open<'a>),
    /// The sender knows of the channel that we opened.
    Ack,
}

/// Reads a message of DCEP; `None` when it is none, or its lengths do not match it.
#[must_use]
pub fn read(message: &[u8]) -> Option<Message<'_>> {
    match *message.first()? {
        MESSAGE_ACK => (message.len() == ACK.len()).then_some(Message::Ack),
        MESSAGE_OPEN => open(message).map(Message::Open),
        _ => None,
    }
}

fn open(message: &[u8]) -> Option<Open<'_>> {
    let parameter = be32(message, 4)?;
    let channel_type = message[1];
    let reliability = match channel_type & 0x7f {
        0 => Reliability::Reliable,
        1 => Reliability::Retransmits(parameter),
        2 => Reliability::Lifetime(parameter),
        _ => return None,
    };
    let label_len = usize::from(be16(message, 8)?);
    let protocol_len = usize::from(be16(message, 10)?);
    let (label, protocol) = message
        .get(OPEN_HEADER_LEN..)?
        .split_at_checked(label_len)?;
    (protocol.len() == protocol_len).then_some(Open {
        ordered: channel_type & 0x80 == 0,
        reliability,
        label,
        protocol,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Chromium sends for `{ordered: false, maxRetransmits: 0}`, label `_lossy`.
    const LOSSY: &[u8] = b"\x03\x81\x01\x00\x00\x00\x00\x00\x00\x06\x00\x00_lossy";

    #[test]
    fn an_open_says_how_hard_to_try() {
        let open = |message| match read(message) {
            Some(Message::Open(open)) => open,
            other => panic!("{other:?}"),
        };
        let lossy = open(LOSSY);
        assert!(!lossy.ordered);
        assert_eq!(lossy.reliability, Reliability::Retransmits(0));
        assert_eq!((lossy.label, lossy.protocol), (&b"_lossy"[..], &b""[..]));
        let timed = open(b"\x03\x02\0\0\0\0\x03\xe8\0\x01\0\x02abc");
        assert!(timed.ordered);
        assert_eq!(timed.reliability, Reliability::Lifetime(1000));
        assert_eq!((timed.label, timed.protocol), (&b"a"[..], &b"bc"[..]));
        assert_eq!(read(&ACK), Some(Message::Ack));
    }

    #[test]
    fn lengths_that_do_not_match_are_nothing() {
        for len in 0..LOSSY.len() {
            assert_eq!(read(&LOSSY[..len]), None, "{len} bytes");
        }
        let mut longer = LOSSY.to_vec();
        longer.push(0);
        assert_eq!(read(&longer), None);
        // A channel type that is not assigned, and messages that are not.
        assert_eq!(read(&[&[3, 3], &LOSSY[2..]].concat()), None);
        assert_eq!(read(&[2, 0]), None);
        assert_eq!(read(&[0]), None);
    }
}
