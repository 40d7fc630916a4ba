//! The reference: str0m's own estimator over the same line with the same media, and nothing of ours
//! but a plain choice of layers. One client sends what the engine would, another receives it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sfu_lab::element::Line;
use sfu_lab::log::{BIN_MS, Log, PublisherLog, SubscriberBin, SubscriberLog};
use sfu_lab::scenario::{Link, Participant, Scenario, seconds};

use crate::client::{Client, Outbox};
use crate::lab::hall;
use crate::lab::run::{Outcome, offer, track_log};
use crate::live::track::Watched;
use crate::meeting::{base, prepare};
use crate::network::{media_bytes, packet};
use crate::publisher::Source;
use crate::trace::{Entry, Trace, facts};

/// The one subscriber that a pair can stand for; `None` where several share a line.
fn subscriber(scenario: &Scenario) -> Option<usize> {
    let people = scenario.participants.iter().enumerate();
    let mut narrow = people.filter(|(_, who)| who.subscribes && who.down.is_some());
    let (at, _) = narrow.next()?;
    narrow.next().is_none().then_some(at)
}

/// Runs a scenario by the reference; `None` where it has none.
pub(crate) fn run(scenario: &Scenario, seed: u64) -> Option<Outcome> {
    let at = subscriber(scenario)?;
    prepare();
    let outcome = std::thread::scope(|scope| {
        let run = scope.spawn(|| Pair::new(scenario, at, seed).run(scenario, at, seed));
        run.join().unwrap()
    });
    Some(outcome)
}

const SENDER: ([u8; 4], u16) = ([192, 0, 2, 1], 7882);
const RECEIVER: ([u8; 4], u16) = ([10, 0, 0, 2], 5002);

struct Pair {
    now: Instant,
    sender: Client,
    receiver: Client,
    up: Line<Vec<u8>>,
    down: Line<Vec<u8>>,
    sent: u64,
    /// Media that has not left yet, in the unit of a bin.
    media: f64,
    bins: Vec<SubscriberBin>,
    /// What went between the two; the sender stands for the engine.
    trace: Trace,
}

impl Pair {
    fn new(scenario: &Scenario, at: usize, seed: u64) -> Self {
        fastrand::seed(seed);
        let who = &scenario.participants[at];
        let line = |name: &Option<String>, luck: u64| {
            let found = name.as_ref().and_then(|name| scenario.link(name));
            let link = found.cloned().unwrap_or_else(Link::clean);
            Line::new(base(), &link, seed << 16 | luck)
        };
        let mut sources = Vec::new();
        for (other, publisher) in scenario.participants.iter().enumerate() {
            for (n, publishes) in publisher
                .publishes
                .iter()
                .enumerate()
                .filter(|_| other != at)
            {
                let (kind, track) = (hall::kind(*publishes), hall::track(other, n));
                let mut source = Source::chosen(kind, track, seed);
                source.begins = Some(base() + seconds(publisher.joins.max(who.joins)));
                sources.push(source);
            }
        }
        let mut sender = Client::live(base(), SocketAddr::from(SENDER), sources);
        let mut receiver = Client::live(base(), SocketAddr::from(RECEIVER), Vec::new());
        let (_, sdp) = sender.offer().expect("it has sources");
        let mids = sender.sources.iter();
        let mids: Vec<_> = mids
            .map(|source| (source.mid.expect("offered").to_string(), source.track))
            .collect();
        let answer = receiver.accept(&sdp, &mids);
        sender.answer(&answer, &mids);
        Self {
            now: base(),
            sender,
            receiver,
            up: line(&who.up, 1),
            down: line(&who.down, 2),
            sent: 0,
            media: 0.0,
            bins: Vec::new(),
            trace: Trace::forgetting(),
        }
    }

