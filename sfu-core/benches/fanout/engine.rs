//! The engine under measurement: a real worker, real handshakes, packets of the wire.

use std::time::Duration;

use sfu_core::command::Command;
use sfu_core::id::TrackId;
use sfu_core::media::send_batch::SendBatch;

use crate::PAYLOAD;
use crate::clock::cpu_time;
use crate::leg::{Frame, Leg, Source};
use crate::meeting::{Meeting, participant};
use crate::repairs::Repairs;

/// Bytes of a send batch: the server's own, so that a large fan-out fills it as often as there.
pub(crate) const BATCH: usize = 1024 * 1024;

/// Between two frames: 30 a second.
const FRAME_INTERVAL: Duration = Duration::from_millis(33);

/// Between two checks of a client, well within the consent time.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

pub(crate) struct Engine {
    meeting: Meeting,
    subscribers: usize,
    since_check: Duration,
    source: Source,
    repairs: Option<Repairs>,
    forwarded: u64,
    /// Bytes of all packets to subscribers.
    bytes: u64,
}

/// What some frames took.
pub(crate) struct Spent {
    /// Nanoseconds of CPU time for each packet out.
    pub(crate) each: f64,
    /// Packets out of each frame, to all subscribers.
    pub(crate) frames: Vec<u64>,
}

impl Engine {
    /// The publisher's place among the clients; behind it are the subscribers.
    pub(crate) const PUBLISHER: usize = 0;

    pub(crate) fn new(leg: Leg, subscribers: usize) -> Self {
        // All that is forwarded leaves at once: `paced` shows what pacing costs.
        let mut meeting = Meeting::unpaced();
        meeting.batch = SendBatch::with_capacity(BATCH);
        let kind = leg.kind();
        let publisher = meeting.join();
        assert_eq!(publisher, Self::PUBLISHER);
        meeting.announce(publisher, 1, kind, "cid");
        meeting.clients[publisher].section(kind, Some("cid"), leg.rids());
        leg.agree(&mut meeting.clients[publisher].sections[0]);
        meeting.connect(publisher);
        for n in 0..subscribers {
            subscriber(&mut meeting, leg, n);
            // Handshakes of a thousand take a while of virtual time too.
            meeting.pass(Duration::from_millis(1));
        }
        let mut engine = Self {
            meeting,
            subscribers,
            since_check: Duration::ZERO,
            source: Source::new(leg),
            repairs: None,
            forwarded: 0,
            bytes: 0,
        };
        // The stream's first packet binds it, and its keyframe starts every subscription.
        let first = engine.source.next(&mut engine.meeting, subscribers);
        engine.meeting.clients[publisher].outbox = first.datagrams;
        engine.meeting.drain();
        if leg == Leg::Repairs {
            engine.repairs = Some(Repairs::new(&engine.meeting, publisher + 1));
        }
        engine.between_frames();
        for _ in 0..leg.settling() {
            let mut frame = engine.source.next(&mut engine.meeting, subscribers);
            engine.forward(&mut frame.datagrams, &mut []);
            engine.between_frames();
        }
        engine.bytes = 0;
        engine
    }

    /// Length of the header that a subscriber's packet has on the wire: the mean.
    pub(crate) fn wire_header_len(&self) -> usize {
        (self.bytes / self.forwarded.max(1)) as usize - PAYLOAD - 16
    }

    /// Packets sealed for subscribers so far.
    pub(crate) const fn forwarded(&self) -> u64 {
        self.forwarded
    }

    /// Forwards `frames` frames.
    pub(crate) fn run(&mut self, frames: usize) -> Spent {
        let mut spent = Duration::ZERO;
        let mut sent = Vec::new();
        for _ in 0..frames {
            let (mut frame, mut asked) = self.next_frame();
            let before = self.sent();
            spent += cpu_time(|| self.forward(&mut frame.datagrams, &mut asked));
            sent.push(self.check_forwarded(before, &frame, asked.len()));
            self.between_frames();
        }
        let forwarded: u64 = sent.iter().sum();
        Spent {
            each: spent.as_nanos() as f64 / forwarded.max(1) as f64,
            frames: sent,
        }
    }

