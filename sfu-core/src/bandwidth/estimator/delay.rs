//! What the arrival times of packets say of the queues on the way.

use super::busy_rate::BusyRate;
use super::expected_queue;
use super::inter_arrival::InterArrival;
use super::overuse::Overuse;
use super::queueing::Queueing;
use super::report::Usage;
use super::sent_history::Sent;
use super::standing_queue::{StandingQueue, Verdict};
use super::trendline::Trendline;
use crate::bandwidth::recording::kept::kept;

/// A trend counts for nothing before packets wait this long for no reason, in microseconds.
///
/// Higher: a growing queue is obeyed later. Lower: jitter costs a layer.
const LEAST_QUEUE: i64 = 12_000;

/// What the delay says.
#[derive(Clone, Debug)]
pub(super) struct Delay {
    groups: InterArrival,
    line: Trendline,
    overuse: Overuse,
    queueing: Queueing,
    busy: BusyRate,
    standing: StandingQueue,
    trend: f64,
    /// Some group since the last feedback was over.
    was_over: bool,
    usage: Usage,
    /// How much later than expected the last packet came, and how much that changes.
    by_chance: i64,
    jitter: f64,
    has_found_others: bool,
}

impl Delay {
    pub(super) fn new() -> Self {
        Self {
            groups: InterArrival::default(),
            line: Trendline::new(),
            overuse: Overuse::new(),
            queueing: Queueing::new(),
            busy: BusyRate::default(),
            standing: StandingQueue::new(),
            trend: 0.0,
            was_over: false,
            usage: Usage::Normal,
            by_chance: 0,
            jitter: 0.0,
            has_found_others: false,
        }
    }

    pub(super) const fn trend(&self) -> f64 {
        self.trend
    }

    pub(super) const fn threshold(&self) -> f64 {
        self.overuse.threshold()
    }

    /// True when the last feedback has shown that the queue is another flow's.
    pub(super) const fn has_found_others(&self) -> bool {
        self.has_found_others
    }

    /// How much packets are late by chance, in microseconds (RFC 3550 section 6.4.1).
    pub(super) const fn jitter(&self) -> f64 {
        // What is expected is told in coarse steps.
        (self.jitter - expected_queue::UNIT).max(0.0)
    }

    pub(super) const fn usage(&self) -> Usage {
        self.usage
    }

    /// True while another flow keeps the queue full.
    pub(super) fn is_shared(&self) -> bool {
        self.standing.is_shared()
    }

    /// How long packets wait behind what may be our own, in microseconds.
    pub(super) fn own_queueing(&self) -> i64 {
        self.standing.own(self.queueing.delay())
    }

    /// What the link carries while it is full, in bits per second, of who is alone on it or is not.
    pub(super) fn busy_rate(&self, is_alone: bool) -> Option<f64> {
        self.busy.rate(is_alone)
    }

    /// How long packets wait, in microseconds.
    pub(super) fn queueing(&self) -> i64 {
        self.queueing.delay()
    }

    /// A packet arrived at `arrival`, in microseconds of the receiver's clock.
    pub(super) fn arrived(&mut self, packet: &Sent, arrival: i64) {
        let expected = expected_queue::micros(packet.expected);
        let waited = self.queueing.packet(packet.at, arrival, expected);
        self.busy.packet(arrival, packet.size, waited);
        let by_chance = waited - expected;
        let difference = (by_chance - self.by_chance).unsigned_abs().min(1_000_000);
        self.jitter += (difference as f64 - self.jitter) / 16.0;
        self.by_chance = by_chance;
        // A probe makes a queue on purpose, for a moment.
        if packet.probe != 0 {
            return;
        }
        if let Some(gaps) = self.groups.packet(packet.at, arrival) {
            self.trend = self.line.update(gaps);
            self.was_over |= self.overuse.update(self.trend, gaps.sent, gaps.at) == Usage::Over;
        }
    }

    /// All of a feedback was told. Who `obeys` sends no more than it may. Who `is_alone` shares no line
    /// whose rate falls for all together.
    pub(super) fn update(&mut self, now: u64, rtt: u64, obeys: bool, is_alone: bool) {
        let unexplained = self.queueing.unexplained();
        let queueing = self.queueing.delay();
        // Of flows that know nothing of each other the one whose layers waver would give up for all, and the
        // others would take what it leaves.
        let long = if is_alone {
            unexplained
        } else {
            self.standing.beyond_bursts(now, queueing, unexplained)
        };
        let verdict = self.standing.update(now, (queueing, long), rtt, obeys);
        self.has_found_others = verdict == Verdict::Others;
        let is_growing = self.was_over && unexplained >= LEAST_QUEUE;
        self.was_over = self.overuse.usage() == Usage::Over;
        self.usage = match self.overuse.usage() {
            _ if is_growing => Usage::Over,
            Usage::Under => Usage::Under,
            _ if verdict == Verdict::TooLong => Usage::Over,
            Usage::Over | Usage::Normal => Usage::Normal,
        };
    }

    /// Feedback is back after silence: what lay between says nothing.
    pub(super) fn begin_anew(&mut self) {
        self.groups = InterArrival::default();
        self.line = Trendline::new();
        self.queueing.begin_anew();
        self.busy = BusyRate::default();
        self.was_over = false;
        self.usage = Usage::Normal;
    }
}

kept!(Delay {
    groups,
    line,
    overuse,
    queueing,
    busy,
    by_chance,
    standing,
    trend,
    was_over,
    usage,
    jitter,
    has_found_others
});
