//! What went in and out of the engine, in facts that a seed repeats.
//!
//! RTP headers are not encrypted, so media is traced by header and length. Of RTCP only the kind and
//! the sender of a compound's first packet are in clear, and a sender is the seed's only where the
//! engine names it: `str0m` keeps its streams in hash maps, so that reports on several of them, and
//! NACKs and repairs of several at one instant, come in an order of their own. A meeting that is to
//! repeat has one stream of media for each client. Of STUN and DTLS the time alone is kept:
//! `fastrand` seeds a client's transaction ids and timers, but DTLS draws keys and signatures from
//! the system's generator.
//!
//! Header extensions are left out too: `str0m` writes absolute send times into them, which it counts
//! from the wall clock of the process's start; so does the NTP time inside sender reports.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use sfu_core::wire::demux::{DatagramKind, classify};
use sfu_core::wire::rtp::RtpHeader;

/// What is kept of a datagram.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Facts {
    Stun,
    Dtls,
    Rtp {
        ssrc: u32,
        sequence: u16,
        timestamp: u32,
        payload_type: u8,
        marker: bool,
        payload: usize,
    },
    Rtcp {
        packet_type: u8,
        sender: Option<u32>,
    },
    Other,
}

/// One datagram at the engine's border.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Entry {
    /// Since the meeting's start.
    pub(crate) at: Duration,
    /// The client's port.
    pub(crate) port: u16,
    /// Towards the engine, or from it.
    pub(crate) inwards: bool,
    pub(crate) facts: Facts,
}

/// All that passed, in order.
#[derive(Default)]
pub(crate) struct Trace {
    pub(crate) entries: Vec<Entry>,
    hash: DefaultHasher,
    forgets: bool,
}

impl Trace {
    /// One of a long meeting, which keeps the hash alone.
    pub(crate) fn forgetting() -> Self {
        Self {
            forgets: true,
            ..Self::default()
        }
    }

    pub(crate) fn note(&mut self, entry: Entry) {
        entry.hash(&mut self.hash);
        if !self.forgets {
            self.entries.push(entry);
        }
    }

    /// A number that two runs share when all that passed was the same.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.hash.finish()
    }
}

/// Reads what is in clear.
pub(crate) fn facts(datagram: &[u8], inwards: bool) -> Facts {
    match classify(datagram) {
        Some(DatagramKind::Stun) => Facts::Stun,
        Some(DatagramKind::Dtls) => Facts::Dtls,
        Some(DatagramKind::Rtp) => {
            RtpHeader::parse(datagram).map_or(Facts::Other, |header| Facts::Rtp {
                ssrc: header.ssrc.0,
                sequence: header.sequence,
                timestamp: header.timestamp,
                payload_type: header.payload_type.0,
                marker: header.marker,
                payload: datagram.len() - usize::from(header.header_len),
            })
        }
        Some(DatagramKind::Rtcp) if datagram.len() >= 8 => Facts::Rtcp {
            packet_type: datagram[1],
            sender: (!inwards).then(|| u32::from_be_bytes(datagram[4..8].try_into().unwrap())),
        },
        _ => Facts::Other,
    }
}