    fn run(mut self, scenario: &Scenario, at: usize, seed: u64) -> Outcome {
        let who = &scenario.participants[at];
        for bin in 1..=scenario.seconds * 1000 / BIN_MS {
            self.run_until(base() + Duration::from_millis(u64::from(bin * BIN_MS)));
            let kbps = |bytes: u64| bytes as f64 * 8.0 / f64::from(BIN_MS);
            let sources = self.sender.sources.iter_mut();
            let media: u64 = sources.map(|s| std::mem::take(&mut s.offered.bytes)).sum();
            self.media += kbps(media);
            let sent = kbps(std::mem::take(&mut self.sent));
            // Media waits in the pacer: what leaves more than ever came is repairs and padding.
            let others = (sent - self.media).max(0.0);
            self.media = (self.media - sent).max(0.0);
            self.bins.push(SubscriberBin {
                estimate_kbps: self.sender.estimate,
                sent_kbps: sent,
                padding_kbps: others,
                ..SubscriberBin::default()
            });
            self.receiver.viewer.as_mut().expect("live").bin(self.now);
            self.sender
                .sources
                .iter_mut()
                .for_each(|source| source.offered.bin());
        }
        Outcome {
            fingerprint: self.trace.fingerprint(),
            log: self.log(scenario, who, seed),
            drops: Vec::new(),
        }
    }

    fn run_until(&mut self, end: Instant) {
        loop {
            let lines = [self.up.next(), self.down.next()].into_iter().flatten();
            let next = lines
                .chain([self.sender.next(), self.receiver.next()])
                .min();
            let Some(next) = next.filter(|next| *next <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            self.step();
        }
    }

    fn step(&mut self) {
        let (mut up, mut down) = (Outbox::new(), Outbox::new());
        while let Some(packet) = self.down.take(self.now) {
            self.receiver
                .receive(self.now, SENDER.into(), &packet.what, &mut up);
        }
        while let Some(packet) = self.up.take(self.now) {
            self.sender
                .receive(self.now, RECEIVER.into(), &packet.what, &mut down);
        }
        self.sender.due(self.now, &mut down);
        self.receiver.due(self.now, &mut up);
        for (_, datagram) in up {
            self.note(true, &datagram);
            self.up.put(packet(self.now, &datagram, |bytes| bytes));
        }
        for (_, datagram) in down {
            self.note(false, &datagram);
            self.sent += media_bytes(&datagram);
            self.down.put(packet(self.now, &datagram, |bytes| bytes));
        }
    }

    fn note(&mut self, inwards: bool, datagram: &[u8]) {
        self.trace.note(Entry {
            at: self.now - base(),
            port: RECEIVER.1,
            inwards,
            facts: facts(datagram, inwards),
        });
    }

    fn log(mut self, scenario: &Scenario, who: &Participant, seed: u64) -> Log {
        let link = self.down.log(self.now);
        let viewer = self.receiver.viewer.as_mut().expect("live");
        let mut tracks = Vec::new();
        let mut publishers: Vec<PublisherLog> = Vec::new();
        for source in &self.sender.sources {
            let id = u32::try_from(source.track).expect("few of them");
            let publisher = &scenario.participants[id as usize / 100 - 1].name;
            let begins = source.begins.unwrap_or(base());
            let never = || Watched::new(begins, source.kind.is_audio());
            let track = viewer.tracks.entry(id).or_insert_with(never);
            track.end(self.now);
            let offer = offer(publisher, source);
            let bins = viewer.bins.get(&id).cloned().unwrap_or_default();
            tracks.push(track_log(&offer.name, track, bins));
            match publishers.iter_mut().find(|known| known.name == *publisher) {
                Some(known) => known.tracks.push(offer),
                None => publishers.push(PublisherLog {
                    name: publisher.clone(),
                    tracks: vec![offer],
                    ..PublisherLog::default()
                }),
            }
        }
        Log {
            scenario: scenario.name.clone(),
            seed,
            column: "str0m".to_owned(),
            subscribers: vec![SubscriberLog {
                name: who.name.clone(),
                link: link
                    .as_ref()
                    .map(|link| link.name.clone())
                    .unwrap_or_default(),
                bins: self.bins,
                tracks,
            }],
            links: link.into_iter().collect(),
            publishers,
            ..Log::default()
        }
    }
}
