//! A small world: senders at their estimate, one bottleneck with a drop-tail queue, receivers that
//! give feedback. Steps of a millisecond, no luck but the seed's.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::super::Estimator;
use crate::bandwidth::departure::{Class, Demand, Probe, ProbeId, SentPacket};
use crate::id::Ssrc;
use crate::unit::Bitrate;
use crate::wire::rtcp::{self, FeedbackHeader, RtcpItem};

/// Of the media's packets, in bytes on the wire.
const PACKET: u16 = 1_200;

/// What there is to send.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// As much as the estimate allows.
    Greedy,
    /// The highest of these layers that the estimate allows, in pictures 30 times a second; a rise waits for two seconds.
    Layers(Vec<f64>),
}

/// The way there and back.
pub(super) struct Way {
    /// What the bottleneck carries, in bits per second, by the millisecond.
    pub(super) capacity: Box<dyn Fn(u64) -> f64>,
    /// How long its queue is, in milliseconds at its capacity.
    pub(super) queue_ms: f64,
    /// The part that is lost by chance, by the millisecond.
    pub(super) loss: Box<dyn Fn(u64) -> f64>,
    /// There and back, in milliseconds.
    pub(super) rtt_ms: u64,
    /// The most that a packet is late by chance, in milliseconds.
    pub(super) jitter_ms: f64,
    /// How often feedback is given, in milliseconds.
    pub(super) feedback_ms: u64,
    /// The part of feedback that is lost.
    pub(super) feedback_loss: f64,
}

impl Default for Way {
    fn default() -> Self {
        Self {
            capacity: Box::new(|_| 2e6),
            queue_ms: 300.0,
            loss: Box::new(|_| 0.0),
            rtt_ms: 50,
            jitter_ms: 0.0,
            feedback_ms: 100,
            feedback_loss: 0.0,
        }
    }
}

/// A packet in the bottleneck.
struct Queued {
    owner: usize,
    sequence: u64,
    size: u16,
    since_us: u64,
}

/// What of a sender is kept for judgement, each tenth of a second.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bin {
    pub(super) estimate: f64,
    pub(super) carried: f64,
    pub(super) queue_ms: f64,
}

pub(super) struct Peer {
    pub(super) estimator: Estimator,
    source: Source,
    layer: usize,
    may_rise: u64,
    /// Bytes that wait in the pacer, and what may leave now.
    backlog: f64,
    budget: f64,
    sequence: u64,
    probe: Option<(Probe, f64, u32)>,
    /// Arrivals to be told: number and microseconds.
    heard: Vec<(u64, u64)>,
    told: u64,
    feedbacks: u8,
    pub(super) bins: Vec<Bin>,
    carried: f64,
    pub(super) probes: u32,
    /// When it comes, in milliseconds.
    pub(super) joins: u64,
}

/// A flow of TCP's kind: a window that grows by a packet each round trip and halves at a loss.
struct Window {
    size: f64,
    in_flight: f64,
    halved: u64,
    slow_start: bool,
    acks: VecDeque<u64>,
    carried: f64,
}

pub(super) struct World {
    pub(super) way: Way,
    pub(super) peers: Vec<Peer>,
    start: Instant,
    pub(super) ms: u64,
    queue: VecDeque<Queued>,
    queued: f64,
    budget: f64,
    rng: fastrand::Rng,
    /// (when, owner, feedback)
    feedback: VecDeque<(u64, usize, Vec<u8>)>,
    /// (arrival, owner, number, size)
    flying: Vec<(u64, usize, u64, u16)>,
    window: Option<Window>,
    /// What our packets waited, in milliseconds.
    pub(super) waits: Vec<(u64, f64)>,
    pub(super) cross: Vec<f64>,
}

