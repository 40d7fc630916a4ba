//! RTCP walks the rooms backwards: a subscriber's facts to the publisher's side, as values.

use std::time::Instant;

use super::departure::congestion;
use super::repairs::repair;
use super::{PeerKey, Room, Shared};
use super::{lines, pacing};
use crate::drop_reason::DropReason;
use crate::id::Ssrc;
use crate::room::tracks::{PeerIndex, TrackIndex};
use crate::wire::rtcp::{self, RtcpItem, SenderInfo};

/// Most sequence numbers of one compound that are looked up: what a full datagram of NACKs can
/// hold is 20 times that.
///
/// Higher: a burst of losses is repaired in one go. Lower: less work for one datagram.
pub(super) const MAX_NACKED: usize = 256;

/// One RTCP datagram.
pub(super) fn rtcp(
    shared: &mut Shared,
    room: &mut Room,
    index: PeerIndex,
    now: Instant,
    datagram: &mut [u8],
) -> Result<(), DropReason> {
    let peer = room
        .peers
        .get_mut(index)
        .ok_or(DropReason::MediaUnknownPath)?;
    let len = peer.transport.open_rtcp(datagram)?;
    let (mut nacked, mut is_heard) = (0, true);
    let read = rtcp::read(&datagram[..len], |item| {
        is_heard = is_heard && room.peers[index].bandwidth.heard.takes(now, &item);
        if is_heard {
            obey(shared, room, index, now, &mut nacked, item);
        }
    });
    pacing::settle(shared, room, index, now);
    match read {
        Ok(()) if is_heard => Ok(()),
        Ok(()) => Err(DropReason::FeedbackExceeded),
        Err(_) => Err(DropReason::RtcpMalformed),
    }
}

/// Does what one item of a compound asks for, which has asked for `nacked` packets before.
fn obey(
    shared: &mut Shared,
    room: &mut Room,
    index: PeerIndex,
    now: Instant,
    nacked: &mut usize,
    item: RtcpItem<'_>,
) {
    match item {
        RtcpItem::SenderReport { sender, reports } => {
            sender_report(room, index, now, &sender);
            report_blocks(room, index, now, reports);
        }
        RtcpItem::ReceiverReport { reports, .. } => report_blocks(room, index, now, reports),
        RtcpItem::Nack {
            media, sequences, ..
        } => {
            shared.stats.nacks_in += 1;
            let egress = room.peers[index].egress_of(media);
            let left = MAX_NACKED - *nacked;
            let mut last = None;
            for sequence in sequences.take(left) {
                *nacked += 1;
                shared.stats.nacked_in += 1;
                last = Some(sequence);
                if let Some(egress) = egress {
                    repair(shared, room, index, now, egress, sequence);
                }
            }
            if let Some((key, last)) = egress.zip(last) {
                let peer = &mut room.peers[index];
                peer.egresses[key].header.patience.lost(now, last, peer.rtt);
            }
        }
        RtcpItem::KeyframeRequest {
            media,
            fir_sequence,
            ..
        } => {
            shared.stats.keyframe_requests_in += 1;
            shared.stats.firs_in += u64::from(fir_sequence.is_some());
            subscriber_wants_keyframe(shared, room, index, now, media);
        }
        RtcpItem::TransportFeedback(feedback) => {
            shared.stats.transport_feedbacks_in += 1;
            let bandwidth = &mut room.peers[index].bandwidth;
            bandwidth.on_transport_feedback(now, &feedback);
            lines::hear(shared, room, index, now);
        }
        RtcpItem::Remb { bitrate, .. } => room.peers[index].bandwidth.on_remb(now, bitrate),
        RtcpItem::CongestionFeedback(feedback) => {
            shared.stats.transport_feedbacks_in += 1;
            congestion::take(&mut room.peers[index], now, &feedback);
            lines::hear(shared, room, index, now);
        }
        // Streams end by signalling.
        RtcpItem::Bye { .. } => {}
    }
}

/// What a publisher says of a stream that it sends.
fn sender_report(room: &mut Room, index: PeerIndex, now: Instant, sender: &SenderInfo) {
    let peer = &mut room.peers[index];
    let mut clock = peer.clock;
    let Some(publishing) = peer.ingress_of(sender.ssrc) else {
        return;
    };
    let ingress = &mut publishing.ingress;
    let before = ingress.source_clock().copied();
    ingress.on_sender_report(now, sender);
    let reported = ingress.source_clock().copied();
    if let Some(reported) = reported.filter(|reported| Some(*reported) != before) {
        let steady = clock.steady(before.as_ref(), reported, ingress.clock_rate());
        ingress.set_source_clock(steady);
        peer.clock = clock;
    }
}

