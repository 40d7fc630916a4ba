//! From the pacers into the send batch: subscribers outside, packets inside, sealed once.

use std::time::Instant;

use super::departure::{Departures, send_time};
use super::header::HeaderValues;
use super::peer::{Peer, Sending};
use super::stats::WorkerStats;
use super::traffic::TrafficKind;
use super::{PeerKey, Shared, Worker};
use super::{filler, pacing};
use crate::bandwidth::departure::Class;
use crate::drop_reason::DropReason;
use crate::media::outbound::{OutboundPacket, PayloadRewrite};
use crate::media::packet::PacketPool;
use crate::media::path::Path;
use crate::media::send_batch::{MAX_DATAGRAM, SendBatch};
use crate::transport::srtp::SrtpSender;
use crate::wire::extensions::ExtensionWriter;
use crate::wire::rtp::{FIXED_HEADER_LEN, RtpWriter, write_padding};

/// Bytes of the original sequence number in a repair (RFC 4588 section 4).
const OSN_LEN: usize = 2;

impl Worker {
    /// Seals what waits to be sent into `batch`, participant by participant, so that each one's
    /// packets lie side by side and leave in runs. True when the batch filled up first: send it,
    /// clear it, and call again.
    pub fn poll_transmit(&mut self, now: Instant, batch: &mut SendBatch) -> bool {
        while let Some((path, datagram)) = self.shared.farewells.pop_front() {
            let written = batch.push(path, |out| {
                out[..datagram.len()].copy_from_slice(&datagram);
                Some(datagram.len())
            });
            count(&mut self.shared.stats, TrafficKind::Dtls, written);
            if batch.is_full() {
                return true;
            }
        }
        self.fan_out_into(now, batch);
        while let Some(&key) = self.shared.dirty.front() {
            if batch.is_full() {
                return true;
            }
            let done = self.in_room(key.room(), |shared, room| {
                filler::fill(shared, room, key.peer(), now);
                let Some(peer) = room.peers.get_mut(key.peer()) else {
                    return true;
                };
                let done = flush(shared, peer, key, now, batch);
                peer.dirty = !done;
                done
            });
            if done == Some(false) {
                return true;
            }
            if self.shared.dirty.front() == Some(&key) {
                self.shared.dirty.pop_front();
            }
        }
        false
    }
}

/// Writes one participant's datagrams: handshakes and checks, then RTCP, media, and data last. False
/// when the batch is full before all is written.
pub(super) fn flush(
    shared: &mut Shared,
    peer: &mut Peer,
    key: PeerKey,
    now: Instant,
    batch: &mut SendBatch,
) -> bool {
    let stats = &mut shared.stats;
    handshakes(stats, peer, batch);
    let path = peer.transport.selected_path();
    let Some((path, sender)) = path.zip(peer.transport.srtp_sender()) else {
        discard(peer, &mut shared.pool);
        return !batch.is_full();
    };
    while let Some(compound) = peer.rtcp.front().filter(|_| !batch.is_full()) {
        let len = compound.len();
        let written = batch.push(path, |out| {
            out[..len].copy_from_slice(compound);
            sender.seal_rtcp(out, len)
        });
        count(stats, TrafficKind::Rtcp, written);
        peer.pacer.count(now, on_wire(path, written.unwrap_or(0)));
        peer.rtcp.pop(len);
    }
    let send_time = send_time(now, shared.settings.epoch);
    let mut leaving = Leaving {
        path,
        now,
        send_time,
        departures: &mut peer.departures,
        sender,
    };
    while !batch.is_full() {
        let Some(queued) = peer.pacer.front(now) else {
            let pads = std::mem::take(&mut peer.bandwidth.pads);
            if pads && !filler::pad(stats, &mut shared.lines, peer, send_time, now, batch) {
                return false;
            }
            if peer.bandwidth.sign_due().is_some_and(|due| due <= now) {
                filler::show_life(stats, &mut shared.lines, peer, send_time, now, batch);
            }
            let done = super::data::flush(shared, peer, key, now, batch);
            pacing::arm(shared, peer, key, now);
            return done;
        };
        let mut sealed = None;
        if let Some(sending) = peer.egresses.get_mut(queued.egress) {
            sealed = leaving.seal(&mut shared.pool, sending, &queued.packet, batch);
            match (&sealed, queued.class) {
                (Some(_), Class::Repair) => stats.rtx_out += 1,
                (Some(_), Class::Audio | Class::Video) => stats.rtp_out += 1,
                (Some(_), Class::Padding) => {}
                (None, _) => stats.drops.count(DropReason::NotSealed),
            }
            let kind = TrafficKind::leaving(queued.class);
            count(stats, kind, sealed.map(|sealed| sealed.len));
        }
        shared.pool.release(queued.packet.packet);
        let size = sealed.map_or(0, |sealed| on_wire(path, sealed.len));
        let number = sealed.and_then(|sealed| sealed.number);
        if let Some(left) = peer.pacer.pop(now, size) {
            if !left.waited.is_zero() {
                stats.paced_out += 1;
                stats.paced_for += left.waited;
            }
            shared.lines.left(peer.bandwidth.on_line, left.probe, size);
            if peer.bandwidth.left(now, left, size, number) {
                peer.bandwidth.set_pace(now, &mut peer.pacer);
            }
        }
    }
    false
}

