//! Data messages: from one participant's channel, or from the server, to the others' channels.
//!
//! What is inside a message is its door's business ([`DataCodec`]). The rooms know who may send,
//! who is to get it, and what came already. Each message is written once, however many get it, and
//! nothing waits for a slow reader here: the engine keeps a bounded queue for each channel and
//! counts what it gives up.

mod codec;
mod counts;
mod outlet;
mod routes;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use sfu_core::id::{DataLabel, ParticipantId};
use tokio::time::Instant;

use super::room::Room;
use super::{Rooms, limits, no_room};
use crate::error::{ApiError, ErrorKind};
use crate::rate::{Rate, TokenBucket};
use outlet::Outlet;
use routes::{Incoming, Outgoing};

pub use codec::{DataCodec, DataHeader, DataSender, Delivery, ServerData};
pub use counts::{DataCounts, DataDrop};

const RATE: Rate = Rate {
    per_second: limits::DATA_DELIVERIES_PER_SECOND,
    burst: limits::DATA_DELIVERY_BURST,
};

/// What a room keeps of a participant's data.
#[derive(Debug)]
pub(super) struct Data {
    /// Its last counted message: what came already is not forwarded again.
    pub(super) last_sequence: u32,
    /// How much more it may have sent to others.
    rate: TokenBucket,
    /// Its own channels.
    outlet: Outlet,
}

impl Data {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            last_sequence: 0,
            rate: TokenBucket::new(RATE, now),
            outlet: Outlet::default(),
        }
    }
}

impl Rooms {
    /// From now on clients' data messages are written so. Only the first call counts: there is one
    /// protocol for them.
    pub fn set_data_codec(&self, codec: Arc<dyn DataCodec>) {
        // A second door to the same rooms speaks the same protocol.
        let _ = self.0.data_codec.set(codec);
    }

    /// Sends a message from the server to participants of a room. Who has no channel open yet gets
    /// a reliable one when it has, within [`limits::WAITING_DATA_FOR`].
    ///
    /// # Errors
    /// `NotFound` naming the field if there is no such room; `InvalidArgument` naming the field if
    /// the payload, the topic or the list is too long; `Unavailable` if no door carries data.
    pub fn send_data(&self, room: &str, mut message: ServerData) -> Result<(), ApiError> {
        message.check()?;
        let room = self.0.registry.named(room).ok_or_else(no_room)?;
        let codec = self.0.data_codec.get().ok_or_else(|| {
            ApiError::new(
                ErrorKind::Unavailable,
                "no door of this server carries data",
            )
        })?;
        let delivery = if message.reliable {
            Delivery::Reliable
        } else {
            Delivery::Lossy
        };
        let identities = std::mem::take(&mut message.destination_identities);
        let outgoing = Outgoing {
            delivery,
            label: codec.label(delivery),
            payload: codec.compose(message).into(),
        };
        room.with(|state| {
            let to = state.data_receivers(None, &identities, &[]);
            state.send_data(to, &outgoing, &self.0.data_counts);
        });
        Ok(())
    }

    /// Data messages so far.
    #[must_use]
    pub fn data_counts(&self) -> &DataCounts {
        &self.0.data_counts
    }

    /// A participant's channel is open: what waited for it is sent.
    pub(super) fn data_channel_opened(&self, room: &Room, id: ParticipantId, label: DataLabel) {
        let Some(delivery) = self.delivery(label) else {
            return;
        };
        room.with(|state| {
            let opened = state.participants.get_mut(&id);
            let waiting = opened.map(|one| one.data.outlet.open(delivery));
            for payload in waiting.into_iter().flatten() {
                let outgoing = Outgoing {
                    delivery,
                    label,
                    payload,
                };
                state.send_data(vec![id], &outgoing, &self.0.data_counts);
            }
        });
    }

    /// A participant sent a message.
    pub(super) fn data_received(
        &self,
        room: &Room,
        from: ParticipantId,
        label: DataLabel,
        message: &[u8],
    ) {
        let counts = &self.0.data_counts;
        counts.received(message.len());
        if let Err(reason) = self.forward(room, from, label, message) {
            counts.dropped(reason, 1);
            tracing::debug!(room = %room.name, %from, reason = reason.name(), "data dropped");
        }
    }

    fn forward(
        &self,
        room: &Room,
        from: ParticipantId,
        label: DataLabel,
        message: &[u8],
    ) -> Result<(), DataDrop> {
        let delivery = self.delivery(label).ok_or(DataDrop::UnknownChannel)?;
        let codec = self.0.data_codec.get().ok_or(DataDrop::UnknownChannel)?;
        if message.len() > limits::MAX_DATA {
            return Err(DataDrop::TooLong);
        }
        // Read before the room is locked: this is most of the work.
        let header = codec.read(message)?;
        if header.identities.len() + header.sids.len() > limits::MAX_DATA_DESTINATIONS {
            return Err(DataDrop::TooManyDestinations);
        }
        let incoming = Incoming {
            from,
            delivery,
            header,
        };
        room.with(|state| {
            let to = state.admit_data(&incoming, Instant::now())?;
            let sender = state.participants.get(&from);
            let Some(sender) = sender.filter(|_| !to.is_empty()) else {
                return Ok(());
            };
            let outgoing = Outgoing {
                delivery,
                label,
                payload: codec.forward(message, delivery, sender.seen()).into(),
            };
            state.send_data(to, &outgoing, &self.0.data_counts);
            Ok(())
        })
    }

    /// What kind of messages a channel is for; `None`: no channel of a client's.
    fn delivery(&self, label: DataLabel) -> Option<Delivery> {
        let codec = self.0.data_codec.get()?;
        let known = [Delivery::Reliable, Delivery::Lossy];
        known.into_iter().find(|one| codec.label(*one) == label)
    }
}
