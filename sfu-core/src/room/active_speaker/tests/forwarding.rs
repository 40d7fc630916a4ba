//! Which sounds are forwarded, where not all are.

use super::sounds::{Dice, SILENT, silence, speech};
use super::*;

impl House {
    /// 20 ms of sounds; which are forwarded, and what was said of each.
    fn pass(&mut self, levels: &[u8]) -> Vec<Passage> {
        self.frame(levels.iter().map(|level| Some(*level)));
        let sequence = self.ms() / 20;
        let one = |index| {
            self.speakers
                .admit(self.now, index, sequence, &mut self.tracks)
        };
        (0..levels.len()).map(one).collect()
    }
}

fn passes(passages: &[Passage]) -> Vec<usize> {
    let passing = passages.iter().enumerate();
    let passing = passing.filter(|(_, one)| **one != Passage::Withheld);
    passing.map(|(index, _)| index).collect()
}

#[test]
fn without_a_limit_everything_is_forwarded() {
    let mut house = House::new(5);
    let all = house.pass(&[127, 20, 127, 20, 127]);
    assert_eq!(all, [Passage::Forwarded; 5]);
}

#[test]
fn no_more_than_the_limit_at_a_time_and_no_first_syllable_is_cut() {
    for seed in 0..8 {
        let dice = &mut Dice(seed);
        let mut house = House::with_limit(50, Some(3));
        let mut sounds = vec![Vec::new(); 50];
        // Turns of up to three at once, of all fifty.
        let mut onsets = vec![Vec::new(); 50];
        for _ in 0..30 {
            let frames = dice.between(50, 150) as usize;
            let start = sounds[0].len();
            let who: Vec<_> = (0..3).map(|_| dice.between(0, 49) as usize).collect();
            for (one, sound) in sounds.iter_mut().enumerate() {
                let speaks = who.contains(&one);
                let more = match speaks {
                    true => speech(dice, frames, 22, 70),
                    false => silence(dice, frames),
                };
                sound.extend(more);
                sound.extend(silence(dice, 30));
                if speaks {
                    onsets[one].push(start..start + frames);
                }
            }
        }
        for n in 0..sounds[0].len() {
            let levels: Vec<_> = sounds.iter().map(|sound| sound[n]).collect();
            let passing = passes(&house.pass(&levels));
            assert!(house.speakers.places.len() <= 3);
            for (one, spans) in onsets.iter().enumerate() {
                let speaks = spans.iter().any(|span| span.contains(&n));
                // From the first packet to the last: pauses within speech too.
                assert!(
                    !speaks || passing.contains(&one),
                    "seed {seed}: {one} at {n}"
                );
            }
        }
    }
}

#[test]
fn a_place_is_kept_until_somebody_needs_it() {
    let mut house = House::with_limit(3, Some(2));
    assert_eq!(passes(&house.pass(&[SILENT; 3])), [0, 1], "free places");
    let withheld = |house: &House| -> Vec<_> {
        (0..3)
            .filter(|one| house.speakers.withholds(*one, &house.tracks))
            .collect()
    };
    assert_eq!(withheld(&house), [2]);
    for _ in 0..500 {
        assert_eq!(passes(&house.pass(&[SILENT, 20, SILENT])), [0, 1]);
    }
    let all = house.pass(&[SILENT, 20, 20]);
    assert_eq!(all[2], Passage::Begins { withheld_from: 1 });
    assert_eq!(all[1], Passage::Forwarded);
    assert_eq!(passes(&house.pass(&[SILENT, 20, 20])), [1, 2]);
    assert_eq!(withheld(&house), [0]);
}

#[test]
fn one_too_many_is_heard_from_its_first_syllable_and_takes_no_second_place() {
    let dice = &mut Dice(9);
    let mut house = House::with_limit(4, Some(3));
    let voices: Vec<_> = (0..4).map(|_| speech(dice, 500, 20, 70)).collect();
    let mut changes = 0;
    let mut before = vec![];
    for n in 0..500_usize {
        let level = |one: usize| voices.get(one).map_or(SILENT, |voice| voice[n]);
        let fourth = if n < 100 { SILENT } else { level(3) };
        let passing = passes(&house.pass(&[level(0), level(1), level(2), fourth]));
        // While the packet that took a place was looked at, another's had gone already.
        changes += usize::from(n > 0 && passing != before);
        if (101..130).contains(&n) {
            assert!(passing.contains(&3), "{n}: {passing:?}");
        }
        let leader = house.dominant();
        assert!(leader.is_none_or(|one| passing.contains(&one)), "{n}");
        before = passing;
    }
    // A breath of half a second frees a place; nobody is thrown out by words.
    assert!((1..=16).contains(&changes), "{changes}");
}