impl World {
    #[allow(
        clippy::disallowed_methods,
        reason = "the test's clock begins somewhere"
    )]
    pub(super) fn new(way: Way, sources: Vec<Source>, seed: u64) -> Self {
        let start = Instant::now();
        let peers = sources
            .into_iter()
            .map(|source| Peer::new(start, source))
            .collect();
        Self {
            way,
            peers,
            start,
            ms: 0,
            queue: VecDeque::new(),
            queued: 0.0,
            budget: 0.0,
            rng: fastrand::Rng::with_seed(seed),
            feedback: VecDeque::new(),
            flying: Vec::new(),
            window: None,
            waits: Vec::new(),
            cross: Vec::new(),
        }
    }

    pub(super) fn with_window(mut self) -> Self {
        self.window = Some(Window {
            size: 10.0,
            in_flight: 0.0,
            halved: 0,
            slow_start: true,
            acks: VecDeque::new(),
            carried: 0.0,
        });
        self
    }

    pub(super) fn run(&mut self, seconds: u64) {
        let until = self.ms + seconds * 1_000;
        while self.ms < until {
            self.step();
            self.ms += 1;
        }
    }

    pub(super) fn now(&self) -> Instant {
        self.start + Duration::from_millis(self.ms)
    }

    fn step(&mut self) {
        let now = self.now();
        while self.feedback.front().is_some_and(|(at, ..)| *at <= self.ms) {
            let (_, owner, bytes) = self.feedback.pop_front().expect("looked");
            let estimator = &mut self.peers[owner].estimator;
            rtcp::read(&bytes, |item| {
                if let RtcpItem::TransportFeedback(feedback) = item {
                    estimator.on_transport_feedback(now, &feedback);
                }
            })
            .expect("well written");
        }
        for owner in 0..self.peers.len() {
            let sent = self.peers[owner].step(now, self.ms);
            for (at, (sequence, size)) in sent.into_iter().enumerate() {
                let since_us = self.ms * 1_000 + at.min(9) as u64;
                self.enqueue(Queued {
                    owner,
                    sequence,
                    size,
                    since_us,
                });
            }
        }
        self.step_window();
        self.drain();
        self.arrive();
        for owner in 0..self.peers.len() {
            self.tell(owner);
        }
        if self.ms % 100 == 99 {
            let capacity = (self.way.capacity)(self.ms);
            let queue_ms = self.queued * 8_000.0 / capacity.max(1.0);
            for peer in &mut self.peers {
                let estimate = peer.estimator.estimate().bps() as f64;
                let carried = std::mem::take(&mut peer.carried) * 80.0;
                peer.bins.push(Bin {
                    estimate,
                    carried,
                    queue_ms,
                });
            }
            if let Some(window) = &mut self.window {
                self.cross.push(std::mem::take(&mut window.carried) * 80.0);
            }
        }
    }

    fn enqueue(&mut self, packet: Queued) {
        let room = (self.way.capacity)(self.ms) * self.way.queue_ms / 8_000.0;
        if self.queued + f64::from(packet.size) > room.max(2_500.0) {
            if packet.owner == usize::MAX {
                let window = self.window.as_mut().expect("its packet");
                window.in_flight -= 1.0;
                window.slow_start = false;
                if self.ms > window.halved + self.way.rtt_ms + 100 {
                    window.size = (window.size * 0.7).max(2.0);
                    window.halved = self.ms;
                }
            }
            return;
        }
        self.queued += f64::from(packet.size);
        self.queue.push_back(packet);
    }

    fn drain(&mut self) {
        self.budget += (self.way.capacity)(self.ms) / 8_000.0;
        while let Some(packet) = self.queue.front() {
            let size = f64::from(packet.size);
            if self.budget < size {
                return;
            }
            self.budget -= size;
            self.queued -= size;
            let packet = self.queue.pop_front().expect("looked");
            let now_us = self.ms * 1_000 + 999;
            if packet.owner == usize::MAX {
                let window = self.window.as_mut().expect("its packet");
                window.acks.push_back(self.ms + self.way.rtt_ms);
                window.carried += size;
                continue;
            }
            self.waits
                .push((self.ms, (now_us - packet.since_us) as f64 / 1_000.0));
            if self.rng.f64() < (self.way.loss)(self.ms) {
                continue;
            }
            let jitter = (self.rng.f64() * self.way.jitter_ms * 1_000.0) as u64;
            let spread = (size * 8e6 / (self.way.capacity)(self.ms).max(1.0)) as u64;
            let arrival = now_us + self.way.rtt_ms * 500 + jitter + spread.min(900);
            self.flying
                .push((arrival, packet.owner, packet.sequence, packet.size));
        }
        // An idle link saves nothing up.
        self.budget = self.budget.min(0.0);
    }

    fn arrive(&mut self) {
        let now_us = self.ms * 1_000 + 999;
        let peers = &mut self.peers;
        self.flying.retain(|&(arrival, owner, sequence, size)| {
            if arrival > now_us {
                return true;
            }
            peers[owner].heard.push((sequence, arrival));
            peers[owner].carried += f64::from(size);
            false
        });
    }

    fn tell(&mut self, owner: usize) {
        let peer = &mut self.peers[owner];
        if self.ms % self.way.feedback_ms != owner as u64 % 7 || peer.heard.is_empty() {
            return;
        }
        let mut heard = std::mem::take(&mut peer.heard);
        heard.sort_unstable();
        let bytes = peer.feedback(&heard);
        if self.rng.f64() >= self.way.feedback_loss {
            self.feedback
                .push_back((self.ms + self.way.rtt_ms / 2, owner, bytes));
        }
    }

    fn step_window(&mut self) {
        let Some(mut window) = self.window.take() else {
            return;
        };
        while window.acks.front().is_some_and(|&at| at <= self.ms) {
            window.acks.pop_front();
            window.in_flight -= 1.0;
            window.size += if window.slow_start {
                1.0
            } else {
                1.0 / window.size
            };
        }
        let mut new = 0;
        while window.in_flight + 1.0 <= window.size && new < 8 {
            window.in_flight += 1.0;
            new += 1;
        }
        self.window = Some(window);
        for _ in 0..new {
            let since_us = self.ms * 1_000;
            self.enqueue(Queued {
                owner: usize::MAX,
                sequence: 0,
                size: 1_500,
                since_us,
            });
        }
    }

    /// The 95th percentile of what our packets waited from `from` seconds on, in milliseconds.
    pub(super) fn wait_p95(&self, from: u64) -> f64 {
        let mut waits: Vec<f64> = self
            .waits
            .iter()
            .filter(|(at, _)| *at >= from * 1_000)
            .map(|&(_, wait)| wait)
            .collect();
        waits.sort_by(f64::total_cmp);
        waits.get(waits.len() * 95 / 100).copied().unwrap_or(0.0)
    }
}

