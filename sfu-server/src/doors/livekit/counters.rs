//! Why sockets were refused or closed, counted.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! closings {
    ($($(#[$doc:meta])* $variant:ident => $name:literal,)*) => {
        /// Why a socket was refused or closed by the server.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Closing {
            $($(#[$doc])* $variant,)*
        }

        impl Closing {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name in metrics and close frames.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

closings! {
    /// The token proves nothing or does not grant the join.
    Unauthorised => "unauthorised",
    /// The request cannot be read or is out of bounds.
    BadRequest => "bad_request",
    /// Too many sockets, of one address or in all.
    TooManySockets => "too_many_sockets",
    /// The rooms refused the join.
    JoinRefused => "join_refused",
    /// A message longer than is read.
    MessageTooLong => "message_too_long",
    /// A message that is neither protobuf nor JSON of the protocol, or broken framing.
    Undecodable => "undecodable",
    /// Too many messages.
    TooManyMessages => "too_many_messages",
    /// The client said nothing for too long.
    Silent => "silent",
    /// The client does not read what it is told.
    NotReading => "not_reading",
    /// The session ended: the client left or was made to.
    SessionEnded => "session_ended",
    /// The client closed the socket without a word.
    ClosedByClient => "closed_by_client",
}

/// A count for each [`Closing`].
#[derive(Debug, Default)]
pub struct Closings([AtomicU64; Closing::ALL.len()]);

impl Closings {
    pub(super) fn count(&self, closing: Closing) {
        self.0[closing as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How often that happened.
    #[must_use]
    pub fn get(&self, closing: Closing) -> u64 {
        self.0[closing as usize].load(Ordering::Relaxed)
    }
}

/// What became of a request to open a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Upgrade {
    /// It is open.
    Accepted,
    /// The token proves nothing or does not grant the join.
    Unauthorised,
    /// The request cannot be read or is out of bounds, or asks for no socket.
    BadRequest,
    /// Too many sockets are open, of one address or in all.
    TooManySockets,
}

impl Upgrade {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Accepted,
        Self::Unauthorised,
        Self::BadRequest,
        Self::TooManySockets,
    ];

    /// The name in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Unauthorised => "unauthorised",
            Self::BadRequest => "bad_request",
            Self::TooManySockets => "too_many_sockets",
        }
    }
}

/// A count for each [`Upgrade`].
#[derive(Debug, Default)]
pub struct Upgrades([AtomicU64; Upgrade::ALL.len()]);

impl Upgrades {
    pub(super) fn count(&self, upgrade: Upgrade) {
        self.0[upgrade as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How often that happened.
    #[must_use]
    pub fn get(&self, upgrade: Upgrade) -> u64 {
        self.0[upgrade as usize].load(Ordering::Relaxed)
    }
}
