//! Any packets of any layers in any order, any wishes, and any numbers asked for again: each number
//! is given once, none is far from the last, and what is asked for is what was sent.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use arrayvec::ArrayVec;
use sfu_core::egress::{Egress, EgressSettings, SourceFacts};
use sfu_core::id::{PayloadType, Ssrc};
use sfu_core::media::codec::{Codec, MediaKind};
use sfu_core::media::delivery::{Delivery, RedTreatment};
use sfu_core::media::layer::{DecodeTargets, FrameDependencies, Layer, Layers, MAX_REFERENCES};
use sfu_core::media::packet::{
    CarriedExtensions, FrameNumbers, PacketFacts, PacketPool, PacketRef, PayloadFacts, VideoFacts,
};
use sfu_core::wire::codec::picture_id::PictureId;

/// Widest jump of a subscriber's numbers: what a receiver can still take for one.
const MAX_JUMP: u64 = 512;

/// Steps of a source's numbers, around the bounds that the subscriber's depend on.
const STEPS: [i64; 12] = [1, 1, 1, 2, -1, -3, 63, 64, -64, 511, 513, 40_000];

const STREAM: Ssrc = Ssrc(1);

struct Subscription {
    now: Instant,
    egress: Egress,
    packet: PacketRef,
    targets: DecodeTargets,
    sequences: [i64; 2],
    numbers: [u16; 2],
    spent: BTreeSet<(u32, u64)>,
    /// What each of the subscriber's numbers was made of.
    given: BTreeMap<u64, (u8, u64)>,
}

/// Plays `data`, five bytes a step.
pub(crate) fn check(data: &[u8]) {
    let mut subscription = Subscription::new();
    for step in data.chunks_exact(5) {
        subscription.step([step[0], step[1], step[2], step[3], step[4]]);
    }
}

impl Subscription {
    #[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
    fn new() -> Self {
        let settings = EgressSettings {
            kind: MediaKind::Video,
            ssrc: STREAM,
            rtx_ssrc: Some(Ssrc(2)),
            first_sequence: 0x7ffe,
            first_timestamp: 7,
            first_picture_id: 0x7ffe,
            first_tl0: 255,
            rtx_first_sequence: 3,
        };
        let delivery = Delivery {
            source: PayloadType(96),
            codec: Codec::Vp8,
            payload_type: PayloadType(96),
            rtx: Some(PayloadType(97)),
            red: RedTreatment::Kept,
        };
        let tops = (0..9).map(|at| Layer {
            spatial: at / 3,
            temporal: at % 3,
        });
        let mut subscription = Self {
            now: Instant::now(),
            egress: Egress::new(settings, [delivery].into_iter().collect()),
            packet: PacketPool::new(1)
                .insert(0, facts(Instant::now(), 0, 0), b"x")
                .expect("an empty pool"),
            targets: DecodeTargets {
                structure: 1,
                tops: tops.collect::<ArrayVec<_, 32>>(),
            },
            sequences: [70_000, 90_000],
            numbers: [0xfff0, 5],
            spent: BTreeSet::new(),
            given: BTreeMap::new(),
        };
        subscription.egress.set_target(Some(Layers::all_of(0)));
        subscription
    }

    fn step(&mut self, [what, a, b, c, d]: [u8; 5]) {
        self.now += Duration::from_millis(u64::from(a % 16));
        let encoding = what >> 4 & 1;
        match what % 16 {
            0 => {
                let layers = Layers {
                    encoding,
                    top: Layer {
                        spatial: b % 4,
                        temporal: c % 4,
                    },
                };
                self.egress.set_target((d < 250).then_some(layers));
            }
            1 => self.egress.set_enabled(b > 20),
            2 if b > 200 => {
                self.egress.source_restarted(encoding);
                self.given.retain(|_, (of, _)| *of != encoding);
            }
            2..=4 => self.ask(u64::from(b) * 3),
            _ => self.packet(encoding, [what, a, b, c, d]),
        }
    }

