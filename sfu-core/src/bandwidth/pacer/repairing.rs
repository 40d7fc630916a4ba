//! What repairs may take, what waiting packets take beyond the rate, and what is left of those that
//! nothing needs any more.

use std::time::{Duration, Instant};

use super::budget::Budget;
use super::{ABOUT_HEADERS, MAX_WAIT, Pacer};
use crate::media::outbound::OutboundPacket;
use crate::unit::Bitrate;

/// In percent of the sustained rate: what repairs take at the most.
///
/// Higher: after a fall, what the full queue has lost is sent again into it, in the place of the
/// pictures that fit, and whatever the estimate is. Lower: on a bad link repairs come too late.
const SHARE: u64 = 50;

/// How much of that may be asked for at once.
///
/// Higher: a longer burst of losses is repaired by the first request. Lower: repairs hold up the
/// pictures for a shorter time.
const DEPTH: Duration = Duration::from_millis(200);

/// How much of it is paid for before more is taken.
const STEP: Duration = Duration::from_millis(20);

/// What repairs may take of a sustained rate.
pub(super) fn share(sustained: Bitrate) -> Bitrate {
    Bitrate::from_bps(sustained.bps() * SHARE / 100)
}

/// For the repairs of who is sent that rate.
pub(super) fn budget(sustained: Bitrate) -> Budget {
    Budget::new(share(sustained), DEPTH, STEP)
}

impl Pacer {
    /// Whether repairs of pictures have taken no more than they may: one that is asked for now and is
    /// refused is asked for again.
    #[must_use]
    pub fn takes_repairs(&self, now: Instant) -> bool {
        self.repairs.is_open(now)
    }

    pub(super) fn count_repair(&mut self, now: Instant, size: u16) {
        let nanos = self.repairs.nanos(u64::from(size));
        self.repairs.spend(now, nanos);
    }

    /// How much more than the sustained rate leaves, since all that waits is to have left within
    /// [`MAX_WAIT`]: the network is not thought to carry that.
    #[must_use]
    pub fn excess(&self) -> Bitrate {
        let needed = Bitrate::from_bytes_over(self.queues.bytes as u64, MAX_WAIT);
        Bitrate::from_bps(needed.bps().saturating_sub(self.sustained.rate()))
    }

    /// Gives up what waits for one egress, in order.
    pub fn drain_egress(&mut self, egress: usize, give_up: impl FnMut(OutboundPacket)) {
        self.queues.drain_egress(egress, give_up);
    }

    /// Sends nothing but the numbers of the pictures that wait for one egress: a keyframe of less
    /// follows that needs none of them, and would wait for them. The numbers are given, and the
    /// subscriber would miss them.
    pub fn hollow(&mut self, egress: usize) {
        self.queues.hollow(egress, ABOUT_HEADERS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a base for virtual time")]
    fn repairs_take_half_of_what_is_sent_however_many_are_asked_for() {
        let start = Instant::now();
        let mut pacer = Pacer::default();
        let rate = Bitrate::from_bps(1_600_000);
        pacer.set_rate(start, rate, rate);
        let mut taken = 0;
        for ms in 0..2_000 {
            let now = start + Duration::from_millis(ms);
            while pacer.takes_repairs(now) {
                pacer.count_repair(now, 1_000);
                taken += 1;
            }
        }
        // 100 kB each second, and the depth of 20 kB.
        assert!((215..=225).contains(&taken), "{taken}");
    }
}
