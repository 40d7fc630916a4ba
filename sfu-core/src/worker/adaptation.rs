//! How the adaptation towards a participant stands.

use super::Worker;
use crate::bandwidth::departure::Adaptation;
use crate::id::ParticipantId;

impl Worker {
    /// How the adaptation towards a participant stands; `None` for one that is not here. Asking
    /// starts the longest wait anew.
    pub fn adaptation(&mut self, participant: ParticipantId) -> Option<Adaptation> {
        let shared = &self.shared;
        let key = shared.participants.get(&participant)?;
        let peer = self.rooms.get_mut(key.room())?.peers.get_mut(key.peer())?;
        Some(peer.adaptation())
    }
}

impl super::peer::Peer {
    fn adaptation(&mut self) -> Adaptation {
        let bandwidth = &self.bandwidth;
        Adaptation {
            estimate: bandwidth.estimate().unwrap_or_default(),
            allotted: self.allotments.demand().allotted,
            sent: bandwidth.sent,
            repairs: bandwidth.repairs,
            padding: bandwidth.padding,
            longest_wait: self.pacer.report().longest_wait,
        }
    }
}
