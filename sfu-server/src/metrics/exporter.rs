//! What others count, read when somebody asks.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use sfu_core::drop_reason::DropReason;

use crate::doors::grpc::Calls;
use crate::doors::livekit::{Closing, Door};
use crate::media::published::Published;
use crate::rooms::Rooms;

/// What the rooms hold and how joins went.
pub(super) struct Application(Rooms);

impl Application {
    pub(super) fn new(rooms: Rooms) -> Self {
        Self(rooms)
    }
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Application").finish_non_exhaustive()
    }
}

impl Collector for Application {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let counts = self.0.counts();
        gauge(&mut encoder, "rooms", "Rooms now", counts.rooms)?;
        gauge(
            &mut encoder,
            "participants",
            "Participants now",
            counts.participants,
        )?;
        gauge(
            &mut encoder,
            "tracks",
            "Published tracks now",
            counts.tracks,
        )?;
        gauge(
            &mut encoder,
            "subscriptions",
            "Subscriptions to tracks now",
            counts.subscriptions,
        )?;
        let help = "Watchers of rooms now";
        gauge(&mut encoder, "room_watchers", help, self.0.watchers())?;
        let help = "Attempts to join a room with a good token, by result";
        let joins = self.0.join_counts().each();
        let samples = joins.map(|(result, count)| ([("result", result)], count));
        counters(&mut encoder, "joins", help, None, samples)
    }
}

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
        let name = "grpc_calls_in_progress";
        let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for one in &methods {
            let labels = [("service", one.service), ("method", one.method)];
            let open = ConstGauge::new(u64::try_from(one.in_progress).unwrap_or(u64::MAX));
            open.encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

/// Gives every worker's counters.
type Read = Box<dyn Fn() -> Vec<Published> + Send + Sync>;

/// What the workers and their sockets count.
pub(super) struct WorkerCounters(Read);

impl WorkerCounters {
    pub(super) fn new(read: Read) -> Self {
        Self(read)
    }
}

impl fmt::Debug for WorkerCounters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WorkerCounters").finish_non_exhaustive()
    }
}

/// One direction's counter of one worker.
type Pick = fn(&Published) -> u64;

/// Counted by direction and worker: name, help, unit, in, out.
const BY_DIRECTION: [(&str, &str, Option<Unit>, Pick, Pick); 6] = [
    (
        "datagrams",
        "UDP datagrams",
        None,
        |w| w.engine.datagrams_in,
        |w| w.engine.datagrams_out,
    ),
    (
        "datagram_payload",
        "UDP payload",
        Some(Unit::Bytes),
        |w| w.engine.bytes_in,
        |w| w.engine.bytes_out,
    ),
    (
        "rtp_packets",
        "RTP packets received and authenticated, or forwarded, repairs excluded",
        None,
        |w| w.engine.rtp_in,
        |w| w.engine.rtp_out,
    ),
    (
        "rtx_packets",
        "Packets repaired by a publisher's RTX, or repairs sent",
        None,
        |w| w.engine.rtx_in,
        |w| w.engine.rtx_out,
    ),
    (
        "nacked_packets",
        "Packets asked for again: in by subscribers, out of publishers",
        None,
        |w| w.engine.nacked_in,
        |w| w.engine.nacked_out,
    ),
    (
        "keyframe_requests",
        "Keyframe requests (PLI, FIR): in by subscribers, out to publishers",
        None,
        |w| w.engine.keyframe_requests_in,
        |w| w.engine.keyframe_requests_out,
    ),
];

