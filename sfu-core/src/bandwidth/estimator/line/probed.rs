//! What a line carried while one of its members probed.
//!
//! Who probes takes from the others for a moment, or finds the gap between their pictures: what they get
//! over a while says little of the moment of the probe. What enters a queue between two packets leaves it
//! between the same two (first in, first out): so as many times as all of them were sent more than the probe
//! was, the line carried more than what the probe got.

use arrayvec::ArrayVec;

use crate::bandwidth::departure::ProbeId;

/// Probes that are watched: one member's at a time, and two of who begins.
const MAX_WATCHED: usize = 4;

/// One probe.
#[derive(Clone, Copy, Debug)]
struct Probed {
    member: u64,
    id: ProbeId,
    /// Bytes of it after its first packet.
    own: u64,
    /// Bytes of all else up to its last packet, and after that one.
    beside: u64,
    after: u64,
}

/// The probes of a line.
#[derive(Clone, Debug, Default)]
pub(super) struct Probes {
    watched: ArrayVec<Probed, MAX_WATCHED>,
}

impl Probes {
    /// True while there is nothing to watch.
    pub(super) const fn is_empty(&self) -> bool {
        self.watched.is_empty()
    }

    /// A packet of a member's has left, as part of a probe or not.
    pub(super) fn sent(&mut self, member: u64, probe: Option<ProbeId>, size: u16) {
        let size = u64::from(size);
        let mut is_known = probe.is_none();
        for one in &mut self.watched {
            if one.member == member && probe == Some(one.id) {
                one.own += size;
                one.beside += std::mem::take(&mut one.after);
                is_known = true;
            } else {
                one.after += size;
            }
        }
        if let Some(id) = probe.filter(|_| !is_known) {
            if self.watched.is_full() {
                self.watched.remove(0);
            }
            self.watched.push(Probed {
                member,
                id,
                own: 0,
                beside: 0,
                after: 0,
            });
        }
    }

    /// How many times what the probe got the line has carried.
    pub(super) fn times(&self, member: u64, id: ProbeId) -> Option<f64> {
        let mut watched = self.watched.iter();
        let one = watched.find(|one| one.member == member && one.id == id)?;
        (one.own > 0).then(|| 1.0 + one.beside as f64 / one.own as f64)
    }

    /// Nothing more is expected of a member's probes.
    pub(super) fn end(&mut self, member: u64) {
        self.watched.retain(|one| one.member != member);
    }
}
