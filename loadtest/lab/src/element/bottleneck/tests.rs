//! What a narrow line does to packets of ours and of others.

use std::time::{Duration, Instant};

use super::*;
use crate::element::trial::{MS, Trial, change, each_ms};
use crate::log::LinkBin;
use crate::scenario::{Element, Link};

fn bins(trial: &mut Trial, seconds: u32) -> Vec<LinkBin> {
    let end = trial.start + MS * 1_000 * seconds;
    trial.line.log(end).expect("a bottleneck").bins
}

fn mean(bins: &[LinkBin], of: impl Fn(&LinkBin) -> f64) -> f64 {
    bins.iter().map(of).sum::<f64>() / bins.len() as f64
}

#[test]
fn packets_leave_as_fast_as_the_rate() {
    let mut trial = Trial::of([Element::bottleneck(1_000.0, 300.0)]);
    // 1000 bytes at 1 Mbit/s: 8 ms each.
    let left = trial.put(1_000, [0.0, 0.0, 0.0, 100.0]).end();
    assert_eq!(left, [(0, 8.0), (1, 16.0), (2, 24.0), (3, 108.0)]);
}

#[test]
fn what_would_wait_too_long_is_lost() {
    let mut trial = Trial::of([Element::bottleneck(1_000.0, 200.0)]);
    let left = trial.put(1_000, [0.0; 100]).end().len();
    // The one that is sent, and 25 that wait for up to 200 ms.
    assert_eq!(left, 26);
    let bin = bins(&mut trial, 1)[0];
    assert_eq!((bin.packets, bin.lost), (100, 74));
}

#[test]
fn a_large_packet_passes_a_short_queue() {
    let mut trial = Trial::of([Element::bottleneck(100.0, 1.0)]);
    assert_eq!(trial.put(1_500, [0.0, 500.0]).numbers(), [0, 1]);
}

#[test]
fn the_log_says_what_was_carried_and_how_long_it_waited() {
    let mut trial = Trial::of([Element::bottleneck(1_000.0, 300.0), Element::delay(50.0)]);
    trial.rate(1_250, 2_000.0, 0.0, 5_000.0).end();
    let bins = bins(&mut trial, 5);
    assert!((990.0..=1_010.0).contains(&mean(&bins[1..50], |bin| bin.carried_kbps)));
    // Full after 0.3 s, and from then on every other one is lost.
    let full = &bins[5..50];
    assert!(
        full.iter()
            .all(|bin| (290.0..=300.0).contains(&bin.queue_ms_max))
    );
    let lost: u32 = full.iter().map(|bin| bin.lost).sum();
    let came: u32 = full.iter().map(|bin| bin.packets).sum();
    assert!(came.abs_diff(lost * 2) < 10, "{lost} of {came}");
}

#[test]
fn a_new_rate_is_for_the_rest_of_the_packet_too() {
    let mut link = Link::of("step", [Element::bottleneck(1_000.0, 300.0)]);
    let to = |at, kbps| Change {
        kbps: Some(kbps),
        ..change(at)
    };
    link.changes = vec![to(0.004, 500.0), to(0.050, 2_000.0)];
    let mut trial = Trial::over(&link, 1);
    let left = trial.put(1_000, [0.0, 0.0, 60.0]).end();
    // 4 ms for the one half and 8 for the other.
    assert_eq!(left, [(0, 12.0), (1, 28.0), (2, 64.0)]);
}

#[test]
fn in_an_outage_packets_wait() {
    let mut link = Link::of("outage", [Element::bottleneck(1_000.0, 300.0)]);
    let to = |at, kbps| Change {
        kbps: Some(kbps),
        ..change(at)
    };
    link.changes = vec![to(0.1, 0.0), to(2.1, 1_000.0)];
    let mut trial = Trial::over(&link, 1);
    // 12 packets wait until it is over; 300 ms of the former rate is all that there is room for.
    trial.rate(1_000, 64.0, 0.0, 1_500.0).end();
    assert_eq!(trial.left[0], (0, 8.0));
    assert_eq!(trial.left[1], (1, 2_108.0));
    assert_eq!(trial.left.len(), 12);
    let bins = bins(&mut trial, 3);
    assert_eq!(bins[10].capacity_kbps, 0.0);
    assert!(
        (1_974.0..1_976.0).contains(&bins[21].queue_ms_max),
        "{:?}",
        bins[21]
    );
}

#[test]
fn codel_lets_a_burst_pass_and_no_queue_stand() {
    let codel = Element::Bottleneck {
        kbps: 1_000.0,
        queue_ms: 1_000.0,
        queue: crate::scenario::Queue::Codel,
    };
    let mut burst = Trial::of([codel]);
    // 80 ms of it, which is over before the interval is.
    assert_eq!(burst.put(1_000, [0.0; 10]).numbers().len(), 10);
    let standing = |element| {
        let mut trial = Trial::of([element]);
        trial.rate(1_000, 1_100.0, 0.0, 60_000.0);
        let bins = bins(&mut trial, 60);
        mean(&bins[300..], |bin| bin.queue_ms_mean)
    };
    let (kept, filled) = (
        standing(codel),
        standing(Element::bottleneck(1_000.0, 1_000.0)),
    );
    assert!(kept < 60.0, "{kept} ms wait in CoDel's queue");
    assert!(filled > 950.0, "{filled} ms wait in the other");
}

