//! What one forwarded packet costs: the engine, from the inbound datagram to the sealed batch,
//! beside a floor that only copies a header and seals, with as many keys, in the same run.
//!
//! ```text
//! cargo bench --bench fanout              # the table
//! cargo bench --bench fanout -- --quick   # fewer rounds: does it run?
//! cargo bench --bench fanout -- 100 1000  # these numbers of subscribers, for a profiler
//! ```
//!
//! One publisher sends frames of [`FRAME`] packets, which arrive as one burst, to 1, 10, 100 and
//! 1000 subscribers. Time is this thread's CPU time, so that what else the machine does counts
//! little; still, compare ratios of one run only. Floor and engine alternate, round by round, and
//! the median of each round's ratio is what is printed.

#![allow(
    clippy::unwrap_used,
    reason = "a bench may stop at what it did not expect"
)]

#[allow(dead_code, reason = "shared with the worker's tests")]
#[path = "../../tests/worker/client.rs"]
mod client;
mod clock;
mod engine;
mod floor;
#[allow(dead_code, reason = "shared with the worker's tests")]
#[path = "../../tests/worker/meeting.rs"]
mod meeting;

use engine::Engine;
use floor::Floor;
use sfu_core::media::codec::MediaKind;

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
    for (what, kind) in [
        ("video (VP8, picture id rewritten)", MediaKind::Video),
        ("audio (Opus, sealed from where it lies)", MediaKind::Audio),
    ] {
        println!("\n{what}: 1 publisher, frames of {FRAME} packets of 1200 bytes, AES-256-GCM");
        println!(
            "{:>12} {:>10} {:>10} {:>7} {:>12} {:>10}",
            "subscribers", "floor ns", "engine ns", "ratio", "allocations", "forwarded"
        );
        let rows: Vec<Row> = subscribers
            .iter()
            .map(|&subscribers| {
                let row = measure(kind, subscribers, &effort);
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
}

fn measure(kind: MediaKind, subscribers: usize, effort: &Effort) -> Row {
    let mut engine = Engine::new(kind, subscribers);
    let mut floor = Floor::new(subscribers, engine.wire_header_len(), PAYLOAD);
    let frames = (effort.packets / FRAME / subscribers).max(4);
    // Queues, tables and processor caches take their shape.
    engine.run(frames);
    floor.run(frames);
    let mut samples = Vec::new();
    for round in 0..effort.rounds {
        // Whoever goes second finds the other's mess in the caches: they take turns.
        let (engine_ns, floor_ns) = if round % 2 == 0 {
            let engine_ns = engine.run(frames);
            (engine_ns, floor.run(frames))
        } else {
            let floor_ns = floor.run(frames);
            (engine.run(frames), floor_ns)
        };
        samples.push((engine_ns, floor_ns));
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
