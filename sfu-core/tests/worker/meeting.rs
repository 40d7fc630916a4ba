//! Clients and a worker in virtual time, without a network between them.

use std::num::NonZeroUsize;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use sfu_core::command::{Command, MediaPermissions, TrackAnnouncement};
use sfu_core::event::Event;
use sfu_core::id::{ParticipantId, RoomId, TrackId, WorkerId};
use sfu_core::media::codec::MediaKind;
use sfu_core::media::send_batch::SendBatch;
use sfu_core::transport::{DtlsIdentity, DtlsVersion, TransportSettings};
use sfu_core::wire::rtcp::{self, RtcpItem};
use sfu_core::worker::{Worker, WorkerSettings};

use crate::client::{Client, MS, Packet};

static IDENTITY: LazyLock<DtlsIdentity> = LazyLock::new(|| DtlsIdentity::generate().unwrap());

/// Packets of the pool.
pub(crate) const POOL: u32 = 4096;

pub(crate) struct Meeting {
    pub(crate) now: Instant,
    pub(crate) worker: Worker,
    pub(crate) batch: SendBatch,
    pub(crate) clients: Vec<Client>,
    pub(crate) events: Vec<Event>,
    checked: Instant,
}

pub(crate) fn participant(client: usize) -> ParticipantId {
    ParticipantId(client as u64 + 1)
}

#[allow(
    clippy::disallowed_methods,
    reason = "virtual time needs one real instant to start from"
)]
fn base() -> Instant {
    Instant::now()
}

impl Meeting {
    pub(crate) fn new() -> Self {
        Self::with_pool(POOL)
    }

    pub(crate) fn with_pool(pool_packets: u32) -> Self {
        Self::with_settings(pool_packets, None, true)
    }

    /// A meeting in which so many voices of a room are forwarded at a time.
    pub(crate) fn with_voices(limit: usize) -> Self {
        Self::with_settings(POOL, NonZeroUsize::new(limit), true)
    }

    /// A meeting in which everything leaves at once, and as it is wanted: for tests of several
    /// encodings whose clients tell nothing of their links. What is taken to fit then is the least.
    pub(crate) fn unpaced() -> Self {
        Self::unpaced_with_pool(POOL)
    }

    pub(crate) fn unpaced_with_pool(pool_packets: u32) -> Self {
        Self::with_settings(pool_packets, None, false)
    }

    fn with_settings(
        pool_packets: u32,
        forwarded_voices: Option<NonZeroUsize>,
        adaptation: bool,
    ) -> Self {
        let now = base();
        let settings = WorkerSettings {
            worker: WorkerId(0),
            identity: IDENTITY.clone(),
            transport: TransportSettings::deterministic(DtlsVersion::V12),
            candidates: vec![([192, 0, 2, 1], 7882).into()],
            pool_packets,
            forwarded_voices,
            adaptation,
            epoch: (now, Duration::from_secs(1_700_000_000)),
        };
        Self {
            now,
            worker: Worker::new(settings, [7; 32]),
            batch: SendBatch::with_capacity(64 * 1500),
            clients: Vec::new(),
            events: Vec::new(),
            checked: now,
        }
    }

    pub(crate) fn command(&mut self, command: Command) {
        self.worker.handle_command(self.now, command);
        self.drain();
    }

    /// A participant joins, not connected yet.
    pub(crate) fn join(&mut self) -> usize {
        let client = self.clients.len();
        self.clients.push(Client::new(self.now, client as u16));
        self.command(Command::AddParticipant {
            room: RoomId(1),
            participant: participant(client),
            permissions: MediaPermissions {
                publish: true,
                subscribe: true,
            },
        });
        client
    }

    pub(crate) fn announce(&mut self, client: usize, track: u64, kind: MediaKind, cid: &str) {
        let announcement = Box::new(TrackAnnouncement {
            track: TrackId(track),
            kind,
            cid: cid.to_owned(),
            stream_label: format!("PA_{client}"),
            track_label: format!("TR_{track}"),
            muted: false,
            codecs: Default::default(),
        });
        let participant = participant(client);
        self.command(Command::AnnounceTrack {
            participant,
            announcement,
        });
    }

    pub(crate) fn subscribe(&mut self, client: usize, track: u64) {
        self.command(Command::Subscribe {
            participant: participant(client),
            track: TrackId(track),
        });
    }

    /// The client offers what its sections say.
    pub(crate) fn offer(&mut self, client: usize) {
        let offer = Box::new(self.clients[client].offer());
        self.command(Command::Offer {
            participant: participant(client),
            offer_id: 1,
            offer,
        });
    }

    /// Offers if need be, checks, and shakes hands.
    pub(crate) fn connect(&mut self, client: usize) {
        self.offer(client);
        self.clients[client].check();
        self.drain();
        let now = self.now;
        self.clients[client].start_dtls(now);
        self.drain();
        assert!(self.clients[client].is_connected());
    }

