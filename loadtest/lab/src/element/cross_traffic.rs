//! Others' traffic: flows that fill what they find and back off when they lose, as TCP does.
//!
//! A model, not a stack: one packet is one acknowledgement, a loss is known when something behind it
//! is acknowledged, and what is lost is sent again as something new. What it keeps of NewReno (RFC
//! 5681, RFC 6582) is what a neighbour feels of it: slow start, one halving for each round trip with
//! losses, a step of one packet for each round trip without, and a timeout that starts all over.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use fastrand::Rng;

/// What flows are like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FlowKind {
    /// Round trip without queues.
    pub(crate) rtt: Duration,
    pub(crate) from: Instant,
    pub(crate) to: Instant,
    /// Files of these many bytes, from and to, with pauses of this mean between them; without, one
    /// file without an end.
    pub(crate) files: Option<([u64; 2], Duration)>,
}

/// One flow.
pub(crate) struct Flow {
    kind: FlowKind,
    luck: Rng,
    starts: Option<Instant>,
    /// How many packets may be under way, and from where on that grows slowly.
    window: f64,
    threshold: f64,
    /// The number of the next packet, and those that are under way.
    number: u64,
    under_way: VecDeque<u64>,
    acknowledgements: VecDeque<(Instant, u64)>,
    /// Losses before this number have been answered.
    recovers: u64,
    /// How many of the file are still to be sent.
    left: u64,
    times_out: Option<Instant>,
    timeouts: u32,
}

impl Flow {
    /// A packet's size, from its IP header on.
    pub(crate) const PACKET: usize = 1_500;
    /// RFC 6928.
    const FIRST_WINDOW: f64 = 10.0;
    /// 24 Mbit/s at a round trip of a second. Raising it costs memory where a queue has no end;
    /// lowering it leaves fast lines unfilled.
    const MOST_WINDOW: f64 = 2_000.0;
    /// RFC 6298 section 2.4.
    const TIMEOUT: Duration = Duration::from_secs(1);
    const MOST_TIMEOUTS: u32 = 6;

    /// `at_once`: one of files begins with a file, not with a pause.
    pub(crate) fn new(kind: FlowKind, at_once: bool, seed: u64) -> Self {
        let mut luck = Rng::with_seed(seed);
        // Within the first round trip, so that flows of one kind do not move in step.
        let mut starts = kind.from + kind.rtt.mul_f64(luck.f64());
        if let Some((_, mean)) = kind.files.filter(|_| !at_once) {
            starts += exponential(&mut luck, mean);
        }
        Self {
            kind,
            luck,
            starts: Some(starts),
            window: 0.0,
            threshold: 0.0,
            number: 0,
            under_way: VecDeque::new(),
            acknowledgements: VecDeque::new(),
            recovers: 0,
            left: 0,
            times_out: None,
            timeouts: 0,
        }
    }

    /// When it next has something to do.
    pub(crate) fn next(&self) -> Option<Instant> {
        let acknowledged = self.acknowledgements.front().map(|(at, _)| *at);
        let next = [self.starts, acknowledged, self.times_out];
        let next = next.into_iter().flatten().min()?;
        (next < self.kind.to).then_some(next)
    }

    /// Lets it do what is due at `now`. Packets then wait in [`Flow::poll`].
    pub(crate) fn handle(&mut self, now: Instant) {
        if self.starts.is_some_and(|at| at <= now) {
            self.start();
        }
        while let Some((_, number)) = self.acknowledgements.pop_front_if(|(at, _)| *at <= now) {
            self.acknowledge(now, number);
        }
        if self.times_out.is_some_and(|at| at <= now) {
            self.time_out();
        }
    }

    /// The number of a packet that it sends at `now`.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<u64> {
        let may = (self.under_way.len() as f64) < self.window.floor();
        if now >= self.kind.to || self.left == 0 || !may {
            return None;
        }
        let number = self.number;
        self.number += 1;
        self.left -= 1;
        self.under_way.push_back(number);
        self.times_out.get_or_insert(now + self.timeout());
        Some(number)
    }

    /// The bottleneck has carried that packet.
    pub(crate) fn carried(&mut self, now: Instant, number: u64) {
        let at = now + self.kind.rtt;
        self.acknowledgements.push_back((at, number));
    }

    fn start(&mut self) {
        self.starts = None;
        self.window = Self::FIRST_WINDOW;
        self.threshold = Self::MOST_WINDOW;
        self.left = match self.kind.files {
            Some(([from, to], _)) => self.luck.u64(from..=to).div_ceil(Self::PACKET as u64),
            None => u64::MAX,
        };
    }

    fn acknowledge(&mut self, now: Instant, number: u64) {
        if self.under_way.front().is_none_or(|first| *first > number) {
            // Given up by a timeout.
            return;
        }
        let mut lost = None;
        while let Some(before) = self.under_way.pop_front_if(|first| *first < number) {
            lost = Some(before);
            self.left = self.left.saturating_add(1);
        }
        self.under_way.pop_front_if(|first| *first == number);
        self.timeouts = 0;
        if lost.is_some_and(|number| number >= self.recovers) {
            self.threshold = (self.window / 2.0).max(2.0);
            self.window = self.threshold;
            self.recovers = self.number;
        } else if number >= self.recovers {
            let slow = self.window >= self.threshold;
            self.window += if slow { 1.0 / self.window } else { 1.0 };
            self.window = self.window.min(Self::MOST_WINDOW);
        }
        self.times_out = (!self.under_way.is_empty()).then(|| now + self.timeout());
        self.pause(now);
    }

    /// Begins with the next file when this one has come.
    fn pause(&mut self, now: Instant) {
        if let Some((_, mean)) = self.kind.files
            && self.left == 0
            && self.under_way.is_empty()
        {
            self.starts = Some(now + exponential(&mut self.luck, mean));
        }
    }

    fn time_out(&mut self) {
        let lost = self.under_way.len();
        self.left = self.left.saturating_add(lost as u64);
        self.under_way.clear();
        self.threshold = (lost as f64 / 2.0).max(2.0);
        self.window = 1.0;
        self.recovers = self.number;
        self.timeouts = (self.timeouts + 1).min(Self::MOST_TIMEOUTS);
        self.times_out = None;
    }

    fn timeout(&self) -> Duration {
        Self::TIMEOUT.max(self.kind.rtt * 2) * 2_u32.pow(self.timeouts)
    }
}

/// A time of the exponential distribution with this mean.
fn exponential(luck: &mut Rng, mean: Duration) -> Duration {
    // `1 - u` is never 0.
    mean.mul_f64(-(1.0 - luck.f64()).ln())
}
