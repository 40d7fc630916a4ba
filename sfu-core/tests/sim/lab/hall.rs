//! A meeting as a scenario writes it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use sfu_lab::scenario::{Link, Participant, Publishes, Scenario, milliseconds, seconds};

use crate::client::Client;
use crate::live::feed::FeedKind;
use crate::meeting::{Meeting, Place, base};
use crate::network::Network;
use crate::publisher::Source;
use crate::trace::Trace;

/// The name of a thing that is published, in logs.
pub(crate) const fn name(kind: FeedKind) -> &'static str {
    match kind {
        FeedKind::Camera | FeedKind::Layered => "camera",
        FeedKind::Screen => "screen",
        FeedKind::Microphone => "microphone",
    }
}

/// What a thing that is published is encoded as.
pub(crate) const fn kind(publishes: Publishes) -> FeedKind {
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
            let house = scenario.house_of(at);
            let mut line = |name: &Option<String>| match name {
                Some(name) => lines[name.as_str()],
                None => network.add_line(&clean),
            };
            let (up, down) = (line(&who.up), line(&who.down));
            let mut place =
                Place::new(client(at, house, who, seed), seconds(who.joins), (up, down));
            place.further = milliseconds(who.delay_ms);
            place
        };
        let places = scenario.participants.iter().enumerate();
        let places = places.map(&mut place).collect();
        let mut meeting = Self::assemble(seed, network, places, true);
        let listed = scenario.participants.iter().enumerate();
        let deaf = listed.filter(|(_, who)| !who.subscribes).map(|(at, _)| at);
        meeting.server.deaf = deaf.collect();
        meeting.trace = Trace::forgetting();
        meeting
    }
}

/// A client; those of one `house` have one address and a port each, as behind a NAT.
fn client(at: usize, house: usize, who: &Participant, seed: u64) -> Client {
    let number = |at: usize| u8::try_from(at + 1).expect("fewer than 255 of them");
    let port = 5000 + u16::from(number(at));
    let address = SocketAddr::from(([10, 0, 0, number(house)], port));
    let source =
        |(n, publishes): (usize, &Publishes)| Source::live(kind(*publishes), track(at, n), seed);
    let sources = who.publishes.iter().enumerate().map(source);
    Client::live(base(), address, sources.collect())
}

/// What somebody does, or what happens to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    /// The address changes.
    Rebind,
    /// It looks at pictures, or away from them.
    Look(bool),
    Leave,
}

impl Meeting {
    /// Lets it happen to a participant now.
    pub(crate) fn act(&mut self, scenario: &Scenario, who: usize, act: Act) {
        match act {
            Act::Rebind => {
                let mut public = self.public(who);
                public.set_port(public.port() + 1000);
                self.rebind(who, public);
            }
            Act::Look(wanted) => {
                for track in pictures(scenario, who) {
                    self.look(who, track, wanted);
                }
            }
            Act::Leave => self.leave(who),
        }
    }
}

/// The tracks with pictures of all but one.
fn pictures(scenario: &Scenario, but: usize) -> Vec<u32> {
    let people = scenario.participants.iter().enumerate();
    let others = people.filter(|(at, _)| *at != but);
    let tracks = others.flat_map(|(at, who)| {
        let sources = who.publishes.iter().enumerate();
        let pictures = sources.filter(|(_, what)| **what != Publishes::Microphone);
        pictures.map(move |(n, _)| track(at, n))
    });
    tracks.collect()
}

/// What happens when and to whom, in the order of time.
pub(crate) fn acts(scenario: &Scenario) -> Vec<(Duration, usize, Act)> {
    let mut all = Vec::new();
    for (at, who) in scenario.participants.iter().enumerate() {
        let own = |link: &&Link| {
            let name = Some(&link.name);
            who.up.as_ref() == name || who.down.as_ref() == name
        };
        let links = scenario.links.iter().filter(own);
        all.extend(
            links
                .flat_map(Link::rebinds)
                .map(|when| (when, at, Act::Rebind)),
        );
        for [from, to] in &who.looks_away {
            all.push((seconds(*from), at, Act::Look(false)));
            all.push((seconds(*to), at, Act::Look(true)));
        }
        all.extend(who.leaves.map(|when| (seconds(when), at, Act::Leave)));
    }
    all.sort_unstable();
    all.dedup();
    all
}

#[test]
fn what_people_do_is_in_the_order_of_time() {
    let acts_of = |name: &str| acts(&Scenario::find(name).unwrap());
    let at = Duration::from_secs;
    assert_eq!(
        acts_of("rfc8867-5.8"),
        [(at(40), 2, Act::Look(false)), (at(60), 2, Act::Look(true))]
    );
    let rebinds = [(at(15), 1, Act::Rebind), (at(28), 1, Act::Rebind)];
    assert_eq!(acts_of("rebinding"), rebinds);
}
