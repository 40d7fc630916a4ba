//! The judge can fail: made-up runs, good and bad in one way each.

use super::{Aim, Figure, Kind, judge};
use crate::log::{
    LayerLog, LinkBin, LinkLog, Log, OfferLog, PublisherLog, SubscriberBin, SubscriberLog,
    TrackBin, TrackLog,
};
use crate::scenario::Scenario;

/// Anna is seen and heard by ben, and by whom else is written.
pub(super) fn scenario(more: &str) -> Scenario {
    let text = r#"
        title = "made up"
        source = "everyday"
        seconds = 60
        participants = [
            { name = "anna", publishes = ["microphone", "camera"], subscribes = false },
            { name = "ben", down = "down" },
            { name = "carl", down = "down" },
        ]
    "#;
    let usual = r#"
        [[links]]
        name = "down"
        elements = [{ bottleneck = { kbps = 1000, queue_ms = 300 } }]
    "#;
    let links = if more.is_empty() { usual } else { more };
    toml::from_str(&format!("{text}\n{links}")).expect("it is well formed")
}

const BINS: usize = 600;

/// So many packets that waited so long, in milliseconds.
fn waits(ms: usize, packets: u32) -> Vec<u32> {
    let mut waits = vec![0; ms + 1];
    waits[ms] = packets;
    waits
}

/// Ben alone gets 850 of 1000 kbit/s, and there are layers of 850 and more.
fn good() -> Log {
    let link = LinkBin {
        capacity_kbps: 1000.0,
        carried_kbps: 850.0,
        queue_ms_mean: 5.0,
        queue_ms_max: 20.0,
        packets: 10,
        ..LinkBin::default()
    };
    let sent = SubscriberBin {
        estimate_kbps: 950.0,
        sent_kbps: 850.0,
        ..SubscriberBin::default()
    };
    let shown = TrackBin {
        frames: 3,
        height: 360,
        ..TrackBin::default()
    };
    let track = |name: &str, is_audio| TrackLog {
        name: name.to_owned(),
        is_audio,
        bins: vec![shown; BINS],
        packets: 3000,
        ..TrackLog::default()
    };
    let layer = |spatial: u8, kbps: f64| LayerLog {
        spatial,
        height: 180 << spatial,
        kbps: vec![kbps; BINS],
        ..LayerLog::default()
    };
    let offer = |name: &str, is_audio, layers| OfferLog {
        name: name.to_owned(),
        is_audio,
        layers,
        ..OfferLog::default()
    };
    let voice = offer("anna/microphone", true, vec![layer(0, 50.0)]);
    let camera = offer("anna/camera", false, vec![layer(0, 150.0), layer(1, 800.0)]);
    Log {
        links: vec![LinkLog {
            name: "down".to_owned(),
            bins: vec![link; BINS],
            waits: waits(5, 6_000),
        }],
        subscribers: vec![SubscriberLog {
            name: "ben".to_owned(),
            link: "down".to_owned(),
            bins: vec![sent; BINS],
            tracks: vec![track("anna/microphone", true), track("anna/camera", false)],
        }],
        publishers: vec![PublisherLog {
            name: "anna".to_owned(),
            tracks: vec![voice, camera],
            ..PublisherLog::default()
        }],
        ..Log::default()
    }
}

/// What is not as asked.
fn failures(scenario: &Scenario, log: &Log) -> Vec<Kind> {
    let figures = judge(scenario, log);
    figures
        .iter()
        .filter(|f| !f.is_met())
        .map(|f| f.kind)
        .collect()
}

fn value(scenario: &Scenario, log: &Log, kind: Kind) -> Option<f64> {
    let figures = judge(scenario, log);
    figures
        .iter()
        .find(|f| f.kind == kind)
        .map(|f: &Figure| f.value)
}

#[test]
fn a_good_run_is_as_asked() {
    let (scenario, log) = (scenario(""), good());
    assert_eq!(failures(&scenario, &log), []);
    assert_eq!(value(&scenario, &log, Kind::Used), Some(85.0));
    assert_eq!(value(&scenario, &log, Kind::Optimum), Some(85.0));
    assert_eq!(value(&scenario, &log, Kind::FrameRate), Some(30.0));
    assert_eq!(value(&scenario, &log, Kind::Fairness), None, "ben is alone");
}

