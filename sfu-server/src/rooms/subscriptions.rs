//! Who wants which track.

use std::collections::BTreeSet;

use sfu_core::command::Command;
use sfu_core::id::{ParticipantId, TrackId};

use super::limits;
use super::notice::{Notice, SubscriptionError};
use super::room::State;

impl State {
    /// A track is there: everyone who wants everything gets it.
    pub(super) fn subscribe_everyone(&mut self, publisher: ParticipantId, track: TrackId) {
        let wants = self.participants.iter().filter(|(id, one)| {
            **id != publisher && one.auto_subscribe && one.permissions.subscribe
        });
        let wants: Vec<_> = wants.map(|(id, _)| *id).collect();
        for id in wants {
            // At the bound the rest is not shown; the client may choose by hand.
            let _ = self.subscribe(id, track);
        }
    }

    /// A newcomer who wants everything gets what is there.
    pub(super) fn subscribe_to_all(&mut self, id: ParticipantId) {
        let mut tracks: Vec<_> = self
            .tracks
            .iter()
            .filter(|(_, track)| track.publisher != id && track.info.mid.is_some())
            .map(|(track, _)| *track)
            .collect();
        tracks.sort_unstable();
        for track in tracks {
            let _ = self.subscribe(id, track);
        }
    }

    /// A participant is no longer hidden: what it publishes is there for everyone.
    pub(super) fn subscribe_everyone_to_all_of(&mut self, publisher: ParticipantId) {
        let tracks = self.participants.get(&publisher);
        for track in tracks.map_or_else(Vec::new, |one| one.tracks.clone()) {
            self.subscribe_everyone(publisher, track);
        }
    }

    /// Nobody is sent any of a participant's tracks any more, or waits for them.
    pub(super) fn unsubscribe_everyone_from(&mut self, publisher: ParticipantId) {
        let tracks = self.participants.get(&publisher);
        let mut former = Vec::new();
        for track in tracks.map_or_else(Vec::new, |one| one.tracks.clone()) {
            for (id, participant) in &mut self.participants {
                participant.withheld.remove(&track);
                if participant.subscriptions.remove(&track) {
                    former.push((*id, track));
                }
            }
        }
        for (id, track) in former {
            self.send_no_more(id, track);
        }
    }

    /// A participant is subscribed to a track no more: the engine is told.
    pub(super) fn send_no_more(&mut self, id: ParticipantId, track: TrackId) {
        if let Some(participant) = self.participants.get_mut(&id) {
            participant.paused.remove(&track);
        }
        if let Some(carrier) = self.carrier(id, track) {
            self.engine.send(Command::Unsubscribe {
                participant: id,
                track: carrier,
            });
        }
        self.wanted_changed(id, track);
    }

    pub(super) fn subscribe(
        &mut self,
        id: ParticipantId,
        track: TrackId,
    ) -> Result<(), SubscriptionError> {
        let permitted = self.is_permitted(id, track);
        let participants = &self.participants;
        let wanted = self.tracks.get_mut(&track).filter(|track| {
            // A hidden one's stream would name its publisher.
            let publisher = participants.get(&track.publisher);
            let hidden = publisher.is_none_or(|one| one.permissions.hidden);
            track.info.mid.is_some() && track.publisher != id && !hidden
        });
        let (Some(wanted), Some(participant)) = (wanted, self.participants.get_mut(&id)) else {
            return Err(SubscriptionError::TrackNotFound);
        };
        if !participant.permissions.subscribe {
            return Err(SubscriptionError::NotAllowed);
        }
        if participant.subscriptions.contains(&track) {
            return Ok(());
        }
        let wants = participant.subscriptions.len() + participant.withheld.len();
        if wants >= limits::MAX_SUBSCRIPTIONS {
            return Err(SubscriptionError::NotAllowed);
        }
        if !permitted {
            // It is no fault of the subscriber's: it gets the track when it may.
            self.withhold(id, track);
            return Ok(());
        }
        participant.subscriptions.insert(track);
        // It asks again before its turn to be given the track has come.
        let was_withheld = participant.withheld.remove(&track);
        if !std::mem::replace(&mut wanted.subscribed, true) {
            let (publisher, sid) = (wanted.publisher, wanted.info.sid.clone());
            self.tell(publisher, Notice::TrackSubscribed { track: sid });
        }
        self.follow_others(id, track);
        self.send_carrier(id, track);
        self.wanted_changed(id, track);
        if was_withheld {
            self.tell_permission(id, track, true);
        }
        Ok(())
    }

    /// A subscription that cannot be served is over; the participant is told.
    pub(super) fn subscription_failed(
        &mut self,
        id: ParticipantId,
        track: TrackId,
        error: SubscriptionError,
    ) {
        let (Some(found), Some(participant)) =
            (self.tracks.get(&track), self.participants.get_mut(&id))
        else {
            return;
        };
        participant.subscriptions.remove(&track);
        participant.paused.remove(&track);
        let sid = found.info.sid.clone();
        let codec = found.info.codec;
        tracing::info!(room = %self.name, participant = %participant.sid, track = %sid, ?codec,
            ?error, "subscription failed");
        self.tell(id, Notice::SubscriptionFailed { track: sid, error });
        self.wanted_changed(id, track);
    }

    /// A participant wants these tracks. Those it cannot have are named in notices.
    pub(super) fn subscribe_by_sid(&mut self, id: ParticipantId, sids: &[String]) {
        for sid in sids.iter().take(limits::MAX_TRACKS_PER_REQUEST) {
            let found = self.track_sids.get(sid).copied();
            let result = found
                .ok_or(SubscriptionError::TrackNotFound)
                .and_then(|track| self.subscribe(id, track));
            if let Err(error) = result {
                let track = sid.clone();
                self.tell(id, Notice::SubscriptionFailed { track, error });
            }
        }
    }

    /// A participant no longer wants these tracks.
    pub(super) fn unsubscribe_by_sid(&mut self, id: ParticipantId, sids: &[String]) {
        let wanted = sids.iter().take(limits::MAX_TRACKS_PER_REQUEST);
        let wanted: BTreeSet<_> = wanted
            .filter_map(|sid| self.track_sids.get(sid).copied())
            .collect();
        if let Some(participant) = self.participants.get_mut(&id) {
            participant.withheld.retain(|track| !wanted.contains(track));
        }
        for track in self.subscribed(id, sids) {
            if let Some(participant) = self.participants.get_mut(&id) {
                participant.subscriptions.remove(&track);
            }
            self.send_no_more(id, track);
        }
    }

    /// A participant that may no longer be sent anything loses all it was.
    pub(super) fn unsubscribe_from_all(&mut self, id: ParticipantId) {
        let Some(participant) = self.participants.get_mut(&id) else {
            return;
        };
        participant.withheld.clear();
        for track in std::mem::take(&mut participant.subscriptions) {
            self.send_no_more(id, track);
        }
    }

    /// Those of the tracks that the participant is subscribed to, each once.
    fn subscribed(&self, id: ParticipantId, sids: &[String]) -> BTreeSet<TrackId> {
        let Some(participant) = self.participants.get(&id) else {
            return BTreeSet::new();
        };
        sids.iter()
            .take(limits::MAX_TRACKS_PER_REQUEST)
            .filter_map(|sid| self.track_sids.get(sid).copied())
            .filter(|track| participant.subscriptions.contains(track))
            .collect()
    }
}
