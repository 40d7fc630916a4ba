use super::*;

fn situation(now_ms: u64, estimate: f64, next: u64, most: u64) -> Situation {
    Situation {
        now: now_ms * 1_000,
        estimate,
        demand: Demand {
            allotted: Bitrate::default(),
            next: Some(Bitrate::from_bps(next)),
            most: Bitrate::from_bps(most),
        },
        rtt: 50_000,
        is_first: false,
        jitter: 0.0,
        is_calm: true,
    }
}

fn outcome(id: ProbeId, proven: f64, is_saturated: bool) -> Outcome {
    Outcome {
        id,
        proven: Some(proven),
        is_saturated,
    }
}

#[test]
fn it_begins_with_three_and_six_times_the_first_estimate() {
    let mut control = ProbeControl::default();
    control.update(&situation(0, 300e3, 500_000, 5_000_000));
    let rates: Vec<u64> = std::iter::from_fn(|| control.poll())
        .map(|probe| probe.rate.bps())
        .collect();
    assert_eq!(rates, [900_000, 1_800_000]);
    control.update(&situation(100, 300e3, 500_000, 5_000_000));
    assert_eq!(control.poll(), None, "one at a time");
}

#[test]
fn it_goes_no_further_than_what_is_wanted() {
    let mut control = ProbeControl::default();
    control.update(&situation(0, 300e3, 310_000, 400_000));
    assert_eq!(control.poll().map(|probe| probe.rate.bps()), Some(500_000));
    let mut control = ProbeControl::default();
    control.update(&situation(0, 300e3, 200_000, 200_000));
    assert_eq!(control.poll(), None, "what is wanted is known to fit");
}

#[test]
fn one_that_comes_through_calls_for_the_next_and_failures_are_spaced() {
    let mut control = ProbeControl::default();
    control.update(&situation(0, 300e3, 500_000, 9_000_000));
    let last = std::iter::from_fn(|| control.poll()).last().expect("two");
    let after = situation(200, 1.8e6, 4_000_000, 9_000_000);
    control.ended(&outcome(last.id, 1.8e6, false), &after);
    let further = control.poll().expect("at once");
    assert_eq!(further.rate.bps(), 3_600_000);
    let mut now = 400;
    let mut id = further.id;
    let mut pauses = Vec::new();
    for _ in 0..4 {
        let failed = situation(now, 1.8e6, 4_000_000, 9_000_000);
        control.ended(&outcome(id, 1.7e6, true), &failed);
        let before = now;
        let probe = loop {
            now += 100;
            control.update(&situation(now, 1.8e6, 4_000_000, 9_000_000));
            if let Some(probe) = control.poll() {
                break probe;
            }
        };
        id = probe.id;
        pauses.push(now - before);
    }
    assert_eq!(pauses, [1_000, 2_000, 4_000, 4_000]);
}

/// Asks for a probe at `now_ms` and lets it raise the estimate, which falls after so long.
fn mislead(control: &mut ProbeControl, now_ms: u64, after_ms: u64) {
    let before = situation(now_ms, 500e3, 900_000, 900_000);
    control.update(&before);
    let after = situation(now_ms, 900e3, 900_000, 900_000);
    while let Some(probe) = control.poll() {
        control.ended(&outcome(probe.id, 900e3, false), &after);
    }
    control.raised(now_ms * 1_000);
    control.fell((now_ms + after_ms) * 1_000);
}

/// How long it waits from `now_ms` on until it probes.
fn waits(control: &mut ProbeControl, now_ms: u64) -> u64 {
    let mut waits = (0..20_000).step_by(500);
    let is_due = |after: &u64| {
        control.update(&situation(now_ms + after, 500e3, 900_000, 900_000));
        !control.ready.is_empty()
    };
    waits.find(is_due).expect("sooner or later")
}

#[test]
fn misleading_ones_are_spaced_as_failures_are() {
    let mut control = ProbeControl::default();
    let mut now = 1_000;
    let mut pauses = Vec::new();
    for _ in 0..5 {
        mislead(&mut control, now, 500);
        now += 500;
        pauses.push(waits(&mut control.clone(), now));
        now += pauses.last().expect("one");
    }
    assert_eq!(pauses, [2_000, 4_000, 4_000, 4_000, 4_000]);
}

#[test]
fn a_fall_that_no_probe_led_to_delays_the_next_no_longer_than_the_first() {
    let mut control = ProbeControl::default();
    for now in [1_000, 11_000, 21_000] {
        mislead(&mut control, now, 500);
    }
    control.fell(41_000_000);
    assert_eq!(waits(&mut control, 41_000), 1_000);
}

#[test]
fn only_a_probe_that_raised_the_estimate_was_wrong() {
    for (has_raised, pause) in [(false, 1_000), (true, 2_000)] {
        let mut control = ProbeControl::default();
        control.update(&situation(0, 300e3, 500_000, 9_000_000));
        let last = std::iter::from_fn(|| control.poll()).last().expect("two");
        let after = situation(200, 1.8e6, 1_000_000, 9_000_000);
        control.ended(&outcome(last.id, 1.8e6, true), &after);
        if has_raised {
            control.raised(200_000);
        }
        control.fell(5_000_000);
        let due = control.deadline(300e3, situation(0, 0.0, 500_000, 0).demand);
        assert_eq!(due, Some(5_000_000 + pause * 1_000));
    }
}

#[test]
fn nothing_is_tried_while_a_queue_grows() {
    let mut control = ProbeControl::default();
    let busy = Situation {
        is_calm: false,
        ..situation(0, 300e3, 500_000, 5_000_000)
    };
    control.update(&busy);
    assert_eq!(control.poll(), None);
    assert_eq!(
        control.deadline(300e3, busy.demand),
        None,
        "feedback brings calm"
    );
}
