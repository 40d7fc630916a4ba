//! Random meetings, judged by an oracle that knows only what came in and what went out.

use std::collections::{BTreeMap, HashSet};

use super::*;

/// A small generator with a seed: the same run every time (xorshift64*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides
    }

    fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }
}

/// What went out, with what it was made of.
struct Sent {
    encoding: u8,
    facts: PacketFacts,
    out: OutboundPacket,
}

#[derive(Clone, Copy)]
struct Weather {
    /// One packet in so many is lost at first.
    loss: Option<u64>,
    /// One in so many comes up to 8 packets late.
    reorder: Option<u64>,
    pauses: bool,
    clocks: bool,
}

/// Sends 3 encodings of frames of 1 to 4 packets through one subscription whose target wanders.
fn meeting(seed: u64, weather: Weather) -> Vec<Sent> {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let start = Instant::now();
    let mut sources: Vec<_> = (0..3u8)
        .map(|encoding| Source::new(encoding, 131_000 + dice.roll(100), start))
        .collect();
    let mut egress = video();
    let mut sent = Vec::new();
    // Packets in flight by when they arrive, in packets.
    let mut air: BTreeMap<(u64, usize), (u8, PacketFacts)> = BTreeMap::new();
    let mut count = 0;
    for tick in 0..1200u64 {
        if dice.one_in(40) {
            egress.set_target(Some(Layers::all_of(dice.roll(3) as u8)));
        }
        if weather.pauses && dice.one_in(60) {
            egress.set_enabled(dice.one_in(2));
        }
        for encoding in 0..3u8 {
            // As publishers do: soon after it is asked for, and now and then unasked.
            let wanted = egress.wants_keyframe_of() == Some(encoding);
            let keyframe = (wanted && dice.one_in(3)) || dice.one_in(100);
            let packets = 1 + dice.roll(4);
            let source = &mut sources[usize::from(encoding)];
            for at in 0..packets {
                let facts = source.part(keyframe && at == 0, at + 1 == packets);
                count += 1;
                let delay = match weather {
                    Weather {
                        loss: Some(loss), ..
                    } if dice.one_in(loss) => 30 + dice.roll(60),
                    Weather {
                        reorder: Some(reorder),
                        ..
                    } if dice.one_in(reorder) => dice.roll(3),
                    _ => 0,
                };
                // Half of the lost ones are never repaired.
                if delay < 60 {
                    air.insert((tick + delay, count), (encoding, facts));
                }
            }
            source.frame += 1;
        }
        while let Some((&(due, _), _)) = air.first_key_value()
            && due <= tick
        {
            let (_, (encoding, mut facts)) = air.pop_first().unwrap();
            facts.arrived = start + tick as u32 * 40 * MS;
            let clock =
                sources[usize::from(encoding)].clock(start + (tick as u32 / 25) * 1000 * MS);
            let clock = weather.clocks.then_some(&clock);
            let out = egress.forward(
                facts.arrived,
                encoding,
                any_packet(),
                &facts,
                SourceFacts::of_clock(clock),
            );
            if let Ok(out) = out {
                sent.push(Sent {
                    encoding,
                    facts,
                    out,
                });
            }
        }
    }
    assert!(sent.len() > 300, "something flowed");
    sent
}