/// What a subscriber says of the streams it is sent.
fn report_blocks(room: &mut Room, index: PeerIndex, now: Instant, reports: rtcp::ReportBlocks<'_>) {
    let peer = &mut room.peers[index];
    for block in reports {
        let Some((key, is_repair)) = peer.sent_as(block.ssrc) else {
            continue;
        };
        if !is_repair && !peer.departures.is_counting() {
            peer.bandwidth
                .on_receiver_report(now, block.fraction_lost, peer.rtt);
        }
        let header = &mut peer.egresses[key].header;
        header.reported(is_repair);
        header.patience.settle(now);
        if let Some(rtt) = peer.egresses[key].egress.on_report(now, &block) {
            // What the participant publishes takes the same way: this is how long a repair takes.
            peer.rtt = Some(rtt);
            for (_, publishing) in &mut peer.ingresses {
                publishing.ingress.set_rtt(rtt);
            }
        }
    }
}

/// A subscriber's PLI or FIR: of the encoding it is waiting for, else of the one it is sent.
fn subscriber_wants_keyframe(
    shared: &mut Shared,
    room: &mut Room,
    index: PeerIndex,
    now: Instant,
    media: Ssrc,
) {
    let peer = &room.peers[index];
    let Some(key) = peer.egress_of(media) else {
        return;
    };
    let sending = &peer.egresses[key];
    let wanted = sending
        .egress
        .wants_keyframe_of()
        .or(sending.egress.current());
    if let Some(encoding) = wanted {
        request_keyframe(shared, room, sending.track, encoding, now);
    }
}

/// Asks for the keyframes that a participant's subscriptions wait for. Before it is connected it
/// could not be sent them, and the one that it then needs would have to wait its turn behind them.
pub(super) fn request_wanted_keyframes(
    shared: &mut Shared,
    room: &mut Room,
    index: PeerIndex,
    now: Instant,
) {
    let Some(peer) = room.peers.get(index) else {
        return;
    };
    let all: Vec<_> = peer.egresses.iter().map(|(egress, _)| egress).collect();
    for egress in all {
        request_wanted_keyframe(shared, room, index, egress, now);
    }
}

/// [`request_wanted_keyframes`], of one subscription.
pub(super) fn request_wanted_keyframe(
    shared: &mut Shared,
    room: &mut Room,
    index: PeerIndex,
    egress: usize,
    now: Instant,
) {
    let peer = &room.peers[index];
    let sending = peer.egresses.get(egress);
    let Some(sending) = sending.filter(|_| peer.transport.is_connected()) else {
        return;
    };
    if let Some(encoding) = sending.egress.wants_keyframe_of() {
        request_keyframe(shared, room, sending.track, encoding, now);
    }
}

/// Asks the publisher for a keyframe of one encoding. The ingress joins requests and spaces them.
pub(super) fn request_keyframe(
    shared: &mut Shared,
    room: &mut Room,
    track: TrackIndex,
    encoding: u8,
    now: Instant,
) {
    let track = room.tracks.get(track);
    // A muted source has no pictures: it would be asked for as long as it is muted.
    let Some(track) = track.filter(|track| !track.announcement.muted) else {
        return;
    };
    let slot = track
        .encodings
        .get(usize::from(encoding))
        .copied()
        .flatten();
    let (publisher, Some(key)) = (track.publisher, slot) else {
        return;
    };
    let peer = &mut room.peers[publisher];
    let publishing = &mut peer.ingresses[key];
    if publishing.ingress.request_keyframe(now) {
        shared.stats.keyframe_requests_out += 1;
        let (sender, media) = (peer.rtcp_ssrc, publishing.ssrc);
        peer.rtcp.push(|out| rtcp::pli(out, sender, media));
        shared.mark_dirty(room.key, publisher, peer);
    }
    // The request may have to be repeated.
    if let Some(at) = publishing_deadline(room, publisher, key) {
        shared
            .timers
            .arm(PeerKey::new(room.key, publisher), at.max(now));
    }
}

fn publishing_deadline(room: &Room, publisher: PeerIndex, key: usize) -> Option<Instant> {
    room.peers
        .get(publisher)?
        .ingresses
        .get(key)?
        .ingress
        .next_timeout()
}