#[test]
fn murmurs_throw_out_nobody_who_speaks() {
    let dice = &mut Dice(10);
    let mut house = House::with_limit(20, Some(2));
    let voices: Vec<_> = (0..2).map(|_| speech(dice, 1000, 20, 70)).collect();
    for n in 0..1000 {
        let mut levels: Vec<_> = voices.iter().map(|voice| voice[n]).collect();
        levels.extend((2..20).map(|_| 48 + dice.between(0, 12) as u8));
        let passing = passes(&house.pass(&levels));
        let breath = |one: usize| levels[one] >= 60;
        assert!((0..2).all(|one| breath(one) || passing.contains(&one)));
    }
}

#[test]
fn who_does_not_tell_its_levels_keeps_its_place() {
    let mut house = House::with_limit(3, Some(2));
    for _ in 0..500 {
        let track = house.tracks.get_mut(0).unwrap();
        house.speakers.hear_unknown(&mut track.loudness);
        let (now, tracks) = (house.now, &mut house.tracks);
        assert_eq!(house.speakers.admit(now, 0, 1, tracks), Passage::Forwarded);
        // The others speak by turns.
        let even = (house.ms() / 2000).is_multiple_of(2);
        house.frame([None, Some(if even { 20 } else { SILENT })]);
        let (now, tracks) = (house.now, &mut house.tracks);
        house.speakers.admit(now, 1, 1, tracks);
        house.hear(2, if even { SILENT } else { 20 });
        let tracks = &mut house.tracks;
        house.speakers.admit(now, 2, 1, tracks);
    }
}

#[test]
fn what_is_no_voice_takes_no_place_and_a_mute_frees_one() {
    let mut house = House::with_limit(3, Some(1));
    house.speakers.set_voice(0, false, &mut house.tracks);
    assert_eq!(passes(&house.pass(&[10, SILENT, SILENT])), [0, 1]);
    house.speakers.silence(1, &mut house.tracks);
    let all = house.pass(&[10]);
    assert_eq!(passes(&all), [0]);
    let (now, tracks) = (house.now, &mut house.tracks);
    let passage = house.speakers.admit(now, 2, 7, tracks);
    assert_eq!(passage, Passage::Begins { withheld_from: 1 });
}

#[test]
fn numbers_of_a_stream_that_is_over_are_forgotten() {
    let mut house = House::with_limit(2, Some(1));
    house.pass(&[20, SILENT]);
    let track = house.tracks.get_mut(1).unwrap();
    track.loudness.stream_restarted();
    house.speakers.silence(0, &mut house.tracks);
    let (now, tracks) = (house.now, &mut house.tracks);
    assert_eq!(house.speakers.admit(now, 1, 3, tracks), Passage::Forwarded);
}

#[test]
fn who_do_not_tell_their_levels_throw_out_nobody_who_speaks() {
    let mut house = House::with_limit(3, Some(1));
    for sequence in 0..500 {
        let mut passing = Vec::new();
        for index in 0..3 {
            if index == 0 {
                house.frame([Some(20)]);
            } else {
                let track = house.tracks.get_mut(index).unwrap();
                house.speakers.hear_unknown(&mut track.loudness);
            }
            let (now, tracks) = (house.now, &mut house.tracks);
            let passage = house.speakers.admit(now, index, sequence, tracks);
            passing.push(passage);
        }
        assert_eq!(passing, [Passage::Forwarded; 3], "{sequence}");
    }
}

#[test]
fn what_is_found_to_be_no_voice_goes_on_without_a_gap() {
    let mut house = House::with_limit(2, Some(1));
    house.pass(&[20, SILENT]);
    assert_eq!(passes(&house.pass(&[20, SILENT])), [0]);
    house.speakers.set_voice(1, false, &mut house.tracks);
    let all = house.pass(&[20, 20]);
    assert_eq!(all[1], Passage::Begins { withheld_from: 1 });
    assert_eq!(house.pass(&[20, 20]), [Passage::Forwarded; 2]);
    assert!(!house.speakers.withholds(1, &house.tracks));
}
