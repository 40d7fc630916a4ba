//! Who leads, in rooms with people and in rooms with noise: the properties that the method promises.

use super::sounds::{self, Dice, cough, door, fan, silence, speech, typing};
use super::*;

/// Frames of a second.
const SECOND: usize = 50;

fn seconds(count: usize) -> usize {
    count * SECOND
}

/// Silence, then a sound.
fn after(dice: &mut Dice, frames: usize, sound: Vec<u8>) -> Vec<u8> {
    let mut all = silence(dice, frames);
    all.extend(sound);
    all
}

#[test]
fn a_clear_speaker_is_listed_within_300_ms_and_dominant_within_a_second() {
    for seed in 0..200 {
        let dice = &mut Dice(seed);
        let mut house = House::new(2);
        // At any time of the looks, and with somebody else in the list or not.
        let quiet = dice.between(20, 80) as usize;
        let other = match seed % 2 {
            0 => silence(dice, quiet),
            _ => speech(dice, quiet, 24, 70),
        };
        let voice = speech(dice, seconds(3), 18, 70);
        let voice = after(dice, quiet, voice);
        house.play(&[voice, other]);
        let onset = 20 * quiet as u64 + 20;
        let listed = house.told.listed(0, onset).map(|at| at - onset);
        assert!(
            listed.is_some_and(|ms| ms <= 300),
            "seed {seed}: {listed:?}"
        );
        let leads = house.told.dominant(0, onset).map(|at| at - onset);
        assert!(
            leads.is_some_and(|ms| ms <= 1000),
            "seed {seed}: {leads:?}, {:?}",
            house.told
        );
    }
}

#[test]
fn turns_are_followed_and_nothing_else() {
    for seed in 0..20 {
        let dice = &mut Dice(seed);
        let mut house = House::new(3);
        let mut sounds = vec![Vec::new(); 3];
        let mut turns = Vec::new();
        for turn in 0..12 {
            let who = turn % 3;
            let frames = dice.between(200, 400) as usize;
            turns.push((who as u64, 20 * sounds[0].len() as u64 + 20));
            for (one, sound) in sounds.iter_mut().enumerate() {
                let loud = 15 + 4 * one as u8;
                let more = match one == who {
                    true => speech(dice, frames, loud, 70),
                    false => silence(dice, frames),
                };
                sound.extend(more);
                sound.extend(silence(dice, 10));
            }
        }
        house.play(&sounds);
        let leaders: Vec<_> = house.told.dominant.iter().map(|(_, who)| *who).collect();
        let wanted: Vec<_> = turns.iter().map(|(who, _)| Some(*who)).collect();
        assert_eq!(leaders, wanted, "seed {seed}: every turn, and no false one");
        for ((at, _), (_, onset)) in house.told.dominant.iter().zip(turns) {
            assert!(at - onset <= 1300, "seed {seed}: {} ms", at - onset);
        }
    }
}

#[test]
fn coughs_and_doors_take_no_lead_whether_somebody_speaks_or_not() {
    for seed in 0..20 {
        let dice = &mut Dice(seed);
        let mut house = House::new(3);
        let mut noises = [Vec::new(), Vec::new()];
        while noises[0].len() < seconds(60) {
            let (pause, other) = (dice.between(40, 150), dice.between(40, 150));
            noises[0].extend(silence(dice, pause as usize));
            noises[0].extend(cough(dice));
            noises[1].extend(silence(dice, other as usize));
            noises[1].extend(door(dice));
        }
        let [coughs, doors] = noises;
        let minute = seconds(60);
        house.play(&[silence(dice, minute), coughs.clone(), doors.clone()]);
        assert_eq!(house.told.dominant, [], "seed {seed}: nobody speaks");
        assert_eq!(house.told.listed(2, 0), None, "seed {seed}: a door is none");
        house.play(&[speech(dice, minute, 20, 70), coughs, doors]);
        let leaders: Vec<_> = house.told.dominant.iter().map(|(_, who)| *who).collect();
        assert_eq!(
            leaders,
            [Some(0)],
            "seed {seed}: no false switch in a minute"
        );
    }
}

#[test]
fn a_fan_is_no_speech_however_long_it_runs() {
    for loudness in [30, 36, 45] {
        let dice = &mut Dice(1);
        let mut house = House::new(2);
        let noise = fan(dice, seconds(60), loudness);
        house.play(&[noise, silence(dice, seconds(60))]);
        assert_eq!(house.told.lists, [], "-{loudness} dBov from the start");
        let fan = fan(dice, seconds(60), loudness);
        let noise = after(dice, seconds(20), fan);
        house.play(&[noise, silence(dice, seconds(60))]);
        assert_eq!(house.told.lists, [], "-{loudness} dBov, switched on");
    }
}

#[test]
fn a_noise_as_loud_as_speech_is_known_for_noise_in_ten_seconds() {
    let dice = &mut Dice(2);
    let mut house = House::new(2);
    let noise = fan(dice, seconds(60), 20);
    house.play(&[noise, silence(dice, seconds(60))]);
    let (at, list) = house.told.lists.last().unwrap();
    assert!(list.is_empty() && *at < 12_000, "{at}");
    assert_eq!(house.told.lists.len(), 2);
    // It led; who speaks beside it now leads.
    let onset = house.ms();
    house.play(&[fan(dice, seconds(5), 20), speech(dice, seconds(5), 30, 70)]);
    let leads = house.told.dominant(1, onset).unwrap() - onset;
    assert!(leads <= 1000, "{leads}");
}

