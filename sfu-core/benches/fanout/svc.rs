//! A recording with dependency descriptors, played over and over, its packets grown to full size.

use crate::client::{Client, Packet};
use crate::leg::{Frame, Leg};
use crate::playback::{Player, Sent};
use crate::recording::{self, Recording};
use crate::{PAYLOAD, descriptor};

/// The payload type of AV1.
pub(crate) const AV1: u8 = 45;

/// The id of the dependency descriptor.
pub(crate) const DESCRIPTOR: u8 = 12;

pub(crate) struct Svc {
    player: Player,
    millis: u64,
    structure: Option<descriptor::Structure>,
}

impl Svc {
    pub(crate) fn new() -> Self {
        let recording: Recording = recording::load("av1_l3t3");
        Self {
            player: Player::new(&recording, 0),
            millis: 0,
            structure: None,
        }
    }

    /// The next picture: one frame of each of its spatial layers.
    pub(crate) fn next(&mut self, publisher: &mut Client, subscribers: usize) -> Frame {
        let mut picture = Vec::new();
        while picture.is_empty() {
            picture = self.player.play(self.millis);
            self.millis += 1;
        }
        // Kept for whoever repairs: nobody does.
        self.player.sent.clear();
        let mut frame = Frame {
            datagrams: Vec::new(),
            shares: vec![0; subscribers],
        };
        for (_, sent) in picture {
            let (spatial, temporal) = self.layer(&sent);
            for (n, share) in frame.shares.iter_mut().enumerate() {
                let wish = Leg::Svc.wish(n);
                let quality = wish.and_then(|wish| wish.max_quality).unwrap_or(u8::MAX);
                let rate = wish.and_then(|wish| wish.max_frame_rate);
                let rate = rate.unwrap_or(u32::MAX);
                // 7.5 frames a second, twice as many with each temporal layer.
                let goes = spatial <= quality && 8 << temporal <= rate.max(8);
                *share += u64::from(goes);
            }
            frame.datagrams.push(seal(publisher, sent));
        }
        frame
    }

    /// The layer that a packet is of, by the tests' own reading of its descriptor.
    fn layer(&mut self, sent: &Sent) -> (u8, u8) {
        let bytes = sent.descriptor.as_ref().expect("recorded with one");
        let read = descriptor::read(bytes, self.structure.as_ref()).expect("well-formed");
        self.structure = read.structure.or(self.structure.take());
        (read.frame.spatial, read.frame.temporal)
    }
}

fn seal(publisher: &mut Client, mut sent: Sent) -> Vec<u8> {
    sent.payload.resize(PAYLOAD, 7);
    publisher.extension = sent.descriptor.map(|bytes| (DESCRIPTOR, bytes));
    publisher.seal(&Packet {
        ssrc: 0x1000,
        sequence: sent.tag.sequence,
        // The marker is the byte's highest bit.
        payload_type: AV1 | u8::from(sent.marker) << 7,
        timestamp: sent.timestamp,
        mid: "0",
        rid: None,
        level: None,
        payload: &sent.payload,
    })
}
