//! What is promised of an estimator, on small links.

use super::link::{Source, Way, World};

const LAYERS: [f64; 4] = [150e3, 500e3, 1_200e3, 2_500e3];

fn layers() -> Source {
    Source::Layers(LAYERS.to_vec())
}

fn world(way: Way, source: Source) -> World {
    World::new(way, vec![source], 1)
}

fn show(name: &str, world: &World) {
    if std::env::var_os("SHOW").is_none() {
        return;
    }
    println!("== {name}: p95 {:.0} ms", world.wait_p95(0));
    for (owner, peer) in world.peers.iter().enumerate() {
        println!(
            "  peer {owner}, probes {}, {:?}",
            peer.probes,
            peer.estimator.report()
        );
        for (at, bins) in peer.bins.chunks(10).enumerate() {
            let row: Vec<String> = bins
                .iter()
                .map(|bin| {
                    format!(
                        "{:.0}/{:.0}/{:.0}",
                        bin.estimate / 1e3,
                        bin.carried / 1e3,
                        bin.queue_ms
                    )
                })
                .collect();
            println!("  {at:3}: {}", row.join(" "));
        }
    }
    if !world.cross.is_empty() {
        println!(
            "  cross {:.0}",
            world.cross.iter().sum::<f64>() / world.cross.len() as f64 / 1e3
        );
    }
}

#[test]
fn a_greedy_sender_fills_a_link_without_a_queue() {
    let mut world = world(Way::default(), Source::Greedy);
    world.run(60);
    show("greedy", &world);
    let used = world.peers[0].carried(30, 60) / 2e6;
    assert!(used > 0.9, "{used}");
    assert!(world.wait_p95(30) < 50.0, "{}", world.wait_p95(30));
}

#[test]
fn a_good_link_carries_the_top_layer_within_two_seconds() {
    let way = Way {
        capacity: Box::new(|_| 50e6),
        ..Way::default()
    };
    let mut world = world(way, layers());
    world.run(10);
    show("good", &world);
    assert!(world.peers[0].carried(2, 10) > 2.3e6);
}

#[test]
fn a_narrow_link_carries_the_layer_that_fits() {
    for (capacity, fits) in [
        (3.0e6, 2.5e6),
        (1.5e6, 1.2e6),
        (0.7e6, 0.5e6),
        (0.3e6, 0.15e6),
    ] {
        let way = Way {
            capacity: Box::new(move |_| capacity),
            ..Way::default()
        };
        let mut world = world(way, layers());
        world.run(60);
        show(&format!("narrow {capacity}"), &world);
        let carried = world.peers[0].carried(20, 60);
        assert!(carried > 0.93 * fits, "{carried} of {fits}");
        assert!(
            world.wait_p95(5) < 50.0,
            "{capacity}: {}",
            world.wait_p95(5)
        );
    }
}

#[test]
fn a_halving_is_obeyed_within_a_second_and_a_doubling_found_within_eight() {
    let capacity = |ms| {
        if (20_000..50_000).contains(&ms) {
            1.5e6
        } else {
            3e6
        }
    };
    let way = Way {
        capacity: Box::new(capacity),
        ..Way::default()
    };
    let mut world = world(way, layers());
    world.run(80);
    show("halved", &world);
    let peer = &world.peers[0];
    let bins = &peer.bins;
    assert!(bins[210..500].iter().all(|bin| bin.estimate < 1.6e6));
    assert!(bins[215..500].iter().all(|bin| bin.queue_ms < 100.0));
    assert!(peer.carried(58, 80) > 2.3e6, "{}", peer.carried(58, 80));
}

#[test]
fn random_loss_costs_next_to_nothing() {
    let way = Way {
        capacity: Box::new(|_| 50e6),
        loss: Box::new(|_| 0.1),
        ..Way::default()
    };
    let mut world = world(way, layers());
    world.run(60);
    show("loss", &world);
    let carried = world.peers[0].carried(3, 60);
    assert!(carried > 0.9 * 0.9 * 2.5e6, "{carried}");
}

