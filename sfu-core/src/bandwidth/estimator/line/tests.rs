use std::time::Duration;

use super::super::report::Usage;
use super::evidence::STANDS;
use super::*;
use crate::unit::Bitrate;

/// Feedback of one that gets `rate` bits per second and whose packets wait for `queue` milliseconds.
fn facts(usage: Usage, rate: f64, queue: i64) -> Facts {
    Facts {
        now: 0,
        usage,
        acknowledged: rate,
        sent: rate,
        acknowledged_now: rate,
        busy: None,
        queueing: queue * 1000,
        waits: queue * 1000,
        in_flight: 0.0,
        rtt: 50_000,
        least_rtt: 50_000,
        is_shared: false,
        has_found_others: false,
    }
}

fn told(facts: Facts) -> Heard {
    Heard {
        facts,
        proven: None,
        is_probing: false,
    }
}

fn demand(allotted: f64, most: f64) -> Demand {
    let bitrate = |rate: f64| Bitrate::from_bps(rate as u64);
    Demand {
        allotted: bitrate(allotted),
        next: None,
        most: bitrate(most),
    }
}

/// A line and its time.
struct Scene {
    start: Instant,
    ms: u64,
    line: Line,
}

impl Scene {
    /// Members 0, 1, ... that each get a megabit per second and want two.
    fn of(members: u64) -> Self {
        let start = Instant::now();
        let mut line = Line::new(start);
        for id in 0..members {
            assert!(line.join(id));
            line.demand(id, demand(1e6, 2e6));
        }
        Self { start, ms: 0, line }
    }

    /// The same, who have seen one queue.
    fn coupled(members: u64) -> Self {
        let mut scene = Self::of(members);
        scene.ms = 1_000;
        for id in 0..members {
            scene.hear(id, facts(Usage::Over, 1e6, 30));
        }
        for _ in 0..20 {
            scene.ms += 100;
            (0..members).for_each(|id| _ = scene.hear(id, facts(Usage::Normal, 1e6, 0)));
        }
        assert_eq!(scene.line.coupled().count() as u64, members);
        scene
    }

    fn now(&self) -> Instant {
        self.start + Duration::from_millis(self.ms)
    }

    fn hear(&mut self, id: u64, facts: Facts) -> bool {
        self.line.heard(self.now(), id, &told(facts))
    }

    fn fair(&self, id: u64) -> Option<f64> {
        Some(self.line.share(id)?.fair)
    }

    fn most(&self, id: u64) -> f64 {
        self.line.share(id).expect("coupled").most
    }

    fn rate(&self) -> f64 {
        self.line.control.rate()
    }
}

#[test]
fn those_whose_queues_rise_together_have_the_same() {
    let mut scene = Scene::of(3);
    for (id, rate) in [(0, 1.6e6), (1, 0.3e6), (2, 0.5e6)] {
        scene.hear(id, facts(Usage::Normal, rate, 0));
        assert_eq!(
            scene.fair(id),
            None,
            "nothing tells that they share anything"
        );
    }
    scene.ms = 500;
    scene.hear(1, facts(Usage::Normal, 0.3e6, 28));
    assert!(
        scene.hear(0, facts(Usage::Over, 1.6e6, 30)),
        "others wait too"
    );
    assert_eq!(scene.fair(2), None, "its packets do not wait");
    let (one, other) = (scene.fair(0), scene.fair(1));
    assert_eq!(one, other);
    assert!(
        one.is_some_and(|fair| fair > 0.7e6 && fair < 0.95e6),
        "{one:?}"
    );
    // The same queue from further away.
    scene.ms = 650;
    scene.hear(2, facts(Usage::Over, 0.5e6, 25));
    assert!(scene.fair(2).is_some());
    assert_eq!(scene.fair(0), scene.fair(2));
}

#[test]
fn who_wants_less_leaves_the_rest_to_the_others_in_even_parts() {
    let mut scene = Scene::coupled(3);
    let all = scene.rate();
    let share = scene.fair(0).expect("coupled");
    assert!((share - all / 3.0).abs() < 1.0, "{share} of {all}");
    scene.line.demand(2, demand(0.1e6, 0.1e6));
    let share = scene.fair(0).expect("coupled");
    assert!(
        (share - (all - 0.1e6) / 2.0).abs() < 1.0,
        "{share} of {all}"
    );
    let back = scene.fair(2).expect("coupled");
    assert!(
        (back - all / 3.0).abs() < 1.0,
        "it could have its part at once"
    );
}

#[test]
fn what_is_not_used_is_lent_and_given_back() {
    let mut scene = Scene::coupled(2);
    let all = scene.rate();
    scene.line.demand(0, demand(0.3e6, 2e6));
    assert!((scene.most(1) - (all - 0.3e6)).abs() < 1.0);
    assert_eq!(scene.fair(0), scene.fair(1), "what is lent is no share");
    assert!(!scene.line.demand(1, demand(all - 0.4e6, 2e6)), "it fits");
    assert!(
        scene.line.demand(0, demand(all / 2.0, 2e6)),
        "more than all"
    );
    assert_eq!(Some(scene.most(1)), scene.fair(1));
}

