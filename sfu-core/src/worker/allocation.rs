//! What publishers say of their layers: read where they send it, kept with the track, and sent to
//! nobody.

use std::time::Instant;

use super::Worker;
use crate::id::TrackId;
use crate::room::allocation::Allocation;
use crate::room::tracks::Track;
use crate::wire::layers_allocation;

impl Worker {
    /// What the publisher of a track means to spend on its layers; `None` until it says.
    #[must_use]
    pub fn allocation(&self, track: TrackId) -> Option<&Allocation> {
        let room = self.rooms.get(*self.shared.tracks.get(&track)?)?;
        let index = room.tracks.index_of(track)?;
        room.tracks.get(index)?.allocation.as_deref()
    }
}

/// Takes what a publisher tells of a track. What cannot be read changes nothing.
pub(super) fn renew(track: &mut Track, now: Instant, told: &[u8]) {
    let Some(told) = layers_allocation::parse(told) else {
        return;
    };
    match &mut track.allocation {
        Some(allocation) => allocation.renew(now, told),
        None => track.allocation = Some(Box::new(Allocation::new(now, told))),
    }
}
