//! What pacing and estimating cost: the same call without them and with them, in turns.
//!
//! Everybody is sent frames of [`FRAME`] packets, 30 a second, and tells each 100 ms what arrived
//! when, as over a network that delays nothing. All that the worker does counts: frames, feedback,
//! and what is due in between.

use std::time::{Duration, Instant};

use sfu_core::id::Ssrc;
use sfu_core::media::send_batch::SendBatch;
use sfu_core::wire::rtcp::{self, FeedbackHeader};

use crate::FRAME;
use crate::clock::cpu_time;
use crate::engine::BATCH;
use crate::leg::{Leg, Source};
use crate::meeting::Meeting;

/// What clients of the meeting call themselves: their port less their place.
const FIRST_PORT: u16 = 1000;

/// Frames between two feedbacks of a subscriber.
const FEEDBACK: usize = 3;

/// In microseconds: 30 a second.
const FRAME_INTERVAL: Duration = Duration::from_micros(33_333);

/// Between two checks of a client.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// A call under measurement.
pub(crate) struct Call {
    meeting: Meeting,
    subscribers: usize,
    source: Source,
    frames: usize,
    started: Instant,
    checked: Instant,
    /// What each subscriber has got since its last feedback, and the number of the first of it.
    got: Vec<(u64, Vec<Instant>)>,
    spent: Duration,
    datagrams: u64,
    runs: u64,
}

/// What some frames took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spent {
    /// Nanoseconds of CPU time for each datagram.
    pub(crate) each: f64,
    /// Datagrams in a run, mean.
    pub(crate) run: f64,
}

impl Call {
    pub(crate) fn new(subscribers: usize, adaptation: bool) -> Self {
        let mut meeting = match adaptation {
            true => Meeting::new(),
            false => Meeting::unpaced(),
        };
        meeting.batch = SendBatch::with_capacity(BATCH);
        let kind = Leg::Video.kind();
        meeting.publisher(1, kind, &[]);
        for _ in 0..subscribers {
            meeting.viewer(1, kind);
            meeting.pass(Duration::from_millis(1));
        }
        let checked = meeting.now;
        let mut call = Self {
            meeting,
            subscribers,
            source: Source::new(Leg::Video),
            frames: 0,
            started: checked,
            checked,
            got: vec![Default::default(); subscribers],
            spent: Duration::ZERO,
            datagrams: 0,
            runs: 0,
        };
        // Estimates take a while to rise.
        call.run(300);
        call
    }

    /// Forwards so many frames.
    pub(crate) fn run(&mut self, frames: usize) -> Spent {
        (self.spent, self.datagrams, self.runs) = (Duration::ZERO, 0, 0);
        for _ in 0..frames {
            let frame = self.source.next(&mut self.meeting, self.subscribers);
            let publisher = self.meeting.clients[0].path;
            let from_publisher = frame.datagrams.into_iter().map(|d| (publisher, d));
            let mut arriving: Vec<_> = from_publisher.collect();
            self.frames += 1;
            for subscriber in 0..self.subscribers {
                if (self.frames + subscriber).is_multiple_of(FEEDBACK) {
                    arriving.extend(self.feedback(subscriber));
                }
            }
            if self.meeting.now >= self.checked + CHECK_INTERVAL {
                self.checked = self.meeting.now;
                for client in &mut self.meeting.clients {
                    client.check();
                    let path = client.path;
                    arriving.extend(client.outbox.drain(..).map(|datagram| (path, datagram)));
                }
            }
            self.work(|worker, now| {
                for (path, datagram) in &mut arriving {
                    worker.handle_datagram(now, *path, datagram);
                }
            });
            let end = self.meeting.now + FRAME_INTERVAL;
            while let Some(at) = self.meeting.worker.poll_timeout().filter(|at| *at < end) {
                self.meeting.now = at.max(self.meeting.now);
                self.work(sfu_core::worker::Worker::handle_timeout);
            }
            self.meeting.now = end;
        }
        Spent {
            each: self.spent.as_nanos() as f64 / self.datagrams as f64,
            run: self.datagrams as f64 / self.runs as f64,
        }
    }

    /// Lets the worker work, and takes what it then sends.
    fn work(&mut self, work: impl FnOnce(&mut sfu_core::worker::Worker, Instant)) {
        let now = self.meeting.now;
        self.spent += cpu_time(|| work(&mut self.meeting.worker, now));
        loop {
            self.meeting.batch.clear();
            let mut more = false;
            self.spent += cpu_time(|| {
                let Meeting { worker, batch, .. } = &mut self.meeting;
                more = worker.poll_transmit(now, batch);
            });
            self.receive();
            if !more {
                return;
            }
        }
    }

    fn receive(&mut self) {
        let batch = &self.meeting.batch;
        for run in batch.runs() {
            let client = usize::from(run.path.remote.port() - FIRST_PORT);
            let Some(got) = client.checked_sub(1).map(|at| &mut self.got[at]) else {
                continue;
            };
            let datagrams = batch.bytes()[run.range.clone()].chunks(run.segment_size);
            // RFC 7983 section 7 and RFC 5761 section 4: RTP, and no RTCP.
            let media = datagrams.filter(|d| d[0] >= 128 && !(192..=223).contains(&d[1]));
            let media = media.count();
            got.1.extend((0..media).map(|_| self.meeting.now));
            if media > 0 {
                self.datagrams += media as u64;
                self.runs += 1;
            }
        }
    }

    /// A subscriber's feedback on what it has got.
    fn feedback(&mut self, subscriber: usize) -> Option<(sfu_core::media::path::Path, Vec<u8>)> {
        let (first, arrived) = &mut self.got[subscriber];
        let start = self.started;
        let since = |at: Instant| (at - start).as_micros() as i64 / 250;
        let reference = since(*arrived.first()?) / 256;
        let mut last = reference * 256;
        let deltas: Vec<_> = arrived
            .drain(..)
            .map(|at| {
                let delta = since(at) - last;
                last = since(at);
                Some(delta as i32)
            })
            .collect();
        let header = FeedbackHeader {
            sender: Ssrc(9),
            media: Ssrc(0),
            base_sequence: *first as u16,
            reference_time: reference as u32,
            feedback_count: (self.frames / FEEDBACK) as u8,
        };
        *first += deltas.len() as u64;
        let client = &mut self.meeting.clients[subscriber + 1];
        client.send_rtcp(|out| rtcp::transport_feedback::transport_feedback(out, header, &deltas));
        Some((client.path, client.outbox.pop()?))
    }
}

/// Prints what pacing and estimating cost `subscribers`, over `rounds` of some `packets`.
pub(crate) fn compare(subscribers: usize, rounds: usize, packets: usize) {
    let mut before = Call::new(subscribers, false);
    let mut after = Call::new(subscribers, true);
    let frames = (packets / FRAME / subscribers).max(30);
    let mut samples = Vec::new();
    for round in 0..rounds {
        // Whoever goes second finds the other's mess in the caches: they take turns.
        let both = if round % 2 == 0 {
            let before = before.run(frames);
            (before, after.run(frames))
        } else {
            let after = after.run(frames);
            (before.run(frames), after)
        };
        samples.push(both);
    }
    let median = |of: fn(&(Spent, Spent)) -> f64| crate::median(samples.iter().map(of));
    println!(
        "{subscribers:>12} {:>10.0} {:>10.0} {:>7.2} {:>10.1} {:>10.1}",
        median(|(before, _)| before.each),
        median(|(_, after)| after.each),
        median(|(before, after)| after.each / before.each),
        median(|(before, _)| before.run),
        median(|(_, after)| after.run),
    );
}
