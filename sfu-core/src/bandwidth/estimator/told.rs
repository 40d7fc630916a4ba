//! What a receiver tells of packets, handed to the parts.

use std::time::Instant;

use super::sent_history::Told;
use super::{Delay, Estimator, LEAST_RTT_SPAN, Least, arrival_clock};
use crate::bandwidth::departure::ToldPacket;
use crate::wire::rtcp::TransportFeedback;

/// Who sends no more than this times what it may does as it is told: layers waver.
///
/// Higher: who sends more for a while takes its own queue for another flow's. Lower: another flow's queue
/// is found later.
const OBEYS: f64 = 1.1;

impl Estimator {
    /// The receiver tells what came of packets
    /// (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1). Nothing of it is trusted.
    pub fn on_transport_feedback(&mut self, now: Instant, feedback: &TransportFeedback<'_>) {
        let mut arrival = self.clock.reference(feedback.header.reference_time);
        let told = feedback.arrivals().map(|told| {
            arrival += told.delta.map_or(0, arrival_clock::delta);
            ToldPacket {
                number: told.sequence,
                arrival: told.delta.map(|_| arrival),
            }
        });
        self.on_told(now, told);
    }

    /// The receiver tells what came of packets in some other way, in the order of their numbers: of
    /// some packets and not of others. Nothing of it is trusted.
    pub fn on_told_packets(&mut self, now: Instant, told: &[ToldPacket]) {
        self.on_told(now, told.iter().copied());
    }

    /// What is sent goes another way from now on: a NAT has given the client another address, or its
    /// ICE agent prefers another network. What was carried before is tried there; how long the way and
    /// its queues were says nothing any more. True when that explains a silence.
    pub fn on_path_changed(&mut self, now: Instant) -> bool {
        let at = self.micros(now);
        let was_silent = self.silence.is_on();
        let rate = self.silence.explained(at).unwrap_or(self.control.rate());
        self.begin_anew(at, rate);
        self.delay = Delay::new();
        self.least_rtt = Least::new(LEAST_RTT_SPAN);
        self.settle(at);
        was_silent
    }

    fn on_told(&mut self, now: Instant, told: impl Iterator<Item = ToldPacket>) {
        let at = self.micros(now);
        self.feedbacks += 1;
        (self.facts, self.proven) = (None, None);
        if let Some(rate) = self.silence.heard(at) {
            self.begin_anew(at, rate);
        }
        self.tell(at, told);
        self.sent_rate.update(at);
        // What others of a line lend changes with what they send, and the line knows its company itself.
        let obeys = self.share.is_some() || self.sent_rate.rate() <= OBEYS * self.budget;
        self.delay
            .update(at, self.rtt(), obeys, self.share.is_none());
        self.obey_delay(at);
        self.loss.update(at, self.rtt(), self.delay.queueing());
        self.settle(at);
    }

    /// Hands what a feedback says of each packet to the parts.
    fn tell(&mut self, now: u64, told: impl Iterator<Item = ToldPacket>) {
        let mut newest = None;
        for ToldPacket { number, arrival } in told {
            // What lies before and was not told of is passed: the delay is told of packets in the
            // order in which they left.
            self.history.pass(number);
            let fate = self.history.tell(number, arrival.is_some());
            let arrival = arrival.unwrap_or_default();
            match fate {
                Told::Arrived(packet) | Told::Overtaken(packet) => {
                    if let Told::Arrived(_) = fate {
                        newest = newest.max(Some(packet.at));
                        self.delay.arrived(&packet, arrival);
                    }
                    self.acknowledged.arrived(arrival, packet.size);
                    if packet.probe == 0 {
                        self.loss.told(&packet, false);
                    } else {
                        self.results.arrived(&packet, arrival);
                    }
                }
                Told::ArrivedLate(packet) => {
                    self.acknowledged.arrived(arrival, packet.size);
                    if packet.probe == 0 {
                        self.loss.found(&packet);
                    }
                }
                Told::Lost(packet) if packet.probe == 0 => self.loss.told(&packet, true),
                Told::Lost(packet) => self.results.lost(packet.probe),
                Told::Vain => self.told_in_vain += 1,
            }
        }
        if let Some(newest) = newest {
            let rtt = now.saturating_sub(newest);
            self.take_rtt(rtt);
            self.least_rtt.add(now as i64, rtt as i64);
        }
    }
}
