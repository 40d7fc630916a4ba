//! Sources and subscribers that do whatever they like: no number is ever spent twice.

use std::collections::HashSet;

use super::super::rewrite::MAX_SEQUENCE_JUMP;
use super::*;
use crate::media::layer::{DecodeTargets, FrameDependencies, Layer, MAX_REFERENCES};
use crate::media::packet::DescriptorPlace;

/// Steps of a source's numbers, around every bound that the subscriber's depend on.
const STEPS: [i64; 14] = [1, 1, 1, 2, -1, -3, 63, 64, 65, -64, 511, 512, 513, 40_000];

fn layer(dice: &mut fastrand::Rng) -> Layer {
    Layer {
        spatial: dice.u8(..4),
        temporal: dice.u8(..8),
    }
}

fn targets(dice: &mut fastrand::Rng) -> DecodeTargets {
    DecodeTargets {
        structure: dice.u8(254..=255),
        tops: (0..dice.usize(1..=32)).map(|_| layer(dice)).collect(),
    }
}

/// Whatever a picture's headers can say, near enough to what they said before to be believed.
fn make_up(dice: &mut fastrand::Rng, facts: &mut PacketFacts, targets: &DecodeTargets) {
    let step =
        |dice: &mut fastrand::Rng| [0, 1, 2, 127, 128, 0x4000, 0x7fff, 0xffff][dice.usize(..8)];
    let number = (facts.sequence as u16).wrapping_add(step(dice));
    let wide = dice.bool();
    facts.payload = PayloadFacts::Vp8(FrameNumbers {
        picture_id: (dice.u8(..8) > 0).then_some(PictureId {
            value: number & if wide { 0x7fff } else { 0x7f },
            wide,
        }),
        tl0_picture_index: dice.bool().then(|| dice.u8(..)),
    });
    facts.video.layer = layer(dice);
    facts.video.temporal_switch = dice.bool();
    facts.video.frame_end = dice.bool();
    let mut references = [0; MAX_REFERENCES];
    for place in references.iter_mut().take(dice.usize(..=MAX_REFERENCES)) {
        *place = step(dice);
    }
    facts.video.dependencies = (dice.u8(..4) > 0).then(|| FrameDependencies {
        number,
        structure: targets.structure.wrapping_add(u8::from(dice.u8(..9) == 0)),
        present: dice.u32(..),
        switch: dice.u32(..),
        discardable: dice.u32(..),
        active: dice.u32(..),
        references,
    });
    facts.extensions.descriptor = (dice.u8(..4) > 0).then_some(DescriptorPlace {
        start: 12,
        len: 3,
        frame_number: number,
        mask: None,
    });
}

/// One subscription under `seed`'s commands; how many packets left, and how many of them repairs.
fn run(codec: Codec, seed: u64) -> (usize, usize) {
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut now = Instant::now();
    let mut sources = [70_000_i64, 90_000];
    let mut egress = egress_of(codec);
    egress.set_target(Some(Layers::all_of(0)));
    let (mut spent, mut highest) = (HashSet::new(), None::<u64>);
    let template = Source::new(0, 0, now).next(false);
    let mut targets = targets(&mut dice);
    for _ in 0..4000 {
        now += 10 * MS;
        let encoding = dice.u8(..2);
        match dice.u8(..40) {
            0 => egress.set_enabled(dice.bool()),
            1 => egress.set_target(Some(Layers::all_of(encoding)).filter(|_| dice.u8(..4) > 0)),
            2 => egress.source_restarted(encoding),
            4 => targets = self::targets(&mut dice),
            5 => egress.interrupt(),
            6 => {
                let top = layer(&mut dice);
                egress.set_target(Some(Layers { encoding, top }));
            }
            3 => {
                let formats = [delivery(codec, 96), delivery(codec, 100)];
                let few = dice.usize(1..=2);
                egress.set_deliveries(formats.into_iter().take(few).collect());
            }
            _ => {}
        }
        let source = &mut sources[usize::from(encoding)];
        *source += STEPS[dice.usize(..STEPS.len())];
        let mut facts = PacketFacts {
            arrived: now,
            sequence: u64::try_from(*source).unwrap(),
            timestamp: (*source as u32).wrapping_mul(3600),
            payload_type: PayloadType([96, 96, 96, 100][dice.usize(..4)]),
            ..template
        };
        facts.video.keyframe_start = dice.u8(..3) == 0;
        if codec == Codec::Vp8 {
            make_up(&mut dice, &mut facts, &targets);
        }
        let clock = SourceClock {
            ntp: dice.u64(..),
            rtp: dice.u32(..),
            arrived: now,
        };
        let source = SourceFacts {
            clock: Some(&clock).filter(|_| dice.bool()),
            targets: Some(&targets).filter(|_| dice.bool()),
        };
        let forwarded = egress.forward(now, encoding, any_packet(), &facts, source);
        let _ = (egress.current_layers(), egress.take_keyframe_wish());
        if let Ok(sent) = &forwarded {
            // What the receiver must guess (RFC 3711 section 3.3.1) is never far.
            assert!(highest.is_none_or(|highest| sent.sequence <= highest + MAX_SEQUENCE_JUMP));
            highest = highest.max(Some(sent.sequence));
        }
        let asked = highest.unwrap_or(0) as u16;
        let asked = asked.wrapping_add_signed(dice.i16(-600..10));
        let repaired = egress
            .retransmit(now, asked)
            .and_then(|found| egress.repair(found, any_packet(), &facts));
        for out in forwarded.into_iter().chain(repaired) {
            assert!(spent.insert((out.ssrc, out.sequence)), "{codec:?}, {seed}");
        }
    }
    let repairs = spent.iter().filter(|(ssrc, _)| *ssrc == Ssrc(2)).count();
    (spent.len(), repairs)
}

#[test]
fn no_number_of_a_stream_or_of_its_repairs_is_spent_twice() {
    for seed in 0..60 {
        for codec in [Codec::Vp8, Codec::Opus] {
            let (spent, repairs) = run(codec, seed);
            assert!(spent > 50 && repairs > 5, "{spent}, {repairs}");
        }
    }
}