    /// A client that publishes one track: its section is 0.
    pub(crate) fn publisher(&mut self, track: u64, kind: MediaKind, rids: &[&str]) -> usize {
        let client = self.join();
        self.announce(client, track, kind, "cid");
        self.clients[client].section(kind, Some("cid"), rids);
        self.connect(client);
        client
    }

    /// A client that is sent one track: its section is 0.
    pub(crate) fn viewer(&mut self, track: u64, kind: MediaKind) -> usize {
        let client = self.join();
        self.clients[client].section(kind, None, &[]);
        self.subscribe(client, track);
        self.connect(client);
        client
    }

    pub(crate) fn send(&mut self, client: usize, packet: &Packet<'_>) {
        let sealed = self.clients[client].seal(packet);
        self.clients[client].outbox.push(sealed);
        self.drain();
    }

    /// Carries datagrams both ways until nobody has anything to say at this instant.
    pub(crate) fn drain(&mut self) {
        loop {
            let mut moved = false;
            for client in &mut self.clients {
                for mut datagram in std::mem::take(&mut client.outbox) {
                    moved = true;
                    self.worker
                        .handle_datagram(self.now, client.path, &mut datagram);
                }
            }
            loop {
                self.batch.clear();
                let more = self.worker.poll_transmit(self.now, &mut self.batch);
                moved |= self.hand_out();
                if !more {
                    break;
                }
            }
            while let Some(event) = self.worker.poll_event() {
                if let Event::Answer {
                    participant, sdp, ..
                } = &event
                {
                    self.clients[participant.0 as usize - 1].answered(sdp);
                }
                self.events.push(event);
            }
            if !moved {
                return;
            }
        }
    }

    /// Carries the batch to the clients; false when there is nothing in it.
    pub(crate) fn hand_out(&mut self) -> bool {
        for run in self.batch.runs() {
            let client = self
                .clients
                .iter_mut()
                .find(|c| c.path == run.path)
                .unwrap();
            for datagram in self.batch.bytes()[run.range.clone()].chunks(run.segment_size) {
                client.receive(self.now, datagram);
            }
        }
        !self.batch.is_empty()
    }

    /// Lets time pass, from deadline to deadline, with the clients' checks.
    pub(crate) fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            let next = self.worker.poll_timeout().filter(|at| *at <= end);
            let Some(next) = next else { break };
            self.now = self.now.max(next);
            self.worker.handle_timeout(self.now);
            assert!(
                self.worker.poll_timeout().is_none_or(|at| at > self.now),
                "nothing is due twice at one instant"
            );
            if self.now >= self.checked + 2000 * MS {
                self.checked = self.now;
                self.clients.iter_mut().for_each(Client::check);
            }
            self.drain();
        }
        self.now = end;
    }

    /// How many RTCP items a client got that `wanted` counts.
    pub(crate) fn rtcp(&self, client: usize, wanted: impl Fn(&RtcpItem<'_>) -> usize) -> usize {
        let mut count = 0;
        for (_, compound) in &self.clients[client].rtcp {
            rtcp::read(compound, |item| count += wanted(&item)).unwrap();
        }
        count
    }

    /// Sequence numbers that a client was asked for.
    pub(crate) fn nacked(&self, client: usize) -> usize {
        self.rtcp(client, |item| match item {
            RtcpItem::Nack { sequences, .. } => sequences.clone().count(),
            _ => 0,
        })
    }

    pub(crate) fn keyframe_requests(&self, client: usize) -> usize {
        self.rtcp(client, |item| {
            usize::from(matches!(item, RtcpItem::KeyframeRequest { .. }))
        })
    }
}

/// A VP8 payload: a descriptor with a 15-bit picture id, and the first bytes of a frame.
pub(crate) fn vp8(keyframe: bool, picture_id: u16) -> Vec<u8> {
    let [high, low] = (picture_id | 0x8000).to_be_bytes();
    let mut payload = vec![0x90, 0x80, high, low];
    payload.extend([
        u8::from(!keyframe),
        0,
        0,
        0x9d,
        0x01,
        0x2a,
        0x80,
        2,
        0x68,
        1,
    ]);
    payload.resize(200, 7);
    payload
}

/// The `n`th packet of a stream of video, a frame each, 33 ms apart.
pub(crate) fn video(n: u64, payload: &[u8]) -> Packet<'_> {
    Packet {
        ssrc: 0x1000,
        sequence: 1000 + n,
        payload_type: crate::client::VP8,
        timestamp: 3000 * n as u32,
        mid: "0",
        rid: None,
        level: None,
        payload,
    }
}

/// The `n`th packet of a stream of sound as loud as speech, 20 ms each.
pub(crate) fn audio(n: u64) -> Packet<'static> {
    Packet {
        ssrc: 0x2000,
        sequence: 1000 + n,
        payload_type: crate::client::OPUS,
        timestamp: 960 * n as u32,
        mid: "0",
        rid: None,
        level: Some(20),
        payload: &[0x78; 80],
    }
}
