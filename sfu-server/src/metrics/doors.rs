//! What the doors count.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::write::{counters, gauge, gauges};
use crate::doors::grpc::Calls;
use crate::doors::livekit::{Closing, Door, Upgrade};

/// What the signalling door counts.
pub(super) struct SignallingDoor(Door);

impl SignallingDoor {
    pub(super) fn new(door: Door) -> Self {
        Self(door)
    }
}

impl fmt::Debug for SignallingDoor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SignallingDoor").finish_non_exhaustive()
    }
}

impl Collector for SignallingDoor {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Open signalling connections";
        gauge(
            &mut encoder,
            "signalling_connections",
            help,
            self.0.open_sockets(),
        )?;
        let samples = Upgrade::ALL.into_iter().map(|upgrade| {
            let labels = [("outcome", upgrade.name())];
            (labels, self.0.upgrades().get(upgrade))
        });
        let help = "Requests to open a signalling connection, by outcome";
        counters(&mut encoder, "signalling_upgrades", help, None, samples)?;
        let closings = Closing::ALL.iter();
        let samples = closings.map(|closing| {
            (
                [("reason", closing.name())],
                self.0.closings().get(*closing),
            )
        });
        let help = "Signalling connections that were refused or have ended, by reason";
        counters(&mut encoder, "signalling_closings", help, None, samples)
    }
}

/// What the control plane's door counts.
pub(super) struct ControlDoor(Calls);

impl ControlDoor {
    pub(super) fn new(calls: Calls) -> Self {
        Self(calls)
    }
}

impl fmt::Debug for ControlDoor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ControlDoor").finish_non_exhaustive()
    }
}

impl Collector for ControlDoor {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let methods: Vec<_> = self.0.each().collect();
        let help = "gRPC calls that ended, by method and status code";
        let samples = methods.iter().flat_map(|one| {
            one.ended.iter().map(|(code, count)| {
                let labels = [
                    ("service", one.service),
                    ("method", one.method),
                    ("code", *code),
                ];
                (labels, *count)
            })
        });
        counters(&mut encoder, "grpc_calls", help, None, samples)?;
        let help = "gRPC calls that have begun and not ended: streams, most of them";
        let samples = methods.iter().map(|one| {
            let labels = [("service", one.service), ("method", one.method)];
            (labels, one.in_progress)
        });
        gauges(&mut encoder, "grpc_calls_in_progress", help, samples)
    }
}
