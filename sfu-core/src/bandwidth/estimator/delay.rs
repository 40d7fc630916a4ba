//! What the arrival times of packets say of the queues on the way.

use super::inter_arrival::InterArrival;
use super::overuse::Overuse;
use super::queueing::Queueing;
use super::report::Usage;
use super::sent_history::Sent;
use super::standing_queue::{StandingQueue, Verdict};
use super::trendline::Trendline;
use crate::bandwidth::recording::kept::kept;

/// A trend counts for nothing before packets wait this long, in microseconds: when the link is all
/// ours, and when less is sent than it has carried before.
///
/// Higher: a growing queue is obeyed later. Lower: jitter costs a layer.
const LEAST_QUEUE: i64 = 5_000;
const LEAST_QUEUE_WITH_ROOM: i64 = 12_000;

/// What the delay says.
#[derive(Clone, Debug)]
pub(super) struct Delay {
    groups: InterArrival,
    line: Trendline,
    overuse: Overuse,
    queueing: Queueing,
    standing: StandingQueue,
    trend: f64,
    /// Some group since the last feedback was over.
    was_over: bool,
    usage: Usage,
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
            standing: StandingQueue::new(),
            trend: 0.0,
            was_over: false,
            usage: Usage::Normal,
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
        self.jitter
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

    /// How long packets wait, in microseconds.
    pub(super) fn queueing(&self) -> i64 {
        self.queueing.delay()
    }

    /// A packet arrived at `arrival`, in microseconds of the receiver's clock.
    pub(super) fn arrived(&mut self, packet: &Sent, arrival: i64) {
        self.queueing.packet(packet.at, arrival);
        // A probe makes a queue on purpose, for a moment.
        if packet.probe != 0 {
            return;
        }
        if let Some(gaps) = self.groups.packet(packet.at, arrival) {
            let difference = (gaps.arrival - gaps.sent).unsigned_abs().min(1_000_000);
            self.jitter += (difference as f64 - self.jitter) / 16.0;
            self.trend = self.line.update(gaps);
            self.was_over |= self.overuse.update(self.trend, gaps.sent, gaps.at) == Usage::Over;
        }
    }

    /// All of a feedback was told.
    pub(super) fn update(&mut self, now: u64, rtt: u64, has_room: bool) {
        let queueing = self.queueing.delay();
        let verdict = self.standing.update(now, queueing, rtt);
        self.has_found_others = verdict == Verdict::Others;
        let least = if has_room {
            LEAST_QUEUE_WITH_ROOM
        } else {
            LEAST_QUEUE
        };
        let is_growing = self.was_over && queueing >= least;
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
        self.was_over = false;
        self.usage = Usage::Normal;
    }
}

kept!(Delay {
    groups,
    line,
    overuse,
    queueing,
    standing,
    trend,
    was_over,
    usage,
    jitter,
    has_found_others
});
