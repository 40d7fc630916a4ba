//! A queue that grows too slowly for a trend, or not at all any more, and that is long.
//!
//! Whether it is ours shows when less is sent: a queue of ours drains, one that another flow keeps
//! full does not, and is put up with, or nothing would be left beside that flow (the adaptive
//! threshold of the trend is there for the same reason: Carlucci et al., section 4.2).

use crate::bandwidth::recording::kept::kept;

/// The queue that is put up with when nobody else fills it, in microseconds.
///
/// Higher: more delay that we cause. Lower: a layer that fits barely is given up for a burst.
const FLOOR: i64 = 30_000;

/// The longest queue that is put up with beside others, in microseconds.
const CEILING: i64 = 2_000_000;

/// How long the queue has to be that long, in microseconds, unless it is this much longer.
const LASTING: u64 = 50_000;
const MUCH_LONGER: i64 = 2;

/// A queue that stands for so long, in microseconds, is no burst's: what waits leaves the pacer within 300 ms
/// ([`MAX_WAIT`](crate::bandwidth::pacer::MAX_WAIT)), and its queue has as long again to drain. Who sends more
/// than the estimate all the time, since layers have come to cost more, expects a queue all the time that
/// nothing else would end.
///
/// Longer: such layers fill the queue for longer. Shorter: a keyframe for all of a line costs a layer.
const LONGEST_BURST: u64 = 600_000;

/// How long after less is sent, beside the round trip, a queue of ours is shorter, in microseconds.
const PATIENCE: u64 = 400_000;

/// How long, beside the round trip, the longest queue of ours takes to drain, in microseconds: one
/// that only comes and goes is another flow's.
const LONGEST_DRAIN: u64 = 2_000_000;

/// A queue of ours is shorter than this part of what it was then.
const SHRINKS: f64 = 0.8;

/// A queue shorter than this has drained, in microseconds.
const DRAINED: i64 = 10_000;

/// What of another flow's queue is put up with: its length, and so much above it.
const ABOVE_OTHERS: f64 = 1.5;

/// What is left of the patience with others after each second: they may have gone.
const FORGETTING: f64 = 0.02;

/// What a queue's length calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Bearable,
    /// Less is to be sent: it is longer than is put up with, and might be ours.
    TooLong,
    /// It is another flow's: what was given up for its sake was given up in vain.
    Others,
}

/// Less is sent for the sake of a queue.
#[derive(Clone, Copy, Debug)]
struct Obeyed {
    began: u64,
    since: u64,
    from: i64,
    in_vain: u8,
}

/// Judges the length of the queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct StandingQueue {
    threshold: i64,
    long_since: Option<u64>,
    /// Since when it has been longer than is put up with, with what bursts explain of it.
    stands_since: Option<u64>,
    obeyed: Option<Obeyed>,
    updated: u64,
}

impl StandingQueue {
    pub(super) const fn new() -> Self {
        Self {
            threshold: FLOOR,
            long_since: None,
            stands_since: None,
            obeyed: None,
            updated: 0,
        }
    }

    /// True while another flow keeps the queue full.
    pub(super) const fn is_shared(&self) -> bool {
        self.threshold > 2 * FLOOR
    }

    /// What of a queue of this length may be ours, in microseconds.
    pub(super) const fn own(&self, queueing: i64) -> i64 {
        if !self.is_shared() {
            queueing
        } else if queueing > self.threshold {
            queueing - self.threshold
        } else {
            0
        }
    }

    /// What no burst explains of a queue of `queueing`, of which bursts would explain all but `unexplained`:
    /// all of it when it has stood for longer than a burst lasts.
    pub(super) fn beyond_bursts(&mut self, now: u64, queueing: i64, unexplained: i64) -> i64 {
        if queueing <= self.threshold {
            self.stands_since = None;
            return unexplained;
        }
        let since = *self.stands_since.get_or_insert(now);
        if now - since < LONGEST_BURST {
            unexplained
        } else {
            queueing
        }
    }

