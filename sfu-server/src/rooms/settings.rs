//! What the operator chooses about rooms.

use std::time::Duration;

use super::limits;

/// What the operator chooses about rooms.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether a join makes the room it names.
    pub auto_create: bool,
    /// How long a room waits for its first participant, unless it says otherwise.
    pub empty_timeout: Duration,
    /// How long a room waits after its last participant left, unless it says otherwise.
    pub departure_timeout: Duration,
    /// Most participants of a room, whatever it asks for.
    pub max_participants: u32,
    /// Whether the control plane may unmute what its publisher or it has muted. Off, because
    /// nobody likes to be heard without having said so.
    pub remote_unmute: bool,
    /// Joins per second from one address.
    pub joins_per_second: u32,
    /// Joins at once from one address.
    pub join_burst: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            auto_create: true,
            empty_timeout: limits::EMPTY_TIMEOUT,
            departure_timeout: limits::DEPARTURE_TIMEOUT,
            max_participants: limits::MAX_PARTICIPANTS,
            remote_unmute: false,
            joins_per_second: limits::JOINS_PER_SECOND,
            join_burst: limits::JOIN_BURST,
        }
    }
}
