//! What the workers and their sockets count.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Unit;
use sfu_core::drop_reason::DropReason;
use sfu_core::worker::{Traffic, TrafficKind};

use super::adaptation;
use super::write::{counters, gauges, seconds};
use crate::media::published::Published;
use crate::media::udp_socket::Counters;

/// Gives every worker's counters.
pub(super) type Read = Arc<dyn Fn() -> Vec<Published> + Send + Sync>;

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

/// One counter of one worker.
type Pick = fn(&Published) -> u64;

const BYTES: Option<Unit> = Some(Unit::Bytes);

/// Counted by direction and worker: name, help, unit, in, out.
const BY_DIRECTION: [(&str, &str, Option<Unit>, Pick, Pick); 6] = [
    (
        "datagrams",
        "UDP datagrams, whatever became of them",
        None,
        |w| w.engine.datagrams_in,
        |w| w.engine.datagrams_out,
    ),
    (
        "datagram_payload",
        "UDP payload, whatever became of it",
        BYTES,
        |w| w.engine.bytes_in,
        |w| w.engine.bytes_out,
    ),
    (
        "rtx_packets",
        "Repairs received from publishers, or sent to subscribers",
        None,
        |w| w.engine.taken_in.get(TrafficKind::Rtx).packets,
        |w| w.engine.sent.get(TrafficKind::Rtx).packets,
    ),
    (
        "rtx",
        "UDP payload of repairs",
        BYTES,
        |w| w.engine.taken_in.get(TrafficKind::Rtx).bytes,
        |w| w.engine.sent.get(TrafficKind::Rtx).bytes,
    ),
    (
        "nacks",
        "Requests for repairs (NACK): in by subscribers, out to publishers",
        None,
        |w| w.engine.nacks_in,
        |w| w.engine.nacks_out,
    ),
    (
        "nacked_packets",
        "Packets asked for again: in by subscribers, out of publishers",
        None,
        |w| w.engine.nacked_in,
        |w| w.engine.nacked_out,
    ),
];

/// Keyframe requests by direction and type: in, in, out.
const KEYFRAME_REQUESTS: [(&str, &str, Pick); 3] = [
    ("in", "pli", |w| {
        w.engine.keyframe_requests_in - w.engine.firs_in
    }),
    ("in", "fir", |w| w.engine.firs_in),
    ("out", "pli", |w| w.engine.keyframe_requests_out),
];

/// Counted by worker: name, help, value.
const BY_WORKER: [(&str, &str, Pick); 13] = [
    (
        "paced_packets",
        "Packets that left by a subscriber's pacer",
        |w| w.engine.paced_out,
    ),
    (
        "bandwidth_probes",
        "Probes that began, to see whether a subscriber's network carries more",
        |w| w.engine.probes_out,
    ),
    (
        "repaired_packets",
        "Lost packets that a publisher's repair made good",
        |w| w.engine.rtx_in,
    ),
    (
        "repairs_not_found",
        "Packets that subscribers asked for and that were no longer kept",
        |w| w.engine.repairs_not_found,
    ),
    (
        "arrival_feedback",
        "Feedback of subscribers on when their packets arrived (transport-cc)",
        |w| w.engine.transport_feedbacks_in,
    ),
    (
        "rooms_failed",
        "Rooms ended by a panic in their own work",
        |w| w.engine.rooms_failed,
    ),
    (
        "worker_wakeups",
        "Times that a worker had something to do",
        |w| w.wakeups,
    ),
    (
        "socket_kernel_drops",
        "Datagrams that the kernel dropped, its receive queue full",
        |w| sockets(w, |socket| socket.recv_kernel_drops),
    ),
    (
        "socket_receive_calls",
        "System calls that receive; datagrams for each say how full they are",
        |w| sockets(w, |socket| socket.recv_calls),
    ),
    (
        "socket_send_errors",
        "Datagrams that the kernel refused to send",
        |w| sockets(w, |socket| socket.send_errors.total()),
    ),
    (
        "socket_send_calls",
        "System calls that send; datagrams for each say how full they are",
        |w| sockets(w, |socket| socket.send_calls),
    ),
    ("socket_send_blocked", "Times a socket was full", |w| {
        sockets(w, |socket| socket.send_blocked)
    }),
    (
        "socket_segmented_runs",
        "Runs of datagrams that left as one message",
        |w| sockets(w, |socket| socket.segmented_runs),
    ),
];