impl Peer {
    fn new(start: Instant, source: Source) -> Self {
        Self {
            estimator: Estimator::new(start),
            source,
            layer: 0,
            may_rise: 0,
            backlog: 0.0,
            budget: 0.0,
            sequence: 1_000,
            probe: None,
            heard: Vec::new(),
            told: 1_000,
            feedbacks: 0,
            bins: Vec::new(),
            carried: 0.0,
            probes: 0,
            joins: 0,
        }
    }

    /// The mean of what was carried between two seconds, in bits per second.
    pub(super) fn carried(&self, from: usize, to: usize) -> f64 {
        let bins = &self.bins[from * 10..to * 10];
        bins.iter().map(|bin| bin.carried).sum::<f64>() / bins.len() as f64
    }

    /// The mean estimate between two seconds, in bits per second.
    pub(super) fn estimated(&self, from: usize, to: usize) -> f64 {
        let bins = &self.bins[from * 10..to * 10];
        bins.iter().map(|bin| bin.estimate).sum::<f64>() / bins.len() as f64
    }

    fn step(&mut self, now: Instant, ms: u64) -> Vec<(u64, u16)> {
        if ms < self.joins {
            return Vec::new();
        }
        if self.estimator.poll_timeout().is_some_and(|at| at <= now) {
            self.estimator.handle_timeout(now);
            let again = self.estimator.poll_timeout();
            assert!(again.is_none_or(|at| at > now), "a timeout is done once");
        }
        let estimate = self.estimator.estimate().bps() as f64;
        self.produce(now, ms, estimate);
        let mut sent = Vec::new();
        if self.probe.is_none() {
            self.probe = self.estimator.poll_probe().map(|probe| (probe, 0.0, 0));
            self.probes += u32::from(self.probe.is_some());
        }
        if let Some((probe, mut budget, mut bytes)) = self.probe.take() {
            let size = if self.backlog >= f64::from(PACKET) {
                PACKET
            } else {
                300
            };
            budget += probe.rate.bps() as f64 / 8_000.0;
            while budget >= 0.0 && bytes < probe.bytes.max(u32::from(probe.packets) * 300) {
                budget -= f64::from(size);
                bytes += u32::from(size);
                self.backlog = (self.backlog - f64::from(size)).max(0.0);
                sent.push(self.send(now, size, Some(probe.id)));
            }
            if bytes < probe.bytes.max(u32::from(probe.packets) * 300) {
                self.probe = Some((probe, budget, bytes));
            }
            return sent;
        }
        let pacing = self.estimator.pacing_rate().bps() as f64;
        self.budget = (self.budget + pacing / 8_000.0).min(pacing / 8_000.0 * 5.0);
        while self.budget > 0.0 && self.backlog >= f64::from(PACKET) {
            self.budget -= f64::from(PACKET);
            self.backlog -= f64::from(PACKET);
            sent.push(self.send(now, PACKET, None));
        }
        sent
    }