#[test]
fn random_loss_does_not_stop_the_only_layer() {
    for seed in 0..5 {
        let way = Way {
            capacity: Box::new(|_| 50e6),
            loss: Box::new(|_| 0.05),
            rtt_ms: 2,
            ..Way::default()
        };
        let only = Source::Layers(vec![50e3, 600e3]);
        let mut world = World::new(way, vec![only], seed);
        world.run(30);
        show("only layer", &world);
        let carried = world.peers[0].carried(3, 30);
        assert!(carried > 0.95 * 0.95 * 600e3, "{carried}");
    }
}

#[test]
fn loss_of_a_short_queue_is_obeyed() {
    let capacity = |ms| if ms > 15_000 { 1.5e6 } else { 4e6 };
    let way = Way {
        capacity: Box::new(capacity),
        queue_ms: 8.0,
        ..Way::default()
    };
    let mut world = world(way, layers());
    world.run(60);
    show("short queue", &world);
    let late = &world.peers[0].bins[250..];
    let over = late.iter().filter(|bin| bin.estimate > 2.4e6).count();
    assert!(over < late.len() / 10, "{over} of {}", late.len());
}

#[test]
fn two_share_a_link() {
    let way = Way {
        capacity: Box::new(|_| 4e6),
        ..Way::default()
    };
    let mut world = World::new(way, vec![Source::Greedy, Source::Greedy], 1);
    world.run(120);
    show("two", &world);
    let (a, b) = (
        world.peers[0].estimated(60, 120),
        world.peers[1].estimated(60, 120),
    );
    assert!((a - b).abs() < 0.2 * a.max(b), "{a} {b}");
    assert!(world.wait_p95(30) < 60.0, "{}", world.wait_p95(30));
}

#[test]
fn two_of_layers_share_a_link() {
    let way = Way {
        capacity: Box::new(|_| 3.4e6),
        ..Way::default()
    };
    let mut world = World::new(way, vec![layers(), layers()], 1);
    world.run(120);
    show("two of layers", &world);
    assert!(world.wait_p95(10) < 60.0, "{}", world.wait_p95(10));
}

#[test]
fn a_flow_of_tcps_kind_leaves_half_of_the_share() {
    let way = Way {
        capacity: Box::new(|_| 4e6),
        ..Way::default()
    };
    let mut world = world(way, layers()).with_window();
    world.run(120);
    show("window", &world);
    let carried = world.peers[0].carried(40, 120);
    assert!(carried > 0.5e6, "{carried}");
}

#[test]
fn a_short_flow_of_tcps_kind_does_not_silence_two() {
    let way = Way {
        capacity: Box::new(|_| 2e6),
        rtt_ms: 100,
        ..Way::default()
    };
    let mut world = World::new(way, vec![layers(), layers()], 1).with_window();
    world.run(120);
    show("window and two", &world);
    let carried = world.peers[0].carried(40, 120) + world.peers[1].carried(40, 120);
    assert!(carried > 0.66e6, "{carried}");
}

#[test]
fn jitter_is_not_taken_for_a_queue() {
    let way = Way {
        capacity: Box::new(|_| 10e6),
        jitter_ms: 20.0,
        ..Way::default()
    };
    let mut world = world(way, layers());
    world.run(60);
    show("jitter", &world);
    let carried = world.peers[0].carried(5, 60);
    assert!(carried > 2.2e6, "{carried}");
}

#[test]
fn a_long_way_is_no_queue() {
    let way = Way {
        capacity: Box::new(|_| 3e6),
        rtt_ms: 600,
        ..Way::default()
    };
    let mut world = world(way, layers());
    world.run(60);
    show("long way", &world);
    let carried = world.peers[0].carried(10, 60);
    assert!(carried > 2.2e6, "{carried}");
}