#[test]
fn all_are_sent_together_what_the_line_carries() {
    let mut scene = Scene::coupled(3);
    let part = |scene: &Scene, id| scene.line.share(id).expect("coupled").part;
    for (id, used) in [(0, 1.5e6), (1, 0.5e6), (2, 0.0)] {
        // The third has nothing to send, which is no reason to send it nothing when it has.
        scene.line.demand(id, demand(used, 2e6));
    }
    let sum: f64 = (0..3).map(|id| part(&scene, id)).sum();
    assert!(
        (sum - scene.rate()).abs() < 1.0,
        "{sum} of {}",
        scene.rate()
    );
    assert!((part(&scene, 0) / part(&scene, 1) - 3.0).abs() < 0.01);
    assert!(part(&scene, 0) > 1.5e6, "what is left is shared by use");
    assert!(part(&scene, 2) > 0.02 * scene.rate());
}

/// A member's probe of 20 packets of 1000 bytes leaves, and after each of them `beside` bytes for another.
/// What the line is told of a probe that arrives at 1.5 Mbit/s and was to be faster.
fn probe(scene: &mut Scene, beside: u16) -> Heard {
    let id = ProbeId(7);
    for _ in 0..20 {
        scene.line.sent(0, Some(id), 1_000);
        scene.line.sent(1, None, beside);
    }
    let proven = Proven {
        id,
        rate: 1.5e6,
        is_full: true,
    };
    Heard {
        proven: Some(proven),
        ..told(facts(Usage::Normal, 1e6, 0))
    }
}

#[test]
fn a_probe_proves_what_all_got_while_it_was_sent() {
    // Over half a second the other gets a megabit per second, which says nothing of this moment.
    for (beside, all) in [(1_000, 3.0e6), (500, 2.25e6)] {
        let mut scene = Scene::coupled(2);
        let before = scene.rate();
        assert!(before < all);
        let heard = probe(&mut scene, beside);
        scene.line.heard(scene.now(), 0, &heard);
        assert!((scene.rate() - all).abs() < 1e3, "{}", scene.rate());
        let has_raised = |scene: &Scene, id| scene.line.share(id).expect("coupled").has_raised;
        assert!(has_raised(&scene, 0) && !has_raised(&scene, 1));
        scene.hear(0, facts(Usage::Normal, 1e6, 0));
        assert!(!has_raised(&scene, 0), "that was before");
    }
}

#[test]
fn a_probe_that_pushes_others_out_proves_nothing() {
    let mut scene = Scene::coupled(2);
    let before = scene.rate();
    assert!(before > 1.5e6);
    // Between the pictures of the other, who gets a megabit per second otherwise.
    let heard = probe(&mut scene, 0);
    scene.line.heard(scene.now(), 0, &heard);
    assert!(scene.rate() < before * 1.01, "{} {before}", scene.rate());
    assert!(
        !scene.line.share(0).expect("coupled").has_raised,
        "and misleads nobody"
    );
    // Nobody knows what left beside a probe that was not seen.
    scene.line.heard(scene.now(), 0, &heard);
    assert!(scene.rate() < before * 1.01, "{} {before}", scene.rate());
}

#[test]
fn one_probes_at_a_time() {
    let mut scene = Scene::coupled(2);
    let may = |scene: &Scene, id| scene.line.may_probe(scene.now(), id);
    let now = scene.now();
    scene.line.begin_probe(now, 0);
    assert!(may(&scene, 0) && !may(&scene, 1));
    scene.ms += 100;
    let probing = Heard {
        is_probing: true,
        ..told(facts(Usage::Normal, 1e6, 0))
    };
    let now = scene.now();
    scene.line.heard(now, 0, &probing);
    assert!(!may(&scene, 1), "it has come to nothing yet");
    scene.hear(0, facts(Usage::Normal, 1e6, 0));
    assert!(may(&scene, 1));
    let now = scene.now();
    scene.line.begin_probe(now, 0);
    scene.ms += PROBE_LASTS / 1000;
    assert!(may(&scene, 1), "nothing is heard of it");
}

#[test]
fn who_has_a_bad_link_of_its_own_costs_nobody_anything() {
    let mut scene = Scene::of(3);
    for tick in 0..200 {
        scene.ms = tick * 100;
        scene.hear(0, facts(Usage::Over, 1e6, 80));
        scene.hear(1, facts(Usage::Normal, 1e6, 2));
        scene.hear(2, facts(Usage::Normal, 1e6, 0));
        assert_eq!(scene.line.coupled().count(), 0);
    }
}

