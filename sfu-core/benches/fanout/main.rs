//! What one forwarded packet costs: the engine, from the inbound datagram to the sealed batch,
//! beside a floor that only copies a header and seals, with as many keys, in the same run.
//!
//! ```text
//! cargo bench --bench fanout              # the table
//! cargo bench --bench fanout -- --quick   # fewer rounds: does it run?
//! cargo bench --bench fanout -- 100 1000  # these numbers of subscribers, for a profiler
//! cargo bench --bench fanout -- svc 100   # one leg of it
//! cargo bench --bench fanout -- paced     # pacing and estimating, beside doing without
//! ```
//!
//! One publisher sends frames of [`FRAME`] packets, which arrive as one burst, to 1, 10, 100 and
//! 1000 subscribers. Time is this thread's CPU time, so that what else the machine does counts
//! little; still, compare ratios of one run only. Floor and engine alternate, round by round, and
//! the median of each round's ratio is what is printed.
//!
//! A ratio is of what one *forwarded* packet costs, and the floor seals as many packets as the
//! engine forwards. All that the engine does for them counts as theirs:
//!
//! * simulcast: three packets are opened, stored and offered to every subscriber for each one that
//!   is forwarded to a third of them;
//! * SVC: so is every layer, whoever wants it, and its descriptor read; each subscriber's is written
//!   anew. The recorded pictures have fewer packets than [`FRAME`], and a subscriber of few layers
//!   gets one or none of them: what is done once for each burst is borne by fewer packets than
//!   elsewhere, of the engine and of the floor;
//! * repairs: they count as forwarded, and opening the NACKs, one datagram for each repair, counts
//!   as their cost.

#![allow(
    clippy::unwrap_used,
    reason = "a bench may stop at what it did not expect"
)]

#[allow(dead_code, reason = "shared with the worker's tests")]
#[path = "../../tests/worker/client.rs"]
mod client;
mod clock;
#[allow(dead_code, reason = "shared with the tests of recordings")]
#[path = "../../tests/recorded/descriptor.rs"]
mod descriptor;
mod engine;
mod estimating;
mod floor;
mod leg;
#[allow(dead_code, reason = "shared with the worker's tests")]
#[path = "../../tests/worker/meeting.rs"]
mod meeting;
mod paced;
#[allow(dead_code, reason = "shared with the tests of recordings")]
#[path = "../../tests/recorded/playback.rs"]
mod playback;
#[allow(dead_code, reason = "shared with the tests of recordings")]
#[path = "../../tests/recorded/recording.rs"]
mod recording;
mod repairs;
mod svc;
#[allow(dead_code, reason = "shared with the tests of recordings")]
#[path = "../../tests/recorded/wire.rs"]
mod wire;

use engine::Engine;
use floor::Floor;
use leg::Leg;

/// Packets of a frame: what Chromium sends of a 720p picture, and what arrives in one burst.
const FRAME: usize = 8;

/// Bytes of an inbound packet's payload, so that the packet has 1200.
const PAYLOAD: usize = 1172;

const SUBSCRIBERS: [usize; 4] = [1, 10, 100, 1000];

/// Rounds of each engine and floor pair, and forwarded packets that a round aims at.
struct Effort {
    rounds: usize,
    packets: usize,
}

/// One row of the table: medians over the rounds.
struct Row {
    subscribers: usize,
    floor_ns: f64,
    engine_ns: f64,
    ratio: f64,
    allocations: u64,
    forwarded: u64,
}

fn main() {
    let quick = std::env::args().any(|arg| arg == "--quick");
    let effort = if quick {
        Effort {
            rounds: 3,
            packets: 4_000,
        }
    } else {
        Effort {
            rounds: 25,
            packets: 80_000,
        }
    };
    let mut subscribers: Vec<usize> = std::env::args()
        .filter_map(|arg| arg.parse().ok())
        .collect();
    if subscribers.is_empty() {
        subscribers.extend(SUBSCRIBERS);
    }
    let named = |leg: &Leg| std::env::args().any(|arg| arg == leg.name());
    let paced = std::env::args().any(|arg| arg == "paced");
    let all = !paced && !Leg::ALL.iter().any(named);
    for leg in Leg::ALL.into_iter().filter(|leg| all || named(leg)) {
        println!(
            "\n{}, 1 publisher, packets of 1200 bytes, AES-256-GCM",
            leg.title()
        );
        println!(
            "{:>12} {:>10} {:>10} {:>7} {:>12} {:>10}",
            "subscribers", "floor ns", "engine ns", "ratio", "allocations", "forwarded"
        );
        let rows: Vec<Row> = subscribers
            .iter()
            .map(|&subscribers| {
                let row = measure(leg, subscribers, &effort);
                println!(
                    "{:>12} {:>10.0} {:>10.0} {:>7.2} {:>12} {:>10}",
                    row.subscribers,
                    row.floor_ns,
                    row.engine_ns,
                    row.ratio,
                    row.allocations,
                    row.forwarded
                );
                row
            })
            .collect();
        let ratio_at = |subscribers| {
            let row = rows.iter().find(|row| row.subscribers == subscribers);
            row.map_or(f64::NAN, |row| row.ratio)
        };
        println!(
            "at 100: {:.2} x the floor; the ratio at 1000 is {:.2} x that at 10",
            ratio_at(100),
            ratio_at(1000) / ratio_at(10)
        );
    }
    if all || paced {
        println!("\nVP8 with feedback each 100 ms, without pacing and estimates and with them");
        println!(
            "{:>12} {:>10} {:>10} {:>7} {:>10} {:>10}",
            "subscribers", "without ns", "with ns", "ratio", "run", "run with"
        );
        for &subscribers in &subscribers {
            paced::compare(subscribers, effort.rounds, effort.packets);
        }
        println!("\nestimators and pacers alone, ns for each packet");
        println!(
            "{:>12} {:>10} {:>10} {:>10}",
            "subscribers", "sent", "told of", "paced"
        );
        for &subscribers in &subscribers {
            estimating::report(subscribers, effort.rounds, effort.packets);
        }
    }
}

fn measure(leg: Leg, subscribers: usize, effort: &Effort) -> Row {
    let mut engine = Engine::new(leg, subscribers);
    let frames = (effort.packets / FRAME / subscribers).max(4);
    // Queues, tables and processor caches take their shape.
    let mut last = engine.run(frames);
    let mut floor = Floor::new(subscribers, engine.wire_header_len(), PAYLOAD);
    floor.run(&last.frames);
    let mut samples = Vec::new();
    for round in 0..effort.rounds {
        // Whoever goes second finds the other's mess in the caches: they take turns.
        let floor_ns = if round % 2 == 0 {
            last = engine.run(frames);
            floor.run(&last.frames)
        } else {
            let floor_ns = floor.run(&last.frames);
            last = engine.run(frames);
            floor_ns
        };
        samples.push((last.each, floor_ns));
    }
    let forwarded = engine.forwarded();
    Row {
        subscribers,
        floor_ns: median(samples.iter().map(|s| s.1)),
        engine_ns: median(samples.iter().map(|s| s.0)),
        ratio: median(samples.iter().map(|s| s.0 / s.1)),
        allocations: engine.allocations(frames),
        forwarded,
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
