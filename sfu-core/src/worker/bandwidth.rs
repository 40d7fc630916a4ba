//! What a participant's network carries, and what it has been sent.

mod coupled;

use std::time::{Duration, Instant};

use super::heard::Heard;
use super::lines::OnLine;
use super::recording::Recorded;
use crate::bandwidth::allocator::{Allotment, Budget, Request};
use crate::bandwidth::departure::{Class, Demand, Probe, SentPacket, ToldPacket};
use crate::bandwidth::estimator::Estimator;
use crate::bandwidth::pacer::{DEFAULT_RATE, Left, Pacer};
use crate::unit::Bitrate;
use crate::wire::rtcp::TransportFeedback;

/// Who is sent nothing at all, though something waits for its estimate to rise, is sent a packet of
/// padding so often: without feedback nobody would learn that its queue has drained.
///
/// Higher: a participant whose pictures are all paused gets them back later. Lower: more is spent on
/// a network that carries little.
const SIGN_OF_LIFE: Duration = Duration::from_millis(500);

/// So long after its first numbered packet a participant is thought to give feedback that has yet
/// to give any.
///
/// Higher: who never gives any is sent little for longer. Lower: with a long round trip and a slow
/// client the first pictures flood its link.
const FIRST_FEEDBACK: Duration = Duration::from_secs(3);

/// In percent of the estimate: what a long burst, of a keyframe or of one for each of many tracks,
/// is sent at.
///
/// Higher than the network carries, and the keyframe that a better layer begins with fills a queue,
/// reads as overuse, and costs that layer. Lower: it is late, and what is sent besides waits for it.
const SUSTAINED: u64 = 95;

/// A pace of more than so many estimates is one that no estimate is behind.
const MOST_PACE: u64 = 3;

/// One participant's estimate and what it is made from.
#[derive(Debug)]
pub(super) struct Bandwidth {
    is_on: bool,
    estimator: Estimator,
    /// With whom it may share its network.
    pub(super) on_line: OnLine,
    /// How much of its feedback was listened to.
    pub(super) heard: Heard,
    /// All that the estimator is told, while somebody wants to know.
    recorded: Recorded,
    /// When its first packet with a transport-wide number left.
    numbered: Option<Instant>,
    /// It has given feedback on such packets, or an estimate of its own.
    is_told: bool,
    /// It has agreed to give such feedback.
    is_expected: bool,
    /// It was given time enough for that.
    is_silent: bool,
    /// Bytes on the wire, and the parts of them that are repairs and padding.
    pub(super) sent: u64,
    pub(super) repairs: u64,
    pub(super) padding: u64,
    /// There is nothing but padding to fill a probe with.
    pub(super) pads: bool,
    /// How many packets have been sent once more for the probe that is under way.
    pub(super) repeated: u32,
    /// More is wanted than fits.
    wants_more: bool,
    /// When the last numbered packet left.
    last_left: Option<Instant>,
    /// Since when data waits for the pacer.
    pub(super) data_held: Option<Instant>,
    /// When the worker looks here next.
    pub(super) armed: Option<Instant>,
}

impl Bandwidth {
    pub(super) fn new(now: Instant, is_on: bool) -> Self {
        Self {
            is_on,
            estimator: Estimator::new(now),
            on_line: OnLine::default(),
            heard: Heard::new(now),
            recorded: Recorded::default(),
            numbered: None,
            is_told: false,
            is_expected: false,
            is_silent: false,
            sent: 0,
            repairs: 0,
            padding: 0,
            pads: false,
            repeated: 0,
            wants_more: false,
            last_left: None,
            data_held: None,
            armed: None,
        }
    }

    /// A packet of the pacer's has left with `size` bytes on the wire and its transport-wide number.
    ///
    /// True for the first one that has such a number: from then on there is an estimate.
    pub(super) fn left(
        &mut self,
        now: Instant,
        left: Left,
        size: u16,
        number: Option<u64>,
    ) -> bool {
        let bytes = u64::from(size);
        self.sent += bytes;
        match left.class {
            Class::Repair => self.repairs += bytes,
            Class::Padding => self.padding += bytes,
            Class::Audio | Class::Video => {}
        }
        let Some(sequence) = number.filter(|_| self.is_on) else {
            return false;
        };
        let sent = SentPacket {
            sequence,
            size,
            class: left.class,
            probe: left.probe,
        };
        self.estimator.on_sent(now, sent);
        self.recorded.note(|recorder| recorder.sent(now, &sent));
        self.last_left = Some(now);
        let is_first = self.numbered.is_none();
        self.numbered.get_or_insert(now);
        is_first
    }

    /// A datagram without a number has left with `size` bytes on the wire.
    pub(super) fn sent_beside(&mut self, size: u16) {
        self.sent += u64::from(size);
    }

    pub(super) fn on_transport_feedback(&mut self, now: Instant, feedback: &TransportFeedback<'_>) {
        if !self.is_on {
            return;
        }
        self.is_told = true;
        self.estimator.on_transport_feedback(now, feedback);
        let after = &self.estimator;
        self.recorded
            .note(|recorder| recorder.transport_feedback(now, feedback, after));
    }

