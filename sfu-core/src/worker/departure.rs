//! What a packet is given at the moment when it leaves, and not before: the transport's numbers.

pub(super) mod congestion;

use std::time::{Duration, Instant};

use crate::wire::extensions::{abs_send_time_at, abs_send_time_bytes};

/// One transport's count of what left with a transport-wide number: media, repairs and padding of
/// all its streams alike (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 1).
#[derive(Debug, Default)]
pub(super) struct Departures {
    /// The number of the next packet; the wire has its low 16 bits.
    next: u64,
}

impl Departures {
    /// What a packet that is sealed now says of its leaving. It counts once it is
    /// [`Self::counted`]: a packet that cannot be sealed takes no number, and what the socket has
    /// no room for keeps the one that it was sealed with.
    pub(super) const fn next(&self, send_time: [u8; 3]) -> Departure {
        Departure {
            sequence: (self.next as u16).to_be_bytes(),
            send_time,
        }
    }

    /// The packet of [`Self::next`] has left with its number, which is returned whole.
    pub(super) const fn counted(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        number
    }

    /// The number of the next packet.
    pub(super) const fn next_number(&self) -> u64 {
        self.next
    }

    /// Whether any packet has had a number.
    pub(super) const fn is_counting(&self) -> bool {
        self.next > 0
    }
}

/// When a packet leaves, and as which of its transport's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Departure {
    /// The transport-wide number.
    pub(super) sequence: [u8; 2],
    /// The absolute send time.
    pub(super) send_time: [u8; 3],
}

/// The absolute send time of `now`, by an instant and the wall clock then.
pub(super) fn send_time(now: Instant, epoch: (Instant, Duration)) -> [u8; 3] {
    let (instant, wall_clock) = epoch;
    let since = wall_clock + now.saturating_duration_since(instant);
    abs_send_time_bytes(abs_send_time_at(since))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_each_other_and_wrap() {
        let mut departures = Departures { next: 0xffff };
        assert_eq!(departures.next([7; 3]).sequence, [0xff, 0xff]);
        assert_eq!(departures.next([7; 3]).sequence, [0xff, 0xff], "not sent");
        assert_eq!(departures.counted(), 0xffff);
        let next = Departure {
            sequence: [0, 0],
            send_time: [7; 3],
        };
        assert_eq!(departures.next([7; 3]), next);
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
    fn the_send_time_is_that_of_the_wall_clock() {
        let start = Instant::now();
        let epoch = (start, Duration::from_secs(64 * 7 + 3));
        assert_eq!(send_time(start, epoch), [3 << 2, 0, 0]);
        let later = start + Duration::from_millis(500);
        assert_eq!(send_time(later, epoch), [3 << 2 | 2, 0, 0]);
    }
}