/// Counted by worker: name, help, value.
const BY_WORKER: [(&str, &str, Pick); 6] = [
    (
        "rooms_failed",
        "Rooms ended by a panic in their own work",
        |w| w.engine.rooms_failed,
    ),
    (
        "socket_kernel_drops",
        "Datagrams that the kernel dropped, its receive queue full",
        |w| {
            w.sockets
                .iter()
                .map(|socket| socket.recv_kernel_drops)
                .sum()
        },
    ),
    (
        "socket_send_errors",
        "Datagrams that the kernel refused to send",
        |w| {
            w.sockets
                .iter()
                .map(|socket| socket.send_errors.total())
                .sum()
        },
    ),
    ("socket_send_calls", "System calls that send", |w| {
        w.sockets.iter().map(|socket| socket.send_calls).sum()
    }),
    ("socket_send_blocked", "Times a socket was full", |w| {
        w.sockets.iter().map(|socket| socket.send_blocked).sum()
    }),
    (
        "socket_segmented_runs",
        "Runs of datagrams that left as one message",
        |w| w.sockets.iter().map(|socket| socket.segmented_runs).sum(),
    ),
];

impl Collector for WorkerCounters {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let workers = (self.0)();
        for (name, help, unit, received, sent) in BY_DIRECTION {
            let samples = workers.iter().enumerate().flat_map(|(index, worker)| {
                [("in", received), ("out", sent)].map(|(direction, pick)| {
                    let labels = [
                        ("worker", index.to_string()),
                        ("direction", direction.to_owned()),
                    ];
                    (labels, pick(worker))
                })
            });
            counters(&mut encoder, name, help, unit.as_ref(), samples)?;
        }
        for (name, help, pick) in BY_WORKER {
            let samples = workers.iter().enumerate();
            let samples = samples.map(|(index, worker)| (by_worker(index), pick(worker)));
            counters(&mut encoder, name, help, None, samples)?;
        }
        drops(&mut encoder, &workers)?;
        states(&mut encoder, &workers)
    }
}

/// Drops of all workers together: the reasons are many, and the same everywhere.
fn drops(encoder: &mut DescriptorEncoder<'_>, workers: &[Published]) -> fmt::Result {
    let samples = DropReason::ALL.into_iter().map(|reason| {
        let engine: u64 = workers
            .iter()
            .map(|worker| worker.engine.drops.get(reason))
            .sum();
        // What a full socket costs is counted beside the socket, not in the engine.
        let outside = match reason {
            DropReason::SocketFull => workers.iter().map(|worker| worker.socket_full).sum(),
            _ => 0,
        };
        ([("reason", reason.label())], engine + outside)
    });
    let help = "Packets and datagrams that were not forwarded, by reason";
    counters(encoder, "dropped_packets", help, None, samples)
}

/// How busy each worker is and what it has left.
fn states(encoder: &mut DescriptorEncoder<'_>, workers: &[Published]) -> fmt::Result {
    let help = "Time that a worker spent working; its rate is the worker's utilisation";
    let mut metric = encoder.encode_descriptor(
        "worker_busy",
        help,
        Some(&Unit::Seconds),
        MetricType::Counter,
    )?;
    for (index, worker) in workers.iter().enumerate() {
        let seconds = ConstCounter::new(worker.busy.as_secs_f64());
        seconds.encode(metric.encode_family(&by_worker(index))?)?;
    }
    let help = "Free slots of a worker's packet pool";
    let mut metric =
        encoder.encode_descriptor("packet_pool_free_slots", help, None, MetricType::Gauge)?;
    for (index, worker) in workers.iter().enumerate() {
        let free = ConstGauge::new(u64::try_from(worker.pool_free).unwrap_or(u64::MAX));
        free.encode(metric.encode_family(&by_worker(index))?)?;
    }
    Ok(())
}

fn by_worker(index: usize) -> [(&'static str, String); 1] {
    [("worker", index.to_string())]
}

/// A gauge without labels.
fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: usize) -> fmt::Result {
    let value = ConstGauge::new(u64::try_from(value).unwrap_or(u64::MAX));
    value.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

/// One counter's samples, each with its labels.
fn counters<L: EncodeLabelSet>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    samples: impl Iterator<Item = (L, u64)>,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, unit, MetricType::Counter)?;
    for (labels, value) in samples {
        ConstCounter::new(value).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}
