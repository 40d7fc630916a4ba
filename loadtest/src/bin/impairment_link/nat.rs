//! A NAT at the far end that forgets: from then on its UDP ports look different from the near end, and
//! what is still sent to the old ones reaches nobody.

use std::time::{Duration, Instant};

/// Whether and how ports are changed.
pub(crate) struct Nat {
    /// When it forgets, the next last.
    times: Vec<Instant>,
    /// What ports are exclusive-ored with. Its highest bit is 0, so that a port above 32767 (those of
    /// browsers are) stays above.
    mask: u16,
}

/// What the mask grows by: ports that are near each other do not meet.
const STEP: u16 = 0x0800;
const MASKS: u16 = 0x7800;

const IPV4_LEAST: usize = 20;
const UDP_HEADER: usize = 8;
const UDP: u8 = 17;

impl Nat {
    /// A NAT that forgets at these times after `start`.
    pub(crate) fn of(start: Instant, times: impl Iterator<Item = Duration>) -> Self {
        let mut times: Vec<_> = times.map(|time| start + time).collect();
        times.sort_by(|one, other| other.cmp(one));
        Self { times, mask: 0 }
    }

    /// Lets the time pass until `now`.
    pub(crate) fn pass(&mut self, now: Instant) {
        while self.times.pop_if(|at| *at <= now).is_some() {
            self.mask = self.mask.wrapping_add(STEP) & MASKS;
        }
    }

    /// Changes the source port of an IP packet from the far end.
    pub(crate) fn outward(&self, packet: &mut [u8]) {
        self.change(packet, 0);
    }

    /// Changes the destination port of an IP packet to the far end back.
    pub(crate) fn inward(&self, packet: &mut [u8]) {
        self.change(packet, 2);
    }

    fn change(&self, packet: &mut [u8], at: usize) {
        let header = packet
            .first()
            .map_or(0, |first| usize::from(first & 0x0f) * 4);
        let is_ipv4 = packet.first().is_some_and(|first| first >> 4 == 4);
        let is_udp = packet.get(9) == Some(&UDP);
        // Neither more fragments nor an offset (RFC 791 section 3.1): a later one has no ports.
        let is_whole = packet.len() >= IPV4_LEAST && packet[6] & 0x3f == 0 && packet[7] == 0;
        if self.mask == 0 || !(is_ipv4 && is_udp && is_whole && header >= IPV4_LEAST) {
            return;
        }
        let Some(udp) = packet.get_mut(header..header + UDP_HEADER) else {
            return;
        };
        let port = u16::from_be_bytes([udp[at], udp[at + 1]]) ^ self.mask;
        udp[at..at + 2].copy_from_slice(&port.to_be_bytes());
        // None: allowed over IPv4 (RFC 768).
        udp[6..8].fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A packet from port 50000 to port 40000.
    fn packet(protocol: u8) -> Vec<u8> {
        let mut packet = vec![0; 32];
        packet[0] = 0x45;
        packet[9] = protocol;
        packet[20..22].copy_from_slice(&50_000_u16.to_be_bytes());
        packet[22..24].copy_from_slice(&40_000_u16.to_be_bytes());
        packet[26..28].copy_from_slice(&[1, 2]);
        packet
    }

    fn ports(packet: &[u8]) -> (u16, u16) {
        let port = |at| u16::from_be_bytes([packet[at], packet[at + 1]]);
        (port(20), port(22))
    }

    fn forgetful() -> (Instant, Nat) {
        let start = Instant::now();
        let times = [MS * 20, MS * 10];
        (start, Nat::of(start, times.into_iter()))
    }

    #[test]
    fn nothing_changes_until_it_forgets() {
        let (start, mut nat) = forgetful();
        let mut out = packet(UDP);
        nat.pass(start + MS * 9);
        nat.outward(&mut out);
        assert_eq!(out, packet(UDP));
    }

    #[test]
    fn each_time_the_source_is_another_and_answers_find_back() {
        let (start, mut nat) = forgetful();
        let mut seen = vec![50_000];
        for ms in [10, 20] {
            nat.pass(start + MS * ms);
            let mut out = packet(UDP);
            nat.outward(&mut out);
            let (source, destination) = ports(&out);
            assert_eq!(destination, 40_000);
            assert!(!seen.contains(&source), "{source} again");
            seen.push(source);
            let mut answer = packet(UDP);
            answer[22..24].copy_from_slice(&source.to_be_bytes());
            nat.inward(&mut answer);
            assert_eq!(ports(&answer).1, 50_000);
            assert_eq!(answer[26..28], [0, 0], "a wrong checksum is left");
        }
    }

    #[test]
    fn what_is_sent_to_the_old_port_reaches_nobody() {
        let (start, mut nat) = forgetful();
        nat.pass(start + MS * 10);
        let mut late = packet(UDP);
        late[22..24].copy_from_slice(&50_000_u16.to_be_bytes());
        nat.inward(&mut late);
        assert_ne!(ports(&late).1, 50_000);
    }

    #[test]
    fn only_whole_udp_is_touched() {
        let (start, mut nat) = forgetful();
        nat.pass(start + MS * 10);
        let mut fragment = packet(UDP);
        fragment[7] = 1;
        let short = packet(UDP)[..24].to_vec();
        for mut packet in [packet(6), fragment, short, Vec::new(), vec![0x45]] {
            let before = packet.clone();
            nat.outward(&mut packet);
            assert_eq!(packet, before);
        }
    }
}
