use super::*;

fn facts(now_ms: u64, usage: Usage, acknowledged: f64) -> Facts {
    Facts {
        now: now_ms * 1000,
        usage,
        acknowledged,
        sent: 2e6,
        acknowledged_now: acknowledged,
        busy: None,
        queueing: 0,
        waits: 0,
        in_flight: 0.0,
        rtt: 50_000,
        least_rtt: 50_000,
        is_shared: false,
        has_found_others: false,
    }
}

#[test]
fn a_queue_lowers_the_rate_to_less_than_comes_through_and_a_long_one_further() {
    let mut control = RateControl::new(2e6);
    control.update(&facts(1000, Usage::Over, 1e6));
    assert!((control.rate() - 0.85e6).abs() < 1.0);
    let mut control = RateControl::new(2e6);
    let long = Facts {
        queueing: 200_000,
        ..facts(1000, Usage::Over, 1e6)
    };
    control.update(&long);
    assert!((control.rate() - 0.64e6).abs() < 1e3, "{}", control.rate());
}

#[test]
fn the_rate_comes_back_when_the_queue_has_drained() {
    let mut control = RateControl::new(2e6);
    control.update(&facts(1000, Usage::Over, 1e6));
    let full = Facts {
        queueing: 50_000,
        ..facts(1100, Usage::Normal, 0.9e6)
    };
    control.update(&full);
    assert!(control.holds());
    control.update(&facts(1200, Usage::Under, 0.85e6));
    assert!((control.rate() - 0.98e6).abs() < 1.0, "{}", control.rate());
    assert!(!control.holds());
}

/// Of one that sends a half of its rate of 2 Mbit/s, and gets less of it through.
fn steady(now_ms: u64, usage: Usage, queueing: i64) -> Facts {
    Facts {
        sent: 1e6,
        busy: Some(0.8e6),
        queueing,
        ..facts(now_ms, usage, 0.8e6)
    }
}

#[test]
fn who_sends_as_ever_keeps_its_layers_at_first_and_gives_up_a_part_of_the_rest() {
    let mut control = RateControl::new(2e6);
    control.update(&steady(1000, Usage::Over, 100_000));
    assert!((control.rate() - 1e6).abs() < 1.0, "what is sent");
    control.update(&steady(1200, Usage::Normal, 0));
    assert!(
        (control.rate() - 1.7e6).abs() < 1.0,
        "it was another's burst"
    );
    control.update(&steady(3000, Usage::Over, 100_000));
    control.update(&steady(3400, Usage::Over, 100_000));
    assert!(control.rate() < 0.8e6, "it lasts: {}", control.rate());
}

#[test]
fn a_queue_that_drains_since_less_is_sent_was_ours() {
    let full = |now_ms, usage, queueing, sent| Facts {
        sent,
        busy: Some(0.8e6),
        queueing,
        ..facts(now_ms, usage, 0.8e6)
    };
    let mut control = RateControl::new(2e6);
    control.update(&full(1000, Usage::Over, 100_000, 1e6));
    control.update(&full(1500, Usage::Normal, 0, 0.6e6));
    assert!((control.rate() - 1e6).abs() < 1.0, "{}", control.rate());
    assert!(!control.holds());
}

#[test]
fn who_sends_much_more_than_a_halved_link_carries_does_not_wait_for_others() {
    let mut control = RateControl::new(2.4e6);
    control.update(&Facts {
        sent: 1.6e6,
        busy: Some(1.02e6),
        queueing: 100_000,
        ..facts(1000, Usage::Over, 1.02e6)
    });
    assert!(control.rate() < 1e6, "{}", control.rate());
}

#[test]
fn a_queue_that_does_not_drain_takes_more_but_not_all() {
    let mut control = RateControl::new(1e6);
    control.update(&facts(0, Usage::Over, 1e6));
    let from = control.rate();
    for tenth in 1..100 {
        let queueing = 25_000;
        control.update(&Facts {
            queueing,
            ..facts(tenth * 100, Usage::Normal, 0.1e6)
        });
    }
    assert!(control.rate() < 0.85 * from, "{}", control.rate());
    assert!(control.rate() >= 0.69e6, "{}", control.rate());
}

#[test]
fn the_rate_grows_by_a_part_far_from_the_capacity_and_by_packets_near_it() {
    let mut far = RateControl::new(1e6);
    let mut near = RateControl::new(1e6);
    near.update(&facts(0, Usage::Over, 1.0e6));
    near.update(&facts(0, Usage::Normal, 1.0e6));
    let from = near.rate();
    for tenth in 1..=10 {
        far.update(&facts(tenth * 100, Usage::Normal, 1.0e6));
        near.update(&facts(tenth * 100, Usage::Normal, 1.0e6));
    }
    assert!((far.rate() - 1.083e6).abs() < 2e3, "{}", far.rate());
    assert!(
        (near.rate() - from - 64_000.0).abs() < 1e3,
        "{}",
        near.rate() - from
    );
}

#[test]
fn without_evidence_the_rate_stays() {
    let mut control = RateControl::new(1e6);
    for tenth in 1..100 {
        control.update(&facts(tenth * 100, Usage::Normal, 0.2e6));
    }
    assert!((control.rate() - 1e6).abs() < 1.0, "neither up nor down");
}

#[test]
fn who_waits_for_others_gives_up_its_own_when_the_queue_grows_all_the_same() {
    let mut control = RateControl::new(2e6);
    control.update(&steady(1000, Usage::Over, 60_000));
    assert!((control.rate() - 1e6).abs() < 1.0, "what is sent");
    control.update(&steady(1100, Usage::Normal, 130_000));
    control.update(&steady(1160, Usage::Normal, 65_000));
    assert!((control.rate() - 1e6).abs() < 1.0, "a burst comes and goes");
    control.update(&steady(1200, Usage::Normal, 130_000));
    assert!(control.rate() < 0.8e6, "{}", control.rate());
}
