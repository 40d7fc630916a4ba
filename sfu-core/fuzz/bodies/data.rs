//! Any bytes as a message of DCEP, and as an SCTP packet.

use sfu_core::wire::dcep::{self, Message, Reliability};
use sfu_core::wire::sctp;

/// Reads `data` both ways, and checks that what was read accounts for every byte.
pub(crate) fn check(data: &[u8]) {
    match dcep::read(data) {
        Some(Message::Ack) => assert_eq!(data, dcep::ACK),
        Some(Message::Open(open)) => {
            let (kind, parameter) = match open.reliability {
                Reliability::Reliable => (0, None),
                Reliability::Retransmits(most) => (1, Some(most)),
                Reliability::Lifetime(ms) => (2, Some(ms)),
            };
            let len = |text: &[u8]| {
                u16::try_from(text.len())
                    .expect("it came in one")
                    .to_be_bytes()
            };
            let mut written = vec![3, kind | if open.ordered { 0 } else { 0x80 }];
            written.extend(&data[2..4]);
            let parameter = parameter.map_or(data[4..8].to_vec(), |p| p.to_be_bytes().to_vec());
            written.extend(parameter);
            written.extend(len(open.label));
            written.extend(len(open.protocol));
            written.extend(open.label);
            written.extend(open.protocol);
            assert_eq!(written, data);
        }
        None => {}
    }
    if let Some(work) = sctp::work_within(data, 256) {
        // Every chunk has a header, and small data counts as four.
        assert!((1..=data.len()).contains(&work));
        assert_eq!(sctp::work_within(data, u16::MAX), Some(work));
        // Chunks stand by themselves: a packet without its last byte has no more of them.
        let less = sctp::work_within(&data[..data.len() - 1], 256);
        assert!(less.is_none_or(|less| less <= work));
    }
}
