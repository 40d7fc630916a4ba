//! The streams that have been told apart: an SSRC's track, encoding and role within a participant.

use std::time::{Duration, Instant};

use crate::drop_reason::DropReason;
use crate::id::Ssrc;
use crate::room::tracks::TrackIndex;

/// Most streams that one participant may send: 10 simulcast tracks with their RTX.
///
/// Higher: a participant can make the engine look through a longer list for every packet. Lower:
/// fewer tracks at once.
pub(super) const MAX_STREAMS: usize = 64;

/// How long an encoding's stream must have been silent to give way to any other.
///
/// Higher: more is lost of a stream that comes in the place of a short one. Lower: late packets of a
/// stream that was replaced take its place back.
const SILENCE: Duration = Duration::from_millis(200);

/// Packets after which a stream gives way at once to one that was not there before, and those that
/// any other must have sent meanwhile: a stream is made anew once in so many packets at most.
///
/// Higher: more is lost of a stream that comes in the place of a short one. Lower: a publisher that
/// changes its SSRC all the time makes the engine do more for each of its packets.
const TENURE: u32 = 32;

/// What a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stream {
    pub(super) ssrc: Ssrc,
    pub(super) track: TrackIndex,
    pub(super) encoding: u8,
    /// Retransmissions of the encoding, not the encoding itself.
    pub(super) rtx: bool,
}

/// How a stream holds its encoding.
#[derive(Clone, Copy, Debug)]
struct Tenure {
    /// Since it took its place.
    packets: u32,
    newest: Instant,
    /// The stream whose place it took: late packets of it may still come.
    former: Option<Ssrc>,
    /// The stream that would take its place, and how many packets it has sent.
    claim: Option<(Ssrc, u32)>,
}

impl Tenure {
    const fn new(now: Instant, former: Option<Ssrc>) -> Self {
        Self {
            packets: 1,
            newest: now,
            former,
            claim: None,
        }
    }

    /// Whether a packet of the stream `other` takes the place.
    fn gives_way(&mut self, now: Instant, other: Ssrc) -> bool {
        if now.saturating_duration_since(self.newest) >= SILENCE {
            return true;
        }
        if self.packets >= TENURE && self.former != Some(other) {
            return true;
        }
        let sent = match self.claim {
            Some((claimant, sent)) if claimant == other => sent + 1,
            _ => 1,
        };
        self.claim = Some((other, sent));
        sent >= TENURE
    }
}

/// The streams of one participant that have been told apart.
#[derive(Debug, Default)]
pub(super) struct Streams {
    streams: Vec<Stream>,
    /// By the same places.
    tenures: Vec<Tenure>,
}

impl Streams {
    /// The stream of an SSRC, of which a packet came.
    pub(super) fn find(&mut self, now: Instant, ssrc: Ssrc) -> Option<Stream> {
        let at = self.streams.iter().position(|stream| stream.ssrc == ssrc)?;
        let tenure = &mut self.tenures[at];
        tenure.packets = tenure.packets.saturating_add(1);
        tenure.newest = now;
        Some(self.streams[at])
    }

    /// Adds a stream by its first packet; an encoding's former stream of the same role gives way.
    ///
    /// # Errors
    ///
    /// `StreamContested` while the former one still sends and neither has sent enough; `StreamLimit`.
    pub(super) fn add(&mut self, now: Instant, stream: Stream) -> Result<(), DropReason> {
        let former = self.streams.iter().position(|other| {
            (other.track, other.encoding, other.rtx) == (stream.track, stream.encoding, stream.rtx)
        });
        if let Some(at) = former {
            // Repairs find their place by their numbers: whose they are changes nothing.
            if !stream.rtx && !self.tenures[at].gives_way(now, stream.ssrc) {
                return Err(DropReason::StreamContested);
            }
            self.tenures[at] = Tenure::new(now, Some(self.streams[at].ssrc));
            self.streams[at] = stream;
            return Ok(());
        }
        if self.streams.len() >= MAX_STREAMS {
            return Err(DropReason::StreamLimit);
        }
        self.streams.push(stream);
        self.tenures.push(Tenure::new(now, None));
        Ok(())
    }

    /// Forgets a track's streams.
    pub(super) fn remove_track(&mut self, track: TrackIndex) {
        let mut tenures = self.streams.iter().map(|stream| stream.track != track);
        self.tenures.retain(|_| tenures.next().unwrap_or(false));
        self.streams.retain(|stream| stream.track != track);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
    fn base() -> Instant {
        Instant::now()
    }

    fn stream(ssrc: u32, encoding: u8) -> Stream {
        Stream {
            ssrc: Ssrc(ssrc),
            track: 0,
            encoding,
            rtx: false,
        }
    }

    /// A packet of a stream of the first encoding: whether it is taken, and whether by a new stream.
    fn packet(streams: &mut Streams, now: Instant, ssrc: u32) -> (bool, bool) {
        let found = streams.find(now, Ssrc(ssrc)).is_some();
        let added = !found && streams.add(now, stream(ssrc, 0)).is_ok();
        (found || added, added)
    }

    #[test]
    fn late_packets_of_a_replaced_stream_do_not_take_its_place_back() {
        let (now, mut streams) = (base(), Streams::default());
        (0..100).for_each(|_| assert!(packet(&mut streams, now, 1).0));
        assert_eq!(
            packet(&mut streams, now, 2),
            (true, true),
            "a new one begins"
        );
        for _ in 0..100 {
            assert!(packet(&mut streams, now + 10 * MS, 2).0);
        }
        for _ in 0..20 {
            assert_eq!(packet(&mut streams, now + 20 * MS, 1), (false, false));
        }
        // When the newer one is over, the former may go on.
        assert!(packet(&mut streams, now + 10 * MS + SILENCE, 1).1);
    }

    #[test]
    fn whoever_hops_gets_a_new_stream_once_in_many_packets_at_most() {
        for kinds in [2, 3, 1000] {
            let (now, mut streams) = (base(), Streams::default());
            let added = (0..32_000).filter(|n| packet(&mut streams, now, n % kinds).1);
            assert!(added.count() <= 32_000 / TENURE as usize + 1, "{kinds}");
        }
    }

    #[test]
    fn a_new_stream_wins_in_the_end_over_one_that_goes_on() {
        let (now, mut streams) = (base(), Streams::default());
        (0..100).for_each(|_| assert!(packet(&mut streams, now, 1).0));
        assert!(packet(&mut streams, now, 2).1);
        let lost = (0..100).filter(|_| !packet(&mut streams, now, 1).0).count();
        assert_eq!(lost, TENURE as usize - 1);
    }

    #[test]
    fn a_tracks_streams_go_with_their_tenures() {
        let (now, mut streams) = (base(), Streams::default());
        let other = Stream {
            track: 1,
            ..stream(2, 0)
        };
        streams.add(now, stream(1, 0)).unwrap();
        streams.add(now, other).unwrap();
        (0..99).for_each(|_| assert!(streams.find(now, Ssrc(2)).is_some()));
        streams.remove_track(0);
        assert_eq!(streams.find(now, Ssrc(2)), Some(other));
        let next = Stream {
            track: 1,
            ..stream(3, 0)
        };
        assert_eq!(streams.add(now, next), Ok(()));
    }
}
