//! Who gets a message, under the room's lock.

use std::collections::HashSet;
use std::sync::Arc;

use sfu_core::command::Command;
use sfu_core::id::{DataLabel, ParticipantId};
use tokio::time::Instant;

use super::outlet::Fate;
use super::{DataCounts, DataDrop, DataHeader, DataSender, Delivery};
use crate::rooms::participant::Participant;
use crate::rooms::room::State;

/// A participant's message on its way in.
pub(super) struct Incoming {
    pub(super) from: ParticipantId,
    pub(super) delivery: Delivery,
    pub(super) header: DataHeader,
}

/// A message as its receivers get it, shared by all of them.
pub(super) struct Outgoing {
    pub(super) delivery: Delivery,
    pub(super) label: DataLabel,
    pub(super) payload: Arc<[u8]>,
}

impl State {
    /// Whom a participant's message is for, if it may be sent and is new.
    pub(super) fn admit_data(
        &mut self,
        incoming: &Incoming,
        now: Instant,
    ) -> Result<Vec<ParticipantId>, DataDrop> {
        let Incoming { from, header, .. } = incoming;
        let Some(sender) = self.participants.get_mut(from) else {
            // It has left; what it sent before is of no more use to the others than it is.
            return Ok(Vec::new());
        };
        if !sender.permissions.publish_data {
            return Err(DataDrop::NotPermitted);
        }
        let other = |speaker: &String| **speaker != *sender.identity;
        if header.speaks_for.as_ref().is_some_and(other) {
            return Err(DataDrop::NotForwarded);
        }
        if incoming.delivery == Delivery::Reliable && header.sequence > 0 {
            if header.sequence <= sender.data.last_sequence {
                return Err(DataDrop::Duplicate);
            }
            sender.data.last_sequence = header.sequence;
        }
        let to = self.data_receivers(Some(*from), &header.identities, &header.sids);
        let cost = u32::try_from(to.len()).unwrap_or(u32::MAX).max(1);
        let sender = self.participants.get_mut(from);
        if sender.is_some_and(|sender| sender.data.rate.take_many(cost, now)) {
            Ok(to)
        } else {
            Err(DataDrop::TooMany)
        }
    }

    /// The named participants, or everybody if none is named; each once, and never the sender.
    pub(super) fn data_receivers(
        &self,
        from: Option<ParticipantId>,
        identities: &[String],
        sids: &[String],
    ) -> Vec<ParticipantId> {
        let mut to: Vec<_> = if identities.is_empty() && sids.is_empty() {
            self.participants.keys().copied().collect()
        } else {
            let named = identities.iter();
            named
                .filter_map(|identity| self.identities.get(identity.as_str()))
                .copied()
                .collect()
        };
        if !sids.is_empty() {
            let sids: HashSet<&str> = sids.iter().map(String::as_str).collect();
            let all = self.participants.iter();
            let named = all.filter(|(_, one)| sids.contains(one.sid.as_str()));
            to.extend(named.map(|(id, _)| *id));
        }
        to.sort_unstable();
        to.dedup();
        to.retain(|id| Some(*id) != from);
        to
    }

    /// Hands a message to the engine for those whose channel is open, and keeps a reliable one for
    /// those whose is not open yet.
    pub(super) fn send_data(
        &mut self,
        mut to: Vec<ParticipantId>,
        outgoing: &Outgoing,
        counts: &DataCounts,
    ) {
        let now = Instant::now();
        let Outgoing {
            delivery,
            label,
            payload,
        } = outgoing;
        to.retain(|id| {
            let Some(receiver) = self.participants.get_mut(id) else {
                return false;
            };
            let fate = receiver.data.outlet.offer(*delivery, payload, now);
            if fate == Fate::Dropped {
                counts.dropped(DataDrop::NoChannel, 1);
            }
            fate == Fate::Sent
        });
        if to.is_empty() {
            return;
        }
        counts.sent(to.len(), payload.len());
        self.engine.send(Command::SendData {
            recipients: to,
            label: *label,
            payload: Arc::clone(payload),
        });
    }

    /// Gives up what waited for too long.
    pub(in crate::rooms) fn expire_data(&mut self, counts: &DataCounts, now: Instant) {
        let participants = self.participants.values_mut();
        let expired = participants.map(|one| one.data.outlet.expire(now)).sum();
        counts.dropped(DataDrop::NoChannel, expired);
    }
}

impl Participant {
    /// As whom its messages reach the others.
    pub(super) fn seen(&self) -> DataSender<'_> {
        if self.permissions.hidden {
            return DataSender {
                sid: "",
                identity: "",
            };
        }
        DataSender {
            sid: &self.sid,
            identity: &self.identity,
        }
    }
}
