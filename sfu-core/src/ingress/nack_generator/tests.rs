#![allow(clippy::disallowed_methods, reason = "a base for virtual time")]

use super::*;

const MS: Duration = Duration::from_millis(1);
const FIRST: u64 = (2 << 16) - 3;

/// A generator that has received `FIRST`.
fn generator() -> (NackGenerator, Instant) {
    let start = Instant::now();
    let mut generator = NackGenerator::new(512);
    assert!(!generator.received(start, FIRST, None, false));
    (generator, start)
}

fn poll(generator: &mut NackGenerator, now: Instant) -> (Vec<u16>, bool) {
    let mut out = ArrayVec::<u16, 512>::new();
    let lost = generator.poll(now, &mut out);
    (out.to_vec(), lost.is_some())
}

#[test]
fn a_gap_is_asked_for_after_the_reorder_delay_and_then_at_intervals() {
    let (mut generator, start) = generator();
    assert!(!generator.received(start, FIRST + 1, Some(FIRST), false));
    assert_eq!(generator.next_timeout(), None);
    // Over the wrap: FIRST is 0xfffd.
    assert!(!generator.received(start, FIRST + 5, Some(FIRST + 1), false));
    let due = start + REORDER_DELAY;
    assert_eq!(generator.next_timeout(), Some(due));
    assert_eq!(poll(&mut generator, due - MS), (vec![], false));
    assert_eq!(poll(&mut generator, due), (vec![0xffff, 0, 1], false));
    let again = due + DEFAULT_RETRY_INTERVAL;
    assert_eq!(generator.next_timeout(), Some(again));
    assert_eq!(poll(&mut generator, again - MS), (vec![], false));
    assert!(!generator.received(again, FIRST + 3, Some(FIRST + 5), false));
    assert_eq!(poll(&mut generator, again), (vec![0xffff, 1], false));
}

#[test]
fn what_was_only_reordered_is_never_asked_for() {
    let (mut generator, start) = generator();
    generator.received(start, FIRST + 3, Some(FIRST), false);
    generator.received(start + MS, FIRST + 1, Some(FIRST + 3), false);
    generator.received(start + MS, FIRST + 2, Some(FIRST + 3), false);
    assert_eq!(generator.next_timeout(), None);
    assert_eq!(poll(&mut generator, start + 100 * MS), (vec![], false));
}

#[test]
fn a_packet_is_given_up_after_its_last_request_and_that_is_said_once() {
    let (mut generator, start) = generator();
    generator.received(start, FIRST + 2, Some(FIRST), false);
    let (mut nacks, mut lost) = (0, 0);
    for at in 0..5000 {
        let (out, gave_up) = poll(&mut generator, start + at * MS);
        nacks += out.len();
        lost += usize::from(gave_up);
    }
    assert_eq!((nacks, lost), (usize::from(MAX_NACKS), 1));
    assert_eq!(generator.next_timeout(), None);
}

#[test]
fn over_a_long_round_trip_age_ends_it_first() {
    let (mut generator, start) = generator();
    generator.set_rtt(3000 * MS);
    generator.received(start, FIRST + 2, Some(FIRST), false);
    let mut nacks = 0;
    let mut given_up = None;
    for at in 0..5000 {
        let (out, lost) = poll(&mut generator, start + at * MS);
        nacks += out.len();
        if lost {
            assert_eq!(given_up.replace(at * MS), None);
        }
    }
    let intervals = MAX_MISSING_AGE.as_millis() / MAX_RETRY_INTERVAL.as_millis();
    assert_eq!(nacks as u128, intervals);
    assert!(given_up.is_some_and(|age| age >= MAX_MISSING_AGE));
}

#[test]
fn the_round_trip_sets_the_interval_within_bounds() {
    for (rtt, want) in [(0, 20), (70, 70), (9999, 400)] {
        let (mut generator, start) = generator();
        generator.set_rtt(rtt * MS);
        generator.received(start, FIRST + 2, Some(FIRST), false);
        let due = start + REORDER_DELAY;
        assert_eq!(poll(&mut generator, due).0.len(), 1);
        assert_eq!(generator.next_timeout(), Some(due + want * MS));
    }
}