    /// Allocations of `frames` frames, from datagram to batch.
    pub(crate) fn allocations(&mut self, frames: usize) -> u64 {
        let mut total = 0;
        for _ in 0..frames {
            let (mut frame, mut asked) = self.next_frame();
            let info =
                allocation_counter::measure(|| self.forward(&mut frame.datagrams, &mut asked));
            total += info.count_total;
            self.between_frames();
        }
        total
    }

    /// What is measured: a burst of datagrams in, every subscriber's packets sealed in the batch;
    /// then one of NACKs, and the repairs.
    fn forward(&mut self, frame: &mut [Vec<u8>], asked: &mut [(usize, Vec<u8>)]) {
        let path = self.meeting.clients[Self::PUBLISHER].path;
        let (worker, now) = (&mut self.meeting.worker, self.meeting.now);
        for datagram in frame {
            worker.handle_datagram(now, path, datagram);
        }
        self.transmit();
        let Meeting {
            worker, clients, ..
        } = &mut self.meeting;
        for (client, datagram) in &mut *asked {
            worker.handle_datagram(now, clients[*client].path, datagram);
        }
        if !asked.is_empty() {
            self.transmit();
        }
    }

    fn transmit(&mut self) {
        let Meeting {
            worker, batch, now, ..
        } = &mut self.meeting;
        loop {
            batch.clear();
            let more = worker.poll_transmit(*now, batch);
            self.bytes += batch.bytes().len() as u64;
            std::hint::black_box(batch.bytes());
            if !more {
                break;
            }
        }
    }

    /// Packets and repairs sealed for subscribers.
    fn sent(&self) -> u64 {
        let stats = self.meeting.worker.stats();
        stats.rtp_out + stats.rtx_out
    }

    /// A cheaper engine that forwards less would be no engine.
    fn check_forwarded(&mut self, before: u64, frame: &Frame, asked: usize) -> u64 {
        let sent = self.sent() - before;
        let wanted: u64 = frame.shares.iter().sum();
        assert_eq!(sent, wanted + asked as u64, "what is wanted to everyone");
        self.forwarded += sent;
        sent
    }

    fn next_frame(&mut self) -> (Frame, Vec<(usize, Vec<u8>)>) {
        let frame = self.source.next(&mut self.meeting, self.subscribers);
        let repairs = self.repairs.as_mut();
        let asked = repairs.map(|repairs| repairs.next(&mut self.meeting, Self::PUBLISHER + 1));
        (frame, asked.unwrap_or_default())
    }

    /// What is due between frames: feedback and reports are not forwarding.
    fn between_frames(&mut self) {
        self.meeting.now += FRAME_INTERVAL;
        self.since_check += FRAME_INTERVAL;
        if self.since_check >= CHECK_INTERVAL {
            self.since_check = Duration::ZERO;
            for client in &mut self.meeting.clients {
                client.check();
                for mut datagram in client.outbox.drain(..) {
                    let now = self.meeting.now;
                    self.meeting
                        .worker
                        .handle_datagram(now, client.path, &mut datagram);
                }
            }
        }
        let now = self.meeting.now;
        self.meeting.worker.handle_timeout(now);
        loop {
            self.meeting.batch.clear();
            if !self
                .meeting
                .worker
                .poll_transmit(now, &mut self.meeting.batch)
            {
                break;
            }
        }
    }
}

/// Adds the subscriber number `n`.
fn subscriber(meeting: &mut Meeting, leg: Leg, n: usize) {
    let client = meeting.join();
    meeting.clients[client].section(leg.kind(), None, &[]);
    leg.agree(&mut meeting.clients[client].sections[0]);
    meeting.subscribe(client, 1);
    if let Some(wish) = leg.wish(n) {
        meeting.command(Command::SetLayerWish {
            participant: participant(client),
            track: TrackId(1),
            wish,
        });
    }
    meeting.connect(client);
}
