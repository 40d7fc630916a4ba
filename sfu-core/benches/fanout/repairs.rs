//! Subscribers that have lost packets and ask for them.

use sfu_core::id::Ssrc;
use sfu_core::wire::rtcp;

use crate::FRAME;
use crate::meeting::Meeting;

/// Of so many packets each subscriber asks for one.
pub(crate) const LOSS: u64 = 50;

/// What each subscriber asks for.
pub(crate) struct Repairs {
    /// Of each subscriber's stream: what it is called, and the number of its first packet.
    streams: Vec<(Ssrc, u16)>,
    /// Packets of each stream so far.
    packets: u64,
}

impl Repairs {
    /// Of subscribers that have been sent the first packets of their streams.
    pub(crate) fn new(meeting: &Meeting, first_subscriber: usize) -> Self {
        let viewers = &meeting.clients[first_subscriber..];
        let streams = viewers.iter().map(|viewer| {
            let first = viewer.rtp.first().expect("sent the first frame");
            (Ssrc(first.ssrc), first.sequence)
        });
        Self {
            streams: streams.collect(),
            packets: FRAME as u64,
        }
    }

    /// The NACKs about the next frame, with their senders: not everybody loses the same packet.
    pub(crate) fn next(&mut self, meeting: &mut Meeting, first: usize) -> Vec<(usize, Vec<u8>)> {
        let frame = self.packets..self.packets + FRAME as u64;
        self.packets = frame.end;
        let mut asked = Vec::new();
        for (n, &(media, start)) in self.streams.iter().enumerate() {
            let lost = frame
                .clone()
                .find(|at| (at + n as u64).is_multiple_of(LOSS));
            let Some(lost) = lost else { continue };
            let client = &mut meeting.clients[first + n];
            let sequence = start.wrapping_add(lost as u16);
            client.send_rtcp(|out| rtcp::nack(out, Ssrc(1), media, &[sequence]));
            asked.extend(
                client
                    .outbox
                    .drain(..)
                    .map(|datagram| (first + n, datagram)),
            );
        }
        asked
    }
}
