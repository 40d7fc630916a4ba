//! Packets that left together, and how the gaps between such groups change on the way
//! (draft-ietf-rmcat-gcc-02 sections 5.1 and 5.2).

use crate::bandwidth::recording::kept::kept;

/// Packets that leave within this of the first are one group, in microseconds (section 5.2).
const GROUP: u64 = 5_000;

/// Packets that arrive within this of the one before, though they left further apart, are one group
/// too: something on the way held them up and let them go at once.
const BURST: i64 = 5_000;

/// The longest burst: beyond, a fast link that is always busy would never end a group.
const LONGEST_BURST: i64 = 100_000;

/// A gap between groups that no path makes: a clock has jumped.
const JUMP: i64 = 3_000_000;

/// Groups in a row that arrive before their forerunner, after which the forerunner is given up.
const MAX_REORDERED: u8 = 3;

#[derive(Clone, Copy, Debug)]
struct Group {
    first_sent: u64,
    last_sent: u64,
    first_arrival: i64,
    last_arrival: i64,
}

/// The gaps between two groups, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gaps {
    /// Between their departures.
    pub(super) sent: i64,
    /// Between their arrivals.
    pub(super) arrival: i64,
    /// When the later one arrived.
    pub(super) at: i64,
}

/// Makes groups of packets.
#[derive(Clone, Debug, Default)]
pub(super) struct InterArrival {
    current: Option<Group>,
    before: Option<Group>,
    reordered: u8,
}

impl InterArrival {
    /// The next packet; the gaps between the two groups before it, when it begins a new one.
    pub(super) fn packet(&mut self, sent: u64, arrival: i64) -> Option<Gaps> {
        let new = Group {
            first_sent: sent,
            last_sent: sent,
            first_arrival: arrival,
            last_arrival: arrival,
        };
        let Some(current) = &mut self.current else {
            self.current = Some(new);
            return None;
        };
        if sent < current.first_sent {
            return None;
        }
        if current.takes(sent, arrival) {
            current.last_sent = current.last_sent.max(sent);
            current.last_arrival = current.last_arrival.max(arrival);
            return None;
        }
        let ended = *current;
        self.current = Some(new);
        let before = self.before.replace(ended)?;
        let gaps = Gaps {
            sent: (ended.last_sent - before.last_sent) as i64,
            arrival: ended.last_arrival - before.last_arrival,
            at: ended.last_arrival,
        };
        if (gaps.arrival - gaps.sent).abs() > JUMP {
            *self = Self::default();
            return None;
        }
        if gaps.arrival < 0 {
            self.reordered += 1;
            if self.reordered < MAX_REORDERED {
                self.before = Some(before);
            } else {
                *self = Self::default();
            }
            return None;
        }
        self.reordered = 0;
        Some(gaps)
    }
}

impl Group {
    fn takes(&self, sent: u64, arrival: i64) -> bool {
        if sent - self.first_sent <= GROUP {
            return true;
        }
        let arrival_gap = arrival - self.last_arrival;
        let sent_gap = sent as i64 - self.last_sent as i64;
        arrival_gap < sent_gap
            && arrival_gap <= BURST
            && arrival - self.first_arrival < LONGEST_BURST
    }
}

kept!(Group {
    first_sent,
    last_sent,
    first_arrival,
    last_arrival
});
kept!(InterArrival {
    current,
    before,
    reordered
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_within_five_milliseconds_is_one_group() {
        let mut groups = InterArrival::default();
        assert_eq!(groups.packet(0, 50_000), None);
        assert_eq!(groups.packet(4_000, 54_000), None);
        assert_eq!(
            groups.packet(20_000, 71_000),
            None,
            "nothing to hold it against"
        );
        let gaps = groups
            .packet(40_000, 90_000)
            .expect("two groups have ended");
        let expected = Gaps {
            sent: 16_000,
            arrival: 17_000,
            at: 71_000,
        };
        assert_eq!(gaps, expected);
    }

    #[test]
    fn what_was_held_up_and_let_go_at_once_is_one_group() {
        let mut groups = InterArrival::default();
        groups.packet(0, 100_000);
        for late in 1..5 {
            assert_eq!(
                groups.packet(late * 10_000, 100_000 + late as i64 * 100),
                None
            );
        }
        assert!(groups.before.is_none());
    }

    #[test]
    fn a_jump_of_a_clock_begins_anew() {
        let mut groups = InterArrival::default();
        groups.packet(0, 0);
        groups.packet(20_000, 20_000);
        groups.packet(40_000, 10_000_000);
        assert_eq!(groups.packet(60_000, 10_020_000), None);
        assert!(groups.before.is_none());
    }
}