/// What every meeting must keep to. Returns the stream in the order of its numbers.
fn judge(sent: &[Sent]) -> Vec<&Sent> {
    let mut numbers = HashSet::new();
    let mut packets = HashSet::new();
    for packet in sent {
        assert!(numbers.insert(packet.out.sequence), "a number given twice");
        assert!(packets.insert((packet.encoding, packet.facts.sequence)));
        assert_eq!(packet.out.marker, packet.facts.marker);
    }
    let mut ordered: Vec<_> = sent.iter().collect();
    ordered.sort_by_key(|packet| packet.out.sequence);
    assert!(ordered[0].facts.video.keyframe_start);
    for pair in ordered.windows(2) {
        let (before, after) = (pair[0], pair[1]);
        let timestamp = after.out.timestamp.wrapping_sub(before.out.timestamp);
        let picture = |packet: &Sent| u32::from(packet.out.rewrite.numbers().picture_id.unwrap());
        let tl0 = |packet: &Sent| packet.out.rewrite.numbers().tl0_picture_index.unwrap();
        let pictures = picture(after).wrapping_sub(picture(before)) & 0x7fff;
        assert!(timestamp.cast_signed() >= 0, "time ran backwards");
        let gap = after.out.sequence - before.out.sequence;
        let seam = before.encoding != after.encoding
            || after.facts.sequence.wrapping_sub(before.facts.sequence) != gap;
        if seam {
            assert!(
                after.facts.video.keyframe_start,
                "a seam without a keyframe"
            );
            assert_eq!((gap, pictures), (1, 1));
            assert_eq!(tl0(after), tl0(before).wrapping_add(1));
            assert!(timestamp >= 1);
        } else {
            // Within a stretch every number moves as the source's does; the timestamps of one that
            // came late behind another glide back to their place.
            let moved = after.facts.timestamp.wrapping_sub(before.facts.timestamp);
            assert!(timestamp.abs_diff(moved) <= moved / 4 + 1);
            assert_eq!(pictures, moved / 3600);
            assert_eq!(tl0(after), tl0(before).wrapping_add(pictures as u8));
            assert_eq!(timestamp == 0, pictures == 0, "one frame, one timestamp");
        }
    }
    ordered
}

fn seams(ordered: &[&Sent]) -> usize {
    let pairs = ordered.windows(2);
    pairs
        .filter(|pair| pair[0].encoding != pair[1].encoding)
        .count()
}

#[test]
fn a_fair_weather_stream_has_no_gap_and_can_be_decoded() {
    for seed in 0..30 {
        for clocks in [false, true] {
            let sent = meeting(
                seed,
                Weather {
                    loss: None,
                    reorder: None,
                    pauses: false,
                    clocks,
                },
            );
            let ordered = judge(&sent);
            assert!(seams(&ordered) > 3);
            for pair in ordered.windows(2) {
                assert_eq!(pair[1].out.sequence, pair[0].out.sequence + 1);
                // A frame rests on the one before it, or is a keyframe.
                let step = pair[1].out.timestamp.wrapping_sub(pair[0].out.timestamp);
                assert!(step <= 2 * 3600, "{step}");
            }
            let last = ordered.last().unwrap().out;
            assert_eq!(
                last.sequence - ordered[0].out.sequence + 1,
                sent.len() as u64
            );
        }
    }
}

#[test]
fn pauses_leave_no_gap_either() {
    for seed in 0..30 {
        let weather = Weather {
            loss: None,
            reorder: None,
            pauses: true,
            clocks: seed % 2 == 0,
        };
        let sent = meeting(seed, weather);
        let ordered = judge(&sent);
        let last = ordered.last().unwrap().out;
        assert_eq!(
            last.sequence - ordered[0].out.sequence + 1,
            sent.len() as u64
        );
    }
}

#[test]
fn in_foul_weather_no_number_is_given_twice_and_every_seam_holds() {
    for seed in 0..100 {
        let weather = Weather {
            loss: Some(2 + seed % 20),
            reorder: Some(3),
            pauses: seed % 3 == 0,
            clocks: seed % 2 == 0,
        };
        judge(&meeting(seed, weather));
    }
}

#[test]
#[should_panic(expected = "a number given twice")]
fn the_oracle_sees_a_number_given_twice() {
    let weather = Weather {
        loss: None,
        reorder: None,
        pauses: false,
        clocks: true,
    };
    let mut sent = meeting(1, weather);
    sent[100].out.sequence = sent[99].out.sequence;
    judge(&sent);
}

#[test]
#[should_panic(expected = "a seam without a keyframe")]
fn the_oracle_sees_a_gap_that_was_closed() {
    let weather = Weather {
        loss: None,
        reorder: None,
        pauses: false,
        clocks: true,
    };
    let mut sent = meeting(1, weather);
    let at = (101..)
        .find(|&at| !sent[at].facts.video.keyframe_start)
        .unwrap();
    sent[at..]
        .iter_mut()
        .for_each(|packet| packet.out.sequence += 1);
    judge(&sent);
}