    /// Judges the queue of the moment, of which `unexplained` is no burst's own. Who `obeys` sends no more
    /// than it may.
    pub(super) fn update(
        &mut self,
        now: u64,
        (queueing, unexplained): (i64, i64),
        rtt: u64,
        obeys: bool,
    ) -> Verdict {
        self.forget(now, queueing);
        let long = if self.obeyed.is_some() {
            queueing
        } else {
            unexplained
        };
        if long <= self.threshold {
            self.long_since = None;
            if queueing < self.threshold / 2 {
                self.obeyed = None;
            }
            return Verdict::Bearable;
        }
        let since = *self.long_since.get_or_insert(now);
        let Some(obeyed) = &mut self.obeyed else {
            let is_sudden = unexplained > self.threshold * MUCH_LONGER;
            if now - since < LASTING && !is_sudden {
                return Verdict::Bearable;
            }
            self.obeyed = Some(Obeyed {
                began: now,
                since: now,
                from: queueing,
                in_vain: 0,
            });
            return Verdict::TooLong;
        };
        if now - obeyed.since < PATIENCE + rtt {
            return Verdict::Bearable;
        }
        let shrinks = (queueing as f64) < obeyed.from as f64 * SHRINKS;
        let may_be_ours = now - obeyed.began < LONGEST_DRAIN + rtt;
        if may_be_ours && !obeys {
            // A layer costs more than it did, and its pictures leave all the same: that the queue stays is no
            // sign of others.
            let grows = queueing as f64 * SHRINKS > obeyed.from as f64;
            (obeyed.since, obeyed.from) = (now, queueing);
            return if grows {
                Verdict::TooLong
            } else {
                Verdict::Bearable
            };
        }
        if may_be_ours && (shrinks || obeyed.in_vain == 0) {
            let in_vain = u8::from(!shrinks);
            *obeyed = Obeyed {
                since: now,
                from: queueing,
                in_vain,
                ..*obeyed
            };
            return if shrinks {
                Verdict::Bearable
            } else {
                Verdict::TooLong
            };
        }
        self.threshold = ((queueing as f64 * ABOVE_OTHERS) as i64).min(CEILING);
        self.obeyed = None;
        self.long_since = None;
        Verdict::Others
    }

    fn forget(&mut self, now: u64, queueing: i64) {
        let seconds = now.saturating_sub(self.updated).min(1_000_000) as f64 / 1e6;
        self.updated = now;
        // An empty queue is nobody's.
        let part = if queueing < DRAINED { 0.5 } else { FORGETTING };
        let above = (self.threshold - FLOOR) as f64 * (1.0 - part * seconds);
        self.threshold = FLOOR + above as i64;
    }
}

kept!(Obeyed {
    began,
    since,
    from,
    in_vain
});
kept!(StandingQueue {
    threshold,
    long_since,
    stands_since,
    obeyed,
    updated
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_queue_is_ours_until_sending_less_does_not_help() {
        let mut standing = StandingQueue::new();
        let mut obeyed = Vec::new();
        for tick in 0..100 {
            if standing.update(tick * 50_000, (80_000, 80_000), 50_000, true) == Verdict::TooLong {
                obeyed.push(tick);
            }
        }
        assert_eq!(obeyed, [0, 9], "at once, again, and no more");
        assert_eq!(standing.own(80_000), 0);
        for tick in 100..300 {
            assert_eq!(
                standing.update(tick * 50_000, (0, 0), 50_000, true),
                Verdict::Bearable
            );
        }
        let verdict = standing.update(15_000_000, (80_000, 80_000), 50_000, true);
        assert_eq!(verdict, Verdict::TooLong, "the other flow has gone");
    }

    #[test]
    fn a_queue_that_bursts_explain_for_long_is_no_bursts() {
        let mut standing = StandingQueue::new();
        let mut beyond = |tick: u64, queue| standing.beyond_bursts(tick * 50_000, queue, 5_000);
        let first = (0..100).find(|&tick| beyond(tick, 60_000) == 60_000);
        assert_eq!(first, Some(LONGEST_BURST / 50_000));
        for tick in 100..200 {
            // A keyframe, again and again.
            let queue = if tick % 8 == 100 % 8 { 0 } else { 60_000 };
            assert_eq!(beyond(tick, queue), 5_000, "{tick}");
        }
    }

    #[test]
    fn a_queue_that_drains_is_left_in_peace() {
        let mut standing = StandingQueue::new();
        let mut obeyed = 0;
        for tick in 0..40_u32 {
            let queue = 200_000 - i64::from(tick) * 5_000;
            obeyed += u32::from(
                standing.update(u64::from(tick) * 50_000, (queue, queue), 50_000, true)
                    == Verdict::TooLong,
            );
        }
        assert_eq!(obeyed, 1);
    }

    #[test]
    fn a_queue_is_ours_while_we_send_more_than_we_may() {
        let mut standing = StandingQueue::new();
        for tick in 0..40 {
            let queue = 80_000 + tick as i64 * 10_000;
            let verdict = standing.update(tick * 50_000, (queue, queue), 50_000, false);
            let is_time = tick % 9 == 0;
            let expected = [Verdict::Bearable, Verdict::TooLong][usize::from(is_time)];
            assert_eq!(verdict, expected, "{tick}");
        }
        assert!(!standing.is_shared());
    }
}
