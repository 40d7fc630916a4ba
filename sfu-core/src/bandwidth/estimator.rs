//! How much a subscriber's network carries: the congestion control of one transport's sending side.
//!
//! What is sent and what the receiver says of it comes in as plain values; an estimate, a pacing rate
//! and probes come out. The same inputs give the same outputs, so that a recording of the inputs can
//! be run again.

mod acknowledged_rate;
mod arrival_clock;
mod report;
mod sent_history;

use crate::bandwidth::recording::kept::kept;
use std::time::{Duration, Instant};

pub use report::{EstimatorReport, Limit, Usage};

use acknowledged_rate::AcknowledgedRate;
use arrival_clock::ArrivalClock;
use sent_history::{SentHistory, Told};

use crate::bandwidth::departure::{Demand, Probe, SentPacket};
use crate::unit::Bitrate;
use crate::wire::rtcp::TransportFeedback;

/// The estimate before anything is known.
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
const REMB_STANDS: Duration = Duration::from_secs(5);

/// The congestion control of one transport's sending side.
#[derive(Clone, Debug)]
pub struct Estimator {
    epoch: Instant,
    history: SentHistory,
    clock: ArrivalClock,
    acknowledged: AcknowledgedRate,
    demand: Demand,
    remb: Option<(Instant, Bitrate)>,
    estimate: Bitrate,
    told_in_vain: u64,
    feedbacks: u64,
}

impl Estimator {
    /// For a transport that can send from `now` on.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            epoch: now,
            history: SentHistory::new(),
            clock: ArrivalClock::default(),
            acknowledged: AcknowledgedRate::new(),
            demand: Demand::default(),
            remb: None,
            estimate: FIRST_ESTIMATE,
            told_in_vain: 0,
            feedbacks: 0,
        }
    }

    /// A packet has left. Its numbers only grow.
    pub fn on_sent(&mut self, now: Instant, sent: SentPacket) {
        let at = self.micros(now);
        let tag = sent_history::tag(sent.probe);
        self.history
            .sent(sent.sequence, at, sent.size, sent.class, tag);
    }

    /// The receiver tells what came of packets
    /// (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1). Nothing of it is trusted.
    pub fn on_transport_feedback(&mut self, now: Instant, feedback: &TransportFeedback<'_>) {
        self.feedbacks += 1;
        let mut arrival = self.clock.reference(feedback.header.reference_time);
        self.history.pass(feedback.header.base_sequence);
        for told in feedback.arrivals() {
            arrival += told.delta.map_or(0, arrival_clock::delta);
            match self.history.tell(told.sequence, told.delta.is_some()) {
                Told::Arrived(sent) | Told::ArrivedLate(sent) => {
                    self.acknowledged.arrived(arrival, sent.size);
                }
                Told::Lost(_) => {}
                Told::Vain => self.told_in_vain += 1,
            }
        }
        if let Some(acknowledged) = self.acknowledged.over(500) {
            let most = Bitrate::from_bps(acknowledged.bps() * 3 / 2);
            self.estimate = self.estimate.max(most);
        }
        self.settle(now);
    }

    /// The receiver's own estimate (REMB), of one that gives no transport-wide feedback.
    pub fn on_remb(&mut self, now: Instant, bitrate: Bitrate) {
        self.remb = Some((now, bitrate));
        self.estimate = bitrate;
        self.settle(now);
    }

    /// A receiver report's `fraction_lost` in 256ths and the round trip that it gives (RFC 3550
    /// section 6.4.1), of a receiver that gives no transport-wide feedback.
    pub fn on_receiver_report(&mut self, now: Instant, fraction_lost: u8, rtt: Option<Duration>) {
        let _ = (fraction_lost, rtt);
        self.settle(now);
    }

    /// What is sent at present and what more is wanted.
    pub fn set_demand(&mut self, now: Instant, demand: Demand) {
        self.demand = demand;
        self.settle(now);
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.settle(now);
    }

    /// When [`Self::handle_timeout`] is to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// A probe to send next. To be asked after feedback, a new demand and a timeout, until `None`.
    pub fn poll_probe(&mut self) -> Option<Probe> {
        None
    }

    /// What may be sent.
    #[must_use]
    pub fn estimate(&self) -> Bitrate {
        self.estimate
    }

    /// How fast what there is to send may leave: above the estimate, since layers come in frames.
    #[must_use]
    pub fn pacing_rate(&self) -> Bitrate {
        Bitrate::from_bps(self.estimate.bps() * 5 / 2)
    }

    /// What each part says.
    #[must_use]
    pub fn report(&self) -> EstimatorReport {
        EstimatorReport {
            estimate: self.estimate,
            pacing_rate: self.pacing_rate(),
            acknowledged: self.acknowledged.over(500),
            delay: self.estimate,
            remb: self.remb.map(|(_, bitrate)| bitrate),
            in_flight: self.history.in_flight(),
            told_in_vain: self.told_in_vain,
            feedbacks: self.feedbacks,
            ..EstimatorReport::default()
        }
    }

    fn settle(&mut self, now: Instant) {
        if let Some((since, remb)) = self.remb {
            if now.saturating_duration_since(since) > REMB_STANDS {
                self.remb = None;
            } else {
                self.estimate = self.estimate.min(remb);
            }
        }
        self.estimate = self.estimate.clamp(MIN_ESTIMATE, MAX_ESTIMATE);
    }

    /// Microseconds since the start.
    fn micros(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.epoch);
        since.as_secs() * 1_000_000 + u64::from(since.subsec_micros())
    }
}

kept!(Estimator {
    epoch,
    history,
    clock,
    acknowledged,
    demand,
    remb,
    estimate,
    told_in_vain,
    feedbacks
});
