use super::*;

/// The dense number of a media packet; `None` for padding.
fn take(window: &mut SequenceWindow, sequence: u16, padding: bool) -> Option<u64> {
    let fresh = window.receive(sequence).unwrap();
    if padding {
        window.skip(fresh);
        return None;
    }
    Some(window.dense(fresh.sequence))
}

#[test]
fn numbers_are_fresh_once_and_only_within_the_window() {
    let mut window = SequenceWindow::new(64);
    let first = window.receive(65_500).unwrap();
    assert_eq!(first.highest_before, None);
    assert_eq!(window.receive(65_500), Err(DropReason::Duplicate));
    let next = window.receive(20).unwrap();
    assert_eq!(next.sequence, first.sequence + 56);
    assert_eq!(next.highest_before, Some(first.sequence));
    assert!(
        (65_501..=65_535)
            .chain(0..20)
            .all(|s| window.receive(s).is_ok())
    );
    assert!(
        (65_501..=65_535)
            .chain(0..=20)
            .all(|s| window.receive(s) == Err(DropReason::Duplicate))
    );
    // 63 behind is the oldest that is known; what came before the first is taken too.
    assert_eq!(window.receive(65_492), Err(DropReason::TooOld));
    assert!(window.receive(65_493).is_ok());
    assert_eq!(window.receive(65_493), Err(DropReason::Duplicate));
}

#[test]
fn a_jump_forgets_what_the_places_told_of_older_numbers() {
    for jump in [1, 63, 64, 511, 512, 513, 5000, 32_767] {
        let mut window = SequenceWindow::new(512);
        for sequence in 0..600 {
            window.receive(sequence).unwrap();
        }
        window.receive(599 + jump).unwrap();
        for back in 1..jump.min(512) {
            assert!(
                window.receive(599 + jump - back).is_ok(),
                "{back} behind {jump}"
            );
        }
    }
}

#[test]
fn padding_leaves_no_gap_whatever_is_reordered_around_it() {
    let mut window = SequenceWindow::new(512);
    let base = take(&mut window, 100, false).unwrap();
    // 101 and 102 are padding; 103 and 99 come around them.
    assert_eq!(take(&mut window, 101, true), None);
    assert_eq!(take(&mut window, 99, false), Some(base - 1));
    assert_eq!(take(&mut window, 102, true), None);
    assert_eq!(take(&mut window, 105, false), Some(base + 3));
    assert_eq!(take(&mut window, 103, false), Some(base + 1));
    assert_eq!(take(&mut window, 104, false), Some(base + 2));
    // 107 is padding before 106 comes.
    assert_eq!(take(&mut window, 107, true), None);
    assert_eq!(take(&mut window, 106, false), Some(base + 4));
    assert_eq!(take(&mut window, 108, false), Some(base + 5));
}

#[test]
fn padding_that_comes_late_leaves_the_gap_that_was_told() {
    let mut window = SequenceWindow::new(512);
    let base = take(&mut window, 100, false).unwrap();
    assert_eq!(take(&mut window, 102, false), Some(base + 2));
    assert_eq!(take(&mut window, 101, true), None);
    assert_eq!(take(&mut window, 103, false), Some(base + 3));
}

/// A seeded generator (a linear congruential one, its high bits).
fn dice(state: &mut u64, sides: u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % sides
}

#[test]
fn random_streams_are_numbered_as_if_padding_had_never_been() {
    for seed in 0..40u64 {
        let mut state = seed;
        let (loss, reorder, padding) = (seed % 3 * 10, seed % 4 * 15, 2 + seed % 7);
        let mut flight: Vec<(u64, u64, bool)> = (0..70_000u64 / 10)
            .filter_map(|number| {
                let padding = number > 0 && dice(&mut state, padding) == 0;
                let lost = number > 0 && dice(&mut state, 100) < loss;
                let late = dice(&mut state, reorder + 1);
                (!lost).then_some((number + late, number, padding))
            })
            .collect();
        flight.sort_unstable();
        let mut window = SequenceWindow::new(512);
        let start = 64_000u16;
        // In ascending order, as each is the newest when it comes.
        let mut skipped = Vec::new();
        let mut highest = None;
        let mut given = std::collections::BTreeMap::new();
        for (_, number, padding) in flight {
            let newest = highest.is_none_or(|highest| number > highest);
            highest = highest.max(Some(number));
            let dense = take(&mut window, start.wrapping_add(number as u16), padding);
            if padding && newest {
                skipped.push(number);
            }
            if let Some(dense) = dense {
                let before = skipped.partition_point(|&skip| skip < number) as u64;
                assert_eq!(dense, 65_536 + u64::from(start) + number - before);
                assert!(given.insert(number, dense).is_none());
            }
        }
        let dense: Vec<_> = given.values().collect();
        assert!(
            dense.windows(2).all(|pair| pair[0] < pair[1]),
            "order is kept"
        );
        if loss == 0 && reorder == 0 {
            assert!(
                dense.windows(2).all(|pair| pair[0] + 1 == *pair[1]),
                "no gap"
            );
        }
    }
}