#[test]
fn who_speaks_over_a_fan_of_its_own_is_found() {
    for seed in 0..20 {
        let dice = &mut Dice(seed);
        let mut house = House::new(1);
        house.play(&[fan(dice, seconds(15), 42)]);
        assert_eq!(house.told.lists, []);
        let onset = house.ms() + 20;
        house.play(&[speech(dice, seconds(3), 15, 42)]);
        let listed = house.told.listed(0, onset).map(|at| at - onset);
        assert!(
            listed.is_some_and(|ms| ms <= 500),
            "seed {seed}: {listed:?}"
        );
    }
}

#[test]
fn a_soft_voice_leads_beside_loud_noise() {
    for seed in 0..20 {
        let dice = &mut Dice(seed);
        let mut house = House::new(3);
        let sounds = [
            fan(dice, seconds(30), 28),
            typing(dice, seconds(30)),
            speech(dice, seconds(30), 32, 70),
        ];
        house.play(&sounds);
        let leaders: Vec<_> = house.told.dominant.iter().map(|(_, who)| *who).collect();
        assert_eq!(leaders, [Some(2)], "seed {seed}");
        let noises = |one: u64| house.told.listed(one, 0);
        assert_eq!((noises(0), noises(1)), (None, None), "seed {seed}");
    }
}

#[test]
fn a_typist_is_no_speaker() {
    for seed in 0..20 {
        let dice = &mut Dice(seed);
        let mut house = House::new(1);
        house.play(&[typing(dice, seconds(60))]);
        assert_eq!(house.told.lists, [], "seed {seed}");
    }
}

#[test]
fn a_word_thrown_in_takes_no_lead() {
    for seed in 0..20 {
        let dice = &mut Dice(seed);
        let mut house = House::new(2);
        let mut words = silence(dice, seconds(3));
        while words.len() < seconds(60) {
            let word = dice.between(10, 18) as usize;
            words.extend(speech(dice, word, 10, 70));
            let pause = dice.between(80, 200) as usize;
            words.extend(silence(dice, pause));
        }
        house.play(&[speech(dice, seconds(60), 22, 70), words]);
        let leaders: Vec<_> = house.told.dominant.iter().map(|(_, who)| *who).collect();
        assert_eq!(leaders, [Some(0)], "seed {seed}");
    }
}

#[test]
fn two_who_talk_at_once_do_not_take_turns_by_the_second() {
    let mut switches = 0;
    for seed in 0..20 {
        let dice = &mut Dice(seed);
        let mut house = House::new(2);
        let voices = [20, 23].map(|loud| speech(dice, seconds(60), loud, 70));
        house.play(&voices);
        switches += house.told.dominant.len() - 1;
    }
    assert!(switches <= 20 * 4, "{switches} in 20 minutes of crosstalk");
}

#[test]
fn in_a_room_of_200_the_one_who_speaks_leads() {
    let dice = &mut Dice(3);
    let mut house = House::new(200);
    let mut sounds: Vec<_> = (0..200)
        .map(|n| match n % 4 {
            0 => fan(dice, seconds(20), 40),
            1 => typing(dice, seconds(20)),
            2 => after(dice, 100 + n, cough(&mut Dice(n as u64))),
            _ => silence(dice, seconds(20)),
        })
        .collect();
    let voice = speech(dice, seconds(15), 24, 60);
    sounds[123] = after(dice, seconds(5), voice);
    house.play(&sounds);
    let leaders: Vec<_> = house.told.dominant.iter().map(|(_, who)| *who).collect();
    assert_eq!(leaders, [Some(123)]);
    let listed = house.told.listed(123, 5000).unwrap();
    assert!(listed <= 5520, "{listed}");
    let first = |(_, list): &(u64, Vec<(u64, u8)>)| list.first().map(|one| one.0);
    let later = house.told.lists.iter().filter(|(at, _)| *at > 6500);
    assert!(later.filter_map(first).all(|one| one == 123), "in front");
}

#[test]
fn the_dominant_one_is_in_front_of_louder_ones() {
    let dice = &mut Dice(4);
    let mut house = House::new(2);
    let (leader, frames) = (speech(dice, seconds(10), 24, 70), seconds(2));
    let voice = speech(dice, seconds(2), 6, 70);
    house.play(&[leader, after(dice, frames, voice)]);
    let both = house.told.lists.iter().filter(|(_, list)| list.len() == 2);
    let both: Vec<_> = both.map(|(_, list)| list.clone()).collect();
    assert!(!both.is_empty());
    assert!(both.iter().any(|list| list[0].1 > list[1].1), "by lead");
    assert!(both.iter().all(|list| list[0].0 == 0));
}

#[test]
fn lists_are_not_told_oftener_than_they_may() {
    let dice = &mut Dice(5);
    let mut house = House::new(50);
    let voices: Vec<_> = (0..50)
        .map(|n| {
            let voice = speech(dice, seconds(5), 20, 70);
            after(dice, 3 * n, voice)
        })
        .collect();
    house.play(&voices);
    let lists = &house.told.lists;
    let apart = lists.windows(2).map(|two| two[1].0 - two[0].0);
    let least = apart.min().unwrap();
    assert!(least >= SPEAKERS_SPACING.as_millis() as u64, "{least}");
    assert_eq!(sounds::SILENT, 70);
}