#[test]
fn a_gap_too_wide_is_forgotten_and_needs_a_keyframe() {
    let (mut generator, start) = generator();
    let widest = FIRST + MAX_MISSING as u64 + 1;
    assert!(!generator.received(start, widest, Some(FIRST), false));
    let due = start + REORDER_DELAY;
    assert_eq!(poll(&mut generator, due).0.len(), MAX_MISSING);
    assert!(!generator.received(start, widest + 1, Some(widest), false));
    // One more does not fit.
    assert!(generator.received(start, widest + 3, Some(widest + 1), false));
    assert_eq!(generator.next_timeout(), None);
    assert!(!generator.received(start, widest + 5, Some(widest + 3), false));
    assert_eq!(poll(&mut generator, due).0.len(), 1);
    // 2^15 at once costs nothing.
    assert!(generator.received(start, widest + 32_000, Some(widest + 5), false));
    assert_eq!(
        generator.missing.capacity(),
        MAX_MISSING,
        "nothing was allocated"
    );
}

#[test]
fn what_the_window_no_longer_takes_is_given_up() {
    let (mut generator, start) = generator();
    generator.received(start, FIRST + 2, Some(FIRST), false);
    generator.received(start, FIRST + 3, Some(FIRST + 2), false);
    for ahead in 4..513 {
        generator.received(start, FIRST + ahead, Some(FIRST + ahead - 1), false);
    }
    assert_eq!(poll(&mut generator, start + REORDER_DELAY).0.len(), 1);
    generator.received(start, FIRST + 513, Some(FIRST + 512), false);
    let later = start + REORDER_DELAY + DEFAULT_RETRY_INTERVAL;
    assert_eq!(poll(&mut generator, later), (vec![], true));
}

#[test]
fn what_does_not_fit_stays_due() {
    let (mut generator, start) = generator();
    generator.received(start, FIRST + 11, Some(FIRST), false);
    let due = start + REORDER_DELAY;
    let mut asked = Vec::new();
    for _ in 0..3 {
        assert_eq!(generator.next_timeout(), Some(due));
        let mut out = ArrayVec::<u16, 4>::new();
        assert_eq!(generator.poll(due, &mut out), None);
        asked.extend(out);
    }
    let want: Vec<_> = (1..=10).map(|at| (FIRST + at) as u16).collect();
    assert_eq!(asked, want);
    assert!(generator.next_timeout() > Some(due));
}

#[test]
fn each_further_request_for_a_packet_waits_longer() {
    let (mut generator, start) = generator();
    generator.set_rtt(40 * MS);
    generator.received(start, FIRST + 2, Some(FIRST), false);
    let asked = (0..3000).filter(|at| !poll(&mut generator, start + *at * MS).0.is_empty());
    let asked: Vec<u32> = asked.collect();
    let waits: Vec<u32> = asked.windows(2).map(|two| two[1] - two[0]).collect();
    assert_eq!(waits, [40, 50, 60, 70, 80, 90, 100, 110, 120]);
}

#[test]
fn repairs_tell_how_long_a_repair_takes() {
    let (mut generator, start) = generator();
    let mut now = start;
    for lost in 0..50 {
        let before = FIRST + 2 * lost;
        generator.received(now, before + 2, Some(before), false);
        now += REORDER_DELAY;
        assert_eq!(poll(&mut generator, now).0.len(), 1);
        now += 60 * MS;
        generator.received(now, before + 1, Some(before + 2), true);
    }
    // The next one is asked for again after that time, and no longer after the default.
    generator.received(now, FIRST + 102, Some(FIRST + 100), false);
    now += REORDER_DELAY;
    assert_eq!(poll(&mut generator, now).0.len(), 1);
    assert_eq!(generator.next_timeout(), Some(now + 60 * MS));
    // What comes by itself is no repair, and what was asked for twice tells nothing.
    let (mut generator, start) = self::generator();
    generator.received(start, FIRST + 3, Some(FIRST), false);
    poll(&mut generator, start + 5 * MS);
    generator.received(start + 6 * MS, FIRST + 1, Some(FIRST + 3), false);
    poll(&mut generator, start + 105 * MS);
    generator.received(start + 106 * MS, FIRST + 2, Some(FIRST + 3), true);
    assert_eq!(generator.interval(1), DEFAULT_RETRY_INTERVAL);
}
