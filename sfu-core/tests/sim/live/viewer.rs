//! What one client makes of all that it is sent.

use std::collections::BTreeMap;
use std::time::Instant;

use sfu_lab::log::TrackBin;

use crate::live::tag::Piece;
use crate::live::track::Watched;

/// All tracks of one client.
#[derive(Default)]
pub(crate) struct Viewer {
    pub(crate) tracks: BTreeMap<u32, Watched>,
    /// The bins of each track, from the start on.
    pub(crate) bins: BTreeMap<u32, Vec<TrackBin>>,
    done: usize,
}

impl Viewer {
    /// Takes in a packet; gives the track that needs a keyframe.
    pub(crate) fn receive(&mut self, now: Instant, payload: &[u8], audio: bool) -> Option<u32> {
        let piece = Piece::read(payload)?;
        let track = piece.tag.track;
        let watched = self.tracks.entry(track);
        let watched = watched.or_insert_with(|| Watched::new(now, audio));
        watched.receive(now, &piece).then_some(track)
    }

    /// The server says that a track is paused, or goes on.
    pub(crate) fn told(&mut self, now: Instant, track: u32, paused: bool) {
        let watched = self.tracks.entry(track);
        let watched = watched.or_insert_with(|| Watched::new(now, false));
        watched.set_paused(now, paused);
    }

    /// Ends a bin of every track.
    pub(crate) fn bin(&mut self, now: Instant) {
        for (id, track) in &mut self.tracks {
            let bins = self.bins.entry(*id).or_default();
            bins.resize(self.done, TrackBin::default());
            bins.push(track.bin(now));
        }
        self.done += 1;
    }
}
