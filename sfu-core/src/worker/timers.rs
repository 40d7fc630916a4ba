//! The work that is due at each participant's deadline.

use std::time::{Duration, Instant};

use super::{PeerKey, Room, Shared, Worker, reports};
use crate::config::STATISTICS_INTERVAL;
use crate::event::Event;
use crate::room::tracks::PeerIndex;
use crate::transport::TransportEvent;

/// How often sender and receiver reports leave. RFC 3550 section 6.2 sets a minimum of 5 s, its
/// profile AVPF (RFC 4585 section 3.4) lifts it; a second keeps lip sync and loss figures fresh.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

impl Worker {
    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.fan_out_bursts(now);
        self.resume_data(now);
        self.resume_pacers(now);
        while let Some(key) = self.shared.timers.pop_due(now) {
            self.in_room(key.room(), |shared, room| {
                look_after(shared, room, key.peer(), now);
            });
        }
    }
}

/// One participant's due work, and its next deadline.
fn look_after(shared: &mut Shared, room: &mut Room, index: PeerIndex, now: Instant) {
    let Some(peer) = room.peers.get_mut(index) else {
        return;
    };
    peer.transport.handle_timeout(now);
    drain_transport_events(shared, room, index, now);
    let Some(peer) = room.peers.get_mut(index) else {
        return;
    };
    if peer.transport.is_connected() {
        peer.expire_caches(&mut shared.pool, now);
        peer.ask_for_missing(&mut shared.stats, now);
        peer.report_arrivals(now);
        if now >= peer.next_report {
            peer.next_report = now + REPORT_INTERVAL;
            reports::receiver_reports(peer, now);
            reports::sender_reports(room, index, now);
            tell_statistics(shared, room, index, now);
            super::pacing::look_after(shared, room, index, now);
        }
        super::feedback::request_wanted_keyframes(shared, room, index, now);
    }
    super::speakers::look(shared, room, now);
    let key = PeerKey::new(room.key, index);
    let Some(peer) = room.peers.get_mut(index) else {
        return;
    };
    if let Some(at) = peer.next_deadline(now) {
        // A deadline in the past would be popped again within this very call.
        shared
            .timers
            .arm(key, at.max(now + Duration::from_millis(1)));
    }
    shared.mark_dirty(room.key, index, peer);
}

/// Turns a transport's own events into the room's.
pub(super) fn drain_transport_events(
    shared: &mut Shared,
    room: &mut Room,
    index: PeerIndex,
    now: Instant,
) {
    while let Some(event) = room
        .peers
        .get_mut(index)
        .and_then(|p| p.transport.poll_event())
    {
        let participant = room.peers[index].id;
        match event {
            TransportEvent::Connected { srtp_profile, path } => {
                tracing::debug!(room = %room.id, %participant, srtp_profile, "media connected");
                shared.events.push_back(Event::Connected {
                    participant,
                    path,
                    srtp_profile,
                });
                room.peers[index].next_report = now + REPORT_INTERVAL;
                room.peers[index].next_statistics = now + STATISTICS_INTERVAL;
                super::feedback::request_wanted_keyframes(shared, room, index, now);
            }
            TransportEvent::Lost(loss) => {
                tracing::debug!(room = %room.id, %participant, ?loss, "media lost");
                shared
                    .events
                    .push_back(Event::MediaLost { participant, loss });
            }
        }
    }
    super::data::drain_events(shared, room, index);
}

/// Tells the control plane how the participant's connection does, if it is time to.
fn tell_statistics(shared: &mut Shared, room: &mut Room, index: PeerIndex, now: Instant) {
    let peer = &mut room.peers[index];
    if now >= peer.next_statistics {
        peer.next_statistics = now + STATISTICS_INTERVAL;
        super::statistics::tell(shared, peer);
        super::census::look(room, index, now);
    }
}