#[test]
fn each_fault_is_found_and_nothing_else() {
    type Fault = fn(&mut Log);
    let faults: [(Kind, Fault); 6] = [
        (Kind::Used, |log| {
            log.links[0]
                .bins
                .iter_mut()
                .for_each(|bin| bin.carried_kbps = 700.0);
        }),
        // Padding is no use of a link.
        (Kind::Used, |log| {
            log.subscribers[0]
                .bins
                .iter_mut()
                .for_each(|bin| bin.padding_kbps = 200.0);
        }),
        (Kind::Queue95, |log| {
            log.links[0].waits = waits(5, 5_600);
            log.links[0].waits.resize(91, 0);
            log.links[0].waits[90] = 400;
        }),
        (Kind::FreezeLongest, |log| {
            log.subscribers[0].tracks[1].freezes.push((20_000, 20_320));
        }),
        (Kind::AudioLost, |log| {
            log.subscribers[0].tracks[0].lost_packets = 1;
        }),
        (Kind::Fairness, |log| {
            two(log, [425.0, 425.0], [950.0, 700.0]);
        }),
    ];
    for (kind, fault) in faults {
        let mut log = good();
        fault(&mut log);
        assert_eq!(failures(&scenario(""), &log), [kind]);
    }
}

/// Ben and carl share the line: what each is sent, and what its estimate is. Of a camera with sound 200,
/// 425 and 1000 kbit/s are on offer.
fn two(log: &mut Log, sent: [f64; 2], estimates: [f64; 2]) {
    let carl = SubscriberLog {
        name: "carl".to_owned(),
        ..log.subscribers[0].clone()
    };
    log.subscribers.push(carl);
    for (who, (sent, estimate)) in log
        .subscribers
        .iter_mut()
        .zip(sent.into_iter().zip(estimates))
    {
        for bin in &mut who.bins {
            (bin.sent_kbps, bin.estimate_kbps) = (sent, estimate);
        }
    }
    let layers = &mut log.publishers[0].tracks[1].layers;
    layers[1].kbps = vec![375.0; BINS];
    let largest = LayerLog {
        spatial: 2,
        height: 720,
        kbps: vec![950.0; BINS],
        ..LayerLog::default()
    };
    layers.push(largest);
}

#[test]
fn who_has_all_is_compared_only_with_who_lacks_what_it_has() {
    let fairness = |sent, estimates| {
        let mut log = good();
        two(&mut log, sent, estimates);
        value(&scenario(""), &log, Kind::Fairness)
    };
    assert_eq!(fairness([425.0, 425.0], [950.0, 760.0]), Some(80.0));
    // Both have all that there is.
    assert_eq!(fairness([1000.0, 1000.0], [3000.0, 1200.0]), None);
    // The one has all, and the other starves: the one needs 1000 of its estimate.
    assert_eq!(fairness([1000.0, 425.0], [3000.0, 500.0]), Some(50.0));
    // The one has all, and the other knows of more than the one needs.
    assert_eq!(fairness([1000.0, 425.0], [1100.0, 1500.0]), None);
}

#[test]
fn where_the_layers_can_fill_the_line_nine_tenths_of_it_are_asked() {
    let limit = |camera: f64| {
        let mut log = good();
        log.publishers[0].tracks[1].layers[1].kbps = vec![camera; BINS];
        let figures = judge(&scenario(""), &log);
        let used = figures.iter().find(|figure| figure.kind == Kind::Used);
        used.and_then(|used| used.asked).map(|asked| asked.limit)
    };
    assert_eq!(limit(750.0), Some(72.0));
    assert_eq!(limit(890.0), Some(90.0), "and not nine tenths of 94 %");
}

