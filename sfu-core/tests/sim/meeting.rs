//! A whole meeting: clients, network, server and engine, driven from deadline to deadline.

mod look;
mod place;
mod seat;

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

use sfu_core::event::{Event, StreamState};
use sfu_core::id::WorkerId;
use sfu_core::media::path::{Path, Protocol};
use sfu_core::media::send_batch::SendBatch;
use sfu_core::transport::{DtlsIdentity, DtlsVersion, TransportSettings};
use sfu_core::worker::{Worker, WorkerSettings};

use crate::client::{Client, Outbox};
use crate::network::{Network, media_bytes};
use crate::publisher::Source;
use crate::server::{ClientId, Downward, Server, Upward};
use crate::trace::{Entry, Trace, facts};

pub(crate) use self::place::{Arrival, Place};
pub(crate) use self::seat::Seat;

/// Time that a signalling message takes.
const SIGNALLING: Duration = Duration::from_millis(15);

/// Most steps at one instant: more means that somebody's deadline never passes.
const MAX_STEPS_AT_ONCE: u32 = 10_000;

/// Packets of the engine's pool, as the server's.
const POOL: u32 = 32 * 1024;

/// The meeting.
pub(crate) struct Meeting {
    pub(crate) now: Instant,
    pub(crate) worker: Worker,
    batch: SendBatch,
    pub(crate) server: Server,
    pub(crate) network: Network<Arrival>,
    pub(crate) places: Vec<Place>,
    pub(crate) events: Vec<(Duration, Event)>,
    pub(crate) trace: Trace,
}

/// The start of virtual time, the same for every meeting of the process: `str0m` ties wall clock
/// times to instants once for each process.
///
/// It is at the same place within 65536 s of the wall clock in every process, as `str0m` has it: so much of
/// a wall clock time is in reports, in parts of 1/65536 s (RFC 3550 section 4). A round trip that came out a
/// part longer has sent a repair in one run of ten that the others did not send, and what followed was
/// another call.
pub(crate) fn base() -> Instant {
    /// Seconds between the start of NTP's time and that of Unix (RFC 5905 section 6).
    const NTP_TO_UNIX: Duration = Duration::from_secs(2_208_988_800);
    const ROUND: Duration = Duration::from_secs(1 << 16);
    #[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
    static BASE: LazyLock<Instant> = LazyLock::new(|| {
        let now = Instant::now();
        let wall = crate::wall::at(now).duration_since(SystemTime::UNIX_EPOCH);
        let within = (wall.unwrap() + NTP_TO_UNIX).as_nanos() % ROUND.as_nanos();
        let within = Duration::from_nanos(u64::try_from(within).unwrap());
        // In the future, and between two of those parts.
        now + ROUND - within + Duration::from_nanos(5_000)
    });
    *BASE
}

/// The engine's address.
pub(crate) fn engine() -> SocketAddr {
    ([192, 0, 2, 1], 7882).into()
}

/// Makes what is made once for all meetings: a meeting that is to repeat does not find it undone.
pub(crate) fn prepare() {
    base();
    identity();
    crate::seeded_dtls::certificate();
}

fn identity() -> DtlsIdentity {
    static IDENTITY: LazyLock<DtlsIdentity> = LazyLock::new(|| DtlsIdentity::generate().unwrap());
    IDENTITY.clone()
}

