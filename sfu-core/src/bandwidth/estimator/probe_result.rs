//! What probes came to: how fast their packets left and how fast they arrived.

use arrayvec::ArrayVec;

use super::sent_history::Sent;
use crate::bandwidth::departure::{Probe, ProbeId};
use crate::bandwidth::recording::kept::kept;

/// Probes that are watched at once.
const MAX_WATCHED: usize = 8;

/// The part of a probe's packets that has to arrive for it to mean something.
const LEAST_ARRIVED: f64 = 0.6;

/// The fewest packets that a rate is made of.
const LEAST_PACKETS: u32 = 4;

/// Arriving more than this much faster than it left, a probe says nothing: something held it up and
/// let it go at once.
const MOST_SQUEEZED: f64 = 2.0;

/// Below this part of the rate at which it left, what arrived is what the link carries, and so much of that is taken.
const UNSATURATED: f64 = 0.9;
const SATURATED_SHARE: f64 = 0.99;

/// The longest that a probe's packets are apart, in microseconds.
const LONGEST: f64 = 1_000_000.0;

/// What a probe came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Outcome {
    pub(super) id: ProbeId,
    /// The rate that it is evidence of, in bits per second; `None`: it came to nothing.
    pub(super) proven: Option<f64>,
    /// It filled the link.
    pub(super) is_saturated: bool,
}

/// What a probe has shown to be carried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Proven {
    pub(super) id: ProbeId,
    /// In bits per second.
    pub(super) rate: f64,
    /// No more than this: the probe filled the link.
    pub(super) is_full: bool,
}

#[derive(Clone, Copy, Debug)]
struct Cluster {
    probe: Probe,
    tag: u8,
    sent_bytes: u64,
    sent_packets: u32,
    lost: u32,
    arrived: u32,
    arrived_bytes: u64,
    first_sent: (u64, u16),
    last_sent: (u64, u16),
    first_arrival: (i64, u16),
    last_arrival: (i64, u16),
}

/// The probes under way.
#[derive(Clone, Debug, Default)]
pub(super) struct ProbeResults {
    clusters: ArrayVec<Cluster, MAX_WATCHED>,
}

impl ProbeResults {
    /// Watches a probe that is to be sent.
    pub(super) fn watch(&mut self, probe: Probe, tag: u8) {
        if self.clusters.is_full() {
            self.clusters.remove(0);
        }
        self.clusters.push(Cluster {
            probe,
            tag,
            sent_bytes: 0,
            sent_packets: 0,
            lost: 0,
            arrived: 0,
            arrived_bytes: 0,
            first_sent: (u64::MAX, 0),
            last_sent: (0, 0),
            first_arrival: (i64::MAX, 0),
            last_arrival: (i64::MIN, 0),
        });
    }

    /// One of a probe's packets has left.
    pub(super) fn sent(&mut self, tag: u8, size: u16) {
        if let Some(cluster) = self.find(tag) {
            cluster.sent_bytes += u64::from(size);
            cluster.sent_packets = cluster.sent_packets.saturating_add(1);
        }
    }

    /// One of a probe's packets has arrived at `arrival`, in microseconds.
    pub(super) fn arrived(&mut self, packet: &Sent, arrival: i64) {
        let Some(cluster) = self.find(packet.probe) else {
            return;
        };
        let size = packet.size;
        cluster.arrived += 1;
        cluster.arrived_bytes += u64::from(size);
        cluster.first_sent = cluster.first_sent.min((packet.at, size));
        if packet.at >= cluster.last_sent.0 {
            cluster.last_sent = (packet.at, size);
        }
        if arrival < cluster.first_arrival.0 {
            cluster.first_arrival = (arrival, size);
        }
        if arrival >= cluster.last_arrival.0 {
            cluster.last_arrival = (arrival, size);
        }
    }

    /// One of a probe's packets is lost.
    pub(super) fn lost(&mut self, tag: u8) {
        if let Some(cluster) = self.find(tag) {
            cluster.lost = cluster.lost.saturating_add(1);
        }
    }

    /// A probe of which all has been told, or that is given up. `inherent` is the part of packets that
    /// the link loses whatever is sent.
    pub(super) fn ended(&mut self, given_up: Option<ProbeId>, inherent: f64) -> Option<Outcome> {
        let at = self
            .clusters
            .iter()
            .position(|cluster| cluster.is_told() || given_up == Some(cluster.probe.id))?;
        Some(self.clusters.remove(at).outcome(inherent))
    }

    fn find(&mut self, tag: u8) -> Option<&mut Cluster> {
        self.clusters.iter_mut().find(|cluster| cluster.tag == tag)
    }
}

