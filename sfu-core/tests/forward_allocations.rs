//! No forwarded packet allocates: from the datagram to the filled batch, for every subscriber.
//!
//! Counted is what goes through Rust's allocator on this thread; the cryptographic library is C and
//! has its own door to the heap.

#![allow(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

#[allow(dead_code, reason = "shared with the worker's tests")]
#[path = "worker/client.rs"]
mod client;
#[allow(dead_code, reason = "shared with the worker's tests")]
#[path = "worker/meeting.rs"]
mod meeting;

use client::{MS, Packet};
use meeting::{Meeting, audio, video, vp8};
use sfu_core::media::codec::MediaKind;

/// More than fit one node of a tree or one small table: an allocation that is rare shows.
const SUBSCRIBERS: u64 = 100;

/// Allocations of `packets` more packets, and of the packets that they became.
fn forward<'p>(
    meeting: &mut Meeting,
    publisher: usize,
    packets: impl Iterator<Item = Packet<'p>>,
) -> u64 {
    let path = meeting.clients[publisher].path;
    let mut allocations = 0;
    for packet in packets {
        meeting.now += 5 * MS;
        let mut datagram = meeting.clients[publisher].seal(&packet);
        let sent = meeting.worker.stats().rtp_out;
        meeting.batch.clear();
        let (now, worker, batch) = (meeting.now, &mut meeting.worker, &mut meeting.batch);
        let info = allocation_counter::measure(|| {
            worker.handle_datagram(now, path, &mut datagram);
            let more = worker.poll_transmit(now, batch);
            assert!(!more, "a batch's room");
        });
        assert_eq!(meeting.worker.stats().rtp_out - sent, SUBSCRIBERS);
        allocations += info.count_total;
        // Between packets, what is due is done: feedback and reports are not forwarding.
        meeting.worker.handle_timeout(now);
    }
    allocations
}

#[test]
fn forwarding_allocates_nothing() {
    for kind in [MediaKind::Video, MediaKind::Audio] {
        let mut meeting = Meeting::new();
        let publisher = meeting.publisher(1, kind, &[]);
        for _ in 0..SUBSCRIBERS {
            meeting.viewer(1, kind);
        }
        let (key, inter) = (vp8(true, 0), vp8(false, 1));
        let packet = |n: u64| match kind {
            MediaKind::Video if n == 0 => video(n, &key),
            MediaKind::Video => video(n, &inter),
            MediaKind::Audio => audio(n),
        };
        let first = forward(&mut meeting, publisher, (0..1).map(packet));
        assert!(first > 0, "the stream is made: the counter counts");
        // Queues and tables take their room.
        forward(&mut meeting, publisher, (1..100).map(packet));
        let later = forward(&mut meeting, publisher, (100..700).map(packet));
        assert_eq!(later, 0, "{kind:?}");
    }
}