/// Writes one participant's handshakes and checks.
fn handshakes(stats: &mut WorkerStats, peer: &mut Peer, batch: &mut SendBatch) {
    let mut control = [0; MAX_DATAGRAM];
    while !batch.is_full() {
        let Some((path, len)) = peer.transport.poll_datagram(&mut control) else {
            break;
        };
        let written = batch.push(path, |out| {
            out[..len].copy_from_slice(&control[..len]);
            Some(len)
        });
        // RFC 7983 section 7: a first byte up to 3 is STUN's.
        let kind = match control[0] {
            0..=3 => TrafficKind::Stun,
            _ => TrafficKind::Dtls,
        };
        count(stats, kind, written);
    }
}

/// Bytes of a datagram of `len` on the wire.
pub(super) const fn on_wire(path: Path, len: usize) -> u16 {
    let headers = if path.remote.is_ipv4() { 28 } else { 48 };
    if len == 0 { 0 } else { (len + headers) as u16 }
}

pub(super) fn count(stats: &mut WorkerStats, kind: TrafficKind, written: Option<usize>) {
    if let Some(len) = written {
        stats.sent.count(kind, len);
        stats.datagrams_out += 1;
        stats.bytes_out += len as u64;
    }
}

/// Gives up what a participant without keys or path cannot be sent.
fn discard(peer: &mut Peer, pool: &mut PacketPool) {
    pacing::give_up(pool, peer);
    peer.pacer.give_up_probe();
    peer.rtcp.clear();
}

/// A packet in the batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sealed {
    /// Bytes of UDP payload.
    pub(super) len: usize,
    /// Its transport-wide number, where its section has agreed on one.
    pub(super) number: Option<u64>,
}

/// What all media packets of one participant have in common while they leave.
struct Leaving<'p> {
    path: Path,
    now: Instant,
    /// The absolute send time of now.
    send_time: [u8; 3],
    departures: &'p mut Departures,
    sender: &'p mut SrtpSender,
}

impl Leaving<'_> {
    /// Writes one media packet's new header and seals its shared payload straight into the batch.
    fn seal(
        &mut self,
        pool: &mut PacketPool,
        sending: &mut Sending,
        packet: &OutboundPacket,
        batch: &mut SendBatch,
    ) -> Option<Sealed> {
        if packet.rtx_original.is_none() {
            sending.egress.left(packet.sequence);
        }
        let (facts, bytes) = pool.get_mut(packet.packet)?;
        let start = usize::from(facts.payload_start);
        let stored = start..start + usize::from(facts.payload_len);
        let in_place = packet.rewrite.is_everyones();
        if in_place {
            packet.rewrite.apply(bytes.get_mut(stored.clone())?)?;
        }
        let rewritten = packet.rewrite.writes() && !in_place;
        let bytes = &*bytes;
        let payload = packet.rewrite.part(bytes.get(stored)?)?;
        let departure = self.departures.next(self.send_time);
        let mut values = HeaderValues::default();
        let mut extensions = ExtensionWriter::new();
        if let (Some(bounds), None) = (facts.extensions.playout_delay, packet.rtx_original) {
            sending.header.patience.publisher_asks(bounds);
        }
        let terms = &sending.header;
        values.write(terms, &departure, packet, facts, bytes, &mut extensions);
        let osn_len = packet.rtx_original.map_or(0, |_| OSN_LEN);
        let plain_len = FIXED_HEADER_LEN + extensions.encoded_len() + osn_len + payload.len();
        // A packet of padding alone has some, whatever its run asks for (RFC 3550 section 5.1).
        let least = usize::from(packet.rewrite == PayloadRewrite::Padding);
        let sealed_len = plain_len + least + self.sender.profile().rtp_overhead();
        let padding = least + batch.run_padding(self.path, sealed_len);
        let writer = RtpWriter {
            marker: packet.marker,
            payload_type: packet.payload_type,
            // RFC 3711 section 3.3.1: the low 16 bits are on the wire, the rest is the rollover count.
            sequence: (packet.sequence & 0xffff) as u16,
            timestamp: packet.timestamp,
            ssrc: packet.ssrc,
            padding: padding > 0,
        };
        let written = batch.push(self.path, |out| {
            let header_len = writer.write_header(out, &extensions)?;
            if !rewritten && osn_len + padding == 0 {
                return self.sender.seal_rtp(
                    packet.sequence,
                    packet.ssrc,
                    header_len,
                    payload,
                    out,
                );
            }
            let (head, body) = out
                .get_mut(header_len..plain_len + padding)?
                .split_at_mut_checked(osn_len)?;
            if let Some(original) = packet.rtx_original {
                // RFC 4588 section 4: the original sequence number leads the payload.
                head.copy_from_slice(&original.to_be_bytes());
            }
            let (body, tail) = body.split_at_mut_checked(payload.len())?;
            body.copy_from_slice(payload);
            if rewritten {
                packet.rewrite.apply(body)?;
            }
            if padding > 0 {
                write_padding(tail)?;
            }
            let len = plain_len + padding - header_len;
            self.sender
                .seal_rtp_in_place(packet.sequence, packet.ssrc, out, header_len, len)
        })?;
        drop(extensions);
        Some(self.sealed(sending, packet, payload.len(), written))
    }

    /// Notes that a packet is in the batch, with `len` bytes of UDP payload.
    fn sealed(
        &mut self,
        sending: &mut Sending,
        packet: &OutboundPacket,
        payload_len: usize,
        len: usize,
    ) -> Sealed {
        if packet.rtx_original.is_none() {
            sending.egress.on_sent(self.now, payload_len);
        }
        let numbers = sending.header.numbers_departures();
        let number = numbers.then(|| self.departures.counted());
        if let Some(number) = number {
            let is_repair = packet.rtx_original.is_some();
            sending.header.left(is_repair, packet.sequence, number);
        }
        Sealed { len, number }
    }
}