impl Cluster {
    /// All that was asked for has left, and all that left has been told of.
    fn is_told(&self) -> bool {
        self.sent_bytes >= u64::from(self.probe.bytes)
            && self.sent_packets >= u32::from(self.probe.packets)
            && self.arrived + self.lost >= self.sent_packets
    }

    fn outcome(&self, inherent: f64) -> Outcome {
        let nothing = Outcome {
            id: self.probe.id,
            proven: None,
            is_saturated: false,
        };
        let enough =
            f64::from(self.sent_packets.max(u32::from(self.probe.packets))) * LEAST_ARRIVED;
        if self.arrived < LEAST_PACKETS || f64::from(self.arrived) < enough {
            return Outcome {
                is_saturated: self.lost > 0,
                ..nothing
            };
        }
        let send_span = (self.last_sent.0 - self.first_sent.0) as f64;
        let arrival_span = (self.last_arrival.0 - self.first_arrival.0) as f64;
        if send_span <= 0.0 || arrival_span <= 0.0 || send_span.max(arrival_span) > LONGEST {
            return nothing;
        }
        // The last packet's own time lies behind the span in which they left, the first one's before the one
        // in which they arrived.
        let send_bytes = self.arrived_bytes - u64::from(self.last_sent.1);
        let arrival_bytes = self.arrived_bytes - u64::from(self.first_arrival.1);
        // Those that the link loses at any rate have had their time too.
        let thinned = f64::from(self.arrived) / f64::from(self.arrived + self.lost).max(1.0);
        let fill = 1.0 / thinned.max(1.0 - inherent);
        let send_rate = send_bytes as f64 * 8e6 / send_span * (1.0 / thinned);
        let arrival_rate = arrival_bytes as f64 * 8e6 / arrival_span * fill;
        if arrival_rate > MOST_SQUEEZED * send_rate {
            return nothing;
        }
        let is_saturated = arrival_rate < UNSATURATED * send_rate;
        let proven = if is_saturated {
            arrival_rate * SATURATED_SHARE
        } else {
            arrival_rate.min(send_rate)
        };
        Outcome {
            proven: Some(proven),
            is_saturated,
            ..nothing
        }
    }
}

kept!(Cluster {
    probe,
    tag,
    sent_bytes,
    sent_packets,
    lost,
    arrived,
    arrived_bytes,
    first_sent,
    last_sent,
    first_arrival,
    last_arrival
});
kept!(ProbeResults { clusters });
kept!(Proven { id, rate, is_full });

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::Bitrate;

    const PROBE: Probe = Probe {
        id: ProbeId(0),
        rate: Bitrate::from_bps(4_000_000),
        bytes: 10_000,
        packets: 5,
    };

    /// Ten packets of 1000 bytes, 2 ms apart, that arrive `apart` microseconds apart; every
    /// `lost`th is lost.
    fn run(apart: i64, lost: usize) -> Outcome {
        let mut results = ProbeResults::default();
        results.watch(PROBE, 1);
        for packet in 0..10_usize {
            results.sent(1, 1_000);
            if lost > 0 && packet % lost == 1 {
                results.lost(1);
                continue;
            }
            assert_eq!(results.ended(None, 0.0), None, "not all is told");
            let at = packet as u64 * 2_000;
            let sent = Sent {
                at,
                size: 1_000,
                is_padding: true,
                probe: 1,
                expected: 0,
            };
            results.arrived(&sent, packet as i64 * apart);
        }
        results.ended(None, 0.0).expect("all is told")
    }

    #[test]
    fn a_probe_that_comes_through_is_proof_of_its_rate() {
        let outcome = run(2_000, 0);
        assert_eq!(outcome.proven, Some(4e6));
        assert!(!outcome.is_saturated);
    }

    #[test]
    fn a_probe_that_fills_the_link_proves_what_arrives() {
        let outcome = run(4_000, 0);
        assert_eq!(outcome.proven, Some(1.98e6));
        assert!(outcome.is_saturated);
    }

    #[test]
    fn a_probe_that_is_squeezed_or_mostly_lost_proves_nothing() {
        assert_eq!(run(500, 0).proven, None);
        assert_eq!(run(2_000, 2).proven, None);
    }

    #[test]
    fn a_probe_that_was_never_sent_can_be_given_up() {
        let mut results = ProbeResults::default();
        results.watch(PROBE, 1);
        assert_eq!(results.ended(None, 0.0), None);
        let outcome = results.ended(Some(PROBE.id), 0.0).expect("given up");
        assert_eq!(outcome.proven, None);
    }
}
