//! A meeting as a scenario writes it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use sfu_lab::scenario::{Link, Participant, Publishes, Scenario, seconds};

use crate::client::Client;
use crate::live::feed::FeedKind;
use crate::meeting::{Meeting, Place, base};
use crate::network::Network;
use crate::publisher::Source;

/// The name of a thing that is published, in logs.
pub(crate) const fn name(kind: FeedKind) -> &'static str {
    match kind {
        FeedKind::Camera | FeedKind::Layered => "camera",
        FeedKind::Screen => "screen",
        FeedKind::Microphone => "microphone",
    }
}

const fn kind(publishes: Publishes) -> FeedKind {
    match publishes {
        Publishes::Camera => FeedKind::Camera,
        Publishes::LayeredCamera => FeedKind::Layered,
        Publishes::Screen => FeedKind::Screen,
        Publishes::Microphone => FeedKind::Microphone,
    }
}

/// The number of a participant's track.
pub(crate) fn track(participant: usize, source: usize) -> u32 {
    u32::try_from((participant + 1) * 100 + source).expect("few of them")
}

impl Meeting {
    /// The meeting of a scenario; nothing has happened yet.
    pub(crate) fn of(scenario: &Scenario, seed: u64) -> Self {
        // `str0m` draws everything but DTLS from this thread's generator.
        fastrand::seed(seed);
        let mut network = Network::new(base(), seed);
        let named = scenario.links.iter();
        let lines: BTreeMap<&str, usize> = named
            .map(|link| (link.name.as_str(), network.add_line(link)))
            .collect();
        let clean = Link::clean();
        let mut place = |(at, who): (usize, &Participant)| {
            let mut line = |name: &Option<String>| match name {
                Some(name) => lines[name.as_str()],
                None => network.add_line(&clean),
            };
            let (up, down) = (line(&who.up), line(&who.down));
            Place::new(client(at, who, seed), seconds(who.joins), (up, down))
        };
        let places = scenario.participants.iter().enumerate();
        let places = places.map(&mut place).collect();
        let mut meeting = Self::assemble(seed, network, places);
        let listed = scenario.participants.iter().enumerate();
        let deaf = listed.filter(|(_, who)| !who.subscribes).map(|(at, _)| at);
        meeting.server.deaf = deaf.collect();
        meeting.trace.forgets = true;
        meeting
    }
}

fn client(at: usize, who: &Participant, seed: u64) -> Client {
    let host = u8::try_from(at + 1).expect("fewer than 255 of them");
    let address = SocketAddr::from(([10, 0, 0, host], 5000 + u16::from(host)));
    let source =
        |(n, publishes): (usize, &Publishes)| Source::live(kind(*publishes), track(at, n), seed);
    let sources = who.publishes.iter().enumerate().map(source);
    Client::live(base(), address, sources.collect())
}

/// When whose address changes, in the order of time.
pub(crate) fn rebindings(scenario: &Scenario) -> Vec<(Duration, usize)> {
    let mut all = Vec::new();
    for (at, who) in scenario.participants.iter().enumerate() {
        let own = |link: &&Link| {
            let name = Some(&link.name);
            who.up.as_ref() == name || who.down.as_ref() == name
        };
        let links = scenario.links.iter().filter(own);
        all.extend(links.flat_map(Link::rebinds).map(|when| (when, at)));
    }
    all.sort_unstable();
    all.dedup();
    all
}
