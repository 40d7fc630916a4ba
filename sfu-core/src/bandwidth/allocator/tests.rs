use std::time::Duration;

use super::*;
use crate::media::layer::Layer;

const MS: Duration = Duration::from_millis(1);

const fn kbps(rate: u64) -> Bitrate {
    Bitrate::from_bps(rate * 1000)
}

/// Three encodings of three temporal layers each, as livekit-client sends 720p.
fn camera() -> Ladder {
    camera_at(30)
}

/// The same at a frame rate that is counted anew: a camera's differs by a frame from second to second.
fn camera_at(frame_rate: u32) -> Ladder {
    let encodings = [(320 * 180, 150), (640 * 360, 500), (1280 * 720, 1700)];
    let rungs = (0..).zip(encodings).flat_map(|(encoding, (pixels, rate))| {
        let temporal = [
            (0, 60, frame_rate / 4),
            (1, 80, frame_rate / 2),
            (2, 100, frame_rate),
        ];
        temporal.map(|(temporal, percent, frames)| Rung {
            layers: Layers {
                encoding,
                top: Layer {
                    spatial: 0,
                    temporal,
                },
            },
            bitrate: kbps(rate * percent / 100),
            value: value_of(pixels, frames),
        })
    });
    Ladder::new(rungs)
}

fn request(track: u64, ladder: Ladder) -> Request {
    Request {
        track: TrackId(track),
        priority: Priority::Ordinary,
        rank: 0,
        ladder,
        former: None,
    }
}

fn cameras(count: u64) -> Vec<Request> {
    (0..count).map(|track| request(track, camera())).collect()
}

fn of(rate: Bitrate) -> Budget {
    Budget {
        estimate: rate,
        reserved: Bitrate::default(),
        granted: Bitrate::default(),
    }
}

fn layers(allotment: &Allotment) -> Option<(u8, u8)> {
    let layers = allotment.layers?;
    Some((layers.encoding, layers.top.temporal))
}

/// Allots, and hands the allotments to the next look.
fn look(now: Instant, rate: Bitrate, requests: &mut [Request]) -> (Vec<Allotment>, Demand) {
    let (allotments, demand) = allocate(now, of(rate), requests);
    for (request, allotment) in requests.iter_mut().zip(&allotments) {
        request.former = Some(*allotment);
    }
    (allotments, demand)
}

fn total(allotments: &[Allotment]) -> u64 {
    allotments.iter().map(|one| one.bitrate.bps()).sum()
}

#[test]
fn one_track_gets_the_best_that_fits() {
    let now = Instant::now();
    let best = |rate| layers(&look(now, kbps(rate), &mut cameras(1)).0[0]);
    assert_eq!(best(50), None);
    assert_eq!(best(90), Some((0, 0)));
    assert_eq!(best(200), Some((0, 2)));
    assert_eq!(best(450), Some((1, 1)));
    assert_eq!(best(1000), Some((1, 2)));
    assert_eq!(best(1700), Some((2, 2)));
}

#[test]
fn what_costs_more_and_shows_no_more_is_no_rung() {
    let all = camera();
    let rungs: Vec<_> = all.rungs().iter().map(|rung| rung.layers).collect();
    // 7 frames of the middle show no more than 30 of the low one.
    assert!(
        !rungs
            .iter()
            .any(|it| (it.encoding, it.top.temporal) == (1, 0))
    );
    assert_eq!(rungs.len(), 7);
}

#[test]
fn everybody_is_seen_before_anybody_is_seen_well() {
    let now = Instant::now();
    let (allotments, _) = look(now, kbps(10 * 90), &mut cameras(10));
    assert!(allotments.iter().all(|one| layers(one) == Some((0, 0))));
    let (allotments, _) = look(now, kbps(10 * 500), &mut cameras(10));
    assert!(allotments.iter().all(|one| layers(one) == Some((1, 2))));
    // No two of equal tracks are more than a step apart.
    let (allotments, _) = look(now, kbps(3000), &mut cameras(10));
    let least = allotments.iter().filter_map(layers).min();
    assert!(least >= Some((0, 2)), "{allotments:?}");
}

