//! Reports to a participant: on what it publishes, and the clocks of what it is sent.

use std::time::Instant;

use super::Room;
use super::peer::Peer;
use crate::media::source_clock::SourceClock;
use crate::room::tracks::PeerIndex;
use crate::wire::rtcp;

/// Receiver reports on every stream that the participant publishes.
pub(super) fn receiver_reports(peer: &mut Peer, now: Instant) {
    let sender = peer.rtcp_ssrc;
    let blocks: Vec<_> = peer
        .ingresses
        .iter_mut()
        .filter_map(|(_, i)| i.ingress.report(now))
        .collect();
    for some in blocks.chunks(rtcp::MAX_COUNT) {
        peer.rtcp
            .push(|out| rtcp::receiver_report(out, sender, some));
    }
}

/// Sender reports on every stream that the participant is sent: the publisher's clock, carried on.
pub(super) fn sender_reports(room: &mut Room, index: PeerIndex, now: Instant) {
    let keys: Vec<usize> = room.peers[index]
        .egresses
        .iter()
        .map(|(key, _)| key)
        .collect();
    for key in keys {
        let sending = &room.peers[index].egresses[key];
        let Some(encoding) = sending.egress.current() else {
            continue;
        };
        let Some(ingress) = room.ingress_of(sending.track, encoding) else {
            continue;
        };
        let clock = ingress.source_clock().copied();
        sender_report(&mut room.peers[index], key, clock.as_ref(), now);
    }
}

/// The sender report of one stream, out of turn if it owes one: a receiver learns at once by which
/// clock the stream goes on. `clocks` are those of the track's encodings.
///
/// It leaves in front of the media that is queued: behind it, the first pictures would be played by
/// what was true of the former encoding.
pub(super) fn owed_report(
    peer: &mut Peer,
    egress: usize,
    clocks: &[Option<SourceClock>],
    now: Instant,
) {
    let Some(sending) = peer.egresses.get(egress) else {
        return;
    };
    if !sending.egress.owes_report(now) {
        return;
    }
    let encoding = sending.egress.current().map(usize::from);
    let clock = encoding.and_then(|encoding| clocks.get(encoding)?.as_ref());
    sender_report(peer, egress, clock, now);
}

fn sender_report(peer: &mut Peer, egress: usize, clock: Option<&SourceClock>, now: Instant) {
    let sending = &mut peer.egresses[egress];
    if let Some(report) = sending.egress.sender_report(now, clock) {
        let cname = sending.cname.as_str();
        peer.rtcp
            .push(|out| rtcp::sender_report(out, report, &[], Some(cname)));
    }
}