#[test]
fn lost_and_late_feedback_costs_little() {
    let way = Way {
        capacity: Box::new(|_| 3e6),
        feedback_ms: 250,
        feedback_loss: 0.1,
        ..Way::default()
    };
    let mut world = world(way, layers());
    world.run(60);
    show("feedback", &world);
    let carried = world.peers[0].carried(10, 60);
    assert!(carried > 2.2e6, "{carried}");
}

#[test]
fn an_outage_is_survived() {
    let capacity = |ms| {
        if (20_000..23_000).contains(&ms) {
            1_000.0
        } else {
            3e6
        }
    };
    let way = Way {
        capacity: Box::new(capacity),
        ..Way::default()
    };
    let mut world = world(way, layers());
    world.run(40);
    show("outage", &world);
    let bins = &world.peers[0].bins;
    assert!(bins[225].estimate < 1e6, "it is noticed");
    assert!(
        world.peers[0].carried(28, 40) > 2.2e6,
        "{}",
        world.peers[0].carried(28, 40)
    );
}

#[test]
fn another_way_carries_what_the_one_before_did_at_once() {
    let is_dead = |ms| (20_000..23_000).contains(&ms);
    let way = Way {
        loss: Box::new(move |ms| f64::from(u8::from(is_dead(ms)))),
        ..Way::default()
    };
    let mut world = world(way, layers());
    world.run(20);
    let before = world.peers[0].estimator.estimate().bps();
    world.run(2);
    assert!(world.peers[0].estimator.estimate().bps() < before / 4);
    world.run(1);
    let now = world.now();
    world.peers[0].estimator.on_path_changed(now);
    assert!(world.peers[0].estimator.estimate().bps() >= before * 9 / 10);
    world.run(7);
    let [before, after] = [(10, 20), (24, 30)].map(|(from, to)| world.peers[0].carried(from, to));
    assert!(after > 0.95 * before, "{before} {after}");
}

/// The mean estimate of the poorest as a part of that of the richest.
fn fairness(world: &World, from: usize, to: usize) -> f64 {
    let means = world.peers.iter().map(|peer| peer.estimated(from, to));
    let (least, most) = means.fold((f64::INFINITY, 0.0_f64), |(least, most), mean| {
        (least.min(mean), most.max(mean))
    });
    least / most
}

/// Flows that come one after the other, every ten seconds.
fn one_after_the_other(capacity: f64, sources: Vec<Source>) -> World {
    let way = Way {
        capacity: Box::new(move |_| capacity),
        rtt_ms: 100,
        jitter_ms: 5.0,
        ..Way::default()
    };
    let mut world = World::new(way, sources, 1);
    for (at, peer) in world.peers.iter_mut().enumerate() {
        peer.joins = at as u64 * 10_000;
    }
    world.run(120);
    world
}

#[test]
fn who_comes_late_gets_as_much() {
    let world = one_after_the_other(4e6, vec![Source::Greedy, Source::Greedy]);
    show("late", &world);
    let fair = fairness(&world, 60, 120);
    assert!(fair > 0.8, "{fair}");
    let wait = world.wait_p95(60);
    assert!(
        wait < 60.0,
        "nobody takes the other's queue for the way: {wait}"
    );
}

#[test]
fn who_comes_late_gets_as_many_layers() {
    let world = one_after_the_other(3e6, vec![layers(), layers()]);
    show("late of two layers", &world);
    let fair = fairness(&world, 60, 120);
    assert!(fair > 0.8, "{fair}");
    let world = one_after_the_other(3.5e6, vec![layers(), layers(), layers()]);
    show("late of layers", &world);
    let fair = fairness(&world, 60, 120);
    // The third finds room for a layer only where the others try theirs.
    assert!(fair > 0.65, "{fair}");
    for peer in &world.peers {
        let poorest = peer.bins[300..].iter().map(|bin| bin.estimate);
        assert!(
            poorest.fold(f64::INFINITY, f64::min) > 100e3,
            "nobody starves"
        );
    }
}
