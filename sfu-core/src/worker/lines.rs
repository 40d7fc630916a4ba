//! Participants behind one address, and what they may share of one bottleneck: who is on which line,
//! who tells it what, and who is looked at again when it has less for somebody.
//!
//! A line knows the participants of its own worker alone: those of a room are always on one.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use slab::Slab;

use super::deadlines::Deadlines;
use super::peer::Peer;
use super::{PeerKey, Room, Shared};
use crate::bandwidth::departure::{Demand, ProbeId};
use crate::bandwidth::estimator::Line;
use crate::room::tracks::PeerIndex;

/// How soon those are looked at who have to send less.
const SOON: Duration = Duration::from_millis(1);

/// The lines, by address.
#[derive(Debug, Default)]
pub(super) struct Lines {
    by_address: BTreeMap<IpAddr, usize>,
    lines: Slab<(IpAddr, Line)>,
}

/// Where a participant is among the lines.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OnLine {
    address: Option<IpAddr>,
    /// `None` when its line had no room for it.
    line: Option<usize>,
    /// Its name there.
    id: u64,
}

impl PeerKey {
    /// As one number.
    fn number(self) -> u64 {
        u64::from(self.room) << 32 | u64::from(self.peer)
    }

    const fn of_number(number: u64) -> Self {
        Self {
            room: (number >> 32) as u32,
            peer: number as u32,
        }
    }
}

impl Lines {
    /// Takes a participant to the line of its address.
    fn go(&mut self, now: Instant, on: &mut OnLine, key: PeerKey, address: IpAddr) {
        if on.address == Some(address) {
            return;
        }
        self.leave(on, key);
        let lines = &mut self.lines;
        let line = *self
            .by_address
            .entry(address)
            .or_insert_with(|| lines.insert((address, Line::new(now))));
        on.address = Some(address);
        on.id = key.number();
        on.line = self.lines[line].1.join(key.number()).then_some(line);
    }

    /// A participant is gone.
    pub(super) fn leave(&mut self, on: &mut OnLine, key: PeerKey) {
        let Some(at) = std::mem::take(on).line else {
            return;
        };
        if let Some((address, line)) = self.lines.get_mut(at) {
            line.leave(key.number());
            if line.is_empty() {
                self.by_address.remove(address);
                self.lines.remove(at);
            }
        }
    }

    /// A participant is gone with its room, which could not say where it was.
    pub(super) fn forget(&mut self, key: PeerKey) {
        self.by_address.retain(|_, at| {
            let line = &mut self.lines[*at].1;
            line.leave(key.number());
            let stays = !line.is_empty();
            if !stays {
                self.lines.remove(*at);
            }
            stays
        });
    }

    /// A packet of a participant's has left with `size` bytes on the wire, as part of a probe or not.
    pub(super) fn left(&mut self, on: OnLine, probe: Option<ProbeId>, size: u16) {
        if let Some(line) = self.of(on) {
            line.sent(on.id, probe, size);
        }
    }

    fn of(&mut self, on: OnLine) -> Option<&mut Line> {
        self.lines.get_mut(on.line?).map(|(_, line)| line)
    }
}

/// A participant's feedback has come: its line hears what it has to say.
pub(super) fn hear(shared: &mut Shared, room: &mut Room, index: PeerIndex, now: Instant) {
    let peer = &mut room.peers[index];
    let Some(path) = peer.transport.selected_path() else {
        return;
    };
    let key = PeerKey::new(room.key, index);
    let address = network_of(path.remote.ip());
    shared
        .lines
        .go(now, &mut peer.bandwidth.on_line, key, address);
    let (on, Some(heard)) = (peer.bandwidth.on_line, peer.bandwidth.heard_for_line()) else {
        return;
    };
    if let Some(line) = shared.lines.of(on)
        && line.heard(now, key.number(), &heard)
    {
        wake(line, &mut shared.pacers, key, now);
    }
}

/// Sees to it that a participant keeps to its share. One that has moved to an address whose line has no room
/// has none any more.
pub(super) fn follow(shared: &mut Shared, peer: &mut Peer, key: PeerKey, now: Instant) {
    let line = shared.lines.of(peer.bandwidth.on_line);
    let share = line.and_then(|line| line.share(key.number()));
    peer.bandwidth.couple(now, share);
}

/// Whether a participant may probe now.
pub(super) fn may_probe(shared: &mut Shared, peer: &Peer, key: PeerKey, now: Instant) -> bool {
    let line = shared.lines.of(peer.bandwidth.on_line);
    line.is_none_or(|line| line.may_probe(now, key.number()))
}

/// A participant begins a probe.
pub(super) fn begin_probe(shared: &mut Shared, peer: &Peer, key: PeerKey, now: Instant) {
    if let Some(line) = shared.lines.of(peer.bandwidth.on_line) {
        line.begin_probe(now, key.number());
    }
}

/// A participant is sent something else: what was lent of it to others is taken back.
pub(super) fn note_demand(
    shared: &mut Shared,
    peer: &Peer,
    key: PeerKey,
    now: Instant,
    demand: Demand,
) {
    if let Some(line) = shared.lines.of(peer.bandwidth.on_line)
        && line.demand(key.number(), demand)
    {
        wake(line, &mut shared.pacers, key, now);
    }
}

fn wake(line: &Line, pacers: &mut Deadlines, but: PeerKey, now: Instant) {
    for other in line.coupled().filter(|other| *other != but.number()) {
        pacers.arm(PeerKey::of_number(other), now + SOON);
    }
}

/// What of an address is one household's or office's: that of IPv4, which NAT makes one, and the /64 of
/// IPv6 (RFC 7084 section 3.1: what a home's network is given at least).
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}
