//! Elements that a packet passes one after the other.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::element::bottleneck::Bottleneck;
use crate::element::burst_loss::Bursts;
use crate::element::cross_traffic::{Flow, FlowKind};
use crate::element::delay::Delay;
use crate::element::duplicate::Duplicate;
use crate::element::jitter::Jitter;
use crate::element::loss::{Even, Loss};
use crate::element::queue::Queue;
use crate::element::reorder::Reorder;
use crate::element::{Meter, Packet, Stage};
use crate::log::LinkLog;
use crate::scenario::{Change, Element, Link, milliseconds, seconds};

/// One way over a network, shared by all whose packets are put into it. All times that it is told of
/// are in their order; one that is not counts as the last.
///
/// ```
/// # use std::time::{Duration, Instant};
/// # use sfu_lab::element::{Line, Packet};
/// # use sfu_lab::scenario::{Element, Link};
/// let start = Instant::now();
/// let link = Link::of("narrow", [Element::bottleneck(1_000.0, 300.0), Element::delay(20.0)]);
/// let mut line = Line::new(start, &link, 1);
/// // 1250 bytes are 10 ms of 1 Mbit/s.
/// line.put(Packet::new(start, 1_250, "to whom, and what"));
/// while let Some(now) = line.next() {
///     if let Some(packet) = line.take(now) {
///         assert_eq!(packet.at, start + Duration::from_millis(30));
///     }
/// }
/// ```
pub struct Line<T> {
    name: String,
    /// At least one.
    stages: Vec<Box<dyn Stage<T>>>,
    changes: VecDeque<(Instant, Change)>,
    meter: Meter,
    last: Instant,
}

impl<T: Clone + Send + 'static> Line<T> {
    /// The line of `link`, whose times count from `start`. Each element has luck of its own from `seed`;
    /// lines of different links need different ones.
    pub fn new(start: Instant, link: &Link, seed: u64) -> Self {
        let mut seeds = Rng::with_seed(seed);
        let mut meter = Meter::new(start);
        let mut stages: Vec<Box<dyn Stage<T>>> = Vec::new();
        let mut flows = Vec::new();
        for element in &link.elements {
            let seed = seeds.u64(..);
            if matches!(element, Element::CrossTraffic { .. }) {
                flows.extend(flows_of(element, start, seed));
            } else {
                stages.push(stage(element, start, seed, &mut flows, &mut meter));
            }
        }
        if stages.is_empty() {
            stages.push(Box::new(Delay::of(Duration::ZERO)));
        }
        let changes = link.changes.iter();
        let changes = changes.map(|change| (start + seconds(change.at), *change));
        Self {
            name: link.name.clone(),
            stages,
            changes: changes.collect(),
            meter,
            last: start,
        }
    }
}

impl<T> Line<T> {
    /// Takes a packet that has come at [`Packet::at`].
    pub fn put(&mut self, mut packet: Packet<T>) {
        packet.at = self.told(packet.at);
        self.change(packet.at);
        self.meter.came(packet.at, packet.size);
        self.stages[0].put(packet, &mut self.meter);
    }

    /// The next packet that has left by `now`, with the time at which it left. To be called until
    /// there is none.
    pub fn take(&mut self, now: Instant) -> Option<Packet<T>> {
        let now = self.told(now);
        self.change(now);
        self.walk(now);
        self.stages.last_mut()?.take(now, &mut self.meter)
    }

    /// When to call [`Line::take`] again, if nothing else comes: there may be no packet yet.
    pub fn next(&self) -> Option<Instant> {
        let leave = self.stages.iter().filter_map(|stage| stage.next());
        let change = self.changes.front().map(|(at, _)| *at);
        leave.chain(change).min()
    }

    /// The line is different from `at` on; [`Change::at`] means nothing here.
    pub fn apply(&mut self, at: Instant, change: &Change) {
        let at = self.told(at);
        self.change(at);
        self.apply_now(at, change);
    }

    /// What it did until `now`; `None` for a link without a bottleneck.
    pub fn log(&mut self, now: Instant) -> Option<LinkLog> {
        let now = self.told(now);
        self.change(now);
        self.walk(now);
        self.meter.has_rate().then(|| LinkLog {
            name: self.name.clone(),
            bins: self.meter.bins(now),
            waits: self.meter.waits().to_vec(),
        })
    }

    /// Packets of ours that it has lost.
    pub fn lost(&self) -> u64 {
        self.meter.all_lost()
    }

    fn told(&mut self, now: Instant) -> Instant {
        self.last = self.last.max(now);
        self.last
    }

    fn change(&mut self, now: Instant) {
        while let Some((at, change)) = self.changes.pop_front_if(|(at, _)| *at <= now) {
            self.apply_now(at, &change);
        }
    }

    fn apply_now(&mut self, at: Instant, change: &Change) {
        self.walk(at);
        for stage in &mut self.stages {
            stage.change(at, change, &mut self.meter);
        }
    }