#[test]
fn the_proof_asks_for_halvings_and_doublings_and_the_rest_is_our_own_aim() {
    let aims = |capacities: [f64; 2]| {
        let mut log = good();
        for bin in &mut log.links[0].bins[300..] {
            bin.capacity_kbps = capacities[1];
        }
        let scenario = scenario(&format!(
            r#"
            [[links]]
            name = "down"
            elements = [{{ bottleneck = {{ kbps = {}, queue_ms = 300 }} }}]
            changes = [{{ at = 30, kbps = {} }}]
            "#,
            capacities[0], capacities[1],
        ));
        let figures = judge(&scenario, &log);
        let of = |kind| {
            let found = figures.iter().find(|figure| figure.kind == kind);
            found.and_then(|figure| figure.asked).map(|asked| asked.aim)
        };
        [
            Kind::Falls,
            Kind::Rises,
            Kind::FreezeLongest,
            Kind::AudioLost,
            Kind::Paused,
            Kind::Queue95,
        ]
        .map(of)
    };
    let (own, proof) = (Some(Aim::Own), Some(Aim::Proof));
    assert_eq!(
        aims([1000.0, 500.0]),
        [proof, None, proof, proof, own, proof]
    );
    assert_eq!(aims([1000.0, 250.0]), [own, None, own, own, own, proof]);
    assert_eq!(aims([1000.0, 2000.0]), [None, proof, own, own, own, proof]);
    assert_eq!(aims([1000.0, 3000.0]), [None, own, own, own, own, proof]);
}

#[test]
fn who_looks_away_is_not_paused() {
    let mut log = good();
    for bin in &mut log.subscribers[0].tracks[1].bins[200..250] {
        bin.paused = true;
        bin.frames = 0;
    }
    let mut scenario = scenario("");
    assert_eq!(failures(&scenario, &log), [Kind::Paused]);
    let people = &mut scenario.participants;
    let ben = people.iter_mut().find(|who| who.name == "ben");
    ben.expect("there").looks_away = vec![[20.0, 25.0]];
    assert_eq!(failures(&scenario, &log), []);
}

#[test]
fn a_fall_is_to_be_followed_within_a_second_and_a_rise_within_eight() {
    let run = |late_down: usize, late_up: usize| {
        let mut log = good();
        for (at, bin) in log.links[0].bins.iter_mut().enumerate() {
            bin.capacity_kbps = if (200..400).contains(&at) {
                300.0
            } else {
                1000.0
            };
            let low = (200..400 + late_up).contains(&at);
            bin.carried_kbps = if low { 200.0 } else { 850.0 };
        }
        for (at, bin) in log.subscribers[0].bins.iter_mut().enumerate() {
            let low = (200 + late_down..400 + late_up).contains(&at);
            bin.sent_kbps = if low { 200.0 } else { 850.0 };
        }
        log
    };
    let scenario = scenario("");
    assert_eq!(failures(&scenario, &run(3, 40)), []);
    assert_eq!(failures(&scenario, &run(16, 40)), [Kind::Falls]);
    assert_eq!(failures(&scenario, &run(3, 75)), [Kind::Rises]);
    let never = run(200, 0);
    assert_eq!(value(&scenario, &never, Kind::Falls), Some(f64::INFINITY));
}

#[test]
fn what_a_link_is_like_decides_what_is_asked() {
    let mut log = good();
    log.subscribers[0].tracks[0].lost_packets = 30;
    log.subscribers[0].tracks[1].freezes.push((20_000, 25_000));
    log.links[0].waits = waits(200, 6_000);
    let beside_tcp = scenario(
        r#"
        [[links]]
        name = "down"
        elements = [
            { cross-traffic = { flows = 1, rtt_ms = 60, from = 5, to = 60 } },
            { bottleneck = { kbps = 1000, queue_ms = 300 } },
        ]
    "#,
    );
    assert_eq!(failures(&beside_tcp, &log), [Kind::FreezeLongest]);
    let share = |carried: f64| {
        let mut log = good();
        log.links[0]
            .bins
            .iter_mut()
            .for_each(|bin| bin.carried_kbps = carried);
        value(&beside_tcp, &log, Kind::ShareOfTcp).unwrap()
    };
    assert_eq!((share(500.0), share(200.0)), (100.0, 40.0));

    let lossy = scenario(
        r#"
        [[links]]
        name = "down"
        elements = [{ loss = { percent = 10 } }]
    "#,
    );
    log.links.clear();
    log.subscribers[0].link.clear();
    assert_eq!(
        failures(&lossy, &log),
        [Kind::FreezeLongest],
        "loss is not ours to cure"
    );
    log.subscribers[0]
        .bins
        .iter_mut()
        .for_each(|bin| bin.sent_kbps = 600.0);
    assert_eq!(
        failures(&lossy, &log),
        [Kind::RateOfOffer, Kind::FreezeLongest]
    );
}
