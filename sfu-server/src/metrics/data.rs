//! Data messages, which the rooms and the lines to the workers count.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Unit;

use super::workers::Read;
use super::write::counters;
use crate::rooms::{DataDrop, Rooms};

/// What the rooms forwarded of participants' data.
pub(super) struct DataMessages {
    rooms: Rooms,
    workers: Read,
}

impl DataMessages {
    pub(super) fn new(rooms: Rooms, workers: Read) -> Self {
        Self { rooms, workers }
    }
}

impl fmt::Debug for DataMessages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataMessages").finish_non_exhaustive()
    }
}

impl Collector for DataMessages {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let counts = self.rooms.data_counts();
        let (received, sent) = (counts.messages_in(), counts.messages_out());
        let by_direction = |received, sent| {
            [("in", received), ("out", sent)]
                .into_iter()
                .map(|(direction, count)| ([("direction", direction)], count))
        };
        let help = "Data messages from participants, or handed on, for each receiver";
        let samples = by_direction(received.0, sent.0);
        counters(&mut encoder, "data_messages", help, None, samples)?;
        let help = "Data messages' bytes from participants, or handed on, for each receiver";
        let samples = by_direction(received.1, sent.1);
        counters(&mut encoder, "data", help, Some(&Unit::Bytes), samples)?;
        let workers = (self.workers)();
        let refused = workers.iter().map(|worker| worker.data_refused).sum();
        let reasons = DataDrop::ALL.iter();
        let drops = reasons.map(|reason| (reason.name(), counts.drops(*reason)));
        let samples = drops
            .chain([("backlog", refused)])
            .map(|(reason, count)| ([("reason", reason)], count));
        let help = "Data messages that went no further, or not to a receiver, by reason";
        counters(&mut encoder, "dropped_data_messages", help, None, samples)
    }
}
