//! Sources and subscribers that do whatever they like: no number is ever spent twice.

use std::collections::HashSet;

use super::super::rewrite::MAX_SEQUENCE_JUMP;
use super::*;

/// Steps of a source's numbers, around every bound that the subscriber's depend on.
const STEPS: [i64; 14] = [1, 1, 1, 2, -1, -3, 63, 64, 65, -64, 511, 512, 513, 40_000];

/// One subscription under `seed`'s commands; how many packets left, and how many of them repairs.
fn run(codec: Codec, seed: u64) -> (usize, usize) {
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut now = Instant::now();
    let mut sources = [70_000_i64, 90_000];
    let mut egress = egress_of(codec);
    egress.set_target(Some(Layers::all_of(0)));
    let (mut spent, mut highest) = (HashSet::new(), None::<u64>);
    let template = Source::new(0, 0, now).next(false);
    for _ in 0..4000 {
        now += 10 * MS;
        let encoding = dice.u8(..2);
        match dice.u8(..40) {
            0 => egress.set_enabled(dice.bool()),
            1 => egress.set_target(Some(Layers::all_of(encoding)).filter(|_| dice.u8(..4) > 0)),
            2 => egress.source_restarted(encoding),
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
        let forwarded = egress.forward(now, encoding, any_packet(), &facts, SourceFacts::default());
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
            assert!(spent > 200 && repairs > 30, "{spent}, {repairs}");
        }
    }
}
