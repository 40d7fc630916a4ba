//! CoDel (RFC 8289): says of each packet that leaves a queue whether it is to be lost instead.

use std::time::{Duration, Instant};

/// The state of RFC 8289 section 5.2.
#[derive(Debug, Default)]
pub(crate) struct Codel {
    /// When the waiting time will have been over the target for an interval.
    first_above: Option<Instant>,
    /// When the next is lost, while packets are.
    next_loss: Option<Instant>,
    is_losing: bool,
    /// How many since losing began.
    count: u32,
    /// What `count` was when it began last.
    count_before: u32,
}

impl Codel {
    /// A waiting time that is good enough (RFC 8289 section 4.3).
    pub(crate) const TARGET: Duration = Duration::from_millis(5);
    /// A round trip of nearly everybody (RFC 8289 section 4.3).
    pub(crate) const INTERVAL: Duration = Duration::from_millis(100);
    /// With no more than a full packet behind it, a waiting time says nothing.
    const FULL_PACKET: usize = 1_514;

    /// Whether the packet that is first in the queue at `now` is lost. `behind` is how many bytes wait
    /// behind it.
    pub(crate) fn loses(&mut self, now: Instant, waited: Duration, behind: usize) -> bool {
        let is_above = self.stays_above(now, waited, behind);
        if self.is_losing {
            self.is_losing = is_above;
            let due = self.next_loss.is_none_or(|at| now >= at);
            if !(is_above && due) {
                return false;
            }
            self.count += 1;
            let last = self.next_loss.unwrap_or(now);
            self.next_loss = Some(self.after(last));
            return true;
        }
        if is_above {
            self.is_losing = true;
            // Where losing ended lately, it goes on at nearly the rate that was right then.
            let since = self.count.saturating_sub(self.count_before);
            let lately = self
                .next_loss
                .is_some_and(|at| now < at + Self::INTERVAL * 16);
            self.count = if lately && since > 1 { since } else { 1 };
            self.count_before = self.count;
            self.next_loss = Some(self.after(now));
        }
        is_above
    }

    /// Whether packets have waited for longer than the target for a whole interval.
    fn stays_above(&mut self, now: Instant, waited: Duration, behind: usize) -> bool {
        if waited < Self::TARGET || behind <= Self::FULL_PACKET {
            self.first_above = None;
            return false;
        }
        let at = *self.first_above.get_or_insert(now + Self::INTERVAL);
        now >= at
    }

    /// The control law: losses come closer together by the square root of their number.
    fn after(&self, at: Instant) -> Instant {
        at + Self::INTERVAL.div_f64(f64::from(self.count).sqrt())
    }
}
