//! VP8's picture ids: a receiver waits for one that is missing, so that what is left out must leave
//! no gap in them (RFC 7741 section 4.2).

use super::left_out::LeftOut;
use crate::wire::codec::picture_id::PictureId;

/// Words of pictures remembered: two to four seconds of 30 pictures. Raising it takes more of the
/// caches; lowering it gives pictures that are repaired late the wrong number.
const WORDS: usize = 2;

/// Where the axis begins: some wraps on, so that older pictures have a place below.
const ORIGIN: u64 = 1 << 32;

/// A subscription's pictures on one endless axis.
#[derive(Clone, Debug)]
pub(super) struct Pictures(LeftOut<WORDS>);

impl Pictures {
    pub(super) const fn from(first: u16) -> Self {
        Self(LeftOut::from(ORIGIN + (first & 0x7fff) as u64))
    }

    /// Begins a stretch: nobody waits any longer for what is missing of the one before. Returns what
    /// turns its source's ids into places on the axis, by adding, and what the first is sent as.
    pub(super) fn start(&mut self, first: PictureId) -> (u16, u16) {
        self.0.close();
        let next = self.0.next();
        let sent = self.0.sent(next).unwrap_or(next);
        ((next as u16).wrapping_sub(first.value), sent as u16)
    }

    /// The place of the picture whose id is `id`, in a stretch whose ids become places by adding
    /// `offset`: the nearest to the newest.
    fn place(&self, id: PictureId, offset: u16) -> u64 {
        let newest = self.0.next() - 1;
        let mask = mask(id);
        let ahead = id.value.wrapping_add(offset).wrapping_sub(newest as u16) & mask;
        if ahead <= mask / 2 {
            newest + u64::from(ahead)
        } else {
            newest - (u64::from(mask) + 1 - u64::from(ahead))
        }
    }

    /// What the picture is sent as, in 16 bits of which the id has the low 7 or 15.
    pub(super) fn sent(&self, id: PictureId, offset: u16) -> u16 {
        let place = self.place(id, offset);
        self.0.sent(place).unwrap_or(place) as u16
    }

    /// The picture goes.
    pub(super) fn keep(&mut self, id: PictureId, offset: u16) {
        self.0.keep(self.place(id, offset));
    }

    /// The picture does not go.
    pub(super) fn leave_out(&mut self, id: PictureId, offset: u16) {
        // Where a later one went already, this one stays missing: no receiver can be told.
        self.0.leave_out(self.place(id, offset));
    }
}

/// The bits of an id (RFC 7741 section 4.2): it wraps by its width.
pub(super) const fn mask(id: PictureId) -> u16 {
    if id.wide { 0x7fff } else { 0x7f }
}