    /// Lets packets go on until `now`, and those that are through wait in the last stage.
    fn walk(&mut self, now: Instant) {
        for at in 1..self.stages.len() {
            let (before, after) = self.stages.split_at_mut(at);
            while let Some(packet) = before[at - 1].take(now, &mut self.meter) {
                after[0].put(packet, &mut self.meter);
            }
        }
        if let Some(last) = self.stages.last_mut() {
            last.advance(now, &mut self.meter);
        }
    }
}

fn stage<T: Clone + Send + 'static>(
    element: &Element,
    start: Instant,
    seed: u64,
    flows: &mut Vec<Flow>,
    meter: &mut Meter,
) -> Box<dyn Stage<T>> {
    match *element {
        Element::Delay { ms } => Box::new(Delay::of(milliseconds(ms))),
        Element::Jitter {
            deviation_ms,
            most_ms,
        } => {
            let (deviation, most) = (milliseconds(deviation_ms), milliseconds(most_ms));
            Box::new(Jitter::of(deviation, most, seed))
        }
        Element::Loss { percent } => Box::new(Loss::of(Even::of(percent / 100.0, seed))),
        Element::BurstLoss { percent, burst } => {
            Box::new(Loss::of(Bursts::of(percent / 100.0, burst, seed)))
        }
        Element::Reorder { percent, ms } => {
            Box::new(Reorder::of(percent / 100.0, milliseconds(ms), seed))
        }
        Element::Duplicate { percent } => Box::new(Duplicate::of(percent / 100.0, seed)),
        Element::Bottleneck {
            kbps,
            queue_ms,
            queue,
        } => {
            let queue = Queue::of(milliseconds(queue_ms), queue);
            let flows = std::mem::take(flows);
            Box::new(Bottleneck::of((start, kbps), queue, flows, meter))
        }
        // Is part of the bottleneck behind it.
        Element::CrossTraffic { .. } => Box::new(Delay::of(Duration::ZERO)),
    }
}

fn flows_of(element: &Element, start: Instant, seed: u64) -> Vec<Flow> {
    let Element::CrossTraffic {
        flows,
        rtt_ms,
        from,
        to,
        files,
    } = *element
    else {
        return Vec::new();
    };
    let mut seeds = Rng::with_seed(seed);
    let bytes = |kbytes: f64| (kbytes * 1e3) as u64;
    let kind = FlowKind {
        rtt: milliseconds(rtt_ms),
        from: start + seconds(from),
        to: start + seconds(to),
        files: files.map(|files| (files.kbytes.map(bytes), seconds(files.pause))),
    };
    // RFC 8867 section 5.7: of ten people two begin at once, and the others have just read.
    let flow = |at| Flow::new(kind, at * 5 < flows, seeds.u64(..));
    (0..flows).map(flow).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::trial::{MS, Trial, each_ms};

    fn two_delays() -> (Instant, Line<u8>) {
        let start = Instant::now();
        let link = Link::of("way", [Element::delay(20.0), Element::delay(30.0)]);
        (start, Line::new(start, &link, 1))
    }

    #[test]
    fn a_line_of_nothing_lets_everything_pass_at_once() {
        let mut trial = Trial::of([]);
        let left = trial.put(100, [0.0, 3.0, 3.0]).end();
        assert_eq!(left, [(0, 0.0), (1, 3.0), (2, 3.0)]);
    }

    #[test]
    fn a_packet_leaves_at_its_time_even_when_it_is_taken_late() {
        let (start, mut line) = two_delays();
        line.put(Packet::new(start, 100, 0));
        assert!(line.take(start + MS * 49).is_none());
        let packet = line.take(start + MS * 500).expect("a packet");
        assert_eq!(packet.at, start + MS * 50);
    }

    #[test]
    fn the_next_packet_may_wait_in_any_element() {
        let (start, mut line) = two_delays();
        assert_eq!(line.next(), None);
        line.put(Packet::new(start, 100, 0));
        assert_eq!(line.next(), Some(start + MS * 20));
        assert!(line.take(start + MS * 20).is_none());
        assert_eq!(line.next(), Some(start + MS * 50));
    }

    #[test]
    fn each_element_has_its_own_luck() {
        let half = Element::Loss { percent: 50.0 };
        let kept = Trial::of([half, half]).put(100, each_ms(1_000)).numbers();
        assert!((200..300).contains(&kept.len()), "{} of 1000", kept.len());
    }

    #[test]
    fn time_does_not_go_back() {
        let (start, mut line) = two_delays();
        line.put(Packet::new(start + MS * 10, 100, 0));
        line.put(Packet::new(start, 100, 1));
        let left: Vec<_> = std::iter::from_fn(|| line.take(start + MS * 60)).collect();
        assert_eq!(left.len(), 2);
        assert!(left.iter().all(|packet| packet.at == start + MS * 60));
    }

    #[test]
    fn only_a_bottleneck_is_worth_a_log() {
        let (start, mut line) = two_delays();
        assert_eq!(line.log(start + MS), None);
        let link = Link::of("narrow", [Element::bottleneck(1_000.0, 300.0)]);
        let mut line: Line<u8> = Line::new(start, &link, 1);
        let log = line.log(start + MS * 200).expect("a log");
        assert_eq!((log.name.as_str(), log.bins.len()), ("narrow", 2));
    }
}
