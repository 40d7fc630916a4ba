//! Participants behind one address, and what they may share of one bottleneck: who is on which line,
//! who tells it what, and who is looked at again when it has less for somebody.
//!
//! A line knows the participants of its own worker alone: those of a room are always on one.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use slab::Slab;

use super::bandwidth::Bandwidth;
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
pub(super) fn follow(lines: &mut Lines, bandwidth: &mut Bandwidth, now: Instant) {
    let on = bandwidth.on_line;
    let share = lines.of(on).and_then(|line| line.share(on.id));
    bandwidth.couple(now, share);
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

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
mod tests {
    use super::*;
    use crate::bandwidth::departure::{Class, ToldPacket};
    use crate::bandwidth::estimator::MAX_MEMBERS;
    use crate::bandwidth::pacer::Left;
    use crate::unit::Bitrate;

    /// Between two packets, and how long each is on its way while none waits.
    const BETWEEN: Duration = Duration::from_millis(10);
    const WAY: u64 = 4;

    const fn key(peer: u32) -> PeerKey {
        PeerKey { room: 0, peer }
    }

    /// A participant's next packet leaves, and it tells of one before, which waited for so long.
    fn exchange(bandwidth: &mut Bandwidth, now: Instant, number: u64, waited: Duration) {
        let left = Left {
            class: Class::Video,
            probe: None,
            waited: Duration::ZERO,
        };
        // 240 kbit/s: less than the first estimate allows.
        bandwidth.left(now, left, 300, Some(number));
        if let Some(told) = number.checked_sub(WAY) {
            let arrived = BETWEEN * told as u32 + waited;
            let told = ToldPacket {
                number: told as u16,
                arrival: Some(arrived.as_micros() as i64),
            };
            bandwidth.on_told_packets(now, &[told]);
        }
    }

    #[test]
    fn who_moves_to_a_line_without_room_leaves_its_share_behind() {
        let [home, full] = [1, 2].map(|last| IpAddr::from([192, 0, 2, last]));
        let mut now = Instant::now();
        let mut lines = Lines::default();
        let mut two = [0, 1].map(|_| Bandwidth::new(now, true));
        for number in 0..400 {
            now += BETWEEN;
            // Nothing waits for two seconds; then the queue of both grows.
            let waited = Duration::from_micros(u64::saturating_sub(number, 200) * 1_000);
            for (peer, bandwidth) in two.iter_mut().enumerate() {
                exchange(bandwidth, now, number, waited);
                let key = key(peer as u32);
                lines.go(now, &mut bandwidth.on_line, key, home);
                let line = lines.of(bandwidth.on_line).expect("room");
                // Each could have half, and is sent next to nothing: the other may have the rest.
                let demand = Demand {
                    allotted: Bitrate::from_bps(1_000),
                    next: None,
                    most: Bitrate::from_bps(9_000_000),
                };
                line.demand(key.number(), demand);
                if let Some(heard) = bandwidth.heard_for_line() {
                    line.heard(now, key.number(), &heard);
                }
                follow(&mut lines, bandwidth, now);
            }
        }
        let [one, _] = &mut two;
        assert!(one.lent() > Bitrate::default(), "they are coupled");
        for peer in 0..MAX_MEMBERS as u32 {
            let mut on = OnLine::default();
            lines.go(now, &mut on, key(100 + peer), full);
        }
        lines.go(now, &mut one.on_line, key(0), full);
        follow(&mut lines, one, now);
        assert_eq!(one.lent(), Bitrate::default(), "it goes on alone");
    }
}
