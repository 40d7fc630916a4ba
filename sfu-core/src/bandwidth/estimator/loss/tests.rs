//! Links that lose by chance, and links that lose what does not fit.

use super::*;

/// A link: the part lost by chance, and what it carries in bits per second.
struct Link {
    chance: f64,
    capacity: f64,
    /// How long packets wait in it, in microseconds.
    queue: i64,
}

/// As long a queue as others may keep.
const QUEUE: i64 = 50_000;

struct Run {
    control: LossControl,
    rng: fastrand::Rng,
    now: u64,
}

impl Run {
    fn new() -> Self {
        Self {
            control: LossControl::new(),
            rng: fastrand::Rng::with_seed(7),
            now: 0,
        }
    }

    /// Sends at `most` or what the losses allow, and returns the mean rate sent.
    fn send(&mut self, link: &Link, most: f64, seconds: u64) -> f64 {
        let until = self.now + seconds * 1_000_000;
        let began = self.now;
        let mut sent = 0.0;
        while self.now < until {
            let rate = self.control.limit().map_or(most, |limit| limit.min(most));
            let packets = (rate * 0.05 / 8_000.0).round().max(1.0) as u64;
            let too_much = (1.0 - link.capacity / rate).max(0.0);
            let lost = link.chance + (1.0 - link.chance) * too_much;
            for packet in 0..packets {
                let at = self.now + packet * 50_000 / packets;
                let packet = Sent {
                    at,
                    size: 1_000,
                    is_padding: false,
                    probe: 0,
                    expected: 0,
                };
                self.control.told(&packet, self.rng.f64() < lost);
                sent += 8_000.0;
            }
            self.now += 50_000;
            self.control.update(self.now, 50_000, link.queue);
        }
        sent * 1e6 / (self.now - began) as f64
    }
}

const WIDE: f64 = 1e9;

#[test]
fn chance_that_was_there_from_the_start_costs_nothing() {
    let mut run = Run::new();
    let link = Link {
        chance: 0.1,
        capacity: WIDE,
        queue: QUEUE,
    };
    run.send(&link, 300_000.0, 2);
    let mean = run.send(&link, 2.5e6, 30);
    assert!(mean > 2.3e6, "{mean}");
    assert!(
        (run.control.inherent() - 0.1).abs() < 0.05,
        "{}",
        run.control.inherent()
    );
}

#[test]
fn chance_that_sets_in_is_tried_once() {
    let mut run = Run::new();
    run.send(
        &Link {
            chance: 0.0,
            capacity: WIDE,
            queue: QUEUE,
        },
        2e6,
        10,
    );
    let mean = run.send(
        &Link {
            chance: 0.1,
            capacity: WIDE,
            queue: QUEUE,
        },
        2e6,
        30,
    );
    assert!(mean > 1.8e6, "{mean}");
    let mean = run.send(
        &Link {
            chance: 0.0,
            capacity: WIDE,
            queue: QUEUE,
        },
        2e6,
        10,
    );
    assert!(mean > 1.95e6, "{mean}");
}

#[test]
fn a_full_link_is_obeyed_within_a_second_and_stays_nearly_full() {
    let mut run = Run::new();
    run.send(
        &Link {
            chance: 0.0,
            capacity: WIDE,
            queue: QUEUE,
        },
        2e6,
        5,
    );
    let narrow = Link {
        chance: 0.0,
        capacity: 1e6,
        queue: QUEUE,
    };
    run.send(&narrow, 2e6, 1);
    assert!(run.control.limit().expect("limited") < 1.1e6);
    let mean = run.send(&narrow, 2e6, 30);
    assert!((0.85e6..1.1e6).contains(&mean), "{mean}");
}

#[test]
fn a_full_link_that_loses_by_chance_too_is_obeyed() {
    let mut run = Run::new();
    let wide = Link {
        chance: 0.05,
        capacity: WIDE,
        queue: QUEUE,
    };
    run.send(&wide, 400_000.0, 2);
    run.send(&wide, 2e6, 10);
    let mean = run.send(
        &Link {
            chance: 0.05,
            capacity: 1e6,
            queue: QUEUE,
        },
        2e6,
        30,
    );
    assert!(mean < 1.25e6, "{mean}");
}

#[test]
fn what_came_late_was_not_lost() {
    let mut control = LossControl::new();
    for at in 0..100 {
        let packet = Sent {
            at: at * 10_000,
            size: 1_000,
            is_padding: false,
            probe: 0,
            expected: 0,
        };
        control.told(&packet, at % 5 == 0);
        if at % 5 == 0 {
            control.found(&packet);
        }
        control.update(at * 10_000, 50_000, QUEUE);
    }
    assert!(control.lost_lately() < 1e-9);
}

#[test]
fn a_link_that_lost_everything_for_a_while_comes_back() {
    let mut run = Run::new();
    let (good, dead) = (0.0, 1.0);
    let link = |chance| Link {
        chance,
        capacity: WIDE,
        queue: QUEUE,
    };
    run.send(&link(good), 1e6, 3);
    run.send(&link(dead), 1e6, 1);
    run.send(&link(good), 1e6, 60);
    let sent = run.send(&link(good), 1e6, 1);
    assert!(sent > 0.9e6, "{sent}");
}

#[test]
fn loss_without_a_queue_takes_nothing_of_who_cannot_send_less() {
    for chance in [0.03, 0.05, 0.1] {
        let mut run = Run::new();
        let capacity = WIDE;
        let radio = Link {
            chance,
            capacity,
            queue: 0,
        };
        let mean = run.send(&radio, 600_000.0, 30);
        assert!(mean > 0.95 * 600_000.0, "{mean} at {chance}");
    }
}

#[test]
fn a_policer_has_no_queue_and_is_obeyed() {
    let mut run = Run::new();
    let policer = Link {
        chance: 0.0,
        capacity: 1e6,
        queue: 0,
    };
    run.send(&policer, 2e6, 2);
    let mean = run.send(&policer, 2e6, 30);
    assert!((0.85e6..1.2e6).contains(&mean), "{mean}");
}
