//! A scenario from its start to its end, and the log of it.

use std::time::Duration;

use sfu_lab::log::{
    BIN_MS, LayerLog, Log, OfferLog, PublisherLog, SubscriberBin, SubscriberLog, TrackLog,
};
use sfu_lab::scenario::{Scenario, seconds};

use crate::lab::hall;
use crate::live::feed::FeedKind;
use crate::live::track::Watched;
use crate::meeting::{Meeting, base, prepare};
use crate::publisher::Source;
use crate::server::participant;

/// What came of a run.
pub(crate) struct Outcome {
    pub(crate) log: Log,
    /// The same for the same scenario and seed.
    pub(crate) fingerprint: u64,
}

/// Runs a scenario whole, on a thread of its own: what is drawn by thread begins anew.
pub(crate) fn run(scenario: &Scenario, seed: u64) -> Outcome {
    prepare();
    std::thread::scope(|scope| scope.spawn(|| run_here(scenario, seed)).join().unwrap())
}

fn run_here(scenario: &Scenario, seed: u64) -> Outcome {
    let mut meeting = Meeting::of(scenario, seed);
    let mut acts = hall::acts(scenario).into_iter().peekable();
    let mut notes = Notes::new(scenario);
    let bins = scenario.seconds * 1000 / BIN_MS;
    for bin in 1..=bins {
        let end = Duration::from_millis(u64::from(bin * BIN_MS));
        while let Some((at, who, act)) = acts.next_if(|(at, _, _)| *at <= end) {
            meeting.run_until_ms(at.as_millis() as u64);
            meeting.act(scenario, who, act);
        }
        meeting.run_until_ms(end.as_millis() as u64);
        notes.bin(&mut meeting);
    }
    let log = notes.end(&mut meeting, scenario, seed);
    let fingerprint = meeting.trace.fingerprint();
    Outcome { log, fingerprint }
}

/// What is noted while it runs.
struct Notes {
    subscribers: Vec<(Vec<SubscriberBin>, Totals)>,
    estimates: Vec<Vec<f64>>,
}

/// Bytes so far.
#[derive(Clone, Copy, Default)]
struct Totals {
    sent: u64,
    repairs: u64,
    padding: u64,
}

impl Notes {
    fn new(scenario: &Scenario) -> Self {
        let count = scenario.participants.len();
        Self {
            subscribers: vec![(Vec::new(), Totals::default()); count],
            estimates: vec![Vec::new(); count],
        }
    }

    fn bin(&mut self, meeting: &mut Meeting) {
        let kbps = |bytes: u64| bytes as f64 * 8.0 / f64::from(BIN_MS);
        for (at, (bins, before)) in self.subscribers.iter_mut().enumerate() {
            let adaptation = meeting
                .worker
                .adaptation(participant(at))
                .unwrap_or_default();
            let place = &mut meeting.places[at];
            let totals = Totals {
                sent: place.sent,
                repairs: adaptation.repairs.max(place.repairs),
                padding: adaptation.padding,
            };
            bins.push(SubscriberBin {
                estimate_kbps: adaptation.estimate.bps() as f64 / 1000.0,
                sent_kbps: kbps(totals.sent - before.sent),
                repair_kbps: kbps(totals.repairs.saturating_sub(before.repairs)),
                padding_kbps: kbps(totals.padding.saturating_sub(before.padding)),
                allotted_kbps: adaptation.allotted.bps() as f64 / 1000.0,
                paced_ms_max: adaptation.longest_wait.as_secs_f64() * 1000.0,
            });
            *before = totals;
            let client = &mut place.client;
            let estimate = if client.sources.is_empty() {
                0.0
            } else {
                client.estimate
            };
            self.estimates[at].push(estimate);
            client.viewer.as_mut().expect("live").bin(meeting.now);
            for source in &mut client.sources {
                source.offered.bin();
            }
        }
    }

