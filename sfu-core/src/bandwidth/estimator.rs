//! How much a subscriber's network carries: the congestion control of one transport's sending side.
//!
//! What is sent and what the receiver says of it comes in as plain values; an estimate, a pacing rate
//! and probes come out. The same inputs give the same outputs, so that a recording of the inputs can
//! be run again.
//!
//! The walk of a feedback: [`sent_history`] says what each packet was, [`arrival_clock`] when it
//! arrived; `delay` sees whether a queue grows or stands, and [`rate_control`] obeys it; [`loss`]
//! tells losses of a full link from those of a bad one; [`probe_result`] measures what [`probe`] asked for.
//! The estimate is the least that they allow. Who gives no transport-wide feedback is served by
//! what it allows itself (REMB) and by [`receiver_report`].

mod acknowledged_rate;
mod arrival_clock;
mod busy_rate;
mod coupling;
mod delay;
mod expected_queue;
mod facts;
mod inter_arrival;
mod kept;
mod line;
mod link_capacity;
mod loss;
mod overuse;
mod pace;
mod probe;
mod probe_result;
mod queueing;
mod rate_control;
mod receiver_report;
mod report;
mod sent_history;
mod sent_rate;
mod settle;
mod silence;
mod standing_queue;
#[cfg(test)]
mod tests;
mod told;
mod trendline;

use std::time::{Duration, Instant};

pub use line::{Heard, Line, MAX_MEMBERS, Share};
pub use report::{EstimatorReport, Limit, Usage};

use acknowledged_rate::AcknowledgedRate;
use arrival_clock::ArrivalClock;
use delay::Delay;
use expected_queue::ExpectedQueue;
use facts::Facts;
use loss::LossControl;
use probe::{ProbeControl, Situation};
use probe_result::{ProbeResults, Proven};
use queueing::Least;
use rate_control::RateControl;
use receiver_report::ReportedLoss;
use sent_history::{Sent, SentHistory};
use sent_rate::SentRate;
use silence::Silence;

use crate::bandwidth::departure::{Class, Demand, Probe, SentPacket};
use crate::unit::Bitrate;

/// The estimate before anything is known.
///
/// Higher: a bad link begins with a full queue. Lower: a good one begins with a bad picture.
pub const FIRST_ESTIMATE: Bitrate = Bitrate::from_bps(300_000);

/// The least estimate: some sound and a few control packets.
///
/// Higher: on a worse link than that the queue never drains. Lower: a link that is found dead for a
/// while takes longer to come back.
pub const MIN_ESTIMATE: Bitrate = Bitrate::from_bps(40_000);

/// The highest estimate.
///
/// Higher: what a packet history holds is less than a slow feedback's time. Lower: a large room's
/// subscriber on a good link gets less than it could.
pub const MAX_ESTIMATE: Bitrate = Bitrate::from_bps(100_000_000);

/// How long a receiver's word (REMB) stands.
const REMB_STANDS: u64 = 5_000_000;

/// Below this part of the estimate it is the application that limits what is sent.
const USED: f64 = 0.8;

/// The span in which the least round trip is looked for, in microseconds, and another of the same.
const LEAST_RTT_SPAN: i64 = 15_000_000;

/// The congestion control of one transport's sending side.
#[derive(Clone, Debug)]
pub struct Estimator {
    epoch: Instant,
    history: SentHistory,
    expected: ExpectedQueue,
    /// Pictures were sent.
    has_pictures: bool,
    sent_rate: SentRate,
    silence: Silence,
    clock: ArrivalClock,
    acknowledged: AcknowledgedRate,
    delay: Delay,
    control: RateControl,
    loss: LossControl,
    reported: ReportedLoss,
    results: ProbeResults,
    probes: ProbeControl,
    demand: Demand,
    remb: Option<(u64, f64)>,
    /// In microseconds.
    rtt: Option<u64>,
    least_rtt: Least,
    /// When what was held up while it was silent has come through, in microseconds.
    settles: u64,
    estimate: f64,
    /// What may be sent: the estimate and what others of the line lend.
    budget: f64,
    /// What its line gives it; `None` while it is controlled alone.
    share: Option<Share>,
    /// What the last feedback has to say to a line.
    facts: Option<Facts>,
    proven: Option<Proven>,
    limit: Limit,
    told_in_vain: u64,
    feedbacks: u64,
}

