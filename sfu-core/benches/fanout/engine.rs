//! The engine under measurement: a real worker, real handshakes, packets of the wire.

use std::time::Duration;

use sfu_core::media::codec::MediaKind;
use sfu_core::media::send_batch::SendBatch;

use crate::client::{Client, OPUS, Packet, VP8};
use crate::clock::cpu_time;
use crate::meeting::Meeting;
use crate::{FRAME, PAYLOAD};

/// Bytes of a send batch: the server's own, so that a large fan-out fills it as often as there.
pub(crate) const BATCH: usize = 1024 * 1024;

/// Between two frames: 30 a second.
const FRAME_INTERVAL: Duration = Duration::from_millis(33);

/// Between two checks of a client, well within the consent time.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

pub(crate) struct Engine {
    meeting: Meeting,
    kind: MediaKind,
    publisher: usize,
    subscribers: usize,
    packets: u64,
    since_check: Duration,
    payload: Vec<u8>,
    forwarded: u64,
    /// Length of a packet to a subscriber.
    segment_size: usize,
}

impl Engine {
    pub(crate) fn new(kind: MediaKind, subscribers: usize) -> Self {
        let mut meeting = Meeting::new();
        meeting.batch = SendBatch::with_capacity(BATCH);
        let publisher = meeting.publisher(1, kind, &[]);
        for _ in 0..subscribers {
            meeting.viewer(1, kind);
            // Handshakes of a thousand take a while of virtual time too.
            meeting.pass(Duration::from_millis(1));
        }
        let mut payload = match kind {
            MediaKind::Video => crate::meeting::vp8(true, 0),
            MediaKind::Audio => Vec::new(),
        };
        payload.resize(PAYLOAD, 7);
        let mut engine = Self {
            meeting,
            kind,
            publisher,
            subscribers,
            packets: 0,
            since_check: Duration::ZERO,
            payload,
            forwarded: 0,
            segment_size: 0,
        };
        // The stream's first packet binds it, and its keyframe starts every subscription.
        engine.run(2);
        engine.forwarded = 0;
        engine
    }

    /// Length of the header that a subscriber's packet has on the wire.
    pub(crate) fn wire_header_len(&self) -> usize {
        self.segment_size - PAYLOAD - 16
    }

    /// Packets sealed for subscribers so far.
    pub(crate) fn forwarded(&self) -> u64 {
        self.forwarded
    }

    /// Nanoseconds of CPU time for each packet out, of `frames` frames.
    pub(crate) fn run(&mut self, frames: usize) -> f64 {
        let mut spent = Duration::ZERO;
        for _ in 0..frames {
            let mut frame = self.next_frame();
            let before = self.meeting.worker.stats().rtp_out;
            spent += cpu_time(|| self.forward(&mut frame));
            self.check_forwarded(before);
            self.between_frames();
        }
        spent.as_nanos() as f64 / (frames * FRAME * self.subscribers) as f64
    }

    /// Allocations of `frames` frames, from datagram to batch.
    pub(crate) fn allocations(&mut self, frames: usize) -> u64 {
        let mut total = 0;
        for _ in 0..frames {
            let mut frame = self.next_frame();
            let info = allocation_counter::measure(|| self.forward(&mut frame));
            total += info.count_total;
            self.between_frames();
        }
        total
    }

    /// What is measured: a burst of datagrams in, every subscriber's packets sealed in the batch.
    fn forward(&mut self, frame: &mut [Vec<u8>]) {
        let path = self.meeting.clients[self.publisher].path;
        let Meeting {
            worker, batch, now, ..
        } = &mut self.meeting;
        for datagram in frame {
            worker.handle_datagram(*now, path, datagram);
        }
        loop {
            batch.clear();
            let more = worker.poll_transmit(*now, batch);
            if let Some(run) = batch.runs().last() {
                self.segment_size = run.segment_size;
            }
            std::hint::black_box(batch.bytes());
            if !more {
                break;
            }
        }
    }

    /// A cheaper engine that forwards less would be no engine.
    fn check_forwarded(&mut self, before: u64) {
        let sent = self.meeting.worker.stats().rtp_out - before;
        assert_eq!(
            sent,
            (FRAME * self.subscribers) as u64,
            "every packet to everyone"
        );
        self.forwarded += sent;
    }

    fn next_frame(&mut self) -> Vec<Vec<u8>> {
        let frame = self.packets / FRAME as u64;
        if self.kind == MediaKind::Video {
            let picture_id = (frame & 0x7fff) as u16 | 0x8000;
            self.payload[2..4].copy_from_slice(&picture_id.to_be_bytes());
        }
        let packets = self.packets..self.packets + FRAME as u64;
        self.packets = packets.end;
        let publisher: &Client = &self.meeting.clients[self.publisher];
        packets
            .map(|n| {
                let (ssrc, payload_type, ticks) = match self.kind {
                    MediaKind::Video => (0x1000, VP8, 3000),
                    MediaKind::Audio => (0x2000, OPUS, 960),
                };
                publisher.seal(&Packet {
                    ssrc,
                    sequence: 1000 + n,
                    payload_type,
                    timestamp: (frame * ticks) as u32,
                    mid: "0",
                    rid: None,
                    level: (self.kind == MediaKind::Audio).then_some(40),
                    payload: &self.payload,
                })
            })
            .collect()
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
