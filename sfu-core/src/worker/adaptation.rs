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
    /// Nothing is estimated, allotted or counted yet.
    #[allow(clippy::unused_self, reason = "what it reads is not there yet")]
    fn adaptation(&mut self) -> Adaptation {
        Adaptation::default()
    }
}