    fn produce(&mut self, now: Instant, ms: u64, estimate: f64) {
        match &self.source {
            Source::Greedy => {
                self.backlog = (self.backlog + estimate / 8_000.0).min(estimate / 40.0);
            }
            Source::Layers(layers) => {
                let fits = layers
                    .iter()
                    .rposition(|&rate| rate <= estimate)
                    .unwrap_or(0);
                if fits < self.layer {
                    self.layer = fits;
                    self.may_rise = ms + 2_000;
                    self.backlog = 0.0;
                } else if fits > self.layer && ms >= self.may_rise {
                    self.layer = fits;
                    // It begins with a picture as long as five of the others.
                    self.backlog += layers[self.layer] / 8_000.0 * 33.0 * 4.0;
                }
                let rate = |rate: f64| Bitrate::from_bps(rate as u64);
                let demand = Demand {
                    allotted: rate(layers[self.layer]),
                    next: layers.get(self.layer + 1).map(|&next| rate(next)),
                    most: rate(layers[layers.len() - 1]),
                };
                if ms.is_multiple_of(33) {
                    self.backlog += layers[self.layer] / 8_000.0 * 33.0;
                    self.estimator.set_demand(now, demand);
                }
            }
        }
    }

    fn send(&mut self, now: Instant, size: u16, probe: Option<ProbeId>) -> (u64, u16) {
        let sequence = self.sequence;
        self.sequence += 1;
        let class = if size == PACKET {
            Class::Video
        } else {
            Class::Padding
        };
        self.estimator.on_sent(
            now,
            SentPacket {
                sequence,
                size,
                class,
                probe,
            },
        );
        (sequence, size)
    }

    /// Tells of all numbers up to the highest that was heard.
    fn feedback(&mut self, heard: &[(u64, u64)]) -> Vec<u8> {
        let base = self.told.min(heard[0].0);
        let last = heard[heard.len() - 1].0;
        self.told = self.told.max(last + 1);
        let first = heard.iter().map(|&(_, at)| at).min().expect("some");
        let reference = first / 64_000;
        let mut before = reference * 64_000;
        let mut deltas = vec![None; (last - base + 1) as usize];
        for &(sequence, at) in heard {
            let delta = (at / 250) as i64 - (before / 250) as i64;
            deltas[(sequence - base) as usize] = Some(delta as i32);
            before = at;
        }
        let header = FeedbackHeader {
            sender: Ssrc(1),
            media: Ssrc(2),
            base_sequence: base as u16,
            reference_time: reference as u32 & 0xff_ffff,
            feedback_count: self.feedbacks,
        };
        self.feedbacks = self.feedbacks.wrapping_add(1);
        let mut out = vec![0; 30_000];
        let len = rtcp::transport_feedback(&mut out, header, &deltas).expect("it fits");
        out.truncate(len);
        out
    }
}
