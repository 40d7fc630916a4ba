//! The receiver's streams: one replay window for each SSRC that has proved itself.

use super::replay::ReplayWindow;
use crate::id::Ssrc;

/// Streams one transport may send us, RTP and RTCP counted apart. A camera and a screen in three
/// simulcast layers each, all with RTX, and a microphone are 13. Raising it costs 150 bytes per
/// stream and a longer scan when packets of many streams alternate; lowering it refuses publishers
/// of many tracks.
pub const MAX_RECEIVE_STREAMS: usize = 64;

/// Streams in order of appearance. A packet usually belongs to the stream of the one before it, or
/// else to one of a few: a scan over adjacent numbers is cheaper than a hash.
#[derive(Debug, Default)]
pub(super) struct Streams {
    ssrcs: Vec<Ssrc>,
    windows: Vec<ReplayWindow>,
    last: usize,
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
    pub(super) fn find(&mut self, ssrc: Ssrc) -> Lookup {
        if self.ssrcs.get(self.last) == Some(&ssrc) {
            return Lookup::Known(self.last);
        }
        match self.ssrcs.iter().position(|known| *known == ssrc) {
            Some(position) => {
                self.last = position;
                Lookup::Known(position)
            }
            None if self.ssrcs.len() < MAX_RECEIVE_STREAMS => Lookup::New,
            None => Lookup::Full,
        }
    }

    /// The window of a stream that [`Self::find`] called known.
    pub(super) fn window(&self, position: usize) -> &ReplayWindow {
        &self.windows[position]
    }

    /// Notes an authenticated packet: begins its stream, or advances it.
    pub(super) fn accept(&mut self, lookup: &Lookup, ssrc: Ssrc, index: u64) {
        match *lookup {
            Lookup::Known(position) => self.windows[position].accept(index),
            Lookup::New => {
                self.last = self.ssrcs.len();
                self.ssrcs.push(ssrc);
                self.windows.push(ReplayWindow::new(index));
            }
            Lookup::Full => {}
        }
    }

    pub(super) fn forget(&mut self, ssrc: Ssrc) {
        if let Some(position) = self.ssrcs.iter().position(|known| *known == ssrc) {
            self.ssrcs.swap_remove(position);
            self.windows.swap_remove(position);
        }
    }
}