#[test]
fn who_matters_more_is_seen_first() {
    let now = Instant::now();
    let mut requests = cameras(5);
    requests[4].priority = Priority::Pinned;
    requests[3].priority = Priority::Screen;
    requests[2].priority = Priority::Speaker;
    requests[1].rank = 100;
    for seen in 1..=5 {
        let (allotments, demand) = allocate(now, of(kbps(90 * seen + 5)), &requests);
        let dark = allotments.iter().map(|one| one.layers.is_none());
        let expected = (0..5).map(|at| at < 5 - seen);
        assert_eq!(dark.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        let paused = allotments.iter().filter(|one| one.is_paused()).count();
        assert_eq!(paused as u64, 5 - seen);
        assert!(demand.next > Some(kbps(90 * seen + 5)) && demand.allotted == kbps(90 * seen));
    }
}

#[test]
fn sound_comes_before_pictures() {
    let budget = Budget {
        estimate: kbps(200),
        reserved: kbps(120),
        granted: Bitrate::default(),
    };
    let (allotments, demand) = allocate(Instant::now(), budget, &cameras(1));
    assert_eq!(layers(&allotments[0]), None);
    assert_eq!(demand.allotted, kbps(120));
    assert_eq!(demand.most, kbps(120 + 1700));
    assert_eq!(demand.next.unwrap().bps() / 1000, 120 + 93);
}

#[test]
fn before_anything_is_known_the_least_of_each_is_granted() {
    let one = Ladder::new([Rung {
        layers: Layers::all_of(0),
        bitrate: kbps(1500),
        value: value_of(1280 * 720, 30),
    }]);
    let mut requests = vec![request(0, one), request(1, camera())];
    let mut budget = of(kbps(300));
    budget.granted = kbps(2000);
    let now = Instant::now();
    let (allotments, demand) = allocate(now, budget, &requests);
    assert!(allotments.iter().all(|one| one.layers.is_some()));
    assert_eq!(
        layers(&allotments[1]),
        Some((0, 0)),
        "and no more than that"
    );
    assert!(demand.next > Some(kbps(1590)));
    for (request, allotment) in requests.iter_mut().zip(&allotments) {
        request.former = Some(*allotment);
    }
    budget.granted = Bitrate::default();
    let (allotments, _) = allocate(now, budget, &requests);
    assert!(allotments[0].is_paused() && layers(&allotments[1]) == Some((0, 2)));
}

#[test]
fn a_fall_is_obeyed_at_once_and_a_rise_after_a_while() {
    let mut now = Instant::now();
    let mut requests = cameras(1);
    look(now, kbps(2000), &mut requests);
    now += 10_000 * MS;
    let (allotments, _) = look(now, kbps(1000), &mut requests);
    assert_eq!(layers(&allotments[0]), Some((1, 2)));
    assert_eq!(allotments[0].limit, Limit::Bandwidth);
    now += 10_000 * MS;
    let (allotments, _) = look(now, kbps(2000), &mut requests);
    assert_eq!(allotments[0].limit, Limit::Trial);
    assert_eq!(layers(&allotments[0]), Some((1, 2)));
    now += RISE_AFTER;
    let (allotments, demand) = look(now, kbps(2000), &mut requests);
    assert_eq!(layers(&allotments[0]), Some((2, 2)));
    assert_eq!(allotments[0].limit, Limit::Nothing);
    assert_eq!(demand.next, None);
}

#[test]
fn what_had_lasted_is_back_soon_after_a_dip_and_once() {
    let mut now = Instant::now();
    let mut requests = cameras(1);
    let mut at = |millis: u32, rate, requests: &mut [Request]| {
        now += millis * MS;
        layers(&look(now, kbps(rate), requests).0[0])
    };
    at(0, 2000, &mut requests);
    at(6000, 2000, &mut requests);
    assert_eq!(at(100, 1600, &mut requests), Some((2, 1)));
    assert_eq!(at(100, 2000, &mut requests), Some((2, 1)));
    assert_eq!(at(300, 2000, &mut requests), Some((2, 2)), "soon");
    assert_eq!(at(1000, 1600, &mut requests), Some((2, 1)));
    at(100, 2000, &mut requests);
    let after = at(300, 2000, &mut requests);
    assert_eq!(after, Some((2, 1)), "it was no dip: it is tried later");
}

#[test]
fn what_fell_with_a_silence_that_has_another_cause_is_had_again_at_once() {
    let start = Instant::now();
    for rose_lately in [false, true] {
        let mut requests = cameras(1);
        look(start, kbps(500), &mut requests);
        let before = match rose_lately {
            true => start + RISE_AFTER,
            false => start + 2 * TRIAL,
        };
        look(start + MS, kbps(3000), &mut requests);
        let (best, _) = look(before, kbps(3000), &mut requests);
        let silent = before + 500 * MS;
        look(silent, kbps(1000), &mut requests);
        let former = requests[0].former.as_mut().expect("it was looked at");
        former.excuse(silent + 100 * MS);
        let (after, _) = look(silent + 100 * MS, kbps(3000), &mut requests);
        assert_eq!(layers(&after[0]), layers(&best[0]));
    }
}

#[test]
fn what_failed_is_not_tried_sooner_because_a_frame_less_is_counted() {
    let mut now = Instant::now();
    let mut requests = cameras(1);
    let mut at = |millis: u32, rate, requests: &mut [Request]| {
        now += millis * MS;
        layers(&look(now, kbps(rate), requests).0[0])
    };
    at(0, 1000, &mut requests);
    at(6000, 1900, &mut requests);
    assert_eq!(at(800, 1900, &mut requests), Some((2, 2)));
    assert_eq!(at(200, 1000, &mut requests), Some((1, 2)));
    requests[0].ladder = camera_at(29);
    at(100, 1900, &mut requests);
    let after = at(800, 1900, &mut requests);
    assert_eq!(after, Some((1, 2)), "its wait has not passed");
}

#[test]
fn a_rise_needs_headroom_and_no_interruption() {
    let mut now = Instant::now();
    let mut requests = cameras(1);
    look(now, kbps(600), &mut requests);
    now += 3000 * MS;
    for step in 0..200 {
        now += 100 * MS;
        // Enough to keep the best, and not enough to take it; or enough, and never for long.
        let rate = if step % 2 == 0 { 1410 } else { 1370 };
        let rate = if step < 100 {
            rate
        } else {
            1300 + 300 * (step % 7) / 6
        };
        let (allotments, _) = look(now, kbps(rate), &mut requests);
        assert_eq!(layers(&allotments[0]), Some((1, 2)), "{step}");
    }
}

#[test]
fn a_camera_that_counts_another_frame_keeps_its_layers() {
    let now = Instant::now();
    let mut requests = cameras(1);
    look(now, kbps(1000), &mut requests);
    for (at, frame_rate) in (1..).zip([31, 30, 29, 30, 31, 32]) {
        requests[0].ladder = camera_at(frame_rate);
        let (allotments, _) = look(now + MS * 3_000 + MS * 200 * at, kbps(1000), &mut requests);
        let [one] = &allotments[..] else {
            panic!("one was asked for");
        };
        assert_eq!(layers(one), Some((1, 2)), "at {frame_rate} frames");
    }
}

#[test]
fn what_failed_is_tried_ever_less_often() {
    let start = Instant::now();
    let mut requests = cameras(1);
    look(start, kbps(1000), &mut requests);
    let mut rises = Vec::new();
    // Whenever the best is sent, the estimate turns out to be less.
    let mut best = false;
    for step in 0..1200 {
        let now = start + step * 100 * MS;
        let rate = if best { 1300 } else { 1900 };
        let (allotments, _) = look(now, kbps(rate), &mut requests);
        if !best && layers(&allotments[0]) == Some((2, 2)) {
            rises.push(step / 10);
        }
        best = layers(&allotments[0]) == Some((2, 2));
    }
    assert!((5..9).contains(&rises.len()), "{rises:?}");
    let waits: Vec<_> = rises.windows(2).map(|two| two[1] - two[0]).collect();
    let grows = waits.windows(2).all(|two| two[1] + 1 >= two[0]);
    assert!(grows && waits.last() > Some(&20), "{waits:?}");
    // A link that has become much better is not made to wait.
    let now = start + 121_000 * MS;
    look(now, kbps(1000), &mut requests);
    look(now, kbps(2600), &mut requests);
    let (allotments, _) = look(now + RISE_AFTER, kbps(2600), &mut requests);
    assert_eq!(layers(&allotments[0]), Some((2, 2)));
}

#[test]
fn after_a_rise_that_failed_a_smaller_one_is_made() {
    let mut now = Instant::now();
    let mut requests = cameras(1);
    let mut at = |millis: u32, rate, requests: &mut [Request]| {
        now += millis * MS;
        let (allotments, _) = look(now, kbps(rate), requests);
        (layers(&allotments[0]).unwrap(), allotments[0].limit)
    };
    at(0, 200, &mut requests);
    at(6000, 1900, &mut requests);
    assert_eq!(at(800, 1900, &mut requests), ((2, 2), Limit::Nothing));
    assert_eq!(at(200, 280, &mut requests), ((0, 2), Limit::Bandwidth));
    // All fits again, and is not believed yet; but what is below it is.
    at(200, 1900, &mut requests);
    assert_eq!(at(800, 1900, &mut requests).0, (1, 2));
    assert_eq!(at(100, 1900, &mut requests).1, Limit::Trial);
    at(3200, 1900, &mut requests);
    assert_eq!(at(800, 1900, &mut requests), ((2, 2), Limit::Nothing));
}

#[test]
fn who_comes_gets_the_place_of_layers() {
    let now = Instant::now();
    let mut requests = cameras(2);
    look(now, kbps(3500), &mut requests);
    requests.push(request(2, camera()));
    let (allotments, _) = look(now, kbps(3500), &mut requests);
    let mut all: Vec<_> = allotments.iter().filter_map(layers).collect();
    all.sort_unstable();
    assert_eq!(all, [(1, 2), (1, 2), (2, 2)]);
}

#[test]
fn small_changes_of_rates_move_nobody() {
    let mut dice = fastrand::Rng::with_seed(3);
    let start = Instant::now();
    let mut requests = cameras(4);
    let (first, _) = look(start, kbps(3000), &mut requests);
    let mut changes = 0;
    let mut before: Vec<_> = first.iter().map(layers).collect();
    for step in 1..600 {
        for request in &mut requests {
            let base = camera();
            let rungs = base.rungs().iter().map(|rung| Rung {
                bitrate: Bitrate::from_bps(rung.bitrate.bps() * dice.u64(97..104) / 100),
                ..*rung
            });
            request.ladder = Ladder::new(rungs);
        }
        let rate = kbps(dice.u64(2900..3100));
        let (allotments, _) = look(start + step * 100 * MS, rate, &mut requests);
        let now: Vec<_> = allotments.iter().map(layers).collect();
        changes += now.iter().zip(&before).filter(|(a, b)| a != b).count();
        before = now;
    }
    assert!(changes <= 4, "{changes} changes in a minute");
}

/// Rates and values as a publisher may claim them.
fn any_ladder(dice: &mut fastrand::Rng, hostile: bool) -> Ladder {
    let count = dice.usize(0..30);
    Ladder::new((0..count).map(|_| {
        let rate = match dice.u8(0..6) {
            0 if hostile => u64::MAX,
            1 if hostile => u64::MAX / 2,
            2 if hostile => 0,
            _ => dice.u64(1..3_000_000),
        };
        let value = match dice.u8(0..4) {
            0 if hostile => u32::MAX,
            1 if hostile => 0,
            _ => dice.u32(0..10_000),
        };
        Rung {
            layers: Layers::all_of(dice.u8(0..3)),
            bitrate: Bitrate::from_bps(rate),
            value,
        }
    }))
}

fn any_requests(dice: &mut fastrand::Rng, most: usize, hostile: bool) -> Vec<Request> {
    let priorities = [
        Priority::Ordinary,
        Priority::Speaker,
        Priority::Screen,
        Priority::Pinned,
    ];
    let count = dice.usize(0..most);
    (0..count)
        .map(|track| Request {
            priority: priorities[dice.usize(0..4)],
            rank: dice.u32(..),
            ..request(track as u64, any_ladder(dice, hostile))
        })
        .collect()
}

#[test]
fn never_more_than_the_budget_whatever_is_claimed() {
    for seed in 0..300 {
        let mut dice = fastrand::Rng::with_seed(seed);
        let mut requests = any_requests(&mut dice, 12, true);
        let start = Instant::now();
        for step in 0..50 {
            let budget = Budget {
                estimate: Bitrate::from_bps(dice.u64(0..20_000_000)),
                reserved: Bitrate::from_bps(dice.u64(0..100_000)),
                granted: Bitrate::default(),
            };
            let (allotments, demand) = allocate(start + step * 300 * MS, budget, &requests);
            let spent = total(&allotments) + budget.reserved.bps();
            assert!(spent <= budget.estimate.bps().max(budget.reserved.bps()));
            assert_eq!(demand.allotted.bps(), spent);
            assert!(
                demand.next.is_none_or(|next| next.bps() > spent),
                "{demand:?}"
            );
            for (request, allotment) in requests.iter_mut().zip(&allotments) {
                assert_eq!(request.track, allotment.track);
                request.former = Some(*allotment);
                if dice.u8(0..10) == 0 {
                    request.ladder = any_ladder(&mut dice, true);
                }
            }
        }
    }
}

/// What a fresh division is worth: who is seen, the most important first, then how well.
fn worth(requests: &[Request], allotments: &[Allotment]) -> (Vec<bool>, u64) {
    let mut seen: Vec<_> = requests.iter().zip(allotments).collect();
    let rank = |request: &Request| {
        let rank = (request.priority, request.rank);
        (std::cmp::Reverse(rank), request.track)
    };
    seen.sort_by_key(|(request, _)| rank(request));
    let shown = seen
        .iter()
        .map(|(request, one)| u64::from(one.value) * request.priority.weight());
    let sum = shown.sum();
    (
        seen.iter().map(|(_, one)| one.layers.is_some()).collect(),
        sum,
    )
}

#[test]
fn more_budget_is_never_worth_less() {
    for seed in 0..400 {
        let mut dice = fastrand::Rng::with_seed(seed);
        let requests = any_requests(&mut dice, 8, false);
        let start = Instant::now();
        let mut before = (Vec::new(), 0);
        let mut rate = 0;
        for _ in 0..60 {
            rate += dice.u64(0..300_000);
            let (allotments, _) = allocate(start, of(Bitrate::from_bps(rate)), &requests);
            let now = worth(&requests, &allotments);
            // A base more takes from the steps above.
            let is_more = now.0 > before.0 || now.0 == before.0 && now.1 >= before.1;
            assert!(is_more, "seed {seed} at {rate}: {now:?} after {before:?}");
            before = now;
        }
    }
}

#[test]
fn the_same_asked_is_the_same_answered() {
    let mut dice = fastrand::Rng::with_seed(1);
    let requests = any_requests(&mut dice, 100, true);
    let now = Instant::now();
    let once = allocate(now, of(kbps(30_000)), &requests);
    assert_eq!(once, allocate(now, of(kbps(30_000)), &requests));
}

#[test]
fn a_deep_fall_leaves_room_for_the_queue_that_stands_behind_it() {
    let mut now = Instant::now();
    let mut requests = cameras(1);
    look(now, kbps(2000), &mut requests);
    now += 10_000 * MS;
    let (allotments, _) = look(now, kbps(650), &mut requests);
    assert_eq!(layers(&allotments[0]), Some((0, 2)));
    for (after, expected) in [(100, (0, 2)), (1000, (1, 2))] {
        let (allotments, _) = look(now + after * MS, kbps(650), &mut requests);
        assert_eq!(layers(&allotments[0]), Some(expected), "{after}");
    }
}