    pub(super) fn on_told_packets(&mut self, now: Instant, told: &[ToldPacket]) {
        if !self.is_on {
            return;
        }
        self.is_told = true;
        self.estimator.on_told_packets(now, told);
        let after = &self.estimator;
        self.recorded
            .note(|recorder| recorder.told_packets(now, told, after));
    }

    /// True when that explains why nothing was heard.
    pub(super) fn on_path_changed(&mut self, now: Instant) -> bool {
        let was_silent = self.estimator.on_path_changed(now);
        let after = &self.estimator;
        self.recorded
            .note(|recorder| recorder.path_changed(now, after));
        was_silent
    }

    pub(super) fn on_remb(&mut self, now: Instant, bitrate: Bitrate) {
        self.is_told = true;
        self.estimator.on_remb(now, bitrate);
        let after = &self.estimator;
        self.recorded
            .note(|recorder| recorder.remb(now, bitrate, after));
    }

    pub(super) fn on_receiver_report(
        &mut self,
        now: Instant,
        fraction_lost: u8,
        rtt: Option<Duration>,
    ) {
        self.estimator.on_receiver_report(now, fraction_lost, rtt);
        let after = &self.estimator;
        self.recorded
            .note(|recorder| recorder.receiver_report(now, fraction_lost, rtt, after));
    }

    pub(super) fn set_demand(&mut self, now: Instant, demand: Demand) {
        self.wants_more = demand.next.is_some();
        self.estimator.set_demand(now, demand);
        let after = &self.estimator;
        self.recorded
            .note(|recorder| recorder.demand(now, demand, after));
    }

    /// It has agreed to give feedback on what it is sent: until then its link is thought to be such
    /// as the estimator begins with.
    pub(super) const fn expect_feedback(&mut self) {
        self.is_expected = true;
    }

    /// Whether there has been feedback.
    pub(super) const fn is_told(&self) -> bool {
        self.is_told
    }

    /// What may be sent; `None` when nothing tells.
    pub(super) fn estimate(&self) -> Option<Bitrate> {
        self.is_known().then(|| self.estimator.estimate())
    }

    fn is_known(&self) -> bool {
        let may_tell =
            self.is_told || (self.is_expected || self.numbered.is_some()) && !self.is_silent;
        may_tell && self.is_on
    }

    /// How fast it may be sent.
    fn pacing_rate(&self) -> Bitrate {
        let is_counted = self.is_told || self.numbered.is_some();
        match self.is_known() && is_counted {
            true => self.estimator.pacing_rate(),
            false => DEFAULT_RATE,
        }
    }

    /// Paces by what is known by now.
    pub(super) fn set_pace(&self, now: Instant, pacer: &mut Pacer) {
        pacer.set_rate(now, self.pacing_rate(), self.sustained_rate());
        pacer.set_room(self.is_on && self.estimator.has_room());
    }

    /// What may be sent for longer than a picture takes.
    fn sustained_rate(&self) -> Bitrate {
        let estimate = self.estimator.sending_rate().bps();
        let pace = self.pacing_rate();
        // While nothing is known of the network, the first pictures go by the pace alone.
        match pace.bps() <= MOST_PACE * estimate {
            true => Bitrate::from_bps(estimate * SUSTAINED / 100),
            false => pace,
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        let is_over = |since| now.saturating_duration_since(since) >= FIRST_FEEDBACK;
        self.is_silent = !self.is_told && self.numbered.is_some_and(is_over);
        self.estimator.handle_timeout(now);
        let after = &self.estimator;
        self.recorded.note(|recorder| recorder.timeout(now, after));
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.estimator.poll_timeout().filter(|_| self.is_told)
    }

    pub(super) fn poll_probe(&mut self) -> Option<Probe> {
        let probe = self.estimator.poll_probe();
        let after = &self.estimator;
        self.recorded.note(|recorder| recorder.probe(probe, after));
        probe
    }

    /// What there was was divided, in this way.
    pub(super) fn note_allocation(
        &mut self,
        now: Instant,
        budget: Budget,
        requests: &[Request],
        outcome: (&[Allotment], Demand),
    ) {
        self.recorded
            .note(|recorder| recorder.allocation(now, budget, requests, outcome));
    }

    /// Begins a recording of what the estimator is told.
    pub(super) fn record(&mut self, begin: impl FnOnce(&Estimator) -> Recorded) {
        self.recorded = begin(&self.estimator);
    }

    /// The recording.
    pub(super) fn recorded(&mut self) -> &mut Recorded {
        &mut self.recorded
    }

    /// When a packet is to be sent only to hear of its arrival.
    pub(super) fn sign_due(&self) -> Option<Instant> {
        let last = self.last_left.filter(|_| self.is_told && self.wants_more);
        last.map(|last| last + SIGN_OF_LIFE)
    }

    /// There was nothing that could be sent for it.
    pub(super) fn give_up_sign(&mut self, now: Instant) {
        self.last_left = Some(now);
    }
}