fn worker(seed: u64, adaptation: bool) -> Worker {
    let settings = WorkerSettings {
        worker: WorkerId(0),
        identity: identity(),
        transport: TransportSettings::deterministic(DtlsVersion::default()),
        candidates: vec![engine()],
        pool_packets: POOL,
        forwarded_voices: None,
        adaptation,
        epoch: (base(), Duration::from_secs(1_700_000_000)),
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    Worker::new(settings, bytes)
}

impl Meeting {
    /// A meeting of the listed seats; nothing has happened yet. All that is published is sent on:
    /// what must arrive whole is not to hang on what an estimator thinks of a link that carries all.
    pub(crate) fn new(seed: u64, seats: &[Seat]) -> Self {
        Self::seated(seed, seats, false)
    }

    /// One in which what is sent follows what each subscriber's network is thought to carry.
    pub(crate) fn adapting(seed: u64, seats: &[Seat]) -> Self {
        Self::seated(seed, seats, true)
    }

    fn seated(seed: u64, seats: &[Seat], adaptation: bool) -> Self {
        // `str0m` draws everything but DTLS from this thread's generator, and a test is a thread.
        fastrand::seed(seed);
        let mut network = Network::new(base(), seed);
        let seat = |(at, seat): (usize, &Seat)| {
            let host = u8::try_from(at + 1).unwrap();
            let address = SocketAddr::from(([10, 0, 0, host], 5000 + u16::from(host)));
            let track = |n: usize| (at as u64 + 1) * 100 + n as u64;
            let sources = seat.sources.iter().enumerate().map(|(n, kind)| {
                let mut source = Source::new(*kind, track(n));
                if seat.before_wraps {
                    source.start_before_wraps();
                }
                source
            });
            let sources = sources.collect();
            let client = Client::new(base(), address, sources, seat.sections, &seat.channels);
            let lines = (network.add(seat.up), network.add(seat.down));
            Place {
                room: seat.room,
                ..Place::new(client, seat.joins_at, lines)
            }
        };
        let places = seats.iter().enumerate().map(seat).collect();
        Self::assemble(seed, network, places, adaptation)
    }

    /// A meeting over this network.
    pub(crate) fn assemble(
        seed: u64,
        network: Network<Arrival>,
        places: Vec<Place>,
        adaptation: bool,
    ) -> Self {
        Self {
            now: base(),
            worker: worker(seed, adaptation),
            batch: SendBatch::with_capacity(64 * 1500),
            server: Server::default(),
            network,
            places,
            events: Vec::new(),
            trace: Trace::default(),
        }
    }

    /// Goes on for `ms` milliseconds.
    pub(crate) fn run_for_ms(&mut self, ms: u64) {
        self.run_until(self.now + Duration::from_millis(ms));
    }

    /// Stops every source, and gives the last repairs their time.
    pub(crate) fn wind_down(&mut self) {
        let sources = self
            .places
            .iter_mut()
            .flat_map(|place| &mut place.client.sources);
        sources.for_each(|source| source.stopped = true);
        self.run_for_ms(700);
    }

    /// Goes on until `ms` milliseconds after the start.
    pub(crate) fn run_until_ms(&mut self, ms: u64) {
        self.run_until(base() + Duration::from_millis(ms));
    }

    fn run_until(&mut self, end: Instant) {
        let mut steps_at_once = 0;
        while let Some(next) = self.next().filter(|next| *next <= end) {
            steps_at_once = if next > self.now {
                0
            } else {
                steps_at_once + 1
            };
            assert!(
                steps_at_once < MAX_STEPS_AT_ONCE,
                "time stands still at {:?}",
                self.elapsed()
            );
            self.now = self.now.max(next);
            self.step();
        }
        self.now = end;
    }

    fn next(&self) -> Option<Instant> {
        let present = self.places.iter().filter(|place| !place.left);
        let clients = present.map(|place| place.joins_at.unwrap_or_else(|| place.client.next()));
        clients
            .chain(self.worker.poll_timeout())
            .chain(self.network.next())
            .min()
    }

    /// Does everything that is due now, in an order that is always the same.
    fn step(&mut self) {
        while let Some(arrival) = self.network.arrived(self.now) {
            self.arrive(arrival);
        }
        if self.worker.poll_timeout().is_some_and(|at| at <= self.now) {
            self.worker.handle_timeout(self.now);
            self.drain_engine();
        }
        for id in 0..self.places.len() {
            if self.places[id].left {
                continue;
            }
            match self.places[id].joins_at {
                Some(at) if at <= self.now => self.join(id),
                Some(_) => {}
                None => self.with_client(id, Client::due),
            }
        }
    }

    fn arrive(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Further(way, arrival) => self.network.deliver(self.now + way, *arrival),
            Arrival::AtEngine {
                remote,
                mut datagram,
            } => {
                self.note(remote, true, &datagram);
                let path = Path {
                    protocol: Protocol::Udp,
                    local: engine(),
                    remote,
                };
                self.worker.handle_datagram(self.now, path, &mut datagram);
                self.drain_engine();
            }
            Arrival::AtClient { remote, datagram } => {
                let id = self
                    .places
                    .iter()
                    .position(|p| p.public == remote && !p.left);
                if let Some(id) = id {
                    self.with_client(id, |client, now, outbox| {
                        client.receive(now, engine(), &datagram, outbox);
                    });
                }
            }
            Arrival::Up(id, message) => {
                for command in self.server.hear(id, message) {
                    self.worker.handle_command(self.now, command);
                }
                self.drain_engine();
            }
            Arrival::Down(id, message) => self.hear(id, message),
        }
    }

    fn join(&mut self, id: ClientId) {
        let place = &mut self.places[id];
        place.joins_at = None;
        let offer = place.client.offer().expect("a first offer has sections");
        let sources = place.client.sources.iter();
        let tracks = sources
            .map(|source| (source.track, source.cid.clone(), source.kind))
            .collect();
        let message = Upward::Join {
            room: place.room,
            tracks,
            offer,
        };
        self.network
            .deliver(self.now + SIGNALLING, Arrival::Up(id, message));
        self.with_client(id, Client::drain);
    }

    fn hear(&mut self, id: ClientId, message: Downward) {
        if self.places[id].left {
            return;
        }
        let client = &mut self.places[id].client;
        let offer = match message {
            Downward::Answer { sdp, mids } => client.answer(&sdp, &mids),
            Downward::SectionsNeeded { audio, video } => client.add_sections(audio, video),
            Downward::RoomFailed => {
                self.places[id].told_of_failure = true;
                None
            }
        };
        if let Some((number, sdp)) = offer {
            let message = Upward::Offer { id: number, sdp };
            self.network
                .deliver(self.now + SIGNALLING, Arrival::Up(id, message));
        }
        self.with_client(id, Client::drain);
    }

    /// Lets a client do something, and sends what comes of it.
    fn with_client(&mut self, id: ClientId, act: impl FnOnce(&mut Client, Instant, &mut Outbox)) {
        let mut outbox = Outbox::new();
        act(&mut self.places[id].client, self.now, &mut outbox);
        let (up, remote) = (self.places[id].up, self.places[id].public);
        let way = self.places[id].further;
        for (destination, datagram) in outbox {
            assert_eq!(destination, engine(), "clients know no other address");
            let arrival = |datagram| Arrival::AtEngine { remote, datagram }.further(way);
            self.network.send(self.now, up, &datagram, arrival);
        }
    }

    /// Sends what the engine has to send, and obeys its events.
    fn drain_engine(&mut self) {
        loop {
            self.batch.clear();
            let more = self.worker.poll_transmit(self.now, &mut self.batch);
            let batch = std::mem::replace(&mut self.batch, SendBatch::with_capacity(0));
            for run in batch.runs() {
                assert_eq!(
                    run.path.local,
                    engine(),
                    "a reply leaves from where it was asked"
                );
                for datagram in batch.bytes()[run.range.clone()].chunks(run.segment_size) {
                    self.send_down(run.path.remote, datagram);
                }
            }
            self.batch = batch;
            if !more {
                break;
            }
        }
        while let Some(event) = self.worker.poll_event() {
            self.tell_of_pauses(&event);
            let (commands, words) = self.server.note(&event);
            self.events.push((self.elapsed(), event));
            for (client, message) in words {
                self.network
                    .deliver(self.now + SIGNALLING, Arrival::Down(client, message));
            }
            for command in commands {
                self.worker.handle_command(self.now, command);
            }
        }
    }

    fn tell_of_pauses(&mut self, event: &Event) {
        if let Event::StreamStates {
            participant,
            states,
        } = event
        {
            let client = &mut self.places[crate::server::client(*participant)].client;
            for (track, state) in states {
                if let Some(viewer) = &mut client.viewer {
                    let paused = *state == StreamState::Paused;
                    viewer.told(self.now, track.0 as u32, paused);
                }
            }
        }
    }

    fn send_down(&mut self, remote: SocketAddr, datagram: &[u8]) {
        self.note(remote, false, datagram);
        let mut places = self.places.iter_mut();
        let Some(place) = places.find(|place| place.public == remote) else {
            return;
        };
        let size = media_bytes(datagram);
        place.sent += size;
        place.repairs += if place.client.is_repair(datagram) {
            size
        } else {
            0
        };
        let way = place.further;
        let arrival = |datagram| Arrival::AtClient { remote, datagram }.further(way);
        self.network.send(self.now, place.down, datagram, arrival);
    }

    fn note(&mut self, remote: SocketAddr, inwards: bool, datagram: &[u8]) {
        let (at, port) = (self.elapsed(), remote.port());
        self.trace.note(Entry {
            at,
            port,
            inwards,
            facts: facts(datagram, inwards),
        });
    }
}
