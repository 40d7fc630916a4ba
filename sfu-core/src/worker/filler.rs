//! What fills a probe when nothing waits to be sent: the newest packets once more, else padding.

use std::time::Instant;

use super::lines::Lines;
use super::outbound::{count, on_wire};
use super::pacing::queue;
use super::peer::Peer;
use super::stats::WorkerStats;
use super::traffic::TrafficKind;
use super::{Room, Shared, repairs};
use crate::bandwidth::departure::Class;
use crate::media::send_batch::SendBatch;
use crate::room::tracks::PeerIndex;
use crate::wire::extensions::ExtensionWriter;
use crate::wire::rtp::{RtpWriter, write_padding};

/// Most packets of a stream that are looked at to be sent once more.
///
/// Higher: a long probe sends older packets, which are of less use, instead of the newest again.
/// Lower: it sends padding sooner, in packets of a fifth of the size, each as dear.
const MAX_REPEATED: u32 = 64;

/// Bytes of a packet of padding, beside its header: no more can be told (RFC 3550 section 5.1).
const PADDING: usize = 255;

/// Queues as much as a participant's probe needs now, when nothing waits.
pub(super) fn fill(shared: &mut Shared, room: &mut Room, index: PeerIndex, now: Instant) {
    let Some(peer) = room.peers.get_mut(index) else {
        return;
    };
    let wanted = peer.pacer.filler_wanted(now);
    if wanted == 0 {
        return;
    }
    let mut filled = 0;
    while filled < wanted {
        let Some(size) = repeat(shared, room, index, now) else {
            break;
        };
        filled += u64::from(size);
    }
    let peer = &mut room.peers[index];
    peer.bandwidth.pads = filled < wanted;
}

/// Queues the next packet to be sent once more, and tells about how large it is. `None` when there
/// is none, or no room.
fn repeat(shared: &mut Shared, room: &mut Room, index: PeerIndex, now: Instant) -> Option<u16> {
    let able = room.peers[index].egresses.iter();
    let able = able.filter(|(_, sending)| sending.egress.can_repeat());
    let streams = able.count();
    while streams > 0 && room.peers[index].bandwidth.repeated < MAX_REPEATED {
        let peer = &mut room.peers[index];
        let turn = peer.bandwidth.repeated as usize;
        peer.bandwidth.repeated += 1;
        let able = peer.egresses.iter();
        let mut able = able.filter(|(_, sending)| sending.egress.can_repeat());
        let (key, sending) = able.nth(turn % streams)?;
        let track = sending.track;
        let Some(sent) = sending.egress.sent_before(now, (turn / streams) as u64) else {
            continue;
        };
        let Some(packet) = repairs::cached(room, track, sent.encoding, sent.source_sequence) else {
            continue;
        };
        let (facts, _) = shared.pool.get(packet)?;
        let peer = &mut room.peers[index];
        let Some(outbound) = peer.egresses[key].egress.repeat(sent, packet, facts) else {
            continue;
        };
        let pool = &mut shared.pool;
        return queue(pool, &mut peer.pacer, now, Class::Padding, key, outbound).ok();
    }
    None
}

/// Writes as much padding as a participant's probe needs now. False when the batch is full before.
pub(super) fn pad(
    stats: &mut WorkerStats,
    lines: &mut Lines,
    peer: &mut Peer,
    send_time: [u8; 3],
    now: Instant,
    batch: &mut SendBatch,
) -> bool {
    while peer.pacer.filler_wanted(now) > 0 {
        if batch.is_full() {
            return false;
        }
        if !pad_once(stats, lines, peer, send_time, now, batch) {
            // A participant without pictures has no stream that could carry it.
            peer.pacer.give_up_probe();
            break;
        }
    }
    true
}

/// Writes one packet of padding, to hear whether it arrives.
pub(super) fn show_life(
    stats: &mut WorkerStats,
    lines: &mut Lines,
    peer: &mut Peer,
    send_time: [u8; 3],
    now: Instant,
    batch: &mut SendBatch,
) {
    if !pad_once(stats, lines, peer, send_time, now, batch) {
        peer.bandwidth.give_up_sign(now);
    }
}

/// Writes and counts one packet of padding, if there is a stream that can carry it.
fn pad_once(
    stats: &mut WorkerStats,
    lines: &mut Lines,
    peer: &mut Peer,
    send_time: [u8; 3],
    now: Instant,
    batch: &mut SendBatch,
) -> bool {
    let Some((len, number)) = seal(peer, send_time, batch) else {
        return false;
    };
    count(stats, TrafficKind::Padding, Some(len));
    let path = peer.transport.selected_path();
    let size = path.map_or(0, |path| on_wire(path, len));
    let left = peer.pacer.filled(now, size);
    lines.left(peer.bandwidth.on_line, left.probe, size);
    peer.bandwidth.left(now, left, size, Some(number));
    true
}

/// Seals one packet of padding: its bytes of UDP payload, and its transport-wide number.
fn seal(peer: &mut Peer, send_time: [u8; 3], batch: &mut SendBatch) -> Option<(usize, u64)> {
    let path = peer.transport.selected_path()?;
    let sender = peer.transport.srtp_sender()?;
    let mut all = peer.egresses.iter_mut();
    let (_, sending) = all
        .find(|(_, sending)| sending.header.numbers_departures() && sending.egress.can_repeat())?;
    let padding = sending.egress.padding()?;
    let departure = peer.departures.next(send_time);
    let mut extensions = ExtensionWriter::new();
    sending.header.write_own(&departure, true, &mut extensions);
    let writer = RtpWriter {
        marker: false,
        payload_type: padding.payload_type,
        // RFC 3711 section 3.3.1: the low 16 bits are on the wire, the rest is the rollover count.
        sequence: (padding.sequence & 0xffff) as u16,
        timestamp: padding.timestamp,
        ssrc: padding.ssrc,
        padding: true,
    };
    let len = batch.push(path, |out| {
        let header_len = writer.write_header(out, &extensions)?;
        write_padding(out.get_mut(header_len..header_len + PADDING)?)?;
        sender.seal_rtp_in_place(padding.sequence, padding.ssrc, out, header_len, PADDING)
    })?;
    let number = peer.departures.counted();
    drop(extensions);
    sending.header.left(true, padding.sequence, number);
    Some((len, number))
}