#[test]
fn codel_keeps_a_line_busy() {
    let codel = Element::Bottleneck {
        kbps: 1_000.0,
        queue_ms: 1_000.0,
        queue: crate::scenario::Queue::Codel,
    };
    let mut trial = Trial::of([codel]);
    trial.rate(1_000, 1_100.0, 0.0, 20_000.0);
    let carried = mean(&bins(&mut trial, 20)[100..], |bin| bin.carried_kbps);
    assert!(carried > 980.0, "{carried} kbit/s");
}

fn tcp(flows: u32, from: f64, to: f64) -> Element {
    Element::CrossTraffic {
        flows,
        rtt_ms: 50.0,
        from,
        to,
        files: None,
    }
}

#[test]
fn a_flow_fills_the_line_and_its_queue_and_backs_off() {
    let narrow = Element::bottleneck(2_000.0, 300.0);
    let mut trial = Trial::of([tcp(1, 1.0, 50.0), narrow, Element::delay(20.0)]);
    // Ours are few, to see how long they wait.
    trial.rate(100, 20.0, 0.0, 60_000.0).end();
    let bins = bins(&mut trial, 60);
    let cross = |from: usize, to: usize| mean(&bins[from..to], |bin| bin.cross_kbps);
    assert_eq!(cross(0, 10), 0.0);
    let full = cross(150, 490);
    assert!((1_900.0..=2_000.0).contains(&full), "{full} kbit/s");
    assert!(cross(510, 600) < 1.0, "it goes on after its end");
    let waits: Vec<f64> = bins[150..490].iter().map(|bin| bin.queue_ms_max).collect();
    let most = waits.iter().copied().fold(0.0, f64::max);
    let least = waits.iter().copied().fold(f64::MAX, f64::min);
    assert!(most > 270.0, "the queue fills to {most} ms only");
    assert!(
        least < 0.6 * most,
        "it never backs off: {least} ms at least"
    );
    let after = &bins[560..];
    assert!(after.iter().all(|bin| bin.queue_ms_max < 1.0));
}

#[test]
fn a_flow_leaves_room_for_none_that_does_not_yield() {
    let narrow = Element::bottleneck(2_000.0, 300.0);
    let mut trial = Trial::of([tcp(1, 0.0, 60.0), narrow]);
    trial.rate(1_000, 1_000.0, 0.0, 60_000.0).end();
    let bins = bins(&mut trial, 60);
    let ours = mean(&bins[100..], |bin| bin.carried_kbps);
    let theirs = mean(&bins[100..], |bin| bin.cross_kbps);
    assert!(ours > 950.0, "we keep {ours} kbit/s");
    assert!((800.0..=1_050.0).contains(&theirs), "{theirs} kbit/s");
}

#[test]
fn flows_recover_from_an_outage() {
    let mut link = Link::of(
        "outage",
        [tcp(2, 0.0, 60.0), Element::bottleneck(2_000.0, 200.0)],
    );
    let to = |at, kbps| Change {
        kbps: Some(kbps),
        ..change(at)
    };
    link.changes = vec![to(10.0, 0.0), to(15.0, 2_000.0)];
    let mut trial = Trial::over(&link, 1);
    let bins = bins(&mut trial, 60);
    assert_eq!(mean(&bins[101..149], |bin| bin.cross_kbps), 0.0);
    let after = mean(&bins[250..], |bin| bin.cross_kbps);
    assert!(after > 1_800.0, "{after} kbit/s");
}

#[test]
fn files_come_and_go() {
    let files = Element::CrossTraffic {
        flows: 3,
        rtt_ms: 50.0,
        from: 0.0,
        to: 100.0,
        files: Some(crate::scenario::Files {
            kbytes: [100.0, 200.0],
            pause: 5.0,
        }),
    };
    let mut trial = Trial::of([files, Element::bottleneck(4_000.0, 300.0)]);
    let bins = bins(&mut trial, 100);
    let idle = bins.iter().filter(|bin| bin.cross_kbps == 0.0).count();
    assert!((200..900).contains(&idle), "{idle} of 1000 bins are idle");
    // Some 150 kB each 5.5 s of each of three.
    let carried = mean(&bins, |bin| bin.cross_kbps);
    assert!((350.0..1_000.0).contains(&carried), "{carried} kbit/s");
}

#[test]
fn a_line_is_shared_by_those_who_put_packets_into_it() {
    let start = Instant::now();
    let link = Link::of("family", [Element::bottleneck(1_000.0, 300.0)]);
    let mut line = crate::element::Line::new(start, &link, 1);
    // In no step with each other: a full queue takes whose packet comes just after another's leaving.
    let mut luck = fastrand::Rng::with_seed(1);
    for ms in each_ms(1_000) {
        let at = start + Duration::from_secs_f64(ms / 1e3);
        let names = if luck.bool() {
            ["anna", "ben"]
        } else {
            ["ben", "anna"]
        };
        for name in names {
            line.put(Packet::new(at, 125, name));
        }
    }
    let left: Vec<_> = std::iter::from_fn(|| line.take(start + MS * 1_000)).collect();
    let anna = left.iter().filter(|packet| packet.what == "anna").count();
    assert!((995..=1_001).contains(&left.len()), "{}", left.len());
    assert!((400..=600).contains(&anna), "{anna} of {}", left.len());
}