    fn end(self, meeting: &mut Meeting, scenario: &Scenario, seed: u64) -> Log {
        let links = meeting.network.logs(meeting.now);
        let narrow = |name: &Option<String>| {
            let narrow = links.iter().any(|link| Some(&link.name) == name.as_ref());
            name.clone().filter(|_| narrow).unwrap_or_default()
        };
        let mut log = Log {
            scenario: scenario.name.clone(),
            seed,
            column: "ours".to_owned(),
            ..Log::default()
        };
        let people = scenario.participants.iter().enumerate();
        let both = self.subscribers.into_iter().zip(self.estimates);
        for ((at, who), ((bins, _), estimate_kbps)) in people.zip(both) {
            if who.subscribes {
                log.subscribers.push(SubscriberLog {
                    name: who.name.clone(),
                    link: narrow(&who.down),
                    bins,
                    tracks: tracks(meeting, scenario, at),
                });
            }
            let sources = meeting.places[at].client.sources.iter();
            if sources.len() > 0 {
                log.publishers.push(PublisherLog {
                    name: who.name.clone(),
                    link: narrow(&who.up),
                    estimate_kbps,
                    tracks: sources.map(|source| offer(&who.name, source)).collect(),
                });
            }
        }
        log.links = links;
        log
    }
}

pub(crate) fn offer(who: &str, source: &Source) -> OfferLog {
    let feed = source.feed.as_ref().expect("live");
    OfferLog {
        name: format!("{who}/{}", hall::name(feed.kind)),
        is_audio: feed.kind == FeedKind::Microphone,
        stacked: feed.kind == FeedKind::Layered,
        layers: source.offered.layers.clone(),
    }
}

/// What one participant got of each track that it was to get.
fn tracks(meeting: &mut Meeting, scenario: &Scenario, at: usize) -> Vec<TrackLog> {
    let end = meeting.now;
    let mut logs = Vec::new();
    for (who, publisher) in scenario.participants.iter().enumerate() {
        for n in (0..publisher.publishes.len()).filter(|_| who != at) {
            let kind = meeting.places[who].client.sources[n]
                .feed
                .as_ref()
                .expect("live")
                .kind;
            let joins = seconds(publisher.joins.max(scenario.participants[at].joins));
            let viewer = meeting.places[at].client.viewer.as_mut().expect("live");
            let id = hall::track(who, n);
            let never = || Watched::new(base() + joins, kind == FeedKind::Microphone);
            let track = viewer.tracks.entry(id).or_insert_with(never);
            track.end(end);
            let bins = viewer.bins.get(&id).cloned().unwrap_or_default();
            let name = format!("{}/{}", publisher.name, hall::name(kind));
            logs.push(track_log(&name, track, bins));
        }
    }
    logs
}

/// What came of a track.
pub(crate) fn track_log(
    name: &str,
    track: &Watched,
    bins: Vec<sfu_lab::log::TrackBin>,
) -> TrackLog {
    let ms = |at: std::time::Instant| at.saturating_duration_since(base()).as_millis() as u32;
    let (packets, lost_packets) = track.packets();
    TrackLog {
        name: name.to_owned(),
        is_audio: track.audio,
        bins,
        freezes: track
            .freezes
            .iter()
            .map(|(from, to)| (ms(*from), ms(*to)))
            .collect(),
        lost_packets,
        packets,
    }
}

/// What a source sent of each layer.
#[derive(Default)]
pub(crate) struct Offered {
    layers: Vec<LayerLog>,
    bins: usize,
    /// Bytes sent since somebody asked last, with all headers.
    pub(crate) bytes: u64,
}

impl Offered {
    /// A packet of a layer, of so many bytes of payload.
    pub(crate) fn note(&mut self, tag: &crate::live::tag::Tag, payload: usize) {
        let key = (tag.id.layer, tag.temporal);
        let place = self
            .layers
            .binary_search_by_key(&key, |l| (l.spatial, l.temporal));
        let place = place.unwrap_or_else(|place| {
            let layer = LayerLog {
                spatial: key.0,
                temporal: key.1,
                height: tag.height.into(),
                kbps: Vec::new(),
            };
            self.layers.insert(place, layer);
            place
        });
        let kbps = &mut self.layers[place].kbps;
        kbps.resize(self.bins + 1, 0.0);
        kbps[self.bins] += (payload + HEADERS) as f64 * 8.0 / f64::from(BIN_MS);
    }

    /// These packets are sent.
    pub(crate) fn sent(&mut self, packets: &[crate::publisher::Packet]) {
        let bytes: usize = packets.iter().map(|packet| packet.len() + HEADERS).sum();
        self.bytes += bytes as u64;
    }

    pub(crate) fn bin(&mut self) {
        self.bins += 1;
        for layer in &mut self.layers {
            layer.kbps.resize(self.bins, 0.0);
        }
    }
}

/// Bytes of IP, UDP, RTP with its extensions, and SRTP's tag.
const HEADERS: usize = 20 + 8 + 12 + 12 + 16;
