//! How a participant's connection does: its streams' facts added up, every few seconds.

use super::Shared;
use super::peer::Peer;
use crate::event::{ConnectionStatistics, Event, LinkStatistics};
use crate::media::codec::MediaKind;

/// Tells how a participant's connection did since the last time; nothing of one without streams.
pub(super) fn tell(shared: &mut Shared, peer: &mut Peer) {
    if peer.ingresses.is_empty() && peer.egresses.is_empty() {
        return;
    }
    let received = peer.ingresses.iter_mut().map(|(_, publishing)| {
        let kind = publishing.ingress.kind();
        (kind, publishing.ingress.link_statistics())
    });
    let received = sum(received);
    let sent = peer
        .egresses
        .iter_mut()
        .map(|(_, sending)| (sending.kind, sending.egress.link_statistics()));
    let sent = sum(sent);
    let statistics = ConnectionStatistics {
        received,
        sent,
        // Of a time when it was sent something: what is not measured any more may have changed.
        rtt: peer.rtt.filter(|_| sent.expected > 0),
    };
    shared.events.push_back(Event::ConnectionStatistics {
        participant: peer.id,
        statistics,
    });
}

fn sum(streams: impl Iterator<Item = (MediaKind, LinkStatistics)>) -> LinkStatistics {
    streams.fold(LinkStatistics::default(), |sum, (kind, one)| {
        LinkStatistics {
            expected: sum.expected + one.expected,
            lost: sum.lost + one.lost,
            jitter: match kind {
                MediaKind::Audio => sum.jitter.max(one.jitter),
                MediaKind::Video => sum.jitter,
            },
        }
    })
}
