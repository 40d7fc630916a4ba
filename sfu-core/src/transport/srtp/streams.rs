//! The receiver's streams: one replay window for each SSRC that has proved itself.

use super::replay::ReplayWindow;
use crate::id::Ssrc;

/// Streams one transport may send us, RTP and RTCP counted apart. A camera and a screen in three
/// simulcast layers each, all with RTX, and a microphone are 13. Raising it costs 150 bytes per
/// stream and a longer scan when packets of many streams alternate; lowering it refuses publishers
/// of many tracks.
pub const MAX_RECEIVE_STREAMS: usize = 64;

/// How many packets without one of a stream make that stream one that has ended, which gives its
/// place to a new one: 10 s of a busy publisher. Raising it makes someone who publishes and ends
/// many tracks wait for places; lowering it lets a pause cost a stream its rollover counter.
pub(super) const SILENT_RTP: u64 = 10_000;

/// As [`SILENT_RTP`], of RTCP, which comes far more seldom and has no rollover counter to lose.
pub(super) const SILENT_RTCP: u64 = 500;

/// Streams in order of appearance. A packet usually belongs to the stream of the one before it, or
/// else to one of a few: a scan over adjacent numbers is cheaper than a hash.
#[derive(Debug)]
pub(super) struct Streams {
    silent: u64,
    ssrcs: Vec<Ssrc>,
    windows: Vec<ReplayWindow>,
    last: usize,
    /// Packets accepted so far, and how many those were at each stream's last one.
    accepted: u64,
    last_accepted: Vec<u64>,
}

/// Where a packet's stream stands, before the packet is authenticated.
pub(super) enum Lookup {
    /// A stream that has proved itself.
    Known(usize),
    /// A stream that an authentic packet would begin.
    New,
    /// A stream too many.
    Full,
}

impl Streams {
    /// No streams. One of which nothing came within `silent` packets may be given up.
    pub(super) fn new(silent: u64) -> Self {
        Self {
            silent,
            ssrcs: Vec::new(),
            windows: Vec::new(),
            last: 0,
            accepted: 0,
            last_accepted: Vec::new(),
        }
    }

    pub(super) fn find(&mut self, ssrc: Ssrc) -> Lookup {
        if self.ssrcs.get(self.last) == Some(&ssrc) {
            return Lookup::Known(self.last);
        }
        match self.ssrcs.iter().position(|known| *known == ssrc) {
            Some(position) => {
                self.last = position;
                Lookup::Known(position)
            }
            None if self.place_for_new().is_some() => Lookup::New,
            None => Lookup::Full,
        }
    }

    /// Where a new stream would go: behind the others, or to the place of one that has ended.
    fn place_for_new(&self) -> Option<usize> {
        if self.ssrcs.len() < MAX_RECEIVE_STREAMS {
            return Some(self.ssrcs.len());
        }
        let (place, last) = (0..)
            .zip(&self.last_accepted)
            .min_by_key(|(_, last)| **last)?;
        (last + self.silent <= self.accepted).then_some(place)
    }

    /// The window of a stream that [`Self::find`] called known.
    pub(super) fn window(&self, position: usize) -> &ReplayWindow {
        &self.windows[position]
    }

    /// Notes an authenticated packet: begins its stream, or advances it.
    pub(super) fn accept(&mut self, lookup: &Lookup, ssrc: Ssrc, index: u64) {
        let place = match *lookup {
            Lookup::Known(position) => {
                self.windows[position].accept(index);
                position
            }
            Lookup::New => self.begin(ssrc, index),
            Lookup::Full => return,
        };
        self.accepted += 1;
        self.last_accepted[place] = self.accepted;
    }

    fn begin(&mut self, ssrc: Ssrc, index: u64) -> usize {
        let window = ReplayWindow::new(index);
        let place = self.place_for_new().unwrap_or(0);
        if place == self.ssrcs.len() {
            self.ssrcs.push(ssrc);
            self.windows.push(window);
            self.last_accepted.push(0);
        } else {
            self.ssrcs[place] = ssrc;
            self.windows[place] = window;
        }
        self.last = place;
        place
    }
}