fn sockets(worker: &Published, pick: fn(&Counters) -> u64) -> u64 {
    worker.sockets.iter().map(pick).sum()
}

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
        let samples = workers.iter().enumerate().flat_map(|(index, worker)| {
            KEYFRAME_REQUESTS.map(|(direction, name, pick)| {
                let labels = [
                    ("worker", index.to_string()),
                    ("direction", direction.to_owned()),
                    ("type", name.to_owned()),
                ];
                (labels, pick(worker))
            })
        });
        let help = "Keyframe requests: in by subscribers, out to publishers";
        counters(&mut encoder, "keyframe_requests", help, None, samples)?;
        for (name, help, pick) in BY_WORKER {
            let samples = workers.iter().enumerate();
            let samples = samples.map(|(index, worker)| (by_worker(index), pick(worker)));
            counters(&mut encoder, name, help, None, samples)?;
        }
        traffic(&mut encoder, &workers)?;
        drops(&mut encoder, &workers)?;
        states(&mut encoder, &workers)?;
        adaptation::encode(&mut encoder, &workers)
    }
}

/// Packets and bytes of all workers together, by direction and kind. Repairs have names of their own.
fn traffic(encoder: &mut DescriptorEncoder<'_>, workers: &[Published]) -> fmt::Result {
    type Side = fn(&Published) -> &Traffic;
    let sides: [(&str, Side); 2] = [
        ("in", |worker| &worker.engine.taken_in),
        ("out", |worker| &worker.engine.sent),
    ];
    let volumes: Vec<_> = sides
        .into_iter()
        .flat_map(|(direction, side)| {
            let kinds = TrafficKind::ALL.into_iter();
            let kinds = kinds.filter(|kind| *kind != TrafficKind::Rtx);
            kinds.map(move |kind| {
                let labels = [("direction", direction), ("kind", kind.label())];
                let each = workers.iter().map(|worker| side(worker).get(kind));
                let sum = each.fold((0, 0), |(packets, bytes), one| {
                    (packets + one.packets, bytes + one.bytes)
                });
                (labels, sum)
            })
        })
        .collect();
    let samples = volumes
        .iter()
        .map(|(labels, (packets, _))| (*labels, *packets));
    let help = "Packets that were taken in or sent, repairs excluded; dtls includes data channels";
    counters(encoder, "packets", help, None, samples)?;
    let samples = volumes.iter().map(|(labels, (_, bytes))| (*labels, *bytes));
    let help = "UDP payload of packets that were taken in or sent, repairs excluded";
    counters(encoder, "packet", help, BYTES.as_ref(), samples)
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
    let help = "Packets and datagrams that were not forwarded, by reason; other_encoding, rtx_useless and padding_only are part of any healthy call";
    counters(encoder, "dropped_packets", help, None, samples)
}

/// How busy each worker is and what it has left.
fn states(encoder: &mut DescriptorEncoder<'_>, workers: &[Published]) -> fmt::Result {
    let help = "Time from a worker's wake-ups to the end of their work; its rate is the worker's utilisation, on a busy host above its CPU time";
    let each = || workers.iter().enumerate();
    let samples = each().map(|(index, worker)| (by_worker(index), worker.busy.as_secs_f64()));
    seconds(encoder, "worker_busy", help, samples)?;
    let waited = |worker: &Published| worker.engine.paced_for.as_secs_f64();
    let samples = each().map(|(index, worker)| (by_worker(index), waited(worker)));
    let help = "Time that packets waited in pacers, added up; by paced packets it is the mean wait";
    seconds(encoder, "pacer_wait", help, samples)?;
    let samples = each().map(|(index, worker)| (by_worker(index), worker.pool_free));
    let help = "Free slots of a worker's packet pool";
    gauges(encoder, "packet_pool_free_slots", help, samples)?;
    let samples = each().map(|(index, worker)| (by_worker(index), worker.population.1));
    let help = "Participants on a worker now";
    gauges(encoder, "worker_participants", help, samples)
}

fn by_worker(index: usize) -> [(&'static str, String); 1] {
    [("worker", index.to_string())]
}
