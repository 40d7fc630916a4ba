//! What one participant receives: by stream, and the delay of all its packets.

use std::collections::HashMap;

use super::Kind;
use super::histogram::Histogram;
use super::sequence::{Fate, SequenceCount};
use crate::stamp;

/// Most streams that are counted for a participant: what the server may send it, and some. Raising
/// it costs memory, about 200 bytes each, if a server sends without bounds.
const MAX_STREAMS: usize = 1_024;

/// One RTP packet as it came out of SRTP.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival<'a> {
    /// When, in microseconds of the shared clock.
    pub(crate) at: u64,
    pub(crate) ssrc: u32,
    pub(crate) sequence: u16,
    pub(crate) marker: bool,
    /// Without padding.
    pub(crate) payload: &'a [u8],
}

/// One received track.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) kind: Kind,
    pub(crate) sequence: SequenceCount,
    /// Payload bytes, each packet once.
    pub(crate) bytes: u64,
    /// Packets with the marker that ends a frame. Of video only.
    pub(crate) frames: u64,
    /// When the latest packet came, in microseconds of the shared clock; `None` before the first.
    pub(crate) latest: Option<u64>,
}

/// All that one participant receives.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received {
    streams: HashMap<u32, Stream>,
    /// From the SSRC of repairs (RFC 4588) to the SSRC that they repair.
    repairs: HashMap<u32, u32>,
    delay: Histogram,
    unannounced: u64,
}

impl Received {
    /// Announces a stream, and the SSRC of its repairs.
    pub(crate) fn announce(&mut self, kind: Kind, ssrc: u32, repairs: Option<u32>) {
        if self.streams.len() >= MAX_STREAMS {
            return;
        }
        self.streams.entry(ssrc).or_insert_with(|| Stream {
            kind,
            sequence: SequenceCount::default(),
            bytes: 0,
            frames: 0,
            latest: None,
        });
        if let Some(repairs) = repairs {
            self.repairs.insert(repairs, ssrc);
        }
    }

    /// Counts a packet.
    pub(crate) fn take(&mut self, arrival: Arrival<'_>) {
        if arrival.payload.is_empty() {
            // Padding only: a probe for bandwidth.
            return;
        }
        let (ssrc, sequence, payload, repair) = match self.repairs.get(&arrival.ssrc) {
            None => (arrival.ssrc, arrival.sequence, arrival.payload, false),
            // RFC 4588 section 4: the original number stands before the original payload.
            Some(repaired) => match arrival.payload.split_first_chunk() {
                None => return,
                Some((original, payload)) => {
                    (*repaired, u16::from_be_bytes(*original), payload, true)
                }
            },
        };
        let Some(stream) = self.streams.get_mut(&ssrc) else {
            self.unannounced += 1;
            return;
        };
        stream.latest = Some(arrival.at);
        if stream.sequence.take(sequence, repair) != Fate::New {
            return;
        }
        stream.bytes += payload.len() as u64;
        stream.frames += u64::from(arrival.marker && stream.kind == Kind::Video);
        if let Some(delay) = stamp::read(payload).and_then(|sent| arrival.at.checked_sub(sent)) {
            self.delay.add(delay);
        }
    }

    /// The tracks of which at least one packet came.
    pub(crate) fn tracks(&self) -> impl Iterator<Item = &Stream> {
        self.streams
            .values()
            .filter(|stream| stream.latest.is_some())
    }

    /// From a packet's writing by its publisher to its arrival here. Repaired packets count with
    /// the time that their repair took.
    pub(crate) fn delay(&self) -> &Histogram {
        &self.delay
    }

    /// Packets of streams that no answer announced.
    pub(crate) fn unannounced(&self) -> u64 {
        self.unannounced
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEDIA: u32 = 1;
    const REPAIRS: u32 = 2;

    fn received() -> Received {
        let mut received = Received::default();
        received.announce(Kind::Video, MEDIA, Some(REPAIRS));
        received
    }

    fn arrival(ssrc: u32, sequence: u16, payload: &[u8]) -> Arrival<'_> {
        Arrival {
            at: 5_000,
            ssrc,
            sequence,
            marker: true,
            payload,
        }
    }

    fn sent_at(micros: u64) -> Vec<u8> {
        let mut payload = vec![0x55; 100];
        stamp::write(&mut payload, micros);
        payload
    }

    #[test]
    fn packets_bytes_frames_and_delay_are_counted_once() {
        let mut received = received();
        let payload = sent_at(4_990);
        for sequence in [7, 8, 8] {
            received.take(arrival(MEDIA, sequence, &payload));
        }
        let track = received.tracks().next().unwrap();
        assert_eq!(track.sequence.received(), 2);
        assert_eq!((track.bytes, track.frames), (200, 2));
        assert_eq!(received.delay().total(), 2);
        assert_eq!(received.delay().percentile(50), Some(10));
    }

    #[test]
    fn a_repair_counts_as_the_packet_that_it_repairs() {
        let mut received = received();
        let payload = sent_at(1_000);
        received.take(arrival(MEDIA, 7, &payload));
        received.take(arrival(MEDIA, 9, &payload));
        let repair = [&8_u16.to_be_bytes()[..], &payload].concat();
        received.take(arrival(REPAIRS, 500, &repair));
        let track = received.tracks().next().unwrap();
        assert_eq!(track.sequence.expected(), 3);
        assert_eq!(
            (track.sequence.received(), track.sequence.repaired()),
            (3, 1)
        );
        assert_eq!(track.bytes, 300);
        assert_eq!(received.tracks().count(), 1);
    }

    #[test]
    fn probes_and_broken_repairs_are_no_packets() {
        let mut received = received();
        received.take(arrival(MEDIA, 7, &[]));
        received.take(arrival(REPAIRS, 7, &[]));
        received.take(arrival(REPAIRS, 8, &[0]));
        assert_eq!(received.tracks().count(), 0);
    }

    #[test]
    fn an_unannounced_stream_is_no_track() {
        let mut received = received();
        received.take(arrival(99, 7, &sent_at(0)));
        assert_eq!((received.tracks().count(), received.unannounced()), (0, 1));
    }

    #[test]
    fn a_server_cannot_make_the_tester_remember_without_bounds() {
        let mut received = Received::default();
        for ssrc in 0..10 * MAX_STREAMS as u32 {
            received.announce(Kind::Audio, ssrc, Some(ssrc + 1_000_000));
        }
        assert_eq!(received.streams.len(), MAX_STREAMS);
        assert_eq!(received.repairs.len(), MAX_STREAMS);
    }
}
