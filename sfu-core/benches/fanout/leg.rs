//! What is measured: what the publisher sends, and who wants what of it.

use sfu_core::media::codec::{Codec, MediaKind};
use sfu_core::media::layer::LayerWish;
use sfu_core::media::session::OfferedSection;

use crate::client::{OPUS, Packet, VP8, format};
use crate::svc::{self, Svc};
use crate::{FRAME, PAYLOAD, engine::Engine, meeting};

/// RIDs of simulcast, from low to high.
pub(crate) const RIDS: [&str; 3] = ["q", "h", "f"];

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leg {
    /// One encoding of VP8, to everybody.
    Video,
    /// Opus.
    Audio,
    /// Three encodings of VP8, each wanted by a third.
    Simulcast,
    /// Three spatial and three temporal layers of AV1 with dependency descriptors, wanted up to nine
    /// different ones.
    Svc,
    /// One encoding of VP8, of which everybody loses one packet in [`crate::repairs::LOSS`].
    Repairs,
}

impl Leg {
    pub(crate) const ALL: [Self; 5] = [
        Self::Video,
        Self::Audio,
        Self::Simulcast,
        Self::Svc,
        Self::Repairs,
    ];

    /// What it is called on the command line.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Simulcast => "simulcast",
            Self::Svc => "svc",
            Self::Repairs => "repairs",
        }
    }

    pub(crate) const fn kind(self) -> MediaKind {
        match self {
            Self::Audio => MediaKind::Audio,
            _ => MediaKind::Video,
        }
    }

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Video => "video (VP8, picture id rewritten): frames of 8 packets",
            Self::Audio => "audio (Opus, sealed from where it lies): bursts of 8 packets",
            Self::Simulcast => {
                "simulcast (three encodings of VP8, each to a third): frames of 8 packets each"
            }
            Self::Svc => "SVC (AV1 L3T3 as recorded, up to nine layers): frames as recorded",
            Self::Repairs => {
                "repairs (VP8, everybody asks for one packet in 50): frames of 8 packets"
            }
        }
    }

    pub(crate) const fn rids(self) -> &'static [&'static str] {
        match self {
            Self::Simulcast => &RIDS,
            _ => &[],
        }
    }

    /// What the subscriber number `n` wants: the first one all.
    pub(crate) fn wish(self, n: usize) -> Option<LayerWish> {
        let max_quality = Some(2 - (n % 3) as u8);
        match self {
            Self::Simulcast => Some(LayerWish {
                max_quality,
                ..LayerWish::default()
            }),
            Self::Svc => Some(LayerWish {
                max_quality,
                // Between the rates that the temporal layers have: 7.5, 15 and 30.
                max_frame_rate: [None, Some(20), Some(10)][n / 3 % 3],
                ..LayerWish::default()
            }),
            _ => None,
        }
    }

    /// Agrees on what the leg's section needs beside the usual.
    pub(crate) fn agree(self, section: &mut OfferedSection) {
        if self == Self::Svc {
            section.payloads = [format(Codec::Av1, svc::AV1)].into_iter().collect();
            section.extensions.dependency_descriptor = Some(svc::DESCRIPTOR);
        }
    }

    /// Frames until everybody is sent what they want: the rates of temporal layers are known after a
    /// second, and a layer begins where its publisher lets it.
    pub(crate) const fn settling(self) -> usize {
        match self {
            Self::Svc => 200,
            _ => 2,
        }
    }
}

/// A publisher's stream.
pub(crate) struct Source {
    leg: Leg,
    packets: u64,
    payload: Vec<u8>,
    svc: Option<Svc>,
}

/// A frame as it arrives.
#[derive(Default)]
pub(crate) struct Frame {
    pub(crate) datagrams: Vec<Vec<u8>>,
    /// How many of them each of the subscribers is to get.
    pub(crate) shares: Vec<u64>,
}

impl Source {
    pub(crate) fn new(leg: Leg) -> Self {
        let mut payload = match leg {
            Leg::Audio => Vec::new(),
            _ => meeting::vp8(true, 0),
        };
        payload.resize(PAYLOAD, 7);
        Self {
            leg,
            packets: 0,
            payload,
            svc: (leg == Leg::Svc).then(Svc::new),
        }
    }

    /// The next frame, sealed by the publisher, for `subscribers`.
    pub(crate) fn next(&mut self, engine: &mut meeting::Meeting, subscribers: usize) -> Frame {
        let publisher = &mut engine.clients[Engine::PUBLISHER];
        if let Some(svc) = &mut self.svc {
            return svc.next(publisher, subscribers);
        }
        let frame = self.packets / FRAME as u64;
        if self.leg != Leg::Audio {
            let picture_id = (frame & 0x7fff) as u16 | 0x8000;
            self.payload[2..4].copy_from_slice(&picture_id.to_be_bytes());
        }
        let packets = self.packets..self.packets + FRAME as u64;
        self.packets = packets.end;
        let (ssrc, payload_type, ticks) = match self.leg {
            Leg::Audio => (0x2000, OPUS, 960),
            _ => (0x1000, VP8, 3000),
        };
        let packet = |n: u64, encoding: u32, rid: Option<&'static str>| {
            publisher.seal(&Packet {
                ssrc: ssrc + encoding,
                sequence: 1000 + n,
                payload_type,
                timestamp: (frame * ticks) as u32,
                mid: "0",
                rid,
                level: (self.leg == Leg::Audio).then_some(40),
                payload: &self.payload,
            })
        };
        let rids = self.leg.rids();
        let datagrams = if rids.is_empty() {
            packets.map(|n| packet(n, 0, None)).collect()
        } else {
            let of = |(encoding, rid): (u32, &&'static str)| {
                let all = packets.clone();
                all.map(|n| packet(n, encoding, Some(*rid)))
                    .collect::<Vec<_>>()
            };
            (0..).zip(rids).flat_map(of).collect()
        };
        Frame {
            datagrams,
            shares: vec![FRAME as u64; subscribers],
        }
    }
}