#[test]
fn who_tells_of_queues_that_nobody_else_sees_is_put_out_and_stays_out() {
    let mut scene = Scene::coupled(3);
    let mut falls = 0;
    for _ in 0..200 {
        scene.ms += 100;
        scene.hear(1, facts(Usage::Normal, 1e6, 0));
        scene.hear(2, facts(Usage::Normal, 1e6, 0));
        falls += u32::from(scene.hear(0, facts(Usage::Over, 1e6, 300)));
    }
    assert_eq!(scene.fair(0), None);
    assert!(falls < 8, "{falls}");
    // A queue of all does not bring it back.
    for id in [1, 2, 0] {
        scene.hear(id, facts(Usage::Over, 1e6, 30));
    }
    assert_eq!(scene.fair(0), None);
    assert!(scene.fair(1).is_some());
}

#[test]
fn a_queue_of_all_that_another_flow_keeps_full_parts_nobody() {
    let mut scene = Scene::coupled(2);
    for tick in 0..100 {
        scene.ms += 100;
        // Of 60 ms no part may be its own, as one of them sees it.
        let beside = Facts {
            queueing: 0,
            is_shared: true,
            ..facts(Usage::Normal, 1e6, 60)
        };
        scene.hear(0, beside);
        let usage = match tick % 10 {
            0 => Usage::Over,
            _ => Usage::Normal,
        };
        scene.hear(1, facts(usage, 1e6, 60));
    }
    assert_eq!(scene.line.coupled().count(), 2);
}

#[test]
fn who_claims_to_get_what_nothing_carries_does_not_keep_the_line_full() {
    let mut scene = Scene::coupled(2);
    let carries = 1.2e6;
    let start = scene.rate();
    assert!(start > carries * 1.2);
    for _ in 0..600 {
        scene.ms += 100;
        let sent = scene.rate() / 2.0;
        let lies = Facts {
            sent,
            busy: Some(1e9),
            ..facts(Usage::Normal, 1e9, 0)
        };
        scene.hear(0, lies);
        // The line is full with two times `sent`, and each gets its part.
        let is_over = scene.rate() > carries;
        let (usage, queue) = match is_over {
            true => (Usage::Over, 60),
            false => (Usage::Normal, 0),
        };
        let honest = Facts {
            sent,
            busy: is_over.then_some(carries / 2.0),
            ..facts(usage, sent.min(carries / 2.0), queue)
        };
        scene.hear(1, honest);
    }
    assert!(scene.rate() < carries * 1.3, "{}", scene.rate());
}

#[test]
fn those_with_nothing_in_common_any_more_part() {
    let mut scene = Scene::coupled(2);
    for _ in 0..STANDS / 100_000 {
        scene.ms += 100;
        scene.hear(0, facts(Usage::Normal, 1e6, 0));
        scene.hear(1, facts(Usage::Normal, 1e6, 0));
    }
    assert_eq!(scene.line.coupled().count(), 0);
}

#[test]
fn who_parts_takes_what_it_was_sent_and_no_more() {
    let mut scene = Scene::coupled(2);
    let all = scene.rate();
    // One is shown a small picture; it could have half if it wanted all.
    scene.line.demand(0, demand(all * 0.9, 2e6));
    scene.line.demand(1, demand(all * 0.1, 0.2e6));
    let part = |scene: &Scene, id| scene.line.share(id).expect("coupled").part;
    let (first, second) = (part(&scene, 0), part(&scene, 1));
    while scene.fair(1).is_some() {
        scene.ms += 100;
        scene.hear(1, facts(Usage::Normal, all * 0.1, 0));
        assert!(scene.ms < 2 * STANDS / 1000);
    }
    assert!(
        (scene.rate() - (all - second)).abs() < 1.0,
        "{}",
        scene.rate()
    );
    assert!((scene.most(0) - first).abs() < 1.0);
}

#[test]
fn who_is_left_of_a_line_still_finds_more_of_it() {
    let mut scene = Scene::coupled(2);
    scene.line.leave(1);
    let before = scene.rate();
    let mut heard = probe(&mut scene, 0);
    heard.proven = heard.proven.map(|proven| Proven {
        rate: before * 1.5,
        ..proven
    });
    scene.line.heard(scene.now(), 0, &heard);
    assert!(
        (scene.rate() - before * 1.5).abs() < 1.0,
        "{}",
        scene.rate()
    );
}

#[test]
fn who_leaves_leaves_its_share_to_the_others() {
    let mut scene = Scene::coupled(2);
    let all = scene.rate();
    scene.line.leave(0);
    assert_eq!(scene.fair(1), Some(all));
    scene.line.leave(1);
    assert!(scene.line.is_empty());
}

#[test]
fn a_line_has_so_many_members_and_no_more() {
    let mut scene = Scene::of(MAX_MEMBERS as u64);
    assert!(!scene.line.join(MAX_MEMBERS as u64));
    assert!(!scene.hear(MAX_MEMBERS as u64, facts(Usage::Over, 1e6, 30)));
    scene.line.leave(0);
    assert!(scene.line.join(MAX_MEMBERS as u64));
}
