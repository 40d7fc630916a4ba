//! How many data messages there were, and why some went no further.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! data_drops {
    ($($(#[$doc:meta])* $variant:ident => $name:literal,)*) => {
        /// Why a data message went no further.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum DataDrop {
            $($(#[$doc])* $variant,)*
        }

        impl DataDrop {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name in metrics.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

data_drops! {
    /// Over a channel that is for no messages.
    UnknownChannel => "unknown_channel",
    /// Longer than is forwarded.
    TooLong => "too_long",
    /// Not of the protocol, or nothing in it.
    Undecodable => "undecodable",
    /// Of a kind that participants do not send each other, or in another's name.
    NotForwarded => "not_forwarded",
    /// To more than may be named.
    TooManyDestinations => "too_many_destinations",
    /// The sender may not send data.
    NotPermitted => "not_permitted",
    /// It came already.
    Duplicate => "duplicate",
    /// The sender sends too many to too many.
    TooMany => "too_many",
    /// A receiver has no channel open; counted for each.
    NoChannel => "no_channel",
}

/// Data messages so far, of all rooms.
#[derive(Debug, Default)]
pub struct DataCounts {
    received: AtomicU64,
    received_bytes: AtomicU64,
    sent: AtomicU64,
    sent_bytes: AtomicU64,
    dropped: [AtomicU64; DataDrop::ALL.len()],
}

impl DataCounts {
    pub(super) fn received(&self, len: usize) {
        add(&self.received, 1);
        add(&self.received_bytes, len);
    }

    pub(super) fn sent(&self, receivers: usize, len: usize) {
        add(&self.sent, receivers);
        add(&self.sent_bytes, receivers.saturating_mul(len));
    }

    pub(super) fn dropped(&self, reason: DataDrop, count: usize) {
        add(&self.dropped[reason as usize], count);
    }

    /// Messages and their bytes that participants sent.
    #[must_use]
    pub fn messages_in(&self) -> (u64, u64) {
        (read(&self.received), read(&self.received_bytes))
    }

    /// Messages and their bytes that were handed to the engine, counted for each receiver.
    #[must_use]
    pub fn messages_out(&self) -> (u64, u64) {
        (read(&self.sent), read(&self.sent_bytes))
    }

    /// Messages that went no further for that reason.
    #[must_use]
    pub fn drops(&self, reason: DataDrop) -> u64 {
        read(&self.dropped[reason as usize])
    }
}

fn add(count: &AtomicU64, more: usize) {
    count.fetch_add(u64::try_from(more).unwrap_or(u64::MAX), Ordering::Relaxed);
}

fn read(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}
