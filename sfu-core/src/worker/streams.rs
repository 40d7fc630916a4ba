//! The streams that have been told apart: an SSRC's track, encoding and role within a participant.

use crate::drop_reason::DropReason;
use crate::id::Ssrc;
use crate::room::tracks::TrackIndex;

/// Most streams that one participant may send: 10 simulcast tracks with their RTX.
///
/// Higher: a participant can make the engine look through a longer list for every packet. Lower:
/// fewer tracks at once.
pub(super) const MAX_STREAMS: usize = 64;

/// What a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stream {
    pub(super) ssrc: Ssrc,
    pub(super) track: TrackIndex,
    pub(super) encoding: u8,
    /// Retransmissions of the encoding, not the encoding itself.
    pub(super) rtx: bool,
}

/// The streams of one participant that have been told apart.
#[derive(Debug, Default)]
pub(super) struct Streams(Vec<Stream>);

impl Streams {
    /// The stream of an SSRC.
    pub(super) fn find(&self, ssrc: Ssrc) -> Option<Stream> {
        self.0.iter().find(|stream| stream.ssrc == ssrc).copied()
    }

    /// Adds a stream; an encoding's former stream of the same role gives way.
    pub(super) fn add(&mut self, stream: Stream) -> Result<(), DropReason> {
        let former = self.0.iter().position(|other| {
            (other.track, other.encoding, other.rtx) == (stream.track, stream.encoding, stream.rtx)
        });
        if let Some(at) = former {
            self.0[at] = stream;
            return Ok(());
        }
        if self.0.len() >= MAX_STREAMS {
            return Err(DropReason::StreamLimit);
        }
        self.0.push(stream);
        Ok(())
    }

    /// Forgets a track's streams.
    pub(super) fn remove_track(&mut self, track: TrackIndex) {
        self.0.retain(|stream| stream.track != track);
    }
}