impl Estimator {
    /// For a transport that can send from `now` on.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        let first = FIRST_ESTIMATE.bps() as f64;
        Self {
            epoch: now,
            history: SentHistory::new(),
            expected: ExpectedQueue::default(),
            has_pictures: false,
            sent_rate: SentRate::default(),
            silence: Silence::default(),
            clock: ArrivalClock::default(),
            acknowledged: AcknowledgedRate::new(),
            delay: Delay::new(),
            control: RateControl::new(first),
            loss: LossControl::new(),
            reported: ReportedLoss::new(first),
            results: ProbeResults::default(),
            probes: ProbeControl::default(),
            demand: Demand::default(),
            remb: None,
            rtt: None,
            least_rtt: Least::new(LEAST_RTT_SPAN),
            settles: 0,
            estimate: first,
            budget: first,
            share: None,
            facts: None,
            proven: None,
            limit: Limit::Start,
            told_in_vain: 0,
            feedbacks: 0,
        }
    }

    /// A packet has left. Its numbers only grow. [`Self::poll_timeout`] may be earlier afterwards.
    pub fn on_sent(&mut self, now: Instant, sent: SentPacket) {
        let at = self.micros(now);
        let tag = sent_history::tag(sent.probe);
        let packet = Sent {
            at,
            size: sent.size,
            is_padding: sent.class == Class::Padding,
            probe: tag,
            expected: self.expected.sent(at, sent.size, self.sending()),
        };
        self.history.sent(sent.sequence, packet);
        self.has_pictures |= sent.class == Class::Video;
        self.sent_rate.sent(sent.size);
        self.silence.sent(at);
        if tag != 0 {
            self.results.sent(tag, sent.size);
        }
    }

    /// The receiver's own estimate (REMB), of one that gives no transport-wide feedback.
    pub fn on_remb(&mut self, now: Instant, bitrate: Bitrate) {
        let at = self.micros(now);
        let bitrate = bitrate.min(MAX_ESTIMATE).bps() as f64;
        self.remb = Some((at, bitrate));
        self.reported.allowed(bitrate);
        self.settle(at);
    }

    /// A receiver report's `fraction_lost` in 256ths and the round trip that it gives (RFC 3550
    /// section 6.4.1), of a receiver that gives no transport-wide feedback.
    pub fn on_receiver_report(&mut self, now: Instant, fraction_lost: u8, rtt: Option<Duration>) {
        let at = self.micros(now);
        if self.feedbacks > 0 {
            return;
        }
        if let Some(rtt) = rtt {
            self.take_rtt(micros_of(rtt));
        }
        self.sent_rate.update(at);
        let remb = self.remb.map(|(_, remb)| remb);
        self.reported
            .report(at, fraction_lost, self.sent_rate.rate(), remb);
        self.settle(at);
    }

    /// What is sent at present and what more is wanted.
    pub fn set_demand(&mut self, now: Instant, demand: Demand) {
        self.demand = demand;
        let at = self.micros(now);
        self.settle(at);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        let at = self.micros(now);
        if self.feedbacks > 0
            && let Some(rate) = self.silence.fall(at, self.rtt(), self.estimate)
        {
            self.control.limit(rate);
        }
        self.settle(at);
    }

    /// When [`Self::handle_timeout`] is to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let silence = self
            .silence
            .deadline(self.rtt())
            .filter(|_| self.feedbacks > 0);
        let probe = self.probes.deadline(self.budget, self.demand);
        let at = silence.into_iter().chain(probe).min()?;
        Some(self.epoch + Duration::from_micros(at))
    }

    /// A probe to send next. To be asked after feedback, a new demand and a timeout, until `None`.
    pub fn poll_probe(&mut self) -> Option<Probe> {
        let probe = self.probes.poll()?;
        self.results.watch(probe, sent_history::tag(Some(probe.id)));
        Some(probe)
    }

    /// What the network carries for it, its fair share of a line that it has with others: from
    /// [`MIN_ESTIMATE`] to [`MAX_ESTIMATE`].
    #[must_use]
    pub fn estimate(&self) -> Bitrate {
        Bitrate::from_bps(self.estimate as u64)
    }

    /// Whether feedback has come, and nothing in it has shown yet what the link carries.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.limit == Limit::Application
    }
}

fn micros_of(span: Duration) -> u64 {
    span.as_secs() * 1_000_000 + u64::from(span.subsec_micros())
}
