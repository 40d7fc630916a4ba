//! How long packets wait in queues on the way: their delay beyond the least of the last while.

use crate::bandwidth::recording::kept::kept;

/// The span of one of the two parts of the window in which the least delay is looked for, in
/// microseconds.
///
/// Higher: a way that has become longer looks like a full queue for longer. Lower: a queue that
/// never drains is taken for the way.
const BASE_SPAN: i64 = 15_000_000;

/// The span in which the present delay is the least of all, in microseconds. It is longer than a
/// picture lasts, so that a picture's own burst and jitter count for nothing.
const NOW_SPAN: i64 = 40_000;

/// A queue that is so long for all packets that arrived last, in microseconds, is looked for no longer.
///
/// Higher: a link that becomes a quarter has a full queue before that is seen. Lower: of the flows of
/// one link only one sees a short queue, and gives up its part alone.
const SUDDEN: i64 = 45_000;

const NONE: i64 = i64::MAX;

/// The delay of packets on two clocks that have nothing to do with each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queueing {
    base: Least,
    now: Least,
    /// Beyond what the packets' own burst explains.
    unexplained: Least,
    /// The same by the clock of arrivals.
    arrived: Least,
}

impl Queueing {
    pub(super) const fn new() -> Self {
        Self {
            base: Least::new(BASE_SPAN),
            now: Least::new(NOW_SPAN),
            unexplained: Least::new(NOW_SPAN),
            arrived: Least::new(NOW_SPAN),
        }
    }

    /// A packet that left at `sent` arrived at `arrival`, in microseconds of the two clocks; on a
    /// link of the estimated rate it was to wait for `expected`. How long it has waited.
    pub(super) fn packet(&mut self, sent: u64, arrival: i64, expected: i64) -> i64 {
        let sent = sent as i64;
        let delay = arrival - sent;
        self.base.add(sent, delay);
        self.now.add(sent, delay);
        self.unexplained.add(sent, delay - expected);
        self.arrived.add(arrival, delay - expected);
        delay - self.base.least()
    }

    /// Forgets the present: it lies behind a silence.
    pub(super) fn begin_anew(&mut self) {
        self.now = Least::new(NOW_SPAN);
        self.unexplained = Least::new(NOW_SPAN);
        self.arrived = Least::new(NOW_SPAN);
    }

    /// How much longer packets wait at present than a link of the estimated rate would let them, in
    /// microseconds.
    ///
    /// By the clock of departures, unless the queue is long by that of arrivals: on a link that has
    /// become a quarter, what is sent within the span takes four of them to arrive, and the queue would
    /// be full before it is seen.
    pub(super) fn unexplained(&self) -> i64 {
        let base = self.base.least();
        let beyond = |now: Least| match now.least() {
            NONE => 0,
            now => (now - base).max(0),
        };
        let sudden = beyond(self.arrived);
        if sudden > SUDDEN {
            sudden
        } else {
            beyond(self.unexplained)
        }
    }

    /// How long packets wait at present, in microseconds.
    pub(super) const fn delay(&self) -> i64 {
        let (base, now) = (self.base.least(), self.now.least());
        if base == NONE || now == NONE {
            0
        } else {
            now - base
        }
    }
}

/// The least of the last one to two spans.
#[derive(Clone, Copy, Debug)]
pub(super) struct Least {
    span: i64,
    began: i64,
    before: i64,
    current: i64,
}

impl Least {
    pub(super) const fn new(span: i64) -> Self {
        Self {
            span,
            began: 0,
            before: NONE,
            current: NONE,
        }
    }

    pub(super) fn add(&mut self, at: i64, value: i64) {
        let passed = at - self.began;
        if passed >= self.span {
            self.before = if passed < 2 * self.span {
                self.current
            } else {
                NONE
            };
            self.current = NONE;
            self.began = at;
        }
        self.current = self.current.min(value);
    }

    /// `i64::MAX` when there is none.
    pub(super) const fn least(&self) -> i64 {
        if self.before < self.current {
            self.before
        } else {
            self.current
        }
    }
}

kept!(Queueing {
    base,
    now,
    unexplained,
    arrived
});
kept!(Least {
    span,
    began,
    before,
    current
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deep_fall_is_seen_in_the_time_in_which_its_packets_arrive() {
        let mut queueing = Queueing::new();
        for packet in 0..100 {
            queueing.packet(packet * 5_000, packet as i64 * 5_000, 0);
        }
        // A quarter of it comes through, from one moment to the next.
        for packet in 0..8 {
            let arrival = 500_000 + packet as i64 * 20_000;
            queueing.packet(500_000 + packet * 5_000, arrival, 0);
        }
        assert!(
            queueing.unexplained() > SUDDEN,
            "{}",
            queueing.unexplained()
        );
    }

    #[test]
    fn the_delay_is_what_comes_on_top_of_the_least() {
        let mut queueing = Queueing::new();
        for packet in 0..100 {
            queueing.packet(packet * 5_000, -7_000_000 + packet as i64 * 5_000, 0);
        }
        assert_eq!(queueing.delay(), 0);
        for packet in 100..200 {
            queueing.packet(packet * 5_000, -6_960_000 + packet as i64 * 5_000, 0);
        }
        assert_eq!(queueing.delay(), 40_000);
        for packet in 200..9_000 {
            queueing.packet(packet * 5_000, -6_960_000 + packet as i64 * 5_000, 0);
        }
        assert_eq!(queueing.delay(), 0, "the way is longer now");
    }

    #[test]
    fn a_burst_explains_its_own_queue() {
        let mut queueing = Queueing::new();
        queueing.packet(0, 0, 0);
        for packet in 0..50_u64 {
            let wait = packet as i64 * 4_000;
            queueing.packet(packet * 2_000, packet as i64 * 2_000 + wait, wait);
        }
        assert_eq!(queueing.unexplained(), 0);
        assert!(queueing.delay() > 50_000);
    }

    #[test]
    fn jitter_is_no_queue() {
        let mut queueing = Queueing::new();
        for packet in 0..1_000_u64 {
            let jitter = (packet * 7_919 % 30) as i64 * 1_000;
            queueing.packet(packet * 5_000, packet as i64 * 5_000 + jitter, 0);
        }
        assert!(queueing.delay() < 8_000, "{}", queueing.delay());
    }
}