    /// The subscriber asks for the number that is so far behind its newest.
    fn ask(&mut self, behind: u64) {
        let newest = self.given.last_key_value().map_or(0, |(newest, _)| *newest);
        let asked = newest.saturating_sub(behind);
        let Some(found) = self.egress.retransmit(self.now, asked as u16) else {
            return;
        };
        if let Some(origin) = self.given.get(&asked) {
            assert_eq!(*origin, (found.encoding, found.source_sequence));
        }
        let source = u32::try_from(found.source_sequence % (1 << 32)).expect("below 2^32");
        let facts = facts(self.now, found.source_sequence, source.wrapping_mul(3000));
        if let Some(repair) = self.egress.repair(found, self.packet, &facts) {
            assert_eq!(repair.rtx_original, Some(asked as u16));
            assert!(self.spent.insert((repair.ssrc.0, repair.sequence)));
        }
    }

    fn packet(&mut self, encoding: u8, [what, a, b, c, d]: [u8; 5]) {
        let at = usize::from(encoding);
        let far = usize::from(a) % STEPS.len();
        self.sequences[at] += STEPS[if c < 200 { far % 6 } else { far }];
        let sequence = u64::try_from(self.sequences[at]).unwrap_or(0);
        let mut facts = facts(self.now, sequence, (sequence as u32).wrapping_mul(3000));
        facts.video.keyframe_start = d > 230;
        facts.video.frame_end = d & 1 == 0;
        facts.video.temporal_switch = d & 2 == 0;
        facts.video.layer = Layer {
            spatial: b % 3,
            temporal: b / 3 % 3,
        };
        if what & 0x80 != 0 {
            // A new frame, mostly, that rests on some before it.
            let number = &mut self.numbers[at];
            *number = number
                .wrapping_add(u16::from(c % 4))
                .wrapping_sub(u16::from(c > 220) * 3);
            let mut references = [0; MAX_REFERENCES];
            if !facts.video.keyframe_start {
                (references[0], references[1]) = (u16::from(d % 7), u16::from(c % 3));
            }
            let own = facts.video.layer;
            let mask = |holds: &dyn Fn(&Layer) -> bool| {
                let tops = (0..).zip(&self.targets.tops);
                tops.fold(0, |mask, (index, top)| {
                    mask | u32::from(holds(top)) << index
                })
            };
            facts.video.dependencies = Some(FrameDependencies {
                number: *number,
                structure: if d == 99 { 2 } else { 1 },
                present: mask(&|top| top.spatial >= own.spatial && top.temporal >= own.temporal),
                switch: mask(&|top| top.spatial == own.spatial && top.temporal > own.temporal),
                discardable: mask(&|top| *top == own),
                active: if c == 7 { u32::from(b) } else { 0x1ff },
                references,
            });
        }
        let source = SourceFacts {
            clock: None,
            targets: Some(&self.targets).filter(|_| what & 0x40 == 0),
        };
        let sent = self
            .egress
            .forward(self.now, encoding, self.packet, &facts, source);
        let _ = self.egress.take_keyframe_wish();
        if let Ok(sent) = sent {
            assert!(
                self.spent.insert((sent.ssrc.0, sent.sequence)),
                "given twice"
            );
            let newest = self.spent.range(..=(STREAM.0, u64::MAX));
            let newest = newest.rev().map(|(_, number)| *number).nth(1);
            assert!(newest.is_none_or(|newest| sent.sequence <= newest + MAX_JUMP));
            self.given.insert(sent.sequence, (encoding, sequence));
        }
        let layers = self.egress.current_layers();
        assert_eq!(layers.map(|layers| layers.encoding), self.egress.current());
    }
}

fn facts(arrived: Instant, sequence: u64, timestamp: u32) -> PacketFacts {
    PacketFacts {
        arrived,
        sequence,
        timestamp,
        marker: false,
        payload_start: 12,
        payload_len: 1,
        payload_type: PayloadType(96),
        extensions: CarriedExtensions::default(),
        video: VideoFacts {
            frame_start: true,
            ..VideoFacts::default()
        },
        payload: PayloadFacts::Vp8(FrameNumbers {
            picture_id: Some(PictureId {
                value: (sequence & 0x7fff) as u16,
                wide: true,
            }),
            tl0_picture_index: Some(1),
        }),
    }
}
